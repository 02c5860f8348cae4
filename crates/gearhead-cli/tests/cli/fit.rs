//! `gearhead fit`.

use std::fs;

use crate::workspace::{Workspace, tiny};

fn args<'a>(train: &'a str, validation: &'a str) -> [&'a str; 8] {
    ["fit", "--model", "model", "--train", train, "--validation", validation, "--json"]
}

/// A file of the cases that the tiny model was trained on.
fn data(file: &str) -> String {
    tiny().join(format!("data/{file}.jsonl")).display().to_string()
}

#[test]
fn the_weights_are_fitted_anew_and_past_cases_get_one() {
    let workspace = Workspace::new();
    workspace.copy_model("model");
    let (train, validation) = (data("train"), data("validation"));
    let before = workspace.read("model/gearhead.json");
    let fitted = workspace.run(&args(&train, &validation)).json();
    assert!(fitted["ranking"]["cases"].as_f64().unwrap() >= 0.0, "{fitted}");
    assert_eq!(fitted["cases"], 4);
    // The same model, cases and seed as at the end of the training.
    assert_eq!(workspace.read("model/gearhead.json"), before);
}

#[test]
fn an_interrupted_fit_is_told_and_fitting_again_mends_it() {
    let workspace = Workspace::new();
    workspace.copy_model("model");
    let (train, validation) = (data("train"), data("validation"));
    let other = workspace.run(&["data", "generate", "--count", "60", "--seed", "9", "--out", "other"]);
    assert_eq!(other.code, 0, "{}", other.stderr);
    // What a fit on other cases would have left, had it been stopped between its two files.
    let manifest = fs::read(workspace.path("model/gearhead.json")).unwrap();
    workspace.run(&args("other/train.jsonl", "other/validation.jsonl")).text();
    workspace.write("model/gearhead.json", manifest);
    let case = ["diagnose", "--model", "model", "--equipment", "Cat 320", "--symptom", "low power"];
    let sentence = workspace.refused(&case);
    assert!(sentence.contains("gearhead fit"), "{sentence}");
    workspace.run(&args(&train, &validation)).text();
    workspace.run(&case).text();
}

#[test]
fn where_nothing_is_learned_the_linear_model_that_is_there_is_fitted_to() {
    let workspace = Workspace::new();
    workspace.copy_model("model");
    let validation = data("validation");
    let record = r#"{"equipment": "Cat 320", "symptom": "x", "probable_cause": "Nothing the model ranks"}"#;
    workspace.write("strange.jsonl", record);
    let linear = fs::read(workspace.path("model/linear.gearhead")).unwrap();
    let fitted = workspace.run(&args("strange.jsonl", &validation)).json();
    assert_eq!(fitted["cases"], 4);
    assert_eq!(fs::read(workspace.path("model/linear.gearhead")).unwrap(), linear);
    workspace
        .run(&["diagnose", "--model", "model", "--equipment", "Cat 320", "--symptom", "low power"])
        .text();
}
