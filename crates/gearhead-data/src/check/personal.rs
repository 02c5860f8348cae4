//! Names, telephone numbers, addresses and serial numbers in free text.
//!
//! A pattern runs only where a cheap look at the bytes says that it may match.

use std::{ops::Range, sync::LazyLock};

use regex::Regex;

use super::{
    finding::{Findings, Severity, Tally, number_of},
    row::Row,
    text_facts::{TextFacts, texts},
};

#[derive(Default)]
pub(super) struct Personal {
    emails: Tally,
    phones: Tally,
    names: Tally,
    serials: Tally,
}

impl Personal {
    pub(super) fn row(&mut self, row: &Row) {
        let mut found = [false; 4];
        for ((field, text), facts) in texts(row.case).zip(row.facts) {
            // The machine's own field may well name a model or a serial number.
            if field == 0 || !may_be_personal(facts) {
                continue;
            }
            let searches: [Search; 4] = [email, phone, name, serial];
            let tallies = [&mut self.emails, &mut self.phones, &mut self.names, &mut self.serials];
            for ((search, tally), found) in searches.into_iter().zip(tallies).zip(&mut found) {
                if *found {
                    continue;
                }
                if let Some(range) = search(text, facts) {
                    *found = true;
                    tally.add_with(row.place, || Some(masked(&text[range])));
                }
            }
        }
    }

    pub(super) fn finish(self, findings: &mut Findings) {
        let count = |tally: &Tally| number_of(tally.count, "record");
        let text = format!("an e-mail address stands in the text of {}", count(&self.emails));
        findings.add("personal-email", Severity::Warning, self.emails, text, ADVICE);
        let text = format!("a telephone number stands in the text of {}", count(&self.phones));
        findings.add("personal-phone", Severity::Warning, self.phones, text, ADVICE);
        let text = format!("a person seems to be named in the text of {}", count(&self.names));
        findings.add("personal-name", Severity::Warning, self.names, text, ADVICE);
        let text = format!("a serial number stands in the text of {}", count(&self.serials));
        findings.add(
            "personal-serial",
            Severity::Warning,
            self.serials,
            text,
            "Move it to `serial`, which a model never sees; a model may write out what it was trained on.",
        );
    }
}

type Search = fn(&str, &TextFacts) -> Option<Range<usize>>;

/// The fewest digits of a serial number.
const SERIAL_DIGITS: usize = 4;
/// The fewest digits of a telephone number.
const PHONE_DIGITS: usize = 7;

fn may_be_personal(facts: &TextFacts) -> bool {
    facts.at_signs > 0 || facts.digits >= SERIAL_DIGITS || facts.capitals_after_space > 0
}

const ADVICE: &str = "Take it out before training: a model may write out what it was trained on.";

/// The first letter or digit of each word, stars for the rest.
fn masked(text: &str) -> String {
    let mut inside = false;
    text.chars()
        .map(|c| {
            let before = std::mem::replace(&mut inside, c.is_alphanumeric());
            if before && c.is_alphanumeric() { '*' } else { c }
        })
        .collect()
}

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("the pattern is part of the program and tested")
}

fn email(text: &str, facts: &TextFacts) -> Option<Range<usize>> {
    static EMAIL: LazyLock<Regex> = LazyLock::new(|| {
        pattern(r"(?i)\b[a-z0-9._%+-]{1,64}@[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63})*\.[a-z]{2,24}\b")
    });
    if facts.at_signs == 0 {
        return None;
    }
    Some(EMAIL.find(text)?.range())
}

fn has_digits(text: &str, at_least: usize) -> bool {
    text.len() >= at_least && text.bytes().filter(u8::is_ascii_digit).count() >= at_least
}

