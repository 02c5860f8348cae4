//! Machines and fault codes that a running text mentions.

use std::sync::OnceLock;

use crate::{
    case::Case,
    code::{Code, FaultCode},
    knowledge::KnowledgeBase,
};

/// Words between a maker and the end of a machine's name.
const MAX_NAME_WORDS: usize = 6;
/// Words of the longest fault code, `MID 036 CID 0168 FMI 04`.
const MAX_CODE_WORDS: usize = 6;

/// The case that a running text tells: the machine and the codes that it names, with the whole text as the complaint. The
/// machine is empty where none is named.
pub fn case_in(text: &str) -> Case {
    let mut case = Case::new(machine_in(text).unwrap_or_default(), text);
    case.error_codes = codes_in(text);
    case
}

/// The machine that a text names: a maker with a model or a kind behind it (`CAT 320D excavator`), or else a kind
/// (`wheel loader`). A number alone is no machine: it may be a pressure.
pub(crate) fn machine_in(text: &str) -> Option<String> {
    let knowledge = KnowledgeBase::builtin();
    let as_written: Vec<&str> = text.split_whitespace().collect();
    let words: Vec<&str> = as_written.iter().copied().map(bare).collect();
    let ends_phrase = |at: usize| as_written[at].ends_with([',', '.', ';', ':', '!', '?', ')']);
    for start in 0..words.len() {
        let n_maker = maker_words(&words[start..]);
        if n_maker == 0 {
            continue;
        }
        let mut end = start + n_maker;
        while end < words.len()
            && end - start < MAX_NAME_WORDS
            && !ends_phrase(end - 1)
            && goes_on(words[end])
        {
            end += 1;
        }
        let name = words[start..end].join(" ");
        if end > start + n_maker && (knowledge.machine(&name).is_some() || has_digit(&name)) {
            return Some(name);
        }
    }
    kind_in(&words)
}

/// The fault codes that a text names, in its order and spelling. Only spellings that mean nothing else are taken: not
/// `157-18`, which may be a date, and not `E50`, which may be a machine.
pub(crate) fn codes_in(text: &str) -> Vec<String> {
    let words: Vec<&str> = text.split_whitespace().map(bare).collect();
    let mut codes = Vec::new();
    let mut start = 0;
    while start < words.len() {
        // Behind a code a sentence may go on with numbers of its own.
        let n_code_words = words[start..].iter().take_while(|word| is_part_of_code(word)).count();
        let longest = n_code_words.min(MAX_CODE_WORDS);
        let found = (1..=longest).rev().find_map(|n_words| {
            let spelling = words[start..start + n_words].join(" ");
            is_code(&spelling).then_some((n_words, spelling))
        });
        let (n_words, spelling) = found.unwrap_or((1, String::new()));
        if !spelling.is_empty() {
            codes.push(spelling);
        }
        start += n_words;
    }
    codes
}

/// Whether a word can be a part of a fault code: it has a digit, or is the name of a number or a dash between two.
fn is_part_of_code(word: &str) -> bool {
    const NAMES: [&str; 8] = ["SPN", "FMI", "CID", "MID", "EID", "FC", "SA", "OC"];
    has_digit(word) || ["-", "/"].contains(&word) || NAMES.iter().any(|name| name.eq_ignore_ascii_case(word))
}

fn is_code(spelling: &str) -> bool {
    let begins = |word: &str| spelling.get(..word.len()).is_some_and(|head| head.eq_ignore_ascii_case(word));
    match FaultCode::parse(spelling).code {
        Code::J1939 { .. } => begins("SPN") || begins("SA"),
        Code::Cid { .. } | Code::J1587 { .. } | Code::CumminsFc(_) => true,
        Code::Obd(_) | Code::ObdFailure { .. } => {
            spelling.starts_with(|c: char| c.is_ascii_uppercase()) || begins("p")
        }
        Code::Eid { level, .. } => level.is_some() || begins("EID"),
        Code::Opaque(_) => false,
    }
}

/// A word without the punctuation around it.
fn bare(word: &str) -> &str {
    let is_punctuation = |c: char| ".,;:!?\"'“”’".contains(c);
    let word = word.trim_matches(is_punctuation);
    // Brackets are a part of `E360(2)` and none of `(P0087)`.
    let word = word.strip_prefix('(').unwrap_or(word);
    if word.contains('(') { word } else { word.trim_end_matches([')', '.', ',', ';']) }
}

fn has_digit(text: &str) -> bool {
    text.contains(|c: char| c.is_ascii_digit())
}

