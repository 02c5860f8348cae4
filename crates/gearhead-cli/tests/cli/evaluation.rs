//! `gearhead eval`: every number, the page, and the gate.

use serde_json::Value;

use crate::workspace::{Workspace, tiny, tiny_model};

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

fn data(file: &str) -> String {
    tiny().join(format!("data/{file}.jsonl")).display().to_string()
}

#[test]
fn evaluation_gives_every_number() {
    let (test, train) = (data("test"), data("train"));
    let workspace = Workspace::new();
    let model = tiny_model();
    let args = ["eval", "--model", &model, "--data", &test, "--train", &train];
    let found = workspace.run(&[args.as_slice(), &["--json", "--html", "report.html"]].concat()).json();
    let schema: Value =
        serde_json::from_str(include_str!("../../../../docs/schemas/eval.schema.json")).unwrap();
    let described = |of: &Value| of["properties"].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&found), described(&schema));
    assert_eq!(found["n"], 4);
    for key in ["token_f1", "rouge_l", "exact"] {
        assert!(found["text"][key].is_f64(), "text.{key} is missing");
    }
    let all = &found["splits"]["all"];
    assert_eq!(keys(all), described(&schema["$defs"]["ranking"]));
    assert_eq!(all["n"], 4);
    let simpler =
        [&all["baselines"], &all["ablations"]].map(|of| of.as_object().unwrap().values()).into_iter();
    for baseline in simpler.flatten() {
        assert_eq!(keys(baseline), described(&schema["$defs"]["baseline"]));
    }
    for (part, name) in [
        ("selective", "selective"),
        ("held_out_fault", "held_out_fault"),
        ("tests_needed", "tests_needed"),
        ("checks", "checks"),
    ] {
        assert_eq!(keys(&found[part]), described(&schema["$defs"][name]), "{part}");
    }
    assert!(found["suites"].is_null() && found["before"].is_null());
    assert_eq!(found["checks"]["reports"], 4);
    let page = workspace.read("report.html");
    assert!(page.starts_with("<!DOCTYPE html>") && page.contains("By kind of case"), "{page}");
    let table = workspace.run(&[args.as_slice(), &["--baselines"]].concat()).text();
    for baseline in keys(&all["baselines"]) {
        assert!(table.contains(baseline), "{baseline} is missing in:\n{table}");
    }
    let widest = table.lines().map(|line| line.chars().count()).max().unwrap();
    assert!(widest <= 96, "{widest} columns:\n{table}");
}

#[test]
fn the_gate_fails_with_one_sentence_and_after_the_report() {
    let test = data("test");
    let workspace = Workspace::new();
    let model = tiny_model();
    let args = ["eval", "--model", &model, "--data", &test, "--json"];
    let passed =
        [args.as_slice(), &["--before", &model, "--fail-below", "top1=0", "--fail-below", "exact=0"]]
            .concat();
    let found = workspace.run(&passed).json();
    assert_eq!((&found["before"]["verdict"], &found["before"]["n"]), (&"no_worse".into(), &4.into()));
    let outcome = workspace.run(&[args.as_slice(), &["--fail-below", "exact=1"]].concat());
    assert_eq!(outcome.code, 1, "{}", outcome.stderr);
    let error: Value = serde_json::from_str(&outcome.stderr).unwrap();
    assert_eq!(error["error"]["kind"], "regression");
    assert!(error["error"]["message"].as_str().unwrap().starts_with("exact is 0"), "{error}");
    assert_eq!(serde_json::from_str::<Value>(&outcome.stdout).unwrap()["n"], 4);
}

#[test]
fn what_cannot_be_measured_is_refused() {
    let workspace = Workspace::new();
    let model = tiny_model();
    let sentence = workspace.refused(&["eval", "--model", &model, "--fail-below", "top2=0.9"]);
    assert!(sentence.contains("top2") && sentence.contains("--fail-below"), "{sentence}");
    let sentence = workspace.refused(&["eval", "--model", &model, "--cases", "5", "--data", "x.jsonl"]);
    assert!(sentence.contains("--cases") && sentence.contains("--data"), "{sentence}");
    workspace.write("bare.jsonl", "{\"equipment\": \"CAT 320\", \"symptom\": \"low power\"}\n");
    let sentence = workspace.refused(&["eval", "--model", &model, "--data", "bare.jsonl"]);
    assert!(sentence.contains("no case has"), "{sentence}");
}
