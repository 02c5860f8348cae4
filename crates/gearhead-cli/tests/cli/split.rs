//! `gearhead data split` and `gearhead data stats`.

use serde_json::json;

use crate::workspace::Workspace;

/// Three complaints in four spellings each, on four machines.
fn records() -> String {
    let complaints = [
        ("Boom drifts down over night", "cylinder_seal", "2026-01-0"),
        ("Engine cranks but will not start", "lift_pump", "2026-02-0"),
        ("Coolant boils when travelling uphill", "fan_clutch", "2026-03-0"),
    ];
    let mut lines = String::new();
    for (complaint, fault, month) in complaints {
        for copy in 1..=4 {
            let row = json!({
                "equipment": format!("CAT 32{copy}"),
                "symptom": if copy % 2 == 0 { complaint.to_uppercase() } else { format!("{complaint}.") },
                "fault": fault,
                "date": format!("{month}{copy}"),
                "site": copy,
            });
            lines.push_str(&row.to_string());
            lines.push('\n');
        }
    }
    lines
}

#[test]
fn a_split_by_wording_is_written_and_summed_up() {
    let workspace = Workspace::new();
    workspace.write("records.jsonl", records());
    let args = ["data", "split", "records.jsonl", "--out", "data", "--validation", "0.3", "--test", "0.3"];
    let text = workspace.run(&args).text();
    assert!(text.contains("no complaint or near copy of one stands in two files"), "{text}");
    let rows = |name: &str| workspace.read(name).lines().count();
    assert_eq!(["data/train.jsonl", "data/validation.jsonl", "data/test.jsonl"].map(rows), [4, 4, 4]);
    assert!(!workspace.path("data/removed.jsonl").exists());
    let json = workspace.run(&[&args[..], &["--json"]].concat()).json();
    assert_eq!(
        (&json["rows"], &json["groups"], &json["verified"]["near"]),
        (&json!(12), &json!(3), &json!(0))
    );
}

#[test]
fn time_holds_out_the_newest_rows() {
    let workspace = Workspace::new();
    workspace.write("records.jsonl", records());
    let args = [
        "data",
        "split",
        "records.jsonl",
        "--by",
        "time",
        "--out",
        "data",
        "--validation",
        "0",
        "--test",
        "0.34",
    ];
    let json = workspace.run(&[&args[..], &["--json"]].concat()).json();
    assert_eq!((&json["test"]["rows"], &json["removed"]["rows"]), (&json!(4), &json!(0)));
    assert!(workspace.read("data/test.jsonl").lines().all(|line| line.contains("2026-03")));
}

#[test]
fn what_cannot_be_split_is_one_sentence() {
    let workspace = Workspace::new();
    workspace.write("records.jsonl", records());
    workspace.write("faulty.jsonl", format!("{}nonsense\n", records()));
    for (args, part) in [
        (vec!["records.jsonl", "--by", "row"], "group=COLUMN"),
        (vec!["records.jsonl", "--by", "group=owner"], "no row has `owner`"),
        (vec!["records.jsonl", "--test", "0.95"], "must stay below 1"),
        (vec!["faulty.jsonl"], "faulty.jsonl:13: not valid JSON"),
        // Every complaint stands on every machine.
        (vec!["records.jsonl", "--by", "machine"], "split by wording"),
    ] {
        let sentence = workspace.refused(&[&["data", "split", "--out", "data"], args.as_slice()].concat());
        assert!(sentence.contains(part), "{sentence}");
        assert!(!workspace.path("data/train.jsonl").exists());
    }
    let args = ["data", "split", "faulty.jsonl", "--out", "data", "--skip-faulty"];
    let outcome = workspace.run(&args);
    assert!(outcome.stderr.contains("skipped faulty.jsonl:13: not valid JSON"), "{}", outcome.stderr);
    outcome.text();
    let sentence = workspace.refused(&["data", "split", "data/train.jsonl", "--out", "data"]);
    assert!(sentence.contains("would be replaced"), "{sentence}");
}

#[test]
fn statistics_are_text_or_json() {
    let workspace = Workspace::new();
    workspace.write("records.jsonl", records());
    let text = workspace.run(&["data", "stats", "records.jsonl"]).text();
    assert!(text.contains("most frequent label (chance)"), "{text}");
    let json = workspace.run(&["data", "stats", "records.jsonl", "--json"]).json();
    assert_eq!((&json["rows"], &json["labels"]["distinct"]["count"]), (&json!(12), &json!(3)));
    let sentence = workspace.refused(&["data", "stats", "gone.jsonl"]);
    assert!(sentence.contains("gone.jsonl"), "{sentence}");
}
