//! The forms of a report, and what tests that were done change.

use std::fs;

use serde_json::Value;

use crate::workspace::{Outcome, Workspace, tiny_model};

/// Two cards with one complaint, and a test that tells them apart.
const WEDGE: &str = r#"
[[cards]]
id = "wedge_leak"
title = "Leaking quick coupler lock"
system = "structure"
severity = "stop"
occurrence = 2
explanation = ["The lock cylinder of the coupler bleeds off."]
repair = ["Reseal the lock cylinder."]
verification = "The wedge stays home for a shift."
signs = [{ full = ["Quick coupler wedge backs off", "Coupler wedge creeps open", "Wedge will not stay locked"] }]

[[cards.tests]]
action = "Press on the wedge with a bar"
tool = "pry bar"
condition = "engine off, attachment on the ground"
expected = "at most 2 mm of play"

[[cards.tests.outcomes]]
result = "it gives way"
means = "the lock cylinder leaks"
points_to = "wedge_leak"

[[cards.tests.outcomes]]
result = "it stands firm with play"
means = "the wedge is worn"
points_to = "wedge_worn"

[[cards]]
id = "wedge_worn"
title = "Worn quick coupler wedge"
system = "structure"
severity = "plan"
occurrence = 2
explanation = ["The wedge has lost its taper."]
repair = ["Replace the wedge."]
verification = "The attachment sits without play."
signs = [{ full = ["Quick coupler wedge backs off in work", "Coupler wedge rattles", "Wedge has play"] }]
tests = []
"#;

/// A workspace with a company's folder `acme` that knows those two causes and no other.
fn acme() -> Workspace {
    Workspace::knowing_only(WEDGE)
}

/// The arguments of a diagnosis in that workspace, with further ones.
fn about_the_wedge(further: &[&str]) -> Vec<String> {
    let model = tiny_model();
    let args = ["diagnose", "--model", &model, "--knowledge", "acme", "--equipment", "CAT 320", "--symptom"];
    args.iter()
        .chain(&["quick coupler wedge backs off"])
        .chain(further)
        .map(|arg| (*arg).to_owned())
        .collect()
}

fn run(workspace: &Workspace, further: &[&str]) -> Outcome {
    workspace.run(&about_the_wedge(further).iter().map(String::as_str).collect::<Vec<_>>())
}

fn refused(workspace: &Workspace, further: &[&str]) -> String {
    workspace.refused(&about_the_wedge(further).iter().map(String::as_str).collect::<Vec<_>>())
}

#[test]
fn every_format_is_printed_and_written_alike() {
    let workspace = acme();
    for (format, beginning, end) in [
        ("text", "CAT 320\n  Complaint: quick coupler wedge backs off\n", "comes first.\n"),
        ("markdown", "# CAT 320\n\n* Complaint: quick coupler wedge backs off\n", "comes first.\n"),
        ("html", "<!DOCTYPE html><html lang=\"en\">", "</html>\n"),
        ("json", "{\n  \"case\": {\n    \"equipment\": \"CAT 320\"", "}\n"),
    ] {
        let printed = run(&workspace, &["--format", format]).text();
        assert!(printed.starts_with(beginning) && printed.ends_with(end), "{format}: {printed}");
        assert!(!printed.contains('\u{1b}'), "{format} has colours: {printed}");
        assert!(printed.contains("Leaking quick coupler lock"), "{format}: {printed}");
        let out = format!("new/{format}");
        let outcome = run(&workspace, &["--format", format, "--out", &out]);
        assert_eq!((outcome.code, outcome.stdout.as_str()), (0, ""), "{}", outcome.stderr);
        assert_eq!(outcome.stderr, format!("report: {out}\n"));
        assert_eq!(workspace.read(&out), printed);
    }
    let text = run(&workspace, &[]).text();
    assert_eq!(text, run(&workspace, &["--format", "text"]).text());
    assert!(text.contains("Press on the wedge with a bar [wedge_leak:1]"), "{text}");
    assert!(text.contains("told as wedge_leak:1=1"), "{text}");
    let json = run(&workspace, &["--json"]).text();
    assert_eq!(json, run(&workspace, &["--format", "json"]).text());
    assert_eq!(workspace.read("new/json"), json);
}

#[test]
fn a_result_that_was_found_ranks_the_causes_anew() {
    let workspace = acme();
    let first = |further: &[&str]| {
        let report = run(&workspace, &[&["--json"], further].concat()).json();
        let cause = &report["causes"][0];
        (cause["fault"].as_str().unwrap().to_owned(), cause["probability"].as_f64().unwrap(), report)
    };
    let (_, before, report) = first(&[]);
    assert_eq!(report["next_question"]["test"]["fault"], "wedge_leak", "{report}");
    for (found, fault) in [("wedge_leak:1=1", "wedge_leak"), ("wedge_leak:1=2", "wedge_worn")] {
        let (leading, probability, report) = first(&["--found", found]);
        assert_eq!(leading, fault, "{report}");
        assert!(probability > 0.8 && probability > before, "{before} before, {probability} after");
        assert_eq!(report["next_question"], Value::Null);
    }
}

