//! What the command says of the machine.

use serde_json::{Value, json};

use crate::{plan::assert_described, workspace::Workspace};

#[test]
fn the_survey_is_what_its_schema_says() {
    let workspace = Workspace::new();
    let found = workspace.run(&["devices", "--measure", "--explain", "--json"]).json();
    let schema: Value =
        serde_json::from_str(include_str!("../../../../docs/schemas/devices.schema.json")).unwrap();
    assert_described(&found, &schema, &schema);
    let cpu = &found["backends"][0];
    assert_eq!((&cpu["name"], &cpu["compiled"]), (&json!("cpu"), &json!(true)));
    let adapter = &cpu["adapters"][0];
    assert_eq!((&adapter["device"], &adapter["status"]), (&json!("cpu"), &json!("ready")));
    assert!(adapter["measured"]["matmul_gflops"].as_f64().unwrap() > 0.0, "{adapter}");
    assert!(adapter["free_memory_bytes"].as_u64() <= adapter["memory_bytes"].as_u64(), "{adapter}");
    assert!(found["auto"]["device"].is_string());
    // Only what was asked for is measured and chosen.
    let plain = workspace.run(&["devices", "--json"]).json();
    assert_eq!(
        (&plain["auto"], &plain["backends"][0]["adapters"][0]["measured"]),
        (&Value::Null, &Value::Null)
    );
}

#[test]
fn a_backend_that_is_not_in_the_build_is_named_with_its_feature() {
    let workspace = Workspace::new();
    let found = workspace.run(&["devices", "--json"]).json();
    let text = workspace.run(&["devices"]).text();
    for backend in found["backends"].as_array().unwrap() {
        let (name, feature) = (backend["name"].as_str().unwrap(), backend["feature"].as_str().unwrap());
        let line = text.lines().find(|line| line.split_whitespace().next() == Some(name)).unwrap();
        let is_missing = line.contains(&format!("not in this build (cargo feature `{feature}`)"));
        assert_eq!(is_missing, backend["compiled"] == false, "{line}");
    }
}

#[test]
fn the_doctor_says_what_its_schema_says_and_counts_faults() {
    let workspace = Workspace::new();
    let found = workspace.run(&["doctor", "--json"]).json();
    let schema: Value =
        serde_json::from_str(include_str!("../../../../docs/schemas/doctor.schema.json")).unwrap();
    assert_described(&found, &schema, &schema);
    let checks = found["checks"].as_array().unwrap();
    let faults: Vec<&Value> = checks.iter().filter(|check| check["verdict"] == "fault").collect();
    assert_eq!(found["faults"].as_u64(), Some(faults.len() as u64));
    assert!(faults.iter().all(|check| check["mend"].is_string()), "{faults:?}");
    let text = workspace.run(&["doctor"]).text();
    assert!(text.contains("Burn 0.21.0") && text.contains("backends: cpu"), "{text}");
}

#[test]
fn a_probe_answers_in_one_line_and_refuses_what_is_no_question() {
    let workspace = Workspace::new();
    let answer = workspace.run(&["probe", "try cpu"]).text();
    assert!(answer.starts_with("gearhead-probe-answer {") && answer.lines().count() == 1, "{answer}");
    for question in ["list everything", "cpu", "measure cpu:3"] {
        let outcome = workspace.run(&["probe", question]);
        assert_eq!((outcome.code, outcome.stderr.lines().count()), (2, 1), "{}", outcome.stderr);
    }
}
