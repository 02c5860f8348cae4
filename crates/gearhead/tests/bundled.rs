//! The model that is compiled in.
#![cfg(feature = "flex")]

use gearhead::{Case, Engine};

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
