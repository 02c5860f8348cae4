//! What is wrong with cards: what a person would find who read all of them.

use std::collections::{BTreeSet, HashMap};

use serde::Serialize;

use super::{
    Card, KnowledgeBase, Machine, Series, Sign, danger,
    machine::{kinds_by_series, tokens},
};
use crate::code::parse_list;

/// Fewer wordings than splits (training, validation, test) cannot be shared out.
const WORDINGS_FOR_SPLITS: usize = 3;

/// Units of measurement, as they are written behind a number.
const UNITS: &str = "kPa MPa Pa bar mbar psi V mV volt volts \u{b0}C \u{b0}F C F \u{b0} mm cm m \u{b5}m inch inches ohm \
    ohms \u{3a9} \u{2126} kohm mA A rpm r/min % percent Nm N\u{b7}m L/min l/min gpm litre litres s \
    second seconds min minute minutes h hours Hz kHz kg";

/// A rule that a card or a machine breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Rule {
    /// An id leads to no card.
    DanglingId,
    /// A card is confused with itself.
    AgainstItself,
    /// A card is confused with nothing.
    ConfusedWithNothing,
    /// No test of a card tells it from another.
    NoDiscriminatingTest,
    /// A code does not parse, and the table of codes does not define it.
    UnreadableCode,
    /// A measured value has no source.
    NumberWithoutSource,
    /// A test or a repair involves a danger that no safety step speaks of.
    MissingHazard,
    /// A complaint or an observation is worded the same twice.
    DuplicateWording,
    /// A sentence that is written into answers stands in two cards.
    RepeatedSentence,
    /// There are too few wordings for training, validation and test: fewer than two signs, no evidence, explanation or
    /// repair, or fewer than three wordings of a sign or an observation.
    FewWordings,
    /// A card requires a trait that no machine has.
    UnknownTrait,
    /// No machine can have the fault.
    NoMachine,
    /// A title begins another title, or is the same.
    TitleClash,
    /// `occurrence` is not 1 to 5.
    Occurrence,
    /// A kind of machine has no name or word that people write.
    NamelessMachine,
    /// A model is of a series of two kinds of machine.
    SeriesClash,
}

impl Rule {
    /// The rule's name in reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DanglingId => "dangling_id",
            Self::AgainstItself => "against_itself",
            Self::ConfusedWithNothing => "confused_with_nothing",
            Self::NoDiscriminatingTest => "no_discriminating_test",
            Self::UnreadableCode => "unreadable_code",
            Self::NumberWithoutSource => "number_without_source",
            Self::MissingHazard => "missing_hazard",
            Self::DuplicateWording => "duplicate_wording",
            Self::RepeatedSentence => "repeated_sentence",
            Self::FewWordings => "few_wordings",
            Self::UnknownTrait => "unknown_trait",
            Self::NoMachine => "no_machine",
            Self::TitleClash => "title_clash",
            Self::Occurrence => "occurrence",
            Self::NamelessMachine => "nameless_machine",
            Self::SeriesClash => "series_clash",
        }
    }

    /// Whether cases cannot be generated from knowledge that breaks the rule.
    pub const fn stops_generation(self) -> bool {
        matches!(self, Self::FewWordings | Self::UnknownTrait | Self::NoMachine | Self::NamelessMachine)
    }
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Finding {
    /// The id of the card, or the kind of the machine.
    pub subject: String,
    /// The rule that it breaks.
    pub rule: Rule,
    /// What is wrong, in a sentence.
    pub sentence: String,
}

/// Everything that is wrong with the cards and machines, in their order.
pub fn check(knowledge: &KnowledgeBase) -> Vec<Finding> {
    let mut findings = Findings(Vec::new());
    for card in knowledge.cards() {
        references(knowledge, card, &mut findings);
        codes(knowledge, card, &mut findings);
        tests(card, &mut findings);
        wordings(card, &mut findings);
        machines(knowledge, card, &mut findings);
        for danger in danger::uncovered(card) {
            findings.add(
                &card.id,
                Rule::MissingHazard,
                format!("it involves {danger}, and no hazard speaks of it"),
            );
        }
    }
    across_cards(knowledge.cards(), &mut findings);
    for machine in
        knowledge.machines().iter().filter(|machine| machine.names.is_empty() || machine.words.is_empty())
    {
        findings.add(&machine.kind, Rule::NamelessMachine, "`names` or `words` is empty".to_owned());
    }
    for machine in knowledge.machines() {
        series(knowledge.machines(), machine, &mut findings);
    }
    let order: HashMap<&str, usize> =
        knowledge.cards().iter().enumerate().map(|(index, card)| (card.id.as_str(), index)).collect();
    // Machines last. A stable sort, so that the findings of a card keep their order.
    findings.0.sort_by_key(|finding| order.get(finding.subject.as_str()).copied().unwrap_or(usize::MAX));
    findings.0
}

