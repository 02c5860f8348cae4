//! `gearhead bench`: every figure, as the schema has them.

use serde_json::Value;

use crate::workspace::{Workspace, tiny_model};

#[test]
fn a_bench_measures_what_it_was_asked_for() {
    let model = tiny_model();
    let sizes = ["--documents", "2", "--tokens", "8", "--prompt-tokens", "5", "--new-tokens", "3"];
    let args = [&["bench", "--model", &model, "--runs", "2", "--batch", "1,3"][..], &sizes].concat();
    let found = Workspace::new().run(&[&args[..], &["--json"]].concat()).json();
    let schema: Value =
        serde_json::from_str(include_str!("../../../../docs/schemas/bench.schema.json")).unwrap();
    for key in schema["required"].as_array().unwrap() {
        assert!(found.get(key.as_str().unwrap()).is_some(), "{key} is missing in {found}");
    }
    let measured: Vec<_> = found["measured"].as_array().unwrap().iter().collect();
    let works: Vec<_> =
        measured.iter().map(|one| (one["work"].as_str().unwrap(), one["tokens"].as_u64())).collect();
    let expected = [
        ("training step of 2 x 8 tokens", Some(16)),
        ("reading 5 tokens, 1 at a time", Some(5)),
        ("3 tokens after 5, 1 at a time", Some(3)),
        ("reading 5 tokens, 3 at a time", Some(15)),
        ("3 tokens after 5, 3 at a time", Some(9)),
        ("loading a model", Some(0)),
        ("one diagnosis", Some(0)),
    ];
    assert_eq!(works, expected);
    for one in &measured {
        let seconds = one["seconds"].as_array().unwrap();
        assert!(seconds.len() == 2 && seconds.iter().all(|time| time.as_f64() > Some(0.0)), "{one}");
    }
    let losses: Vec<_> = measured[0]["losses"].as_array().unwrap().iter().filter_map(Value::as_f64).collect();
    assert!(
        losses.len() == 3 && losses[2] < losses[0],
        "a step on the same documents makes the loss fall: {losses:?}"
    );
    assert_eq!(found["precision"]["weights"], Value::Null, "f32 has no name in the schema");
    let narrow =
        Workspace::new().run(&[&args[..], &["--work", "generation", "--dtype", "bf16", "--json"]].concat());
    assert_eq!(narrow.json()["precision"]["weights"], "bf16");
    let text = Workspace::new().run(&[&args[..], &["--work", "generation"]].concat()).text();
    assert!(text.lines().count() == 4 && text.lines().all(|line| line.contains(" tokens/s ")), "{text}");
}

#[test]
fn work_that_the_model_cannot_do_is_named() {
    let model = tiny_model();
    let refused = |args: &[&str]| Workspace::new().refused(&[&["bench", "--model", &model], args].concat());
    let sentence = refused(&["--tokens", "999999"]);
    assert!(sentence.contains("--tokens: 999999 tokens, but the model takes at most"), "{sentence}");
    let sentence = refused(&["--work", "generation", "--new-tokens", "999999"]);
    assert!(sentence.contains("--prompt-tokens and --new-tokens"), "{sentence}");
    let sentence = refused(&["--runs", "0"]);
    assert!(sentence.contains("--runs"), "{sentence}");
}
