//! `gearhead export` and `gearhead import`.

use std::fs;

use crate::workspace::{Workspace, tiny_model};

#[test]
fn a_model_goes_to_gguf_and_back() {
    let workspace = Workspace::new();
    let model = tiny_model();
    let exported =
        workspace.run(&["export", "--model", &model, "--out", "a/m.gguf", "--verify", "--json"]).json();
    assert_eq!(exported["verified"]["passed"], true, "{exported}");
    assert_eq!(exported["verified"]["weight_errors"]["f32"], 0.0);
    let modelfile = workspace.read("a/Modelfile");
    assert!(
        modelfile.contains("FROM ./m.gguf\n") && modelfile.contains("<error> none<cause>"),
        "{modelfile}"
    );
    workspace.run(&["import", "a/m.gguf", "--out", "back"]).text();
    assert!(workspace.read("back/tokenizer_config.json").contains("chat_template"));
    // The same tokens, the same numbers.
    let text = " SPN 157 FMI 18: boost leak";
    let before = workspace.run(&["score", "--model", &model, "--text", text, "--json"]).json();
    assert_eq!(workspace.run(&["score", "--model", "back", "--text", text, "--json"]).json(), before);
}

#[test]
fn fewer_bits_are_a_smaller_file_that_passes() {
    let workspace = Workspace::new();
    let mut sizes = Vec::new();
    for dtype in ["f32", "f16", "q8_0", "q4_0"] {
        let args = ["export", "--format", "gguf", "--out", "m.gguf", "--dtype", dtype, "--verify", "--json"];
        let exported = workspace.run(&args).json();
        assert_eq!(exported["verified"]["passed"], true, "{dtype}: {exported}");
        sizes.push(exported["exported"]["bytes"].as_u64().unwrap());
    }
    assert!(sizes.is_sorted_by(|one, next| one > next), "{sizes:?}");
}

#[test]
fn what_cannot_be_written_or_read_is_said() {
    let workspace = Workspace::new();
    let missing = workspace.refused(&["export", "--model", "nowhere", "--out", "m.gguf"]);
    assert!(missing.contains("nowhere"), "{missing}");
    workspace.write("Modelfile", "FROM llama3\n");
    let foreign = workspace.refused(&["export", "--out", "m.gguf"]);
    assert!(foreign.contains("Modelfile: something else stands there"), "{foreign}");
    workspace.write("x.gguf", "GGUF, but not really");
    let damaged = workspace.refused(&["import", "x.gguf", "--out", "model"]);
    assert!(damaged.contains("x.gguf: version"), "{damaged}");
    fs::create_dir(workspace.path("model")).unwrap();
    let in_the_way = workspace.refused(&["import", "x.gguf", "--out", "model"]);
    assert!(in_the_way.contains("model: something else stands there"), "{in_the_way}");
    let device = workspace.run(&["export", "--out", "m.gguf", "--device", "cpu"]);
    assert_eq!(device.code, 2, "{}", device.stderr);
}