#[test]
fn a_conversation_asks_what_the_test_shows() {
    let workspace = acme();
    let model = tiny_model();
    let args = ["diagnose", "--model", &model, "--knowledge", "acme"];
    let input = "CAT 320\nquick coupler wedge backs off\n\n3\nno idea\n2\n:quit\n";
    let text = workspace.run_with_input(&args, input).text();
    assert!(
        text.contains("\nPress on the wedge with a bar\n  1) it gives way\n  2) it stands firm with play\n")
    );
    assert!(text.contains("3 is no number from 1 to 2.\nno idea is no number from 1 to 2.\n"), "{text}");
    let (_, after) = text.split_once("no idea is").unwrap();
    assert!(after.contains("\n  1. Worn quick coupler wedge (structure)"), "{after}");
    assert_eq!(text.matches("  Complaint: quick coupler wedge").count(), 2, "{text}");

    // Enter leaves the test out, and the next machine is asked for.
    let input = "CAT 320\nquick coupler wedge backs off\n\n\nCAT 330\ncoupler wedge creeps open\n\n";
    let text = workspace.run_with_input(&args, input).text();
    assert!(text.contains("CAT 330\n  Complaint: coupler wedge creeps open\n"), "{text}");

    let input = ":format html\n:format pdf\nCAT 320\nquick coupler wedge backs off\n\n:format markdown\n1\n";
    let text = workspace.run_with_input(&args, input).text();
    assert!(
        text.contains("Reports are html now.\n\"pdf\" is no format: text, markdown, html or json.\n"),
        "{text}"
    );
    assert!(text.contains("<!DOCTYPE html>") && text.contains("\n# CAT 320\n"), "{text}");
    let input = "CAT 320\nquick coupler wedge backs off\n\n";
    let args = [args.as_slice(), &["--format", "markdown"]].concat();
    assert!(workspace.run_with_input(&args, input).text().contains("\n# CAT 320\n"));
}

#[test]
fn what_cannot_be_is_refused_in_one_sentence() {
    let workspace = acme();
    workspace.write("in.jsonl", "{\"equipment\": \"CAT 320\", \"symptom\": \"low power\"}\n");
    fs::create_dir(workspace.path("folder")).unwrap();
    for (further, parts) in [
        (vec!["--format", "pdf"], ["--format", "pdf"]),
        (vec!["--out", "folder"], ["folder", "irectory"]),
        (vec!["--found", "wedge_leak"], ["--found", "battery_or_cable:2=1"]),
        (vec!["--found", "wedge_leak:0=1"], ["--found", "from 1"]),
        (vec!["--found", "coupler:1=1"], ["--found coupler:1=1", "no card `coupler`"]),
        (vec!["--found", "wedge_leak:2=1"], ["--found wedge_leak:2=1", "the card has 1 test"]),
        (vec!["--found", "wedge_worn:1=1"], ["--found wedge_worn:1=1", "the card has no test"]),
        (vec!["--found", "wedge_leak:1=3"], ["--found wedge_leak:1=3", "the test has 2 results"]),
        (
            vec!["--found", "wedge_leak:1=1", "--found", "wedge_leak:1=2"],
            ["--found wedge_leak:1=2", "another --found"],
        ),
    ] {
        let sentence = refused(&workspace, &further);
        for part in parts {
            assert!(sentence.contains(part), "{part:?} is not in {sentence:?}");
        }
    }
    for (args, part) in [
        (vec!["diagnose", "--out", "report.txt"], "--equipment"),
        (vec!["diagnose", "--found", "wedge_leak:1=1"], "--equipment"),
        (vec!["diagnose", "--batch", "in.jsonl", "--out", "o.jsonl", "--format", "html"], "--format"),
        (vec!["diagnose", "--batch", "in.jsonl", "--out", "o.jsonl", "--found", "a:1=1"], "--found"),
        (vec!["diagnose", "--batch", "in.jsonl"], "--out"),
        (vec!["diagnose", "--format", "text", "--json"], "'--format <FORMAT>' cannot be used with '--json'"),
    ] {
        let outcome = workspace.run(&args);
        assert_eq!((outcome.code, outcome.stdout.as_str()), (2, ""), "{args:?}: {}", outcome.stderr);
        assert!(outcome.stderr.contains(part), "{args:?}: {}", outcome.stderr);
    }
    let json = run(&workspace, &["--format", "json", "--found", "coupler:1=1"]);
    let error: Value = serde_json::from_str(&json.stderr).unwrap();
    assert_eq!(error["error"]["kind"], "usage", "{error}");
}
