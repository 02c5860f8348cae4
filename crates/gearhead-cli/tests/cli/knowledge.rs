//! Fault cards: listing, showing and checking them, and a company's own folder.

use std::fs;

use serde_json::Value;

use crate::workspace::{Workspace, tiny_model};

const COUPLER: &str = r#"
[[cards]]
id = "quick_coupler_leak"
title = "Leaking quick coupler lock"
system = "structure"
requires = ["hydraulics"]
severity = "stop"
occurrence = 2
codes = ["QC17"]
hazards = ["Lower the bucket to the ground and relieve the pressure"]
explanation = ["The lock cylinder of the coupler bleeds off."]
repair = ["Reseal the lock cylinder."]
verification = "The wedge stays home for a shift."
against = [{ fault = "hose_burst_or_leak_nowhere", finding = "oil on the ground" }]
signs = [{ full = ["Quick coupler wedge backs off", "Coupler wedge creeps open", "Wedge will not stay locked"] }]
tests = []
"#;

/// A workspace with a company's folder `acme`.
fn acme() -> Workspace {
    let workspace = Workspace::new();
    fs::create_dir_all(workspace.path("acme/cards")).unwrap();
    workspace.write("acme/cards/coupler.toml", COUPLER);
    workspace.write("acme/codes.toml", "[[codes]]\ncode = 'QC17'\nmeaning = 'coupler lock pressure'\n");
    workspace
}

#[test]
fn what_is_compiled_in_has_nothing_to_mend() {
    let workspace = Workspace::new();
    let text = workspace.run(&["knowledge", "check"]).text();
    assert!(text.ends_with("nothing to mend\n"), "{text}");
    let json = workspace.run(&["knowledge", "check", "--json"]).json();
    assert_eq!(json["findings"], Value::Array(Vec::new()));
    assert!(json["cards"].as_u64() >= Some(100), "{json}");
}

#[test]
fn cards_are_listed_and_shown() {
    let workspace = acme();
    let text = workspace.run(&["knowledge", "list", "--system", "fuel"]).text();
    assert!(text.lines().all(|line| line.starts_with("fuel ")) && text.contains(" water_in_fuel "), "{text}");
    let own = workspace.run(&["knowledge", "list", "--knowledge", "acme"]).text();
    assert!(own.contains("Leaking quick coupler lock (own)\n"), "{own}");
    let text = workspace.run(&["knowledge", "show", "quick_coupler_leak", "--knowledge", "acme"]).text();
    assert!(text.starts_with("Leaking quick coupler lock\n") && text.contains("  codes: QC17\n"), "{text}");
    let json = workspace.run(&["knowledge", "show", "water_in_fuel", "--json"]).json();
    assert_eq!(json["system"], "fuel");
    let sentence = workspace.refused(&["knowledge", "show", "water_fuel"]);
    assert!(sentence.contains("did you mean") && sentence.contains("water_in_fuel"), "{sentence}");
    assert!(workspace.refused(&["knowledge", "list", "--system", "fule"]).contains("fule"));
}

#[test]
fn findings_are_printed_and_the_exit_code_tells() {
    let workspace = acme();
    let outcome = workspace.run(&["knowledge", "check", "acme"]);
    assert_eq!(outcome.code, 2);
    for rule in ["[dangling_id]", "[no_discriminating_test]", "[few_wordings]"] {
        assert!(outcome.stdout.contains(rule), "{rule}: {}", outcome.stdout);
    }
    assert!(
        outcome.stdout.lines().all(|line| line.starts_with("quick_coupler_leak: ")),
        "{}",
        outcome.stdout
    );
    assert!(
        outcome.stderr.contains("+acme-") && outcome.stderr.contains("things to mend"),
        "{}",
        outcome.stderr
    );
    let sentence = workspace.refused(&["data", "generate", "--knowledge", "acme", "--out", "data"]);
    assert!(sentence.contains("no cases can be made from `quick_coupler_leak`"), "{sentence}");
}

#[test]
fn a_companys_folder_counts_everywhere() {
    let (workspace, model) = (acme(), tiny_model());
    let code = workspace.run(&["codes", "QC17", "--knowledge", "acme", "--json"]).json();
    assert_eq!(code[0]["meaning"], "coupler lock pressure");
    let report = workspace
        .run(&[
            "diagnose",
            "--model",
            &model,
            "--knowledge",
            "acme",
            "--equipment",
            "CAT 320",
            "--symptom",
            "wedge backs off",
            "--codes",
            "QC17",
            "--json",
        ])
        .json();
    assert_eq!(report["codes"][0]["known"], true);
    assert!(report["knowledge"].as_str().unwrap().contains("+acme-"), "{}", report["knowledge"]);
    workspace.write("acme/cards/coupler.toml", COUPLER.replace("system = \"structure\"", ""));
    for args in [
        vec!["codes", "P0087", "--knowledge", "acme"],
        vec!["knowledge", "check", "acme"],
        vec!["diagnose", "--knowledge", "acme", "--equipment", "a", "--symptom", "b"],
        vec!["serve", "--knowledge", "acme"],
    ] {
        let sentence = workspace.refused(&args);
        assert!(
            sentence.contains("acme/cards/coupler.toml:3: the card `quick_coupler_leak` has no `system`"),
            "{args:?}: {sentence}"
        );
    }
    assert!(
        workspace.refused(&["codes", "P0087", "--knowledge", "nowhere"]).contains("nowhere: No such file")
    );
}

#[test]
fn codes_are_also_read_together() {
    let text = Workspace::new().run(&["codes", "100-4, 102-4, 110-3"]).text();
    assert!(
        text.contains("\nSPN 100 FMI 4, SPN 102 FMI 4, SPN 110 FMI 3 together\n  Wrong voltages"),
        "{text}"
    );
    let text = Workspace::new().run(&["codes", "100-4, 102-4"]).text();
    assert!(!text.contains("together"), "{text}");
}
