use super::*;
use crate::{
    case::write_cases,
    generate::{GenerateConfig, generate},
    knowledge::KnowledgeBase,
};

fn measured(cases: &[Case]) -> Stats {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cases.jsonl");
    write_cases(&path, cases).unwrap();
    measure(&[path], &mut |_| {}).unwrap()
}

/// As the prototype's set: ten sentences with a fixed pair of codes each, times ten machines.
fn prototype() -> Vec<Case> {
    (0..1_000)
        .map(|row| {
            let (sentence, machine) = (row % 10, row / 10 % 10);
            Case {
                fault: Some(format!("fault_{sentence}")),
                ..Case::new(
                    format!("Machine {machine}"),
                    format!(
                        "Sentence number {} is said",
                        ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"][sentence].repeat(9)
                    ),
                )
                .with_codes(&format!("P008{sentence}, SPN {} FMI 3", 100 + sentence))
            }
        })
        .collect()
}

#[test]
fn a_set_like_the_prototypes_is_seen_for_what_it_is() {
    let stats = measured(&prototype());
    assert_eq!((stats.rows, stats.words.distinct_symptoms.count), (1_000, 10));
    assert!((stats.lookups.codes_learned.solved - 1.0).abs() < 1e-9);
    assert!((stats.near_copies.share_with_copy - 1.0).abs() < 1e-9);
    assert!((stats.labels.evenness - 1.0).abs() < 1e-9);
    assert_eq!(stats.equipment.unrecognised_rows, 1_000);
    assert!((stats.codes.mean_per_label - 2.0).abs() < 1e-9);
    assert_eq!(stats.codes.shared, 0);
}

#[test]
fn generated_cases_are_not_solved_by_their_codes_or_machine() {
    let generated = generate(KnowledgeBase::builtin(), &GenerateConfig::new(4_000, 3)).unwrap();
    let stats = measured(&generated.train);
    assert!(stats.lookups.codes_by_cards.solved < 0.6, "{:?}", stats.lookups);
    assert!(stats.lookups.codes_learned.solved < 0.6, "{:?}", stats.lookups);
    assert!(stats.lookups.equipment_learned.solved < 0.05, "{:?}", stats.lookups);
    assert!(stats.words.distinct_symptoms.count > 2_500);
    assert_eq!(stats.equipment.unrecognised_rows, 0);
    let lines = stats.to_string();
    assert!(lines.contains("codes, by the fault cards"), "{lines}");
}

#[test]
fn slices_are_counted_and_faults_are_named_with_their_line() {
    let mut cases = prototype();
    for case in &mut cases[..3] {
        case.extra.insert("slices".into(), serde_json::json!(["no_code", "two_faults"]));
    }
    cases[3].extra.insert("slices".into(), serde_json::json!(["no_code"]));
    let stats = measured(&cases);
    assert_eq!(
        stats.slices.into_iter().collect::<Vec<_>>(),
        [("no_code".into(), 4), ("two_faults".into(), 3)]
    );
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cases.jsonl");
    std::fs::write(&path, "{\"equipment\": \"a\", \"symptom\": \"b\"}\nnonsense\n").unwrap();
    assert!(matches!(measure(std::slice::from_ref(&path), &mut |_| {}), Err(Error::Record { line: 2, .. })));
    std::fs::write(&path, "").unwrap();
    assert!(matches!(measure(&[path], &mut |_| {}), Err(Error::NoCases { .. })));
}

#[test]
fn the_json_is_the_same_in_every_run() {
    let generated = generate(KnowledgeBase::builtin(), &GenerateConfig::new(1_000, 5)).unwrap();
    let json = || serde_json::to_string(&measured(&generated.train)).unwrap();
    assert_eq!(json(), json());
}