struct Findings(Vec<Finding>);

impl Findings {
    fn add(&mut self, subject: &str, rule: Rule, sentence: String) {
        self.0.push(Finding { subject: subject.to_owned(), rule, sentence });
    }
}

fn references(knowledge: &KnowledgeBase, card: &Card, findings: &mut Findings) {
    let against = card.against.iter().map(|against| (&against.fault, "`against` names"));
    let separates = card.tests.iter().flat_map(|test| &test.separates).map(|id| (id, "a test separates"));
    let outcomes = card.tests.iter().flat_map(|test| &test.outcomes);
    let points_to =
        outcomes.filter_map(|outcome| outcome.points_to.as_ref()).map(|id| (id, "an outcome points to"));
    let mut named = BTreeSet::new();
    for (id, who) in against.chain(separates).chain(points_to) {
        if knowledge.card(id).is_none() && named.insert(id) {
            let state = if knowledge.is_disabled(id) { "is disabled" } else { "does not exist" };
            findings.add(&card.id, Rule::DanglingId, format!("{who} the card `{id}`, which {state}"));
        }
    }
    if card.against.is_empty() {
        findings.add(
            &card.id,
            Rule::ConfusedWithNothing,
            "it names no card that it is confused with".to_owned(),
        );
    }
    if card.against.iter().any(|against| against.fault == card.id) {
        findings.add(&card.id, Rule::AgainstItself, "`against` names the card itself".to_owned());
    }
    if !card.tests.iter().any(|test| test.separates.iter().any(|id| *id != card.id)) {
        findings.add(&card.id, Rule::NoDiscriminatingTest, "no test tells it from another card".to_owned());
    }
}

fn codes(knowledge: &KnowledgeBase, card: &Card, findings: &mut Findings) {
    for text in &card.codes {
        let parsed = parse_list(text);
        let is_read =
            matches!(&parsed[..], [code] if !code.code.is_opaque() || knowledge.codes().knows(&code.code));
        if !is_read {
            findings.add(
                &card.id,
                Rule::UnreadableCode,
                format!("the code {text:?} is not one code of a known format, and no codes.toml defines it"),
            );
        }
    }
}

fn tests(card: &Card, findings: &mut Findings) {
    for test in card.tests.iter().filter(|test| test.source.trim().is_empty()) {
        let results = test.outcomes.iter().map(|outcome| &outcome.result);
        if let Some(text) =
            std::iter::once(&test.expected).chain(results).find(|text| has_measured_value(text))
        {
            findings.add(
                &card.id,
                Rule::NumberWithoutSource,
                format!("{text:?} states a measured value, and the test has no `source`"),
            );
        }
    }
    if !(1..=5).contains(&card.occurrence) {
        findings.add(
            &card.id,
            Rule::Occurrence,
            format!("`occurrence` is {}, but must be 1 (rare) to 5", card.occurrence),
        );
    }
}

/// Whether a number with a unit stands in the text.
fn has_measured_value(text: &str) -> bool {
    let is_edge = |c: char| {
        matches!(
            c,
            '(' | ')'
                | '['
                | ']'
                | ','
                | ';'
                | ':'
                | '.'
                | '"'
                | '~'
                | '<'
                | '>'
                | '='
                | '\u{b1}'
                | '\u{2264}'
                | '\u{2265}'
        )
    };
    let words: Vec<&str> = text
        .split_whitespace()
        .map(|word| word.trim_matches(is_edge))
        .filter(|word| !word.is_empty())
        .collect();
    words.iter().enumerate().any(|(index, word)| {
        let digits = |c: char| c.is_ascii_digit() || matches!(c, '.' | ',' | '-' | '\u{2013}' | '+');
        let unit = word.trim_start_matches(digits);
        let has_number = word[..word.len() - unit.len()].contains(|c: char| c.is_ascii_digit());
        let next = words.get(index + 1).copied().unwrap_or_default();
        let unit = if unit.is_empty() { next } else { unit };
        has_number && UNITS.split(' ').any(|known| known == unit)
    })
}

fn wordings(card: &Card, findings: &mut Findings) {
    let mut few = |what: &str, count: usize, needed: usize| {
        if count < needed {
            findings.add(&card.id, Rule::FewWordings, format!("{what}: {count}, at least {needed} needed"));
        }
    };
    few("signs", card.signs.len(), 2);
    few("pieces of evidence", card.evidence.len(), 1);
    few("wordings of the explanation", card.explanation.len(), 1);
    few("wordings of the repair", card.repair.len(), 1);
    for (number, sign) in (1..).zip(&card.signs) {
        few(&format!("wordings of sign {number}"), sign.wordings().count(), WORDINGS_FOR_SPLITS);
    }
    for (number, evidence) in (1..).zip(&card.evidence) {
        few(&format!("wordings of evidence {number}"), evidence.wording.len(), WORDINGS_FOR_SPLITS);
    }
}

