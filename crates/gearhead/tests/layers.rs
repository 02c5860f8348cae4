//! The layers of the workspace, held over `cargo metadata`: a crate depends on those below it and on no other.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, MetadataCommand};

/// Each crate with the crates of the workspace that it may depend on.
const LAYERS: &[(&str, &[&str])] = &[
    ("gearhead-data", &[]),
    ("gearhead-kernels", &[]),
    ("gearhead-device", &["gearhead-kernels"]),
    ("gearhead-model", &["gearhead-kernels"]),
    ("gearhead-train", &["gearhead-data", "gearhead-kernels", "gearhead-model"]),
    ("gearhead-infer", &["gearhead-data", "gearhead-kernels", "gearhead-model"]),
    ("gearhead-serve", &["gearhead-data", "gearhead-infer"]),
    (
        "gearhead",
        &[
            "gearhead-data",
            "gearhead-device",
            "gearhead-infer",
            "gearhead-kernels",
            "gearhead-model",
            "gearhead-serve",
            "gearhead-train",
        ],
    ),
    ("gearhead-cli", &["gearhead", "gearhead-serve"]),
];

fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let metadata = MetadataCommand::new()
        .manifest_path(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))
        .no_deps()
        .other_options(["--offline".to_owned()])
        .exec()
        .unwrap();
    let normal = |package: &cargo_metadata::Package| {
        let dependencies =
            package.dependencies.iter().filter(|dependency| dependency.kind == DependencyKind::Normal);
        dependencies.map(|dependency| dependency.name.clone()).collect()
    };
    metadata.packages.iter().map(|package| (package.name.to_string(), normal(package))).collect()
}

#[test]
fn crates_depend_only_on_the_layers_below() {
    let found = dependencies();
    assert_eq!(
        found.keys().collect::<BTreeSet<_>>().len(),
        LAYERS.len(),
        "a crate is not in the list of layers"
    );
    for (name, allowed) in LAYERS {
        for dependency in found[*name].iter().filter(|dependency| dependency.starts_with("gearhead")) {
            assert!(allowed.contains(&dependency.as_str()), "{name} must not depend on {dependency}");
        }
    }
}

#[test]
fn data_and_serving_never_see_burn() {
    let found = dependencies();
    for name in ["gearhead-data", "gearhead-serve", "gearhead-cli"] {
        let burn: Vec<_> = found[name].iter().filter(|dependency| dependency.starts_with("burn")).collect();
        assert!(burn.is_empty(), "{name} depends on {burn:?}");
    }
}

#[test]
fn anyhow_is_for_examples_only() {
    for (name, dependencies) in dependencies() {
        assert!(!dependencies.contains("anyhow"), "{name} depends on anyhow");
    }
}
