//! The configurations that are shipped.

use std::{fs, path::Path};

use gearhead::train::Config;

#[test]
fn every_shipped_configuration_is_valid() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../configs");
    // What the user brings: the model that is trained on, and the corpus of a command.
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/transformers/llama_tied");
    let from = format!("from='{}'", model.display());
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            let text = fs::read_to_string(&path).unwrap();
            let mut overrides = Vec::new();
            if text.contains("\nfrom = ") {
                overrides.push(from.clone());
            }
            if !text.contains("\ntrain = ") {
                overrides.push("data.text=[\"manuals.txt\"]".to_owned());
            }
            let config = Config::load(&path, &overrides).unwrap_or_else(|error| panic!("{error}"));
            let again = Config::parse(&config.resolved(), "resolved", &[]).unwrap();
            assert_eq!(again, config, "{}", path.display());
            names.push(path.file_stem().unwrap().to_owned());
        }
    }
    for name in ["small", "bundled", "lora", "pretrain"] {
        assert!(names.iter().any(|found| found == name), "{name} is not among {names:?}");
    }
}
