//! From nothing to a diagnosis, as the README tells it.

use std::fs;

use serde_json::{Value, json};

use crate::workspace::{TINY_CONFIG, Workspace, tiny, tiny_model};

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn data_and_tokenizer_say_in_json_what_they_wrote() {
    let workspace = Workspace::new();
    let made = workspace.run(&["data", "generate", "--count", "40", "--out", "d", "--json"]).json();
    for (split, cases) in [("train", 32), ("validation", 4), ("test", 4)] {
        assert_eq!(made[split], json!({ "path": format!("d/{split}.jsonl"), "cases": cases }));
        assert_eq!(workspace.read(&format!("d/{split}.jsonl")).lines().count(), cases);
    }
    let args = ["tokenizer", "train", "d/train.jsonl", "--vocab-size", "400", "--out", "t.json", "--json"];
    let made = workspace.run(&args).json();
    assert_eq!((&made["path"], &made["vocab_size"]), (&json!("t.json"), &json!(400)));
    assert_eq!(workspace.files().len(), 5, "{:?}", workspace.files());
}

#[test]
fn a_training_obeys_its_overrides_and_leaves_a_whole_folder() {
    let workspace = Workspace::new();
    workspace.write("tiny.toml", TINY_CONFIG);
    let data = |file: &str| format!("data.{file}={}", tiny().join(format!("data/{file}.jsonl")).display());
    let summary = workspace
        .run(&[
            "train",
            "--config",
            "tiny.toml",
            "--json",
            "--set",
            &data("train"),
            "--set",
            &data("validation"),
            "--set",
            &format!("tokenizer={}", tiny().join("tokenizer.json").display()),
            "--set",
            "output=elsewhere",
            "--set",
            "train.batch_size=16",
            "--set",
            "train.save_dtype=f16",
        ])
        .json();
    assert_eq!((&summary["steps"], &summary["best"]), (&json!(2), &json!("elsewhere/best")));
    assert!(summary["best_validation_loss"].as_f64().unwrap() > 0.0);
    let config = workspace.read("elsewhere/config.toml");
    assert!(config.contains("batch_size = 16") && config.contains("save_dtype = \"f16\""), "{config}");
    let mut left: Vec<_> =
        fs::read_dir(workspace.path("elsewhere")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(
        left,
        ["best", "checkpoints", "config.toml", "last", "metrics.jsonl", "report.html", "tensorboard"]
    );
}

#[test]
fn the_trained_model_diagnoses() {
    let workspace = Workspace::new();
    let model = tiny_model();
    let args = [
        "diagnose",
        "--model",
        &model,
        "--equipment",
        "Caterpillar 320 Excavator",
        "--symptom",
        "loses power under load",
        "--codes",
        "P0087, SPN 157 FMI 18",
    ];
    let text = workspace.run(&args).text();
    assert!(text.starts_with("Caterpillar 320 Excavator\n  Complaint: loses power under load\n"), "{text}");
    assert!(text.contains("\nFault codes\n  P0087: "), "{text}");
    let report = workspace.run(&[args.as_slice(), &["--json"]].concat()).json();
    assert_eq!(report["model"], model);
    assert_eq!(report["case"]["error_codes"], json!(["P0087", "SPN 157 FMI 18"]));
    let causes = report["causes"].as_array().unwrap();
    let probabilities: Vec<f64> = causes.iter().map(|cause| cause["probability"].as_f64().unwrap()).collect();
    assert!(probabilities.is_sorted_by(|a, b| a >= b) && probabilities[0] <= 1.0, "{probabilities:?}");
    // The folder of the training and the directory inside it are the same model.
    let best = tiny().join("out/best").display().to_string();
    let args: Vec<&str> = args.iter().map(|arg| if *arg == model { best.as_str() } else { arg }).collect();
    let same = workspace.run(&[args.as_slice(), &["--json"]].concat()).json();
    assert_eq!(same["causes"], report["causes"]);
}

#[test]
fn scores_and_continuations_come_token_by_token() {
    let workspace = Workspace::new();
    let model = tiny_model();
    let scored =
        workspace.run(&["score", "--model", &model, "--text", "Restricted fuel filter", "--json"]).json();
    assert_eq!(keys(&scored), ["ids", "tokens", "log_probs"]);
    let length = scored["ids"].as_array().unwrap().len();
    assert!(length > 1);
    assert_eq!(scored["tokens"].as_array().unwrap().len(), length);
    let log_probs = scored["log_probs"].as_array().unwrap();
    assert!(log_probs.len() == length && log_probs[0].is_null(), "{scored}");
    assert!(log_probs[1..].iter().all(|log_prob| log_prob.as_f64().unwrap() < 0.0), "{scored}");
    // The same ids have the same scores.
    let ids: Vec<String> = scored["ids"].as_array().unwrap().iter().map(Value::to_string).collect();
    let of_ids = workspace.run(&["score", "--model", &model, "--ids", &ids.join(","), "--json"]).json();
    assert_eq!(of_ids, scored);

    let args = ["generate", "--model", &model, "--prompt", "The fuel", "--max-new-tokens", "5", "--greedy"];
    let made = workspace.run(&[args.as_slice(), &["--json"]].concat()).json();
    assert_eq!(keys(&made), ["prompt_ids", "ids", "text", "finish_reason"]);
    assert!(made["ids"].as_array().unwrap().len() <= 5);
    assert!(["stop", "length"].contains(&made["finish_reason"].as_str().unwrap()));
    let plain = workspace.run(&args).text();
    let made = made["text"].as_str().unwrap();
    assert!(made.starts_with(plain.trim_end_matches('\n')), "{plain:?} against {made:?}");
}

/// The bundled model is stored in f16.
#[test]
fn weights_of_sixteen_bits_are_asked_for_by_name() {
    let workspace = Workspace::new();
    let log_probs = |dtype: &str| -> Vec<f64> {
        let scored =
            workspace.run(&["score", "--text", "Restricted fuel filter", "--dtype", dtype, "--json"]);
        scored.json()["log_probs"].as_array().unwrap().iter().filter_map(Value::as_f64).collect()
    };
    let exact = log_probs("f32");
    let furthest = |dtype: &str| {
        let distances = log_probs(dtype).into_iter().zip(&exact).map(|(ours, exact)| (ours - exact).abs());
        distances.fold(0.0, f64::max)
    };
    let (same, rounded) = (furthest("f16"), furthest("bf16"));
    assert!(same < 1e-4 && (1e-4..0.2).contains(&rounded), "{same} in f16, {rounded} in bf16");
}

#[test]
fn a_batch_keeps_its_order_with_errors_in_their_places() {
    let workspace = Workspace::new();
    workspace.write(
        "in.jsonl",
        "{\"equipment\": \"CAT 320\", \"symptom\": \"low power\"}\n\
         {\"equipment\": \"CAT 320\", \"symptom\": \n\
         \n\
         {\"equipment\": \"Komatsu PC200\", \"symptom\": \"will not start\", \"id\": 7}\n\
         {\"equipment\": \"CAT C15 generator set\"}\n",
    );
    let model = tiny_model();
    let outcome =
        workspace.run(&["diagnose", "--model", &model, "--batch", "in.jsonl", "--out", "out.jsonl"]);
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    assert!(outcome.stderr.contains("4 cases, 2 of them with an error: out.jsonl"), "{}", outcome.stderr);
    let reports = lines(&workspace.read("out.jsonl"));
    assert_eq!(reports.len(), 4);
    assert_eq!(reports[0]["case"]["equipment"], "CAT 320");
    assert_eq!(
        (&reports[2]["case"]["equipment"], &reports[2]["case"]["id"]),
        (&json!("Komatsu PC200"), &json!("7"))
    );
    for (place, line, named) in [(1, 2, "not valid JSON"), (3, 5, "`symptom` is missing")] {
        let error = &reports[place]["error"];
        assert_eq!((&error["line"], &error["path"]), (&json!(line), &json!("in.jsonl")), "{error}");
        assert!(error["message"].as_str().unwrap().contains(named), "{error}");
        assert!(reports[place].get("causes").is_none());
    }
    assert_eq!(workspace.files().len(), 2, "{:?}", workspace.files());
    // One at a time, a case gets the same answer.
    let alone = ["diagnose", "--model", &model, "--equipment", "CAT 320", "--symptom", "low power", "--json"];
    assert_eq!(workspace.run(&alone).json(), reports[0]);
}

#[test]
fn codes() {
    let workspace = Workspace::new();
    let codes = workspace.run(&["codes", "SPN 157 FMI 18", "P0087", "QQ-9917", "--json"]).json();
    assert_eq!(
        (&codes[0]["spn"], &codes[0]["fmi"], &codes[0]["known"]),
        (&json!(157), &json!(18), &json!(true))
    );
    assert_eq!((&codes[1]["code"], &codes[1]["known"]), (&json!("P0087"), &json!(true)));
    assert_eq!((&codes[2]["known"], &codes[2]["meaning"]), (&json!(false), &Value::Null));
    let text = workspace.run(&["codes", "QQ-9917"]).text();
    assert!(text.starts_with("QQ-9917\n  meaning: unknown\n"), "{text}");
}

#[test]
fn an_unknown_code_is_no_error() {
    let model = tiny_model();
    let args = [
        "diagnose",
        "--model",
        &model,
        "--equipment",
        "CAT 320",
        "--symptom",
        "low power",
        "--codes",
        "QQ-9917",
    ];
    let text = Workspace::new().run(&args).text();
    assert!(text.contains("QQ-9917: unknown"), "{text}");
}