/// Whether a word goes on with a machine's name: it has a digit, is in capitals, or is a word for a kind of machine.
fn goes_on(word: &str) -> bool {
    let is_code_like = has_digit(word) && word.chars().all(|c| c.is_alphanumeric() || "-/".contains(c));
    let is_capital = word.len() <= 3 && !word.is_empty() && word.chars().all(|c| c.is_ascii_uppercase());
    is_code_like
        || (is_capital && word != "I")
        || kinds().iter().flatten().any(|part| part.eq_ignore_ascii_case(word))
}

/// Words for kinds of machine, each cut into its words, the longest first.
fn kinds() -> &'static [Vec<String>] {
    static KINDS: OnceLock<Vec<Vec<String>>> = OnceLock::new();
    KINDS.get_or_init(|| {
        let machines = KnowledgeBase::builtin().machines().iter();
        let mut kinds: Vec<Vec<String>> = machines
            .flat_map(|machine| machine.words.iter().chain([&machine.kind]))
            .map(|word| word.split(' ').map(str::to_owned).collect())
            .collect();
        kinds.sort_by_key(|words: &Vec<String>| (std::cmp::Reverse(words.len()), words.clone()));
        kinds.dedup();
        kinds
    })
}

fn kind_in(words: &[&str]) -> Option<String> {
    kinds().iter().find_map(|kind| {
        let matches =
            |window: &&[&str]| window.iter().zip(kind).all(|(word, part)| word.eq_ignore_ascii_case(part));
        words.windows(kind.len()).find(matches).map(|window| window.join(" ").to_lowercase())
    })
}

/// How many words of the front are a maker's name.
fn maker_words(words: &[&str]) -> usize {
    let matches = |maker: &&Vec<String>| {
        words.len() >= maker.len()
            && words.iter().zip(*maker).all(|(word, part)| word.eq_ignore_ascii_case(part))
    };
    let is_written_as_name = words[0].starts_with(char::is_uppercase);
    if is_written_as_name { makers().iter().find(matches).map_or(0, Vec::len) } else { 0 }
}

/// The makers of the known machines: what stands before the model in their names, the longest first.
fn makers() -> &'static [Vec<String>] {
    static MAKERS: OnceLock<Vec<Vec<String>>> = OnceLock::new();
    MAKERS.get_or_init(|| {
        let names = KnowledgeBase::builtin().machines().iter().flat_map(|machine| &machine.names);
        let maker = |name: &String| -> Vec<String> {
            let words = name.split(' ').take_while(|word| !has_digit(word));
            let mut maker: Vec<String> = words.map(str::to_owned).collect();
            // `Liebherr R 924` and `John Deere G`: a single letter belongs to the model.
            while maker.last().is_some_and(|word| word.len() < 2 || goes_on_as_kind(word)) {
                maker.pop();
            }
            maker
        };
        let mut makers: Vec<Vec<String>> =
            names.map(maker).filter(|maker| (1..=2).contains(&maker.len())).collect();
        makers.push(vec!["CAT".to_owned()]);
        makers.push(vec!["Deere".to_owned()]);
        makers.sort_by_key(|words: &Vec<String>| (std::cmp::Reverse(words.len()), words.clone()));
        makers.dedup();
        makers
    })
}

fn goes_on_as_kind(word: &str) -> bool {
    kinds().iter().flatten().any(|part| part.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn machines_are_found_in_sentences() {
        for (text, expected) in [
            ("the CAT 320D excavator won't start", Some("CAT 320D excavator")),
            ("Our John Deere 644K Loader, 4120 h, drifts", Some("John Deere 644K Loader")),
            ("Komatsu PC200-8: no swing", Some("Komatsu PC200-8")),
            ("the mini excavator is slow", Some("mini excavator")),
            ("pressure is 320 bar and falls", None),
            ("in any case it stalls", None),
        ] {
            assert_eq!(machine_in(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn a_case_is_told_in_words() {
        let case = case_in("the CAT 320D excavator won't start, P0087 is shown");
        assert_eq!(
            (case.equipment.as_str(), &case.error_codes[..]),
            ("CAT 320D excavator", &["P0087".to_owned()][..])
        );
        assert_eq!(case_in("it won't start").equipment, "");
    }

    #[test]
    fn codes_are_found_in_sentences_and_nothing_else() {
        let text = "It logged P0087, SPN 157 FMI 18 (spn 100), E360(2); CID 91-8. On 12-18 the Bobcat E50 had FC 559!";
        assert_eq!(codes_in(text), ["P0087", "SPN 157 FMI 18", "spn 100", "E360(2)", "CID 91-8", "FC 559"]);
        assert!(codes_in("no codes, 13.8 V at 157-18").is_empty());
    }
}
