//! Programs in place of drivers, for tests: a shell that answers some questions, and crashes, hangs or panics at others.

use std::{fmt::Write, process::Command};

use super::{MARK, Prober};

/// Answers each of the questions with JSON, or by `hang`, `panic` or `garbage`. It crashes at any other.
pub(crate) fn prober(answers: &[(&str, &str)]) -> Prober {
    let mut script = "case \"$0\" in\n".to_owned();
    for (question, answer) in answers {
        let act = match *answer {
            "hang" => "echo waiting >&2; exec sleep 60".to_owned(),
            "panic" => "echo 'no such API' >&2; echo 'note: run it again' >&2; exit 101".to_owned(),
            "garbage" => format!("echo '{MARK}{{]'; echo 'the driver is loaded'"),
            json => format!("echo 'the driver is loaded'; echo '{MARK}{}'", json.replace('\n', " ")),
        };
        let _ = writeln!(script, "'{question}') {act} ;;");
    }
    script.push_str("*) echo loading >&2; kill -SEGV $$ ;;\nesac");
    Prober::child(move |question| {
        let mut command = Command::new("sh");
        command.args(["-c", &script, question]);
        command
    })
}

/// The JSON of a discrete GPU with further fields.
pub(crate) fn adapter(name: &str, fields: &str) -> String {
    format!(
        r#"{{"name": "{name}", "device": "", "class": "discrete", "dtypes": [], "status": "ready"{fields}}}"#
    )
}
