//! `gearhead diagnose`: one case, a batch, or a conversation.

use std::{fs::File, io::BufReader, path::Path};

use gearhead::{
    Case, Report,
    data::{
        case::{CaseReader, write_whole},
        knowledge::KnowledgeBase,
    },
    infer::{
        Error as InferError,
        engine::{Diagnosed, Finding, diagnose_many},
        report::ModelAnswer,
    },
};
use serde::Serialize;
use serde_json::json;

use super::{fault_log, informed_engine, interactive, knowledge_base};
use crate::{
    args::{DiagnoseArgs, Found, ReportFormat},
    failure::Failure,
    output, progress,
};

/// How many cases of a file are diagnosed together.
const AT_ONCE: usize = 16;

pub(crate) fn run(args: &DiagnoseArgs) -> Result<(), Failure> {
    if args.model_only && matches!(args.report_format(), ReportFormat::Markdown | ReportFormat::Html) {
        return Err(Failure::bad_input("usage", "--model-only is printed as text or as JSON"));
    }
    if let (Some(batch), Some(out)) = (&args.batch, &args.out) {
        let engine = informed_engine(&args.engine)?;
        let engine = engine.as_diagnose();
        return if args.model_only {
            run_batch(|cases| cases.map(|case| Ok(engine.answer_alone(&case?)?)), batch, out)
        } else {
            let report = |diagnosed: Result<Diagnosed, InferError>| Ok(diagnosed?.report);
            run_batch(|cases| diagnose_many(engine, AT_ONCE, cases).map(report), batch, out)
        };
    }
    if let Some(log) = &args.candump {
        let knowledge = knowledge_base(args.engine.knowledge.folder.as_deref())?;
        let codes = args.codes.as_deref().unwrap_or("");
        let case =
            fault_log::case(log, knowledge.codes(), args.equipment.clone(), args.symptom.clone(), codes)?;
        return run_one(args, &case);
    }
    let is_bare = args.codes.is_none() && args.found.is_empty() && args.out.is_none() && !args.json;
    match (&args.equipment, &args.symptom) {
        (Some(equipment), Some(symptom)) => {
            let case = Case::new(equipment, symptom).with_codes(args.codes.as_deref().unwrap_or(""));
            run_one(args, &case)
        }
        (None, None) if is_bare => {
            interactive::run(&informed_engine(&args.engine)?, args.report_format(), args.model_only)
        }
        (None, _) => Err(Failure::bad_input("usage", "--equipment is missing: say which machine it is")),
        (_, None) => Err(Failure::bad_input("usage", "--symptom is missing: say what is wrong")),
    }
}

fn run_one(args: &DiagnoseArgs, case: &Case) -> Result<(), Failure> {
    // Told before a model is loaded.
    case.validate()?;
    let findings = if args.found.is_empty() {
        Vec::new()
    } else {
        findings(&args.found, &*knowledge_base(args.engine.knowledge.folder.as_deref())?)?
    };
    let engine = informed_engine(&args.engine)?;
    let engine = engine.as_diagnose();
    let (format, out) = (args.report_format(), args.out.as_deref());
    if args.model_only {
        let answer = engine.answer_alone(case)?;
        return match out {
            None => print_answer(&answer, format),
            Some(path) => write_out(path, &written_answer(&answer, format)?),
        };
    }
    let report = engine.diagnose_after(case, &findings)?;
    match out {
        None => print(&report, format),
        Some(path) => write_out(path, &written(&report, format)?),
    }
}

fn write_out(path: &Path, text: &str) -> Result<(), Failure> {
    write_whole(path, |output| output.write_all(text.as_bytes()))?;
    output::note(format_args!("report: {}", path.display()));
    Ok(())
}

/// Prints what the model wrote by itself.
pub(super) fn print_answer(answer: &ModelAnswer, format: ReportFormat) -> Result<(), Failure> {
    output::raw(&written_answer(answer, format)?)
}

/// What the model wrote by itself, as JSON or as text, with a line break at its end.
fn written_answer(answer: &ModelAnswer, format: ReportFormat) -> Result<String, Failure> {
    Ok(match format {
        ReportFormat::Json => as_json(answer)?,
        _ => answer.to_string(),
    })
}

