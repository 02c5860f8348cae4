//! Bad input: one sentence that says where the fault is, exit code 2, and nothing left behind.

use std::fs;

use serde_json::Value;

use crate::workspace::{TINY_CONFIG, Workspace, tiny, tiny_model};

const GOOD: &str = r#"{"equipment": "CAT 320", "symptom": "low power", "probable_cause": "Bad pump"}"#;

/// Asserts that the sentence names each of `parts`.
fn assert_names(sentence: &str, parts: &[&str]) {
    for part in parts {
        assert!(sentence.contains(part), "{part:?} is not in {sentence:?}");
    }
}

/// The commands that read a case file, each reading `cases.jsonl`.
fn readers(model: &str) -> [Vec<&str>; 3] {
    [
        vec!["eval", "--model", model, "--data", "cases.jsonl"],
        vec!["tokenizer", "train", "cases.jsonl", "--out", "t.json"],
        vec![
            "train",
            "--config",
            "tiny.toml",
            "--set",
            "data.train=cases.jsonl",
            "--set",
            "data.validation=cases.jsonl",
        ],
    ]
}

/// A folder in which a training lacks nothing but its data.
fn workspace() -> Workspace {
    let workspace = Workspace::new();
    workspace.write("tiny.toml", TINY_CONFIG);
    fs::copy(tiny().join("tokenizer.json"), workspace.path("tokenizer.json")).unwrap();
    workspace
}

#[test]
fn case_files_that_are_missing_empty_or_broken() {
    let model = tiny_model();
    for (content, named) in [
        (None, "error: cases.jsonl: No such file"),
        (Some(String::new()), "error: cases.jsonl: the file holds no case"),
        (Some("[]".to_owned()), "error: cases.jsonl: the file holds no case"),
        (Some(format!("{GOOD}\n{GOOD}\n{{\"equipment\": \"CAT\n")), "error: cases.jsonl:3: not valid JSON"),
        (Some(format!("[\n{GOOD},\n{{\"equipment\": 3}}]")), "error: cases.jsonl:3: `equipment` must be"),
        (Some(format!("{GOOD}\n{{\"equipment\": \"CAT\"}}\n")), "error: cases.jsonl:2: `symptom` is missing"),
    ] {
        let workspace = workspace();
        if let Some(content) = content {
            workspace.write("cases.jsonl", content);
        }
        for args in readers(&model) {
            let sentence = workspace.refused(&args);
            assert!(sentence.starts_with(named), "{args:?}: {sentence}");
        }
    }
}

#[test]
fn a_batch_without_cases() {
    let (workspace, model) = (workspace(), tiny_model());
    let batch = ["diagnose", "--model", &model, "--batch", "cases.jsonl", "--out", "out.jsonl"];
    assert_names(&workspace.refused(&batch), &["cases.jsonl", "No such file"]);
    workspace.write("cases.jsonl", "\n");
    assert_names(&workspace.refused(&batch), &["cases.jsonl", "no case"]);
    assert_names(&workspace.refused(&["diagnose", "--batch", "cases.jsonl"]), &["error: "]);
}

#[test]
fn cases_without_anything_to_learn() {
    let workspace = workspace();
    workspace.write("cases.jsonl", format!("{GOOD}\n{{\"equipment\": \"a\", \"symptom\": \"b\"}}\n"));
    let sentence = workspace.refused(&readers("")[2]);
    assert_names(&sentence, &["cases.jsonl", "case 2", "probable_cause"]);
}

#[test]
fn a_model_directory_without_one_of_its_files() {
    for file in ["config.json", "model.safetensors", "tokenizer.json", "gearhead.json"] {
        let workspace = Workspace::new();
        workspace.copy_model("model");
        fs::remove_file(workspace.path("model").join(file)).unwrap();
        let args = ["diagnose", "--model", "model", "--equipment", "CAT 320", "--symptom", "low power"];
        assert_names(&workspace.refused(&args), &["error: model", file]);
    }
    let args = ["diagnose", "--model", "nowhere", "--equipment", "CAT 320", "--symptom", "low power"];
    assert_names(&Workspace::new().refused(&args), &["error: nowhere: No such file"]);
}

#[test]
fn damaged_model_files() {
    let args = ["diagnose", "--model", "model", "--equipment", "CAT 320", "--symptom", "low power"];
    for file in ["config.json", "model.safetensors", "tokenizer.json", "gearhead.json"] {
        let workspace = Workspace::new();
        workspace.copy_model("model");
        let path = workspace.path("model").join(file);
        let whole = fs::read(&path).unwrap();
        for length in [0, 4, whole.len() / 2, whole.len() - 1] {
            fs::write(&path, &whole[..length]).unwrap();
            assert_names(&workspace.refused(&args), &[&format!("error: model/{file}: ")]);
        }
    }
}

