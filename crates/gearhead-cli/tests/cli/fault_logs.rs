//! Fault codes out of logs: the table, the JSON, the case that is made of them, and what is refused.

use serde_json::Value;

use crate::workspace::Workspace;

const LOG: &str = "(100.000000) can0 18FECA00#04FF9D001203FFFF\n(101.000000) can0 18FECA00#04FF9D001204FFFF\n\
                   (101.500000) can0 18FECB3D#00FF240D1207FFFF\nnonsense\n";

#[test]
fn a_log_becomes_a_list_of_codes() {
    let workspace = Workspace::new();
    workspace.write("machine.txt", LOG);
    let outcome = workspace.run(&["codes", "--candump", "machine.txt", "--json"]);
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    assert!(
        outcome.stderr.contains("machine.txt: 1 of 4 lines is no frame, first line 4: "),
        "{}",
        outcome.stderr
    );
    let codes: Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!(codes[0]["spn"], 157);
    assert_eq!(codes[0]["occurrence_count"], 4);
    assert_eq!(codes[0]["lamps"]["amber_warning"], "on");
    assert_eq!((&codes[0]["first_seen"], &codes[0]["frames"]), (&Value::from(100.0), &Value::from(2)));
    assert_eq!((&codes[1]["source_address"], &codes[1]["active"]), (&Value::from(61), &Value::from(false)));
    let table = workspace.run(&["codes", "--candump", "machine.txt"]).stdout;
    assert!(table.contains("0 engine") && table.contains("previously active"), "{table}");
}

#[test]
fn a_log_makes_a_case() {
    let workspace = Workspace::new();
    workspace.write("machine.txt", LOG);
    let args = ["diagnose", "--candump", "machine.txt", "--equipment", "CAT 320", "--json"];
    let outcome = workspace.run(&args);
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    let report: Value = serde_json::from_str(&outcome.stdout).unwrap();
    let symptom = report["case"]["symptom"].as_str().unwrap();
    assert!(
        symptom.starts_with("fault codes active: injector metering rail pressure low; previously"),
        "{symptom}"
    );
    assert_eq!(report["case"]["error_codes"][0], "SA0 SPN 157 FMI 18 OC 4");
}

#[test]
fn what_is_no_log_or_holds_no_code_is_said_to_be_so() {
    let workspace = Workspace::new();
    workspace.write("letter.txt", "Dear Sir,\n");
    let sentence = workspace.refused(&["codes", "--candump", "letter.txt"]);
    assert!(sentence.starts_with("error: letter.txt: no log that is known"), "{sentence}");
    workspace.write("quiet.txt", "(1.0) can0 0CF00400#FFFFFFFFFFFFFFFF\n");
    assert_eq!(workspace.run(&["codes", "--candump", "quiet.txt", "--json"]).stdout.trim(), "[]");
    let sentence = workspace.refused(&["diagnose", "--candump", "quiet.txt", "--equipment", "CAT 320"]);
    assert!(sentence.contains("none of DM1, DM2") && sentence.contains("--symptom"), "{sentence}");
}
