//! The configurations that are shipped.

use std::{fs, path::Path};

use gearhead::train::Config;

#[test]
fn every_shipped_configuration_is_valid() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../configs");
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            let config = Config::load(&path, &[]).unwrap_or_else(|error| panic!("{error}"));
            let again = Config::parse(&config.resolved(), "resolved", &[]).unwrap();
            assert_eq!(again, config, "{}", path.display());
            names.push(path.file_stem().unwrap().to_owned());
        }
    }
    for name in ["small", "bundled"] {
        assert!(names.iter().any(|found| found == name), "{name} is not among {names:?}");
    }
}
