//! The model that is compiled in.
#![cfg(feature = "flex")]

use std::{ffi::OsStr, fs};

use gearhead::{Case, Device, Engine, write_bundled};

#[test]
fn a_restricted_fuel_filter_is_found() {
    let engine = Engine::bundled().unwrap();
    let case = Case::new("Caterpillar 320 Excavator", "Engine starts but loses power under load")
        .with_codes("P0087, SPN 157 FMI 18");
    let report = engine.diagnose(&case).unwrap();
    assert_eq!(report.causes[0].fault.as_deref(), Some("fuel_filter_restricted"), "{report}");
    assert_eq!(report.model, "bundled");
    assert!(report.codes.iter().all(|code| code.decoded.known));
}

#[test]
fn written_as_a_directory_it_answers_alike_and_has_one_file_of_weights() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model");
    // The second takes the place of the first.
    write_bundled(&path).unwrap();
    write_bundled(&path).unwrap();
    let case = Case::new("Komatsu PC210", "slow crank in the morning, lights go dim");
    let report = |engine: Engine| {
        let mut report = engine.diagnose(&case).unwrap();
        report.model.clear();
        report
    };
    let device = Device::cpu().unwrap();
    assert_eq!(report(Engine::open(&path, &device).unwrap()), report(Engine::bundled_on(&device).unwrap()));
    // vLLM loads whatever has this ending.
    let files = fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path());
    let weights: Vec<_> = files.filter(|file| file.extension() == Some(OsStr::new("safetensors"))).collect();
    assert_eq!(weights, [path.join("model.safetensors")]);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left behind");
}
