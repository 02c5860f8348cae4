//! `gearhead plan`, and what `gearhead train` shows and stores of it.

use serde_json::Value;

use crate::workspace::{Outcome, Workspace, tiny, tiny_training};

/// A model whose weights, gradients and moments are far more than the program.
const LARGER: [&str; 10] = [
    "--config",
    "tiny.toml",
    "--set",
    "model.d_model=512",
    "--set",
    "model.d_ff=1536",
    "--set",
    "model.n_layers=4",
    "--set",
    "train.batch_size=32",
];

fn plan(workspace: &Workspace, args: &[&str]) -> Value {
    workspace.run(&[&["plan", "--json"], &LARGER[..], args].concat()).json()
}

/// Asserts that a schema names every key of a value and asks for none that is missing.
pub(crate) fn assert_described(value: &Value, schema: &Value, root: &Value) {
    if value.is_null() {
        return;
    }
    let schema = match schema["$ref"].as_str() {
        Some(name) => &root["$defs"][name.rsplit('/').next().unwrap()],
        None => schema,
    };
    for key in schema["required"].as_array().into_iter().flatten() {
        assert!(value.get(key.as_str().unwrap()).is_some(), "{key} is missing in {value}");
    }
    let wider: Vec<&Value> = schema["allOf"].as_array().into_iter().flatten().collect();
    for (key, inner) in value.as_object().into_iter().flatten() {
        let own = schema["properties"].get(key);
        let found = own.or_else(|| {
            wider.iter().find_map(|wider| {
                let name = wider["$ref"].as_str()?.rsplit('/').next()?;
                root["$defs"][name]["properties"].get(key)
            })
        });
        let found = found.unwrap_or_else(|| panic!("{key} is not in the schema"));
        assert_described(inner, found, root);
    }
    for inner in value.as_array().into_iter().flatten() {
        assert_described(inner, &schema["items"], root);
    }
}

#[test]
fn a_plan_is_what_its_schema_says_and_adds_up() {
    let found = plan(&tiny_training(), &[]);
    let schema: Value =
        serde_json::from_str(include_str!("../../../../docs/schemas/plan.schema.json")).unwrap();
    assert_described(&found, &schema, &schema);
    let parts = found["parts"].as_object().unwrap();
    let sum: u64 = parts.values().map(|bytes| bytes.as_u64().unwrap()).sum();
    assert_eq!(found["peak_bytes"].as_u64(), Some(sum));
    assert!(parts["optimizer"].as_u64() == Some(2 * parts["weights"].as_u64().unwrap()), "{parts:?}");
    let origin = |key: &str| {
        let values = found["configuration"].as_array().unwrap();
        values.iter().find(|value| value["key"] == key).unwrap()["origin"].as_str().unwrap().to_owned()
    };
    assert_eq!(origin("model.d_model"), "--set");
    assert_eq!(origin("model.max_seq_len"), "tiny.toml:13");
    assert_eq!(origin("seed"), "default");
}

#[test]
fn settings_are_chosen_that_fit() {
    let workspace = tiny_training();
    let ample = plan(&workspace, &["--memory", "100GB"]);
    assert_eq!(
        (ample["fits"].as_bool(), ample["budget_bytes"].as_u64()),
        (Some(true), Some(100_000_000_000))
    );
    assert_eq!(ample["chosen"]["accumulation"], 1);
    let peak = ample["peak_bytes"].as_u64().unwrap();
    // What the program itself has is not the same to the byte each time.
    let budget = peak - (24 << 20);
    let tight = plan(&workspace, &["--memory", &format!("{budget}B")]);
    assert_eq!(tight["fits"], true, "{tight}");
    assert_eq!(tight["configured"]["fits"], false, "{tight}");
    assert!(tight["peak_bytes"].as_u64().unwrap() <= budget, "{tight}");
    assert_ne!(tight["chosen"]["accumulation"], 1, "{tight}");
    let hopeless = plan(&workspace, &["--memory", "50MB"]);
    assert_eq!(
        (hopeless["fits"].as_bool(), hopeless["chosen"]["optimizer_dtype"].as_str()),
        (Some(false), Some("8bit"))
    );
    let text = workspace.run(&[&["plan", "--memory", "50MB"], &LARGER[..]].concat()).text();
    assert!(text.starts_with("memory: ") && text.contains("which does not fit"), "{text}");
    assert!(text.contains("# tiny.toml:13\n") && text.contains("# default\n"), "{text}");
}

#[test]
fn what_cannot_fit_is_refused_before_it_begins() {
    let huge =
        ["train", "--config", "tiny.toml", "--set", "model.d_model=16384", "--set", "model.n_layers=400"];
    let sentence = tiny_training().refused(&huge);
    assert!(sentence.contains("of memory, but there is"), "{sentence}");
    assert!(sentence.contains("--set train.optimizer_dtype=8bit"), "{sentence}");
    let sentence = tiny_training().refused(&["plan", "--config", "tiny.toml", "--memory", "much"]);
    assert!(sentence.contains("--memory"), "{sentence}");
}

#[test]
fn the_peak_is_predicted_within_a_tenth() {
    let workspace = tiny_training();
    for more in [
        &[][..],
        &["--set", "train.accumulation=4", "--set", "train.optimizer_dtype=8bit"],
        &["--set", "model.tie_embeddings=false", "--set", "train.recompute_every=1"],
    ] {
        let train = [&["train", "--start-over"], &LARGER[..], more, &["--set", "train.epochs=2"]].concat();
        let Outcome { code, stderr, .. } = workspace.run(&train);
        assert_eq!(code, 0, "{stderr}");
        let report = workspace.read("out/report.html");
        assert!(report.contains("measured peak"), "{report}");
        // Where the system tells it.
        let Some((_, error)) = report.split_once("the prediction was off by <strong>") else { return };
        let error: f64 = error.split_once(" %").unwrap().0.parse().unwrap();
        assert!(error.abs() < 10.0, "{more:?}: off by {error} %");
    }
}

#[test]
fn a_training_stores_where_values_come_from_and_reports_plan_and_samples() {
    let stored = std::fs::read_to_string(tiny().join("out/config.toml")).unwrap();
    let line = |start: &str| stored.lines().find(|line| line.starts_with(start)).unwrap_or_default();
    assert!(line("learning_rate").ends_with("# --set"), "{stored}");
    assert!(line("batch_size").ends_with("# tiny.toml:17"), "{stored}");
    assert!(line("weight_decay").ends_with("# default"), "{stored}");
    let report = std::fs::read_to_string(tiny().join("out/report.html")).unwrap();
    assert!(report.contains("Memory: planned and measured") && report.contains("predicted peak"), "{report}");
    assert!(report.contains("<h2>Samples</h2>") && report.contains("&lt;cause&gt;"), "{report}");
    assert!(!report.contains("not asked"), "{report}");
}

#[test]
fn the_first_batch_is_readable_without_colour() {
    let text = tiny_training().run(&["train", "--config", "tiny.toml", "--show-batch"]).text();
    assert!(!text.contains('\u{1b}'), "{text}");
    let cases: Vec<&str> = text.lines().filter(|line| line.starts_with("<s><equipment>")).collect();
    assert_eq!(cases.len(), 8, "{text}");
    for case in cases {
        let (given, targets) = case.split_once("<cause>[[").unwrap();
        assert!(given.contains("<symptom>") && targets.ends_with("</s>]]"), "{case}");
    }
}
