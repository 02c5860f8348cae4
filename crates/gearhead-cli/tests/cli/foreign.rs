//! Models from elsewhere, trained on cases.

use std::fs;

use crate::workspace::{TINY_CONFIG, Workspace, tiny, tiny_model};

/// A model directory whose tokenizer knows no sections of cases, as those of others are.
fn foreign(workspace: &Workspace) {
    fs::create_dir(workspace.path("foreign")).unwrap();
    let tiny = std::path::PathBuf::from(tiny_model()).join("best");
    for file in ["config.json", "model.safetensors"] {
        fs::copy(tiny.join(file), workspace.path("foreign").join(file)).unwrap();
    }
    let mut tokenizer = fs::read_to_string(tiny.join("tokenizer.json")).unwrap();
    for marker in ["pad", "s", "/s", "equipment", "symptom", "error", "cause", "solution", "step"] {
        tokenizer = tokenizer.replace(&format!("<{marker}>"), &format!("<|{marker}|>"));
    }
    workspace.write("foreign/tokenizer.json", tokenizer);
    workspace.write("foreign/chat_template.jinja", "{{ messages[0]['content'] }}");
}

#[test]
fn the_bundled_model_becomes_a_directory_to_train_on() {
    let workspace = Workspace::new();
    let imported = workspace.run(&["import", "bundled", "--out", "ready", "--json"]).json();
    assert!(imported["parameters"].as_u64().unwrap() > 1_000_000, "{imported}");
    let args = ["diagnose", "--equipment", "CAT 320", "--symptom", "loses power under load", "--json"];
    let causes = |more: &[&str]| workspace.run(&[&args[..], more].concat()).json()["causes"].clone();
    assert_eq!(causes(&["--model", "ready"]), causes(&[]));
    let again = workspace.refused(&["import", "bundled", "--out", "ready"]);
    assert!(again.contains("ready"), "{again}");
    let refused = workspace.refused(&["import", "bundled", "--dtype", "f16", "--out", "other"]);
    assert!(refused.contains("--dtype") && !workspace.path("other").exists(), "{refused}");
}

#[test]
fn a_model_from_elsewhere_is_trained_on_cases_and_diagnoses() {
    let workspace = Workspace::new();
    foreign(&workspace);
    let imported = workspace.run(&["import", "foreign", "--case-markers", "--out", "ready", "--json"]).json();
    assert_eq!(imported["added_tokens"].as_array().unwrap().len(), 8, "{imported}");
    assert_eq!(imported["vocab_size"], 408, "{imported}");
    assert!(workspace.read("ready/chat_template.jinja").contains("messages"));

    let data = |name: &str| tiny().join("data").join(name).display().to_string();
    let config = TINY_CONFIG
        .replace("tokenizer = \"tokenizer.json\"", "from = \"ready\"")
        .replace("data/train.jsonl", &data("train.jsonl"))
        .replace("data/validation.jsonl", &data("validation.jsonl"))
        .replace("d_model = 32\nn_layers = 1\nd_ff = 48\n", "");
    workspace.write("foreign.toml", config);
    let from = ["train", "--config", "foreign.toml", "--set", "from=foreign"];
    let refused = workspace.refused(&from);
    assert!(refused.contains("no markers") && refused.contains("--case-markers"), "{refused}");
    let loss = |more: &[&str]| {
        let args =
            [&["train", "--config", "foreign.toml", "--set", "train.learning_rate=5e-3", "--json"], more]
                .concat();
        workspace.run(&args).json()["best_validation_loss"].as_f64().unwrap()
    };
    let one = loss(&[]);
    let several = loss(&["--set", "train.epochs=6", "--set", "output=more"]);
    assert!(several < one - 0.2, "{several} after six epochs, {one} after one");
    let adapters = ["--set", "lora.rank=4", "--set", "output=adapters"];
    assert!(loss(&adapters).is_finite());
    for model in ["more", "adapters"] {
        let report = workspace
            .run(&[
                "diagnose",
                "--model",
                model,
                "--equipment",
                "CAT 320",
                "--symptom",
                "loses power",
                "--json",
            ])
            .json();
        assert!(report["causes"].as_array().is_some_and(|causes| causes.len() > 1), "{report}");
    }
}

#[test]
fn a_directory_is_not_overwritten_and_adapters_are_named() {
    let workspace = Workspace::new();
    foreign(&workspace);
    let in_the_way = workspace.refused(&["import", "foreign", "--out", "foreign"]);
    assert!(in_the_way.contains("foreign: something else stands there"), "{in_the_way}");
    workspace.run(&["import", "foreign", "--dtype", "f16", "--out", "half"]).text();
    assert!(workspace.read("half/config.json").contains("float16"));
    let missing = workspace.refused(&["import", "nowhere", "--case-markers", "--out", "model"]);
    assert!(missing.contains("nowhere"), "{missing}");
    assert!(!workspace.path("model").exists());
}
