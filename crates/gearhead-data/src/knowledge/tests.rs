use std::collections::HashMap;

use super::*;
use crate::{
    code::{Code, parse_list},
    severity::Severity,
};

/// Words that say that pressure, heat, stored energy, chemicals or a raised load is about.
const DANGER: &[&str] = &[
    "pressure",
    "hot",
    "raised",
    "boom",
    "spring",
    "accumulator",
    "battery",
    "fuel",
    "coolant",
    "exhaust",
    "jack",
];

#[test]
fn every_system_has_cards_and_every_card_a_machine() {
    let knowledge = KnowledgeBase::builtin();
    assert!(knowledge.cards().len() >= 100, "{} cards", knowledge.cards().len());
    for system in System::ALL {
        assert!(knowledge.cards().iter().any(|card| card.system == system), "{system}");
    }
    for card in knowledge.cards() {
        assert!(
            knowledge.machines().iter().any(|machine| machine.can_have(card)),
            "{}: no machine has it",
            card.id
        );
    }
}

#[test]
fn ids_titles_and_wordings_are_unique() {
    fn assert_unique<'a>(texts: impl Iterator<Item = (&'a Card, &'a String)>) {
        let mut seen: HashMap<String, &str> = HashMap::new();
        for (card, text) in texts {
            if let Some(other) = seen.insert(text.to_lowercase(), &card.id) {
                panic!("{text:?} stands in {} and in {other}", card.id);
            }
        }
    }
    let cards = || KnowledgeBase::builtin().cards().iter();
    assert_unique(cards().map(|card| (card, &card.id)));
    assert_unique(cards().map(|card| (card, &card.title)));
    assert_unique(cards().flat_map(|card| {
        let signs = card.signs.iter().flat_map(Sign::wordings);
        let evidence = card.evidence.iter().flat_map(|evidence| &evidence.wording);
        signs.chain(evidence).map(move |text| (card, text))
    }));
}

#[test]
fn every_reference_leads_somewhere() {
    let knowledge = KnowledgeBase::builtin();
    for card in knowledge.cards() {
        let outcomes = card.tests.iter().flat_map(|test| &test.outcomes);
        let ids = card
            .against
            .iter()
            .map(|against| &against.fault)
            .chain(card.tests.iter().flat_map(|test| &test.separates))
            .chain(outcomes.filter_map(|outcome| outcome.points_to.as_ref()));
        for id in ids {
            assert!(knowledge.card(id).is_some(), "{} names the card {id}, which does not exist", card.id);
        }
        assert!(card.against.iter().all(|against| against.fault != card.id), "{} against itself", card.id);
        assert!(!card.against.is_empty(), "{} is confused with nothing", card.id);
    }
}

#[test]
fn every_card_can_be_told_from_a_neighbour() {
    for card in KnowledgeBase::builtin().cards() {
        assert!(
            card.tests.iter().any(|test| !test.separates.is_empty()),
            "{}: no discriminating test",
            card.id
        );
        assert!(card.signs.len() >= 3, "{}: few signs", card.id);
        assert!((1..=5).contains(&card.occurrence), "{}: occurrence", card.id);
        for wordings in [&card.explanation, &card.repair] {
            assert!(wordings.len() >= 4, "{}: few wordings of the target", card.id);
        }
    }
}

#[test]
fn every_code_parses_to_something_known() {
    for card in KnowledgeBase::builtin().cards() {
        for text in &card.codes {
            let codes = parse_list(text);
            assert_eq!(codes.len(), 1, "{}: {text}", card.id);
            assert!(!matches!(codes[0].code, Code::Opaque(_)), "{}: {text} does not parse", card.id);
            assert!(card.lists(&codes[0]));
        }
    }
}

#[test]
fn a_number_that_is_expected_has_a_source() {
    for card in KnowledgeBase::builtin().cards() {
        for test in &card.tests {
            let measured = ["kPa", "MPa", "bar", "psi", " V", "°C", " C", "mm", "ohm", "mA", "rpm", "%"];
            let numbers = test.expected.split_whitespace().collect::<Vec<_>>();
            let has_number = numbers.windows(2).any(|pair| {
                pair[0].trim_start_matches('(').starts_with(|c: char| c.is_ascii_digit())
                    && measured.iter().any(|unit| pair[1].starts_with(unit.trim()))
            });
            assert!(!has_number || !test.source.is_empty(), "{}: {:?} has no source", card.id, test.expected);
        }
    }
}

#[test]
fn danger_has_a_safety_step() {
    for card in KnowledgeBase::builtin().cards() {
        let text = card
            .tests
            .iter()
            .map(|test| &test.action)
            .chain(&card.repair)
            .chain(&card.explanation)
            .map(|text| text.to_lowercase())
            .collect::<String>();
        let dangerous = card.severity == Severity::Stop || DANGER.iter().any(|word| text.contains(word));
        assert!(!dangerous || !card.hazards.is_empty(), "{}: dangerous, and no safety step", card.id);
    }
}

#[test]
fn machines_are_recognised_by_word_and_by_model() {
    let knowledge = KnowledgeBase::builtin();
    let kind = |equipment: &str| knowledge.machine(equipment).map(|machine| machine.kind.as_str());
    assert_eq!(kind("Caterpillar 320 Excavator"), Some("excavator"));
    assert_eq!(kind("CAT 320"), Some("excavator"));
    assert_eq!(kind("Kubota mini excavator"), Some("mini excavator"));
    assert_eq!(kind("komatsu wa380-8"), Some("wheel loader"));
    assert_eq!(kind("D6T"), Some("dozer"));
    assert_eq!(kind("coffee machine"), None);
    assert_eq!(kind(""), None);
}

#[test]
fn a_machine_is_offered_only_what_it_can_have() {
    let knowledge = KnowledgeBase::builtin();
    let ids =
        |equipment| knowledge.cards_for(equipment).iter().map(|card| card.id.clone()).collect::<Vec<_>>();
    let generator = ids("Cummins C275 D5 Generator");
    assert!(generator.contains(&"fuel_filter_restricted".to_owned()));
    assert!(!generator.contains(&"track_tension_wrong".to_owned()));
    assert!(!generator.contains(&"def_quality_bad".to_owned()));
    assert_eq!(ids("some machine").len(), knowledge.cards().len());
}

#[test]
fn every_source_stands_in_the_list_of_sources() {
    let list = include_str!("../../knowledge/SOURCES.md");
    for card in KnowledgeBase::builtin().cards() {
        let of_tests = card.tests.iter().map(|test| &test.source).filter(|source| !source.is_empty());
        for source in card.sources.iter().chain(of_tests) {
            assert!(list.contains(&format!("| {source} |")), "{}: {source:?} is not in SOURCES.md", card.id);
        }
    }
}