fn machines(knowledge: &KnowledgeBase, card: &Card, findings: &mut Findings) {
    let exists = |needed: &String| knowledge.machines().iter().any(|machine| machine.traits.contains(needed));
    let unknown: Vec<&String> = card.requires.iter().filter(|needed| !exists(needed)).collect();
    for needed in &unknown {
        findings.add(&card.id, Rule::UnknownTrait, format!("it requires `{needed}`, which no machine has"));
    }
    if unknown.is_empty() && !knowledge.machines().iter().any(|machine| machine.can_have(card)) {
        let traits = card.requires.join(", ");
        findings.add(&card.id, Rule::NoMachine, format!("no machine has all of: {traits}"));
    }
}

fn series(machines: &[Machine], machine: &Machine, findings: &mut Findings) {
    let clash = machine.series.iter().flat_map(Series::examples).find_map(|model| {
        let other = kinds_by_series(machines, &tokens(&model)).find(|other| other.kind != machine.kind)?;
        Some(format!(
            "`{}` is in a series of `{}` too, so it is recognised as neither",
            model.trim(),
            other.kind
        ))
    });
    if let Some(sentence) = clash {
        findings.add(&machine.kind, Rule::SeriesClash, sentence);
    }
}

fn across_cards(cards: &[Card], findings: &mut Findings) {
    let mut complaints: HashMap<String, &str> = HashMap::new();
    let mut sentences: HashMap<String, &str> = HashMap::new();
    for card in cards {
        let signs = card.signs.iter().flat_map(Sign::wordings);
        for text in signs.chain(card.evidence.iter().flat_map(|evidence| &evidence.wording)) {
            if let Some(other) = complaints.insert(plain(text), &card.id) {
                let place = if other == card.id {
                    "twice in the card".to_owned()
                } else {
                    format!("in `{other}` too")
                };
                findings.add(&card.id, Rule::DuplicateWording, format!("{text:?} stands {place}"));
            }
        }
        for text in card.explanation.iter().chain(&card.repair).chain([&card.verification]) {
            if let Some(other) = sentences.insert(plain(text), &card.id) {
                let place = if other == card.id {
                    "twice in the card".to_owned()
                } else {
                    format!("in `{other}` too")
                };
                findings.add(&card.id, Rule::RepeatedSentence, format!("{text:?} stands {place}"));
            }
        }
    }
    let mut titles: Vec<(String, &Card)> = cards.iter().map(|card| (plain(&card.title), card)).collect();
    titles.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.id.cmp(&b.1.id)));
    for (index, (title, card)) in titles.iter().enumerate() {
        for (_, longer) in
            titles[index + 1..].iter().take_while(|(longer, _)| longer.starts_with(title.as_str()))
        {
            let sentence =
                format!("its title {:?} begins the title of `{}`, {:?}", card.title, longer.id, longer.title);
            findings.add(&card.id, Rule::TitleClash, sentence);
        }
    }
}

