//! The conversation, over a pipe.

use crate::workspace::{Outcome, Workspace, tiny_model};

const SLOW: &str = r#"
[[cards]]
id = "slow_and_weak"
title = "Slow and weak"
system = "engine"
severity = "plan"
occurrence = 2
explanation = ["It is slow and weak."]
repair = ["Make it fast and strong."]
verification = "It is fast."
signs = [{ full = ["Machine is slow", "Low power", "Loses power under load"] }]
tests = []
"#;

/// A conversation in which no test is asked for: that is another matter, and depends on the model.
fn converse(input: &str) -> Outcome {
    let workspace = Workspace::knowing_only(SLOW);
    workspace.run_with_input(&["diagnose", "--model", &tiny_model(), "--knowledge", "acme"], input)
}

#[test]
fn machine_complaint_and_codes_give_a_report() {
    let text = converse("CAT 320\n:help\nloses power under load\nP0087, QQ-9917\n:quit\nnever read\n").text();
    assert!(text.contains("Answer each question"), "{text}");
    assert!(text.contains("CAT 320\n  Complaint: loses power under load\n"), "{text}");
    assert!(text.contains("  P0087: ") && text.contains("  QQ-9917: unknown"), "{text}");
    assert!(!text.contains("never read"), "{text}");
}

#[test]
fn an_empty_machine_is_the_last_one_and_json_can_be_had() {
    let text = converse("Komatsu PC200\nslow\n\n\n:json\nslow when hot\n\n").text();
    assert_eq!(text.matches("Komatsu PC200\n  Complaint: slow\n").count(), 1, "{text}");
    assert!(text.contains("\"equipment\": \"Komatsu PC200\""), "{text}");
    assert!(text.contains("\"symptom\": \"slow when hot\""), "{text}");
}

#[test]
fn the_end_of_input_anywhere_is_no_fault() {
    for input in ["", "CAT 320\n", "CAT 320\nlow power\n", "CAT 320\nlow power", ":quit\n", "\n\n"] {
        let outcome = converse(input);
        assert_eq!((outcome.code, outcome.stderr.as_str()), (0, ""), "{input:?}");
    }
}

#[test]
fn what_is_no_command_or_no_case_is_said_and_the_conversation_goes_on() {
    let long = "x".repeat(9_000);
    let text = converse(&format!(":frobnicate\nCAT 320\n\nCAT 320\n{long}\n\nCAT 320\nlow power\n\n")).text();
    assert!(text.contains("There is no :frobnicate."), "{text}");
    assert!(text.contains("Without a complaint there is nothing to diagnose."), "{text}");
    assert!(text.contains("error: `symptom` has 9000 characters"), "{text}");
    assert!(text.contains("Complaint: low power"), "{text}");
}