#[test]
fn the_tokenizer_of_another_model() {
    let workspace = Workspace::new();
    workspace.copy_model("model");
    let data = tiny().join("data/train.jsonl").display().to_string();
    workspace
        .run(&["tokenizer", "train", &data, "--vocab-size", "350", "--out", "model/tokenizer.json"])
        .text();
    let args = ["diagnose", "--model", "model", "--equipment", "CAT 320", "--symptom", "low power"];
    assert_names(&workspace.refused(&args), &["error: model: ", "350", "400"]);
}

#[test]
fn configurations() {
    let workspace = workspace();
    fs::copy(tiny().join("data/train.jsonl"), workspace.path("cases.jsonl")).unwrap();
    let train = ["train", "--config", "bad.toml"];
    assert_names(&workspace.refused(&train), &["error: bad.toml: No such file"]);
    for (change, parts) in [
        ("epoch = 3", ["error: bad.toml:", "epoch"]),
        ("epochs = 3", ["error: bad.toml:", "duplicate key"]),
        ("weight_decay = 7.0", ["error: bad.toml: train.weight_decay is 7", "range"]),
        ("accumulation = 0", ["error: bad.toml: train.accumulation is 0", "at least 1"]),
        ("learning_rate = nan", ["error: bad.toml: train.learning_rate is NaN", "range"]),
        ("save_dtype = \"f8\"", ["error: bad.toml:", "f8"]),
        ("warmup_steps = ", ["error: bad.toml:", ""]),
    ] {
        workspace.write("bad.toml", format!("{TINY_CONFIG}{change}\n"));
        assert_names(&workspace.refused(&train), &parts);
    }
    workspace.write("bad.toml", format!("{TINY_CONFIG}epoch = 3\n"));
    let line = TINY_CONFIG.lines().count() + 1;
    assert_names(&workspace.refused(&train), &[&format!("bad.toml:{line}: ")]);
    for (set, parts) in [
        ("train.epoch=3", ["--set train.epoch=3", "epoch"]),
        ("train.epochs", ["--set train.epochs", "section.key=value"]),
        ("train.epochs=0", ["train.epochs is 0", "at least 1"]),
        ("model.d_model=33", ["model.d_model is 33", "n_heads"]),
        ("model.rms_norm_eps=-1", ["model.rms_norm_eps is -1", "above 0"]),
        ("model.rope_theta=0", ["model.rope_theta is 0", "above 0"]),
        ("tokenizer=gone.json", ["gone.json", "No such file"]),
        ("tokenizer=tiny.toml", ["tiny.toml", "tokenizer"]),
        ("model.max_seq_len=8", ["cases.jsonl: case 1", "8"]),
    ] {
        let args = [
            "train",
            "--config",
            "tiny.toml",
            "--set",
            "data.train=cases.jsonl",
            "--set",
            "data.validation=cases.jsonl",
            "--set",
            set,
        ];
        assert_names(&workspace.refused(&args), &parts);
    }
}

#[test]
fn symptoms() {
    let workspace = Workspace::new();
    let long = "x".repeat(100_000);
    let diagnose = |args: &[&str]| workspace.refused(&[&["diagnose"], args].concat());
    let sentence = diagnose(&["--equipment", "CAT 320", "--symptom", &long]);
    assert_names(&sentence, &["`symptom` has 100000 characters", "8000"]);
    assert_names(&diagnose(&["--equipment", "CAT 320"]), &["--symptom"]);
    assert_names(&diagnose(&["--symptom", "low power"]), &["--equipment"]);
    assert_names(&diagnose(&["--equipment", "CAT 320", "--symptom", ""]), &["`symptom` is empty"]);
    assert_names(&diagnose(&["--equipment", " ", "--symptom", "x"]), &["`equipment` is empty"]);
    assert_names(&diagnose(&["--codes", "P0087"]), &["--equipment"]);
    // Within what a field may have, but more than the model takes.
    let long = "no power ".repeat(800);
    let model = tiny_model();
    let sentence = diagnose(&["--model", &model, "--equipment", "CAT 320", "--symptom", &long]);
    assert_names(&sentence, &["tokens, but the model takes", "shorten the symptom"]);
}