/// A text for comparison.
fn plain(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A base with the built-in knowledge and one card changed.
    fn broken(change: impl FnOnce(&mut Card)) -> Vec<(Rule, String)> {
        let mut knowledge = KnowledgeBase::builtin().clone();
        change(knowledge.cards.iter_mut().find(|card| card.id == "water_in_fuel").unwrap());
        knowledge.index();
        check(&knowledge).into_iter().map(|finding| (finding.rule, finding.subject)).collect()
    }

    fn breaks(rule: Rule, change: impl FnOnce(&mut Card)) {
        assert_eq!(broken(change), [(rule, "water_in_fuel".to_owned())]);
    }

    #[test]
    fn the_compiled_in_knowledge_is_sound() {
        assert_eq!(check(KnowledgeBase::builtin()), []);
    }

    #[test]
    fn references_must_lead_somewhere() {
        breaks(Rule::DanglingId, |card| card.against[0].fault = "no_such_card".into());
        breaks(Rule::DanglingId, |card| card.tests[0].separates.push("no_such_card".into()));
        breaks(Rule::DanglingId, |card| card.tests[0].outcomes[0].points_to = Some("no_such_card".into()));
        breaks(Rule::AgainstItself, |card| card.against[0].fault = card.id.clone());
        breaks(Rule::ConfusedWithNothing, |card| card.against.clear());
        breaks(Rule::NoDiscriminatingTest, |card| {
            card.tests.iter_mut().for_each(|test| test.separates = vec![card.id.clone()]);
        });
    }

    #[test]
    fn a_removed_card_is_said_to_be_removed() {
        let mut knowledge = KnowledgeBase::builtin().clone();
        knowledge.cards.retain(|card| card.id != "water_in_fuel");
        knowledge.disabled.insert("water_in_fuel".into());
        knowledge.index();
        let findings = check(&knowledge);
        assert!(
            findings.iter().any(|finding| finding.sentence.ends_with("`water_in_fuel`, which is disabled"))
        );
    }

    #[test]
    fn codes_must_be_read_or_defined() {
        for text in ["V201", "SPN 97 FMI 40", "P0087, P0191", ""] {
            breaks(Rule::UnreadableCode, |card| card.codes.push(text.into()));
        }
        let mut knowledge = KnowledgeBase::builtin().clone();
        knowledge.codes =
            knowledge.codes.with_overrides("[[codes]]\ncode = 'V201'\nmeaning = 'pump valve'").unwrap();
        knowledge.cards[0].codes.push("V201".into());
        assert_eq!(check(&knowledge), []);
    }

    #[test]
    fn measured_values_need_a_source() {
        for text in [
            "at least 250 bar",
            "12.4-12.8V",
            "3 to 5 ohms",
            "(82 C)",
            "\u{2264} 3 mm",
            "below 5%",
            "\u{b1}8 %",
        ] {
            breaks(Rule::NumberWithoutSource, |card| {
                card.tests[0].source.clear();
                card.tests[0].expected = text.into();
            });
        }
        breaks(Rule::NumberWithoutSource, |card| {
            card.tests[0].source.clear();
            card.tests[0].outcomes[0].result = "under 9 V".into();
        });
        for text in ["no drop in 2 tries", "stage 3 is dry", "V-belt 2 is tight", "to the maker's value"] {
            assert!(!has_measured_value(text), "{text}");
        }
    }

    #[test]
    fn wordings_must_be_enough_and_distinct() {
        breaks(Rule::FewWordings, |card| card.signs.truncate(1));
        breaks(Rule::FewWordings, |card| card.evidence.clear());
        breaks(Rule::FewWordings, |card| card.explanation.clear());
        breaks(Rule::FewWordings, |card| card.repair.clear());
        breaks(Rule::FewWordings, |card| card.evidence[0].wording.truncate(2));
        breaks(Rule::FewWordings, |card| {
            card.signs[0].full.truncate(2);
            card.signs[0].shorthand.clear();
            card.signs[0].operator.clear();
        });
        breaks(Rule::DuplicateWording, |card| {
            let again = card.signs[0].full[0].to_uppercase();
            card.signs[1].full.push(again);
        });
        let other = KnowledgeBase::builtin().cards()[0].clone();
        assert_ne!(other.id, "water_in_fuel");
        breaks(Rule::RepeatedSentence, |card| card.repair.push(format!(" {}", other.repair[0])));
    }

    #[test]
    fn some_machine_must_have_what_a_card_requires() {
        breaks(Rule::UnknownTrait, |card| card.requires.push("wings".into()));
        breaks(Rule::NoMachine, |card| card.requires = ["swing", "articulated"].map(str::to_owned).to_vec());
        breaks(Rule::Occurrence, |card| card.occurrence = 6);
        let mut knowledge = KnowledgeBase::builtin().clone();
        knowledge.machines[0].names.clear();
        let findings = check(&knowledge);
        assert_eq!((findings[0].rule, findings[0].subject.as_str()), (Rule::NamelessMachine, "excavator"));
    }

    #[test]
    fn a_model_is_of_one_kind() {
        let mut knowledge = KnowledgeBase::builtin().clone();
        let series = knowledge.machines[0].series.clone();
        let kind = knowledge.machines.last().unwrap().kind.clone();
        knowledge.machines.last_mut().unwrap().series = series;
        let subjects: Vec<_> =
            check(&knowledge).into_iter().map(|finding| (finding.rule, finding.subject)).collect();
        let both = ["excavator", kind.as_str()].map(|kind| (Rule::SeriesClash, kind.to_owned()));
        assert_eq!(subjects, both);
    }

    #[test]
    fn a_title_must_not_begin_another() {
        let other = KnowledgeBase::builtin().cards()[0].title.clone();
        breaks(Rule::TitleClash, |card| card.title = other[..other.len() - 3].to_uppercase());
        // The same title twice is one finding.
        assert_eq!(broken(|card| card.title = other.clone()).len(), 1);
    }

    #[test]
    fn rules_have_the_names_that_json_has() {
        for rule in [Rule::DanglingId, Rule::NamelessMachine, Rule::NumberWithoutSource] {
            assert_eq!(serde_json::to_value(rule).unwrap(), rule.as_str());
        }
    }
}
