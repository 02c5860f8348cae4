//! A conversation: machine, complaint, codes, report, what the tests show, and again.

use std::ops::ControlFlow;

use clap::ValueEnum;
use gearhead::{
    Case, Engine,
    infer::{engine::Finding, report::TestStep},
};
use rustyline::{DefaultEditor, error::ReadlineError};

use super::diagnose;
use crate::{args::ReportFormat, failure::Failure, output};

const HELP: &str = "\
Answer each question and press Enter; an empty machine takes the last one again.
After a report, the number of what a test shows ranks the causes anew; Enter leaves the test out.
  :help            this text
  :format FORMAT   print reports as text, markdown, html or json
  :json            print reports as JSON, or as text again
  :quit            leave (so does the end of input, or Ctrl-C)";

/// What a line of input was.
enum Line {
    Text(String),
    Quit,
}

/// What a test shows.
enum Shown {
    /// The position of the result among those of the test.
    Result(usize),
    NotDone,
    Quit,
}

/// Who is talked with, and how reports are printed.
struct Conversation<'a> {
    engine: &'a Engine,
    editor: DefaultEditor,
    format: ReportFormat,
    /// Whether the language model is asked alone.
    model_only: bool,
}

pub(crate) fn run(engine: &Engine, format: ReportFormat, model_only: bool) -> Result<(), Failure> {
    let editor = DefaultEditor::new().map_err(failed)?;
    output::text("Gearhead: machine, complaint, fault codes. :help for help, :quit to leave.")?;
    Conversation { engine, editor, format, model_only }.hold()
}

impl Conversation<'_> {
    fn hold(mut self) -> Result<(), Failure> {
        let mut machine = String::new();
        while let Line::Text(text) = self.ask("\nMachine: ")? {
            if !text.is_empty() {
                machine = text;
            } else if machine.is_empty() {
                continue;
            }
            let Line::Text(symptom) = self.ask("Complaint: ")? else { break };
            if symptom.is_empty() {
                output::text("Without a complaint there is nothing to diagnose.")?;
                continue;
            }
            let Line::Text(codes) = self.ask("Fault codes (Enter for none): ")? else { break };
            let case = Case::new(&machine, symptom).with_codes(&codes);
            if self.model_only {
                self.answer_alone(&case)?;
            } else if self.diagnose(&case)?.is_break() {
                break;
            }
        }
        Ok(())
    }

    fn answer_alone(&self, case: &Case) -> Result<(), Failure> {
        output::text("")?;
        match self.engine.as_diagnose().answer_alone(case) {
            Ok(answer) => diagnose::print_answer(&answer, self.format),
            Err(error) => output::text(format_args!("error: {error}")),
        }
    }

    /// Reports, and reports again after each test that was done.
    fn diagnose(&mut self, case: &Case) -> Result<ControlFlow<()>, Failure> {
        let mut findings = Vec::new();
        loop {
            output::text("")?;
            let report = match self.engine.as_diagnose().diagnose_after(case, &findings) {
                Ok(report) => report,
                Err(error) => {
                    output::text(format_args!("error: {error}"))?;
                    return Ok(ControlFlow::Continue(()));
                }
            };
            diagnose::print(&report, self.format)?;
            let Some(next) = report.next_question else { return Ok(ControlFlow::Continue(())) };
            let (Some(fault), Some(test)) = (next.test.fault.clone(), next.test.number) else {
                return Ok(ControlFlow::Continue(()));
            };
            match self.shown_by(&next.test)? {
                Shown::Result(outcome) => findings.push(Finding { fault, test, outcome }),
                Shown::NotDone => return Ok(ControlFlow::Continue(())),
                Shown::Quit => return Ok(ControlFlow::Break(())),
            }
        }
    }

    fn shown_by(&mut self, test: &TestStep) -> Result<Shown, Failure> {
        output::text(format_args!("\n{}", test.action))?;
        for (number, outcome) in (1..).zip(&test.outcomes) {
            output::text(format_args!("  {number}) {}", outcome.result))?;
        }
        let count = test.outcomes.len();
        loop {
            let question = format!("What does it show? (1 to {count}, Enter to leave it out): ");
            let Line::Text(text) = self.ask(&question)? else { return Ok(Shown::Quit) };
            if text.is_empty() {
                return Ok(Shown::NotDone);
            }
            match text.parse::<usize>() {
                Ok(number) if (1..=count).contains(&number) => return Ok(Shown::Result(number - 1)),
                _ => output::text(format_args!("{text} is no number from 1 to {count}."))?,
            }
        }
    }

    /// Reads one answer; commands are carried out and the question asked again.
    fn ask(&mut self, question: &str) -> Result<Line, Failure> {
        loop {
            let line = match self.editor.readline(question) {
                Ok(line) => line.trim().to_owned(),
                Err(ReadlineError::Eof | ReadlineError::Interrupted) => return Ok(Line::Quit),
                Err(error) => return Err(failed(error)),
            };
            let Some(command) = line.strip_prefix(':') else {
                if !line.is_empty() {
                    self.editor.add_history_entry(&line).map_err(failed)?;
                }
                return Ok(Line::Text(line));
            };
            match command.split_once(' ').map_or((command, ""), |(name, value)| (name, value.trim())) {
                ("quit" | "q" | "exit", "") => return Ok(Line::Quit),
                ("help" | "h", "") => output::text(HELP)?,
                ("json", "") if self.format == ReportFormat::Json => self.set_format("text")?,
                ("json", "") => self.set_format("json")?,
                ("format", format) => self.set_format(format)?,
                _ => output::text(format_args!("There is no {line}.\n{HELP}"))?,
            }
        }
    }

    fn set_format(&mut self, name: &str) -> Result<(), Failure> {
        match ReportFormat::from_str(name, true) {
            Ok(format) => {
                self.format = format;
                output::text(format_args!("Reports are {} now.", name.to_lowercase()))
            }
            Err(_) => output::text(format_args!("{name:?} is no format: text, markdown, html or json.")),
        }
    }
}

fn failed(error: ReadlineError) -> Failure {
    std::io::Error::other(error).into()
}
