//! The files of the Python prototype work unchanged.

use serde_json::{Value, json};

use crate::workspace::{TINY_CONFIG, Workspace};

/// A JSON list over several lines, as the prototype wrote it.
fn records() -> String {
    let record =
        |number: usize, equipment: &str, symptom: &str, codes: &[&str], cause: &str, solution: &str| {
            json!({
                "equipment": equipment,
                "symptom": format!("{symptom}, unit {number}"),
                "error_codes": codes,
                "diagnostic_steps": ["Check the supply pressure", "Inspect the filter"],
                "probable_cause": cause,
                "solution": solution,
            })
        };
    let records: Vec<Value> = (0..4)
        .flat_map(|number| {
            [
                record(
                    number,
                    "Caterpillar 320 Excavator",
                    "Engine starts but loses power under load",
                    &["P0087", "SPN 157"],
                    "Clogged fuel filter",
                    "Replace the fuel filter",
                ),
                record(
                    number,
                    "John Deere 310SL Backhoe Loader",
                    "Slow hydraulics when hot",
                    &[],
                    "Worn hydraulic pump",
                    "Rebuild the pump",
                ),
            ]
        })
        .collect();
    serde_json::to_string_pretty(&records).unwrap()
}

#[test]
fn a_json_list_of_records_trains_and_diagnoses_unchanged() {
    let workspace = Workspace::new();
    workspace.write("records.json", records());
    workspace.write("tiny.toml", TINY_CONFIG);
    workspace
        .run(&["tokenizer", "train", "records.json", "--vocab-size", "350", "--out", "tokenizer.json"])
        .text();
    workspace
        .run(&[
            "train",
            "--config",
            "tiny.toml",
            "--set",
            "data.train=records.json",
            "--set",
            "data.validation=records.json",
        ])
        .text();
    let ask = |symptom: &str| {
        workspace
            .run(&["diagnose", "--model", "out", "--equipment", "CAT 320", "--symptom", symptom, "--json"])
            .json()
    };
    let report = ask("loses power");
    let mut causes: Vec<&str> =
        report["causes"].as_array().unwrap().iter().map(|cause| cause["cause"].as_str().unwrap()).collect();
    causes.sort_unstable();
    assert_eq!(causes, ["Clogged fuel filter", "Worn hydraulic pump"]);
    // Their causes have no fault cards.
    assert!(report["causes"][0]["fault"].is_null() && report["causes"][0]["system"].is_null());
    let total: f64 =
        report["causes"].as_array().unwrap().iter().filter_map(|c| c["probability"].as_f64()).sum();
    assert!((total - 1.0).abs() < 1e-9, "{total}");

    let found = workspace.run(&["eval", "--model", "out", "--data", "records.json", "--json"]).json();
    // They name no fault, but the model was trained on causes of the same names.
    assert_eq!((&found["n"], &found["splits"]["all"]["n"]), (&json!(8), &json!(8)));
    assert!(found["text"]["token_f1"].is_f64());
    let batch = ["diagnose", "--model", "out", "--batch", "records.json", "--out", "reports.jsonl"];
    assert_eq!(workspace.run(&batch).code, 0);
    assert_eq!(workspace.read("reports.jsonl").lines().count(), 8);
}