/// A number in one of the forms that only telephones have: with a country code, as three, three and four digits, or
/// after a word such as "ph". A part number such as 326-1644 is none.
fn phone(text: &str, facts: &TextFacts) -> Option<Range<usize>> {
    static PHONE: LazyLock<Regex> = LazyLock::new(|| {
        pattern(
            r"(?xi)
            \+[0-9]{1,3} (?:[\ .-]? \(?[0-9]{1,4}\)?){2,5}
            | \([0-9]{3}\) \ ? [0-9]{3} [\ .-]? [0-9]{4}\b
            | \b[0-9]{3} ([.\ -]) [0-9]{3} [.\ -] [0-9]{4}\b
            | \b(?:ph|phone|tel|telephone|cell|mobile|mob|fax) \b [\ .:\#]{0,3} (?:no\.?|number)? [\ :]{0,2}
              [0-9(] [0-9()\ .-]{5,16} [0-9]\b",
        )
    });
    if facts.digits < PHONE_DIGITS {
        return None;
    }
    let found = PHONE.find_iter(text).find(|found| has_digits(found.as_str(), PHONE_DIGITS))?;
    // Longer numbers that go on to either side are counts and part numbers.
    let before = text[..found.start()].chars().next_back();
    let after = text[found.end()..].chars().next();
    let goes_on = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    (!goes_on(before) && !goes_on(after)).then(|| found.range())
}

/// A vehicle identification number, or what stands after "S/N" or "serial".
///
/// **Source**: ISO 3779: 17 characters without I, O and Q.
fn serial(text: &str, facts: &TextFacts) -> Option<Range<usize>> {
    static SERIAL: LazyLock<Regex> = LazyLock::new(|| {
        pattern(
            r"(?i)\b(?:s/n|serial(?:[ ]?(?:no\b\.?|number|num\b\.?|\#))?|vin|pin no\.?)[ .:#]{1,3}([a-z0-9][a-z0-9-]{3,19})\b",
        )
    });
    static VIN: LazyLock<Regex> = LazyLock::new(|| pattern(r"\b[A-HJ-NPR-Z0-9]{17}\b"));
    if facts.digits < SERIAL_DIGITS {
        return None;
    }
    let after_word = SERIAL.captures(text).and_then(|captures| captures.get(1));
    after_word
        .filter(|found| has_digits(found.as_str(), SERIAL_DIGITS))
        .or_else(|| {
            VIN.find_iter(text).find(|found| {
                has_digits(found.as_str(), SERIAL_DIGITS)
                    && found.as_str().bytes().any(|byte| byte.is_ascii_uppercase())
            })
        })
        .map(|found| found.range())
}

/// Words after which a person is named.
const BEFORE_NAME: [&str; 12] = [
    "per",
    "by",
    "tech",
    "technician",
    "operator",
    "driver",
    "with",
    "to",
    "mechanic",
    "foreman",
    "from",
    "customer",
];

/// Of these, those that also stand before much else, so that a given name must follow.
const WEAK: [&str; 3] = ["with", "to", "from"];

/// Words with a capital that are no names, in lower case.
const NO_NAMES: [&str; 60] = [
    "cat",
    "caterpillar",
    "komatsu",
    "volvo",
    "hitachi",
    "john",
    "deere",
    "case",
    "liebherr",
    "cummins",
    "perkins",
    "doosan",
    "hyundai",
    "kubota",
    "bobcat",
    "jcb",
    "terex",
    "dealer",
    "service",
    "site",
    "shop",
    "field",
    "customer",
    "operator",
    "driver",
    "mechanic",
    "technician",
    "tech",
    "foreman",
    "supervisor",
    "manual",
    "spec",
    "schedule",
    "oem",
    "work",
    "order",
    "spn",
    "fmi",
    "ecm",
    "ecu",
    "can",
    "dtc",
    "pm",
    "oil",
    "fuel",
    "engine",
    "hydraulic",
    "pump",
    "the",
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
    "hand",
    "request",
    "report",
    "reports",
];

/// Common given names: in a text all in capitals, and after a weak word, only these tell a name from anything else.
const GIVEN_NAMES: [&str; 96] = [
    "aaron", "adam", "alan", "alex", "andrew", "andy", "anthony", "barry", "ben", "bill", "billy", "bob",
    "brad", "brian", "bruce", "carl", "carlos", "charlie", "chris", "craig", "dan", "daniel", "dave",
    "david", "dean", "dennis", "derek", "don", "doug", "ed", "eric", "frank", "fred", "gary", "george",
    "glen", "greg", "harry", "henry", "ian", "jack", "jake", "james", "jason", "jeff", "jim", "jimmy", "joe",
    "jorge", "jose", "josh", "juan", "justin", "keith", "ken", "kevin", "kyle", "larry", "lee", "luis",
    "luke", "marco", "mark", "martin", "matt", "matthew", "michael", "mick", "miguel", "mike", "neil",
    "nick", "paul", "pedro", "pete", "peter", "phil", "ray", "richard", "rick", "rob", "robert", "ron",
    "ryan", "sam", "scott", "sean", "shane", "simon", "stephen", "steve", "stuart", "terry", "thomas", "tim",
    "tony",
];

/// Two words with a capital, or a given name, after a word such as "per", "by" or "spoke to".
fn name(text: &str, facts: &TextFacts) -> Option<Range<usize>> {
    if facts.capitals_after_space == 0 {
        return None;
    }
    let bytes = text.as_bytes();
    for space in memchr::memchr_iter(b' ', bytes) {
        if bytes.get(space + 1).is_some_and(u8::is_ascii_uppercase) {
            let found = name_after(text, space);
            if found.is_some() {
                return found;
            }
        }
    }
    None
}

fn name_after(text: &str, space: usize) -> Option<Range<usize>> {
    let before = text[..space].trim_end_matches(':');
    let word_start = before
        .rfind(|c: char| !c.is_alphabetic())
        .map_or(0, |at| at + before[at..].chars().next().map_or(1, char::len_utf8));
    let trigger = &before[word_start..];
    if trigger.is_empty() || trigger.len() > 10 {
        return None;
    }
    let trigger = trigger.to_ascii_lowercase();
    if !BEFORE_NAME.contains(&trigger.as_str()) {
        return None;
    }
    if WEAK.contains(&trigger.as_str()) {
        let spoke = before[..word_start].trim_end().to_ascii_lowercase();
        if !["spoke", "spoken", "talked", "call", "called", "email", "emailed", "reported"]
            .iter()
            .any(|word| spoke.ends_with(word))
        {
            return None;
        }
    }
    let rest = &text[space + 1..];
    let mut words = rest.split(' ');
    let clean = |word: &str| word.trim_end_matches(['.', ',', ';', ':', ')', '!', '?']).to_owned();
    let (first, second) = (clean(words.next()?), words.next().map(clean).unwrap_or_default());
    let is_word = |word: &str| word.chars().all(|c| c.is_alphabetic() || c == '\'' || c == '-');
    let lower = first.to_lowercase();
    if !is_word(&first) {
        return None;
    }
    let shouted = !text.bytes().any(|byte| byte.is_ascii_lowercase());
    let is_given = GIVEN_NAMES.contains(&lower.as_str());
    let is_capitalised = |word: &str| {
        let mut chars = word.chars();
        chars.next().is_some_and(char::is_uppercase)
            && (word.chars().count() <= 2 || chars.all(|c| !c.is_uppercase() || c == '\''))
    };
    // The comma or full stop that ends the first word also ends the name.
    let goes_on = rest.as_bytes().get(first.len()) == Some(&b' ')
        || (first.chars().count() == 1 && rest[first.len()..].starts_with(". "));
    let second_lower = second.to_lowercase();
    let is_second =
        goes_on && !second.is_empty() && is_word(&second) && !NO_NAMES.contains(&second_lower.as_str());
    let no_name = NO_NAMES.contains(&lower.as_str());
    let is_pair = is_second && is_capitalised(&second) && is_capitalised(&first) && !no_name;
    let is_name = if shouted { is_given } else { is_given || is_pair };
    if !is_name {
        return None;
    }
    let mut end = space + 1 + first.len();
    if is_second
        && is_capitalised(&second)
        && let Some(at) = text[end..].find(second.as_str())
    {
        end += at + second.len();
    }
    Some(space + 1..end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(search: Search, yes: &[(&str, &str)], no: &[&str]) {
        for (text, expected) in yes {
            let found = search(text, &TextFacts::of(text));
            assert_eq!(found.map(|range| &text[range]), Some(*expected), "{text}");
        }
        for text in no {
            assert_eq!(search(text, &TextFacts::of(text)).map(|range| &text[range]), None, "{text}");
        }
    }

    #[test]
    fn emails() {
        all(
            email,
            &[("ask jo.doe@mine-site.example.com for it", "jo.doe@mine-site.example.com")],
            &["pressure @ 2000 rpm", "24 V @ pin 3", "a@b"],
        );
    }

    #[test]
    fn phones() {
        all(
            phone,
            &[
                ("call 555-201-3344 first", "555-201-3344"),
                ("rang (555) 201 3344", "(555) 201 3344"),
                ("call +61 412 555 019", "+61 412 555 019"),
                ("ph 0412 555 019 before work", "ph 0412 555 019"),
            ],
            &[
                "replaced 326-1644 with 1R-0750",
                "part 123-4567 and 765-4321",
                "on 2026-03-01 at 12:30, 12000 h",
                "serial 555201334455",
                "SPN 157 FMI 18, SPN 100 FMI 1, 3500 rpm, 350 bar",
            ],
        );
    }

    #[test]
    fn serials() {
        all(
            serial,
            &[
                ("S/N: KMTPC243A12345 leaks", "KMTPC243A12345"),
                ("serial no. 12345-AB", "12345-AB"),
                ("unit CAT00320AXYZ12345 is down", "CAT00320AXYZ12345"),
            ],
            &[
                "serial bus fault 1234",
                "SPN 157 FMI 18 code 1234",
                "replace VIN plate 2024 on cab",
                "serial plate missing",
            ],
        );
    }

    #[test]
    fn names() {
        all(
            name,
            &[
                ("replaced hose per Walter Brandt at site", "Walter Brandt"),
                ("Repaired by Mike.", "Mike"),
                ("inspected by J. Weber today", "J. Weber"),
                ("Spoke to Dave about the leak", "Dave"),
                ("TECH STEVE FOUND LEAK", "STEVE"),
                ("operator: Ana Souza says slow", "Ana Souza"),
            ],
            &[
                "per Cat Dealer request",
                "by John Deere manual",
                "pressure by The gauge is 30 bar",
                "connected to Bob",
                "fixed by replacing the Hose End",
                "PER SCHEDULE REPLACED BY NEW PUMP",
                "Set to Mark 3",
                "2 bar per Minute. Pump is hot",
            ],
        );
    }

    #[test]
    fn what_is_shown_is_masked() {
        assert_eq!(masked("jo.doe@mine.example"), "j*.d**@m***.e******");
        assert_eq!(masked("Walter Brandt"), "W***** B*****");
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "(per|by|spoke to|:|[A-ZÄé]|[a-zß0-9 .@+()-]){0,30}") {
            let searches: [Search; 4] = [email, phone, name, serial];
            for search in searches {
                if let Some(range) = search(&text, &TextFacts::of(&text)) {
                    proptest::prop_assert!(!text[range].is_empty());
                }
            }
        }
    }
}