fn as_json(value: &impl Serialize) -> Result<String, Failure> {
    Ok(serde_json::to_string_pretty(value).map_err(std::io::Error::from)? + "\n")
}

/// Prints a report in a form.
pub(super) fn print(report: &Report, format: ReportFormat) -> Result<(), Failure> {
    match format {
        ReportFormat::Text => output::styled(report.styled()),
        _ => output::raw(&written(report, format)?),
    }
}

/// A report in a form, without colours, with a line break at its end.
fn written(report: &Report, format: ReportFormat) -> Result<String, Failure> {
    Ok(match format {
        ReportFormat::Text => report.to_string(),
        ReportFormat::Markdown => report.to_markdown(),
        ReportFormat::Html => report.to_html() + "\n",
        ReportFormat::Json => as_json(report)?,
    })
}

/// The findings that were typed, each of which must name a result of a test of a card.
fn findings(found: &[Found], knowledge: &KnowledgeBase) -> Result<Vec<Finding>, Failure> {
    let mut findings: Vec<Finding> = Vec::new();
    for Found { card: id, test, result } in found {
        let refused =
            |why: String| Failure::bad_input("usage", format!("--found {id}:{test}={result}: {why}"));
        let card = knowledge.card(id).ok_or_else(|| {
            refused(format!("there is no card `{id}`: a report prints card and test behind each test"))
        })?;
        let of_card = card
            .tests
            .get(test - 1)
            .ok_or_else(|| refused(format!("the card has {}", counted(card.tests.len(), "test"))))?;
        if *result > of_card.outcomes.len() {
            return Err(refused(format!("the test has {}", counted(of_card.outcomes.len(), "result"))));
        }
        let finding = Finding { fault: id.clone(), test: test - 1, outcome: result - 1 };
        if findings.iter().any(|known| (&known.fault, known.test) == (&finding.fault, finding.test)) {
            return Err(refused("the test has another --found already".to_owned()));
        }
        findings.push(finding);
    }
    Ok(findings)
}

fn counted(count: usize, what: &str) -> String {
    match count {
        0 => format!("no {what}"),
        1 => format!("1 {what}"),
        _ => format!("{count} {what}s"),
    }
}

/// The cases of a file, without their places.
struct Cases(CaseReader<BufReader<File>>);

impl Iterator for Cases {
    type Item = Result<Case, InferError>;

    fn next(&mut self) -> Option<Self::Item> {
        Some(self.0.next()?.map(|located| located.case).map_err(InferError::from))
    }
}

/// Answers every case of a file. A line that fails gets an object with `error` in its place.
fn run_batch<T: Serialize, A: Iterator<Item = Result<T, Failure>>>(
    answers: impl FnOnce(Cases) -> A,
    batch: &Path,
    out: &Path,
) -> Result<(), Failure> {
    let total = CaseReader::open(batch)?.count();
    if total == 0 {
        return Err(gearhead::data::Error::NoCases { path: batch.to_owned() }.into());
    }
    let bar = progress::bar(total, "cases");
    let mut failed = 0;
    let cases = Cases(CaseReader::open(batch)?);
    write_whole(out, |output| {
        for answer in answers(cases) {
            match answer {
                Ok(answer) => serde_json::to_writer(&mut *output, &answer)?,
                // A file that cannot be read any further is no faulty line.
                Err(failure) if failure.is_io() => return Err(std::io::Error::other(failure.message)),
                Err(failure) => {
                    failed += 1;
                    serde_json::to_writer(&mut *output, &json!({ "error": failure }))?;
                }
            }
            output.write_all(b"\n")?;
            bar.inc(1);
        }
        Ok(())
    })?;
    bar.finish_and_clear();
    if failed == total {
        return Err(Failure::bad_input(
            "bad_case",
            format!("{}: no case could be diagnosed", batch.display()),
        ));
    }
    output::note(format_args!("{total} cases, {failed} of them with an error: {}", out.display()));
    Ok(())
}