#[test]
fn devices() {
    let workspace = Workspace::new();
    let ask = |device: &str| {
        workspace.refused(&[
            "diagnose",
            "--device",
            device,
            "--equipment",
            "CAT 320",
            "--symptom",
            "low power",
        ])
    };
    assert_names(&ask("gpu"), &["--device gpu", "no such backend", "cuda:N"]);
    assert_names(&ask("cuda:first"), &["--device cuda:first"]);
    #[cfg(not(feature = "cuda"))]
    assert_names(&ask("cuda:0"), &["--device cuda:0", "--features cuda"]);
}

#[test]
fn options_that_are_out_of_range() {
    let workspace = Workspace::new();
    let model = tiny_model();
    let generate = |args: &[&str]| {
        workspace.refused(&[&["generate", "--model", &model, "--prompt", "a"], args].concat())
    };
    assert_names(&generate(&["--top-p", "0"]), &["top_p is 0"]);
    assert_names(&generate(&["--temperature", "NaN"]), &["temperature"]);
    assert_names(&generate(&["--greedy", "--seed", "3"]), &["--greedy", "--seed"]);
    assert_names(&workspace.refused(&["generate", "--model", &model, "--prompt", ""]), &["prompt is empty"]);
    assert_names(&workspace.refused(&["score", "--model", &model, "--ids", "1,400"]), &["400"]);
    assert_names(&workspace.refused(&["data", "generate", "--count", "4", "--out", "d"]), &["count is 4"]);
    let data = tiny().join("data/train.jsonl").display().to_string();
    let small = ["tokenizer", "train", &data, "--vocab-size", "100", "--out", "t.json"];
    assert_names(&workspace.refused(&small), &["vocab_size is 100"]);
    let open = workspace.refused(&["serve", "--addr", "0.0.0.0:0"]);
    assert_names(&open, &["--addr 0.0.0.0:0", "--keys", "--without-keys"]);
    workspace.write("keys.txt", "# of the shop\ntoo-short\n");
    let short = workspace.refused(&["serve", "--addr", "0.0.0.0:0", "--keys", "keys.txt"]);
    assert_names(&short, &["keys.txt:2: ", "16 characters"]);
    let store = workspace.refused(&["serve", "--store", "keys.txt"]);
    assert_names(&store, &["keys.txt: ", "not a database"]);
    let origin = workspace.refused(&["serve", "--no-store", "--allow-origin", "*"]);
    assert_names(&origin, &["`*` is no origin"]);
    assert_names(&workspace.refused(&["frobnicate"]), &["frobnicate"]);
}

#[test]
fn with_json_the_error_is_json() {
    let workspace = workspace();
    workspace.write("cases.jsonl", format!("{GOOD}\nnot json\n"));
    workspace.write("bad.toml", format!("{TINY_CONFIG}epoch = 3\n"));
    workspace.copy_model("model");
    fs::remove_file(workspace.path("model/gearhead.json")).unwrap();
    let line = TINY_CONFIG.lines().count() as u64 + 1;
    let ask = ["diagnose", "--json", "--equipment", "CAT 320", "--symptom"];
    let with = |args: &[&'static str]| [ask.as_slice(), args].concat();
    for (args, kind, path, line) in [
        (vec!["eval", "--data", "cases.jsonl", "--json"], "bad_case", Some("cases.jsonl"), Some(2)),
        (vec!["eval", "--data", "gone.jsonl", "--json"], "io", Some("gone.jsonl"), None),
        (vec!["train", "--config", "bad.toml", "--json"], "config", Some("bad.toml"), Some(line)),
        (vec!["train", "--config", "tiny.toml", "--set", "a=1", "--json"], "config", None, None),
        (with(&["low power", "--model", "gone"]), "io", Some("gone"), None),
        (with(&["low power", "--model", "model"]), "model", Some("model"), None),
        (with(&[""]), "bad_case", None, None),
        (with(&["low power", "--device", "gpu"]), "usage", None, None),
        (vec!["diagnose", "--json", "--symptom", "low power"], "usage", None, None),
        (vec!["score", "--json"], "usage", None, None),
    ] {
        let outcome = workspace.run(&args);
        assert_eq!((outcome.code, outcome.stdout.as_str()), (2, ""), "{args:?}: {}", outcome.stderr);
        let json: Value =
            serde_json::from_str(&outcome.stderr).unwrap_or_else(|_| panic!("{args:?}: {}", outcome.stderr));
        let error = json["error"].as_object().unwrap();
        assert_eq!(error.keys().collect::<Vec<_>>(), ["kind", "message", "path", "line"]);
        assert_eq!(error["kind"], kind, "{args:?}: {json}");
        assert!(error["message"].as_str().is_some_and(|message| message.len() > 10), "{json}");
        assert_eq!((error["path"].as_str(), error["line"].as_u64()), (path, line), "{args:?}: {json}");
    }
}
