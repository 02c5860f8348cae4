//! One's own records come in, and nothing gets lost.

use serde_json::{Value, json};

use crate::workspace::Workspace;

const TABLE: &str = "WO;Machine;Complaint;Correction;Site\n\
    1;CAT 320;no power uphill;changed both fuel filters;North\n\
    2;;leaks;;South\n\
    3;CAT 336;smokes;;North\n";

#[test]
fn a_table_is_imported_shown_and_reported() {
    let workspace = Workspace::new();
    workspace.write("shop.csv", TABLE);
    let outcome =
        workspace.run(&["data", "import", "shop.csv", "--out", "cases.jsonl", "--rejected", "not.jsonl"]);
    assert!(outcome.stderr.contains("symptom          <- Complaint"), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("shop.csv:3: not taken: `equipment` is empty"), "{}", outcome.stderr);
    assert!(outcome.text().contains("cases.jsonl: 2 cases of 3 rows; 1 not taken"));
    let first: Value = serde_json::from_str(workspace.read("cases.jsonl").lines().next().unwrap()).unwrap();
    let expected = json!({"equipment": "CAT 320", "symptom": "no power uphill",
        "solution": "changed both fuel filters", "id": "1", "Site": "North"});
    assert_eq!(first, expected);
    let rejected: Value = serde_json::from_str(workspace.read("not.jsonl").trim()).unwrap();
    let expected =
        json!({"path": "shop.csv", "place": "3", "reason": "`equipment` is empty", "raw": "2,,leaks,,South"});
    assert_eq!(rejected, expected);
}

#[test]
fn the_summary_as_json_adds_up() {
    let workspace = Workspace::new();
    workspace.write("shop.csv", TABLE);
    workspace.write("notes.txt", "Problem: slow\nEquipment: D6\nCause: air\n");
    let args = ["data", "import", "shop.csv", "notes.txt", "--out", "cases.jsonl", "--json"];
    let summary = workspace.run(&args).json();
    assert_eq!(
        (&summary["rows"], &summary["cases"], &summary["rejected"]),
        (&json!(4), &json!(3), &json!(1))
    );
    assert_eq!(summary["files"][0]["format"], "csv");
    assert_eq!(summary["files"][0]["mapping"]["fields"][0]["columns"], json!(["Machine"]));
    assert_eq!(summary["files"][1]["format"], "text");
    assert_eq!(summary["outputs"], json!({"cases": "cases.jsonl", "rejected": null}));
}

#[test]
fn what_makes_no_cases_is_refused_with_what_to_do() {
    let workspace = Workspace::new();
    workspace.write("a.csv", "Problem,Site\nleaks,North\n");
    let sentence = workspace.refused(&["data", "import", "a.csv", "--out", "o.jsonl"]);
    assert!(sentence.contains("--set equipment="), "{sentence}");
    workspace.write("b.txt", "once upon a time\n");
    assert!(workspace.refused(&["data", "import", "b.txt", "--out", "o.jsonl"]).contains("--format"));
    assert!(workspace.refused(&["data", "import", "none.csv", "--out", "o.jsonl"]).contains("none.csv"));
    assert!(
        workspace
            .refused(&["data", "import", "a.csv", "--map", "symptoms=x", "--out", "o"])
            .contains("symptom")
    );
}
