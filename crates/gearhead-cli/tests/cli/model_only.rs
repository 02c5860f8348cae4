//! `gearhead diagnose --model-only`.

use serde_json::Value;

use crate::workspace::{Workspace, tiny_model};

#[test]
fn the_model_alone_answers_as_text_as_json_in_a_file_and_in_a_conversation() {
    let workspace = Workspace::new();
    let model = tiny_model();
    let run = |more: &[&str]| {
        let case = ["--equipment", "Cat 320", "--symptom", "low power"];
        workspace.run(&[&["diagnose", "--model-only", "--model", &model][..], &case, more].concat())
    };
    let answer = run(&["--json"]).json();
    let keys: Vec<&String> = answer.as_object().unwrap().keys().collect();
    assert!(
        keys.iter().any(|key| *key == "diagnostic_steps") && !answer["probable_cause"].is_null(),
        "{answer}"
    );
    let text = run(&[]).text();
    assert!(text.contains("nothing in this was checked") && !text.contains('%'), "{text}");
    run(&["--out", "answer.txt"]).text();
    assert_eq!(workspace.read("answer.txt"), text);
    let held =
        workspace.run_with_input(&["diagnose", "--model-only", "--model", &model], "Cat 320\nlow power\n\n");
    assert!(held.text().contains("nothing in this was checked"));
}

#[test]
fn a_batch_is_answered_line_by_line() {
    let workspace = Workspace::new();
    workspace.write("cases.jsonl", "{\"equipment\": \"Cat 320\", \"symptom\": \"low power\"}\n{}\n");
    let model = tiny_model();
    let args =
        ["diagnose", "--model-only", "--model", &model, "--batch", "cases.jsonl", "--out", "out.jsonl"];
    workspace.run(&args).text();
    let lines: Vec<Value> =
        workspace.read("out.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(lines.len() == 2 && lines[0]["probable_cause"].is_string() && lines[1]["error"].is_object());
}

#[test]
fn what_the_model_alone_cannot_do_is_refused() {
    let workspace = Workspace::new();
    workspace.write("cases.jsonl", "{\"equipment\": \"x\", \"symptom\": \"y\", \"probable_cause\": \"z\"}\n");
    for (more, word) in [
        (&["--format", "html"][..], "--model-only"),
        (&["--found", "battery_or_cable:1=1"], "--found"),
        (&["--past-cases", "cases.jsonl"], "--past-cases"),
        (&["--knowledge", "acme"], "--knowledge"),
    ] {
        let case = ["diagnose", "--model-only", "--equipment", "Cat 320", "--symptom", "low power"];
        let sentence = workspace.refused(&[&case[..], more].concat());
        assert!(sentence.contains(word), "{sentence}");
    }
}
