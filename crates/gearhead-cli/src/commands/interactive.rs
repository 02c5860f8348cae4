//! A conversation: machine, complaint, codes, report, and again.

use gearhead::{Case, Engine};
use rustyline::{DefaultEditor, error::ReadlineError};

use crate::{failure::Failure, output};

const HELP: &str = "\
Answer each question and press Enter; an empty machine takes the last one again.
  :help   this text
  :json   print reports as JSON, or as text again
  :quit   leave (so does the end of input, or Ctrl-C)";

/// What a line of input was.
enum Line {
    Text(String),
    Quit,
}

pub(crate) fn run(engine: &Engine) -> Result<(), Failure> {
    let mut editor = DefaultEditor::new().map_err(failed)?;
    let (mut machine, mut as_json) = (String::new(), false);
    output::text("Gearhead: machine, complaint, fault codes. :help for help, :quit to leave.")?;
    while let Line::Text(text) = ask(&mut editor, "\nMachine: ", &mut as_json)? {
        if !text.is_empty() {
            machine = text;
        } else if machine.is_empty() {
            continue;
        }
        let Line::Text(symptom) = ask(&mut editor, "Complaint: ", &mut as_json)? else { break };
        if symptom.is_empty() {
            output::text("Without a complaint there is nothing to diagnose.")?;
            continue;
        }
        let Line::Text(codes) = ask(&mut editor, "Fault codes (Enter for none): ", &mut as_json)? else {
            break;
        };
        output::text("")?;
        match engine.diagnose(&Case::new(&machine, symptom).with_codes(&codes)) {
            Ok(report) if as_json => output::json(&report)?,
            Ok(report) => output::raw(&report.to_string())?,
            Err(error) => output::text(format_args!("error: {error}"))?,
        }
    }
    Ok(())
}

/// Reads one answer; commands are carried out and the question asked again.
fn ask(editor: &mut DefaultEditor, question: &str, as_json: &mut bool) -> Result<Line, Failure> {
    loop {
        let line = match editor.readline(question) {
            Ok(line) => line.trim().to_owned(),
            Err(ReadlineError::Eof | ReadlineError::Interrupted) => return Ok(Line::Quit),
            Err(error) => return Err(failed(error)),
        };
        match line.as_str() {
            ":quit" | ":q" | ":exit" => return Ok(Line::Quit),
            ":help" | ":h" => output::text(HELP)?,
            ":json" => {
                *as_json = !*as_json;
                output::text(if *as_json { "Reports are JSON now." } else { "Reports are text now." })?;
            }
            command if command.starts_with(':') => {
                output::text(format_args!("There is no {command}.\n{HELP}"))?;
            }
            _ => {
                if !line.is_empty() {
                    editor.add_history_entry(&line).map_err(failed)?;
                }
                return Ok(Line::Text(line));
            }
        }
    }
}

fn failed(error: ReadlineError) -> Failure {
    std::io::Error::other(error).into()
}
