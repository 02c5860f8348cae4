//! The layers of the workspace, held over `cargo metadata`: a crate depends on those below it and on no other. Tests may depend on
//! more, as long as there is no circle: the suite of the backends stands in `gearhead-device` and trains models.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, MetadataCommand, Package};

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

fn packages() -> Vec<Package> {
    let metadata = MetadataCommand::new()
        .manifest_path(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))
        .no_deps()
        .other_options(["--offline".to_owned()])
        .exec();
    metadata.unwrap().packages
}

fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let normal = |package: &Package| {
        let dependencies =
            package.dependencies.iter().filter(|dependency| dependency.kind == DependencyKind::Normal);
        dependencies.map(|dependency| dependency.name.clone()).collect()
    };
    packages().iter().map(|package| (package.name.to_string(), normal(package))).collect()
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
fn every_backend_is_a_feature_of_the_facade_and_of_the_command() {
    let packages = packages();
    let features = |name: &str| {
        let package = packages.iter().find(|package| package.name.as_str() == name);
        package.map(|package| package.features.clone()).unwrap()
    };
    let (facade, command) = (features("gearhead"), features("gearhead-cli"));
    for backend in features("gearhead-device").keys().filter(|name| *name != "default") {
        let forwards = |features: &BTreeMap<String, Vec<String>>, to: &str| {
            features.get(backend).is_some_and(|on| on.contains(&format!("{to}/{backend}")))
        };
        assert!(forwards(&facade, "gearhead-device"), "gearhead does not forward {backend}");
        assert!(forwards(&command, "gearhead"), "gearhead-cli does not forward {backend}");
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
