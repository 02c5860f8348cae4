//! `--past-cases`.

use serde_json::{Value, json};

use crate::workspace::Workspace;

const PAST: &str = r#"{"id": "W-17", "equipment": "Cat 320", "symptom": "horn dead after wash", "probable_cause": "Blown fuse", "fault": "alarm_or_beacon_fault"}
{"equipment": "Cat 320", "symptom": "says nothing of what it was"}
"#;

#[test]
fn past_cases_are_shown_and_count() {
    let workspace = Workspace::new();
    workspace.write("past.jsonl", PAST);
    let case = ["diagnose", "--equipment", "Cat 320", "--symptom", "horn dead after wash", "--json"];
    let with = workspace.run(&[&case[..], &["--past-cases", "past.jsonl"]].concat()).json();
    let similar = with["similar_cases"].as_array().unwrap();
    assert_eq!((similar.len(), &similar[0]["id"]), (1, &json!("W-17")));
    let without = workspace.run(&case).json();
    assert_eq!(without["similar_cases"], json!([]));
}

#[test]
fn a_record_is_not_measured_by_itself() {
    let workspace = Workspace::new();
    workspace.write("past.jsonl", PAST);
    let similar = |record: &str| -> Value {
        workspace.write("case.jsonl", record);
        let args = ["diagnose", "--batch", "case.jsonl", "--out", "out.jsonl", "--past-cases", "past.jsonl"];
        workspace.run(&args).text();
        serde_json::from_str::<Value>(&workspace.read("out.jsonl")).unwrap()["similar_cases"].clone()
    };
    let first = PAST.lines().next().unwrap();
    assert_eq!(similar(first), json!([]));
    assert_eq!(similar(&first.replace("W-17", "W-18")).as_array().unwrap().len(), 1);
}

#[test]
fn past_cases_that_say_nothing_are_refused() {
    let workspace = Workspace::new();
    workspace.write("silent.jsonl", PAST.lines().nth(1).unwrap());
    let case = ["diagnose", "--equipment", "Cat 320", "--symptom", "horn dead", "--past-cases"];
    for (file, word) in [("silent.jsonl", "probable_cause"), ("none.jsonl", "none.jsonl")] {
        let sentence = workspace.refused(&[&case[..], &[file]].concat());
        assert!(sentence.contains(word), "{sentence}");
    }
}
