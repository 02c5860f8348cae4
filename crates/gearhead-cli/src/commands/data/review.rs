//! The person at the terminal who looks at each case before it is taken.

use std::io::{self, IsTerminal};

use gearhead::data::{
    Error, Result,
    case::{Case, parse_case},
    import::{
        Place,
        review::{Decision, EDITABLE, Reviewer, field_text, with_field},
    },
};
use rustyline::{DefaultEditor, error::ReadlineError};

use crate::{failure::Failure, output};

const KEYS: &str = "[k]eep  [e]dit  [s]kip  [b]ack  keep [a]ll the rest  [q]uit";
const HELP: &str = "\
  k  take this case
  e  change it: one field after the other, or whole in $EDITOR
  s  do not take it
  b  ask about the case before again
  a  take this case and all that follow without asking
  q  stop here: what was taken is written, the rest is reported as not reviewed";

/// Asks on the terminal.
pub(super) struct Terminal {
    editor: DefaultEditor,
}

impl Terminal {
    /// Opens the terminal.
    pub(super) fn open() -> std::result::Result<Self, Failure> {
        if !(io::stdin().is_terminal() && io::stdout().is_terminal()) {
            return Err(Failure::bad_input("usage", "--review needs a terminal"));
        }
        let editor = DefaultEditor::new().map_err(io::Error::other)?;
        Ok(Self { editor })
    }

    /// Reads a line; the end of input and Ctrl-C are `None`.
    fn ask(&mut self, question: &str, initial: &str) -> Result<Option<String>> {
        match self.editor.readline_with_initial(question, (initial, "")) {
            Ok(line) => Ok(Some(line.trim().to_owned())),
            Err(ReadlineError::Eof | ReadlineError::Interrupted) => Ok(None),
            Err(error) => Err(terminal_fault(io::Error::other(error))),
        }
    }

    /// Asks which field to change until the answer is empty.
    fn edited(&mut self, case: &Case) -> Result<Case> {
        let mut case = case.clone();
        loop {
            for (number, field) in (1..).zip(EDITABLE) {
                say(format_args!("  {number:2} {field}: {}", field_text(&case, field)))?;
            }
            let question = "Field to change (its number; j for all as JSON in $EDITOR; Enter when done): ";
            let Some(answer) = self.ask(question, "")? else { return Ok(case) };
            if answer.is_empty() {
                return Ok(case);
            }
            let changed = if answer == "j" {
                in_editor(&case)
            } else {
                let number = answer.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
                let Some(field) = number.and_then(|number| EDITABLE.get(number)) else {
                    say(format_args!("There is no field {answer:?}."))?;
                    continue;
                };
                match self.ask(&format!("{field}: "), &field_text(&case, field))? {
                    Some(text) => with_field(&case, field, &text),
                    None => continue,
                }
            };
            match changed {
                Ok(changed) => case = changed,
                Err(error) => say(format_args!("Not changed: {error}"))?,
            }
        }
    }
}

impl Reviewer for Terminal {
    fn decide(&mut self, case: &Case, place: &Place, number: usize) -> Result<Decision> {
        say(format_args!("\nCase {number}, {}", with_noun(place)))?;
        for field in EDITABLE {
            let text = field_text(case, field);
            if !text.is_empty() {
                say(format_args!("  {field}: {text}"))?;
            }
        }
        loop {
            let Some(answer) = self.ask(&format!("{KEYS}: "), "")? else { return Ok(Decision::Stop) };
            match answer.to_lowercase().as_str() {
                "k" | "keep" => return Ok(Decision::Keep),
                "e" | "edit" => return Ok(Decision::Edit(Box::new(self.edited(case)?))),
                "s" | "skip" => return Ok(Decision::Skip),
                "b" | "back" => return Ok(Decision::Back),
                "a" | "all" => return Ok(Decision::KeepRest),
                "q" | "quit" => return Ok(Decision::Stop),
                _ => say(HELP)?,
            }
        }
    }

    fn refused(&mut self, reason: &str) {
        // The question that follows fails by itself where the terminal is gone.
        let _ = say(format_args!("Not done: {reason}."));
    }
}

fn with_noun(place: &Place) -> String {
    match place {
        Place::Line(line) => format!("line {line}"),
        other => other.to_string(),
    }
}

fn say(text: impl std::fmt::Display) -> Result<()> {
    output::text(text).map_err(|failure| terminal_fault(io::Error::other(failure.message)))
}

fn terminal_fault(source: io::Error) -> Error {
    Error::io("the terminal", source)
}

/// The case as the person's own editor leaves it.
fn in_editor(case: &Case) -> Result<Case> {
    let editor = ["VISUAL", "EDITOR"].into_iter().find_map(|name| std::env::var(name).ok());
    let editor = editor.unwrap_or_else(|| if cfg!(windows) { "notepad" } else { "vi" }.to_owned());
    let mut words = editor.split_whitespace();
    let program = words.next().unwrap_or("vi");
    let file = tempfile::Builder::new()
        .prefix("gearhead-case-")
        .suffix(".json")
        .tempfile()
        .map_err(terminal_fault)?;
    let path = file.path();
    let json = serde_json::to_string_pretty(case).map_err(|error| Error::io(path, error.into()))?;
    std::fs::write(path, json + "\n").map_err(|source| Error::io(path, source))?;
    let status = std::process::Command::new(program).args(words).arg(path).status();
    let status = status.map_err(|source| Error::io(program, source))?;
    if !status.success() {
        return Err(Error::io(program, io::Error::other("the editor was left without saving")));
    }
    let json = std::fs::read_to_string(path).map_err(|source| Error::io(path, source))?;
    parse_case(&json).map_err(Error::Case)
}
