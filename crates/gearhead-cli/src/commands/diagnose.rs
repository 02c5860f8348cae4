//! `gearhead diagnose`: one case, a batch, or a conversation.

use std::path::Path;

use gearhead::{
    Case, Engine,
    data::case::{CaseReader, write_whole},
};
use serde_json::json;

use super::{fault_log, informed_engine, interactive, knowledge_base};
use crate::{
    args::{DiagnoseArgs, KnowledgeArgs, ModelArgs},
    failure::Failure,
    output, progress,
};

pub(crate) fn run(args: DiagnoseArgs) -> Result<(), Failure> {
    if let (Some(batch), Some(out)) = (&args.batch, &args.out) {
        return run_batch(&informed_engine(&args.model, &args.knowledge)?, batch, out);
    }
    if let Some(log) = &args.candump {
        let knowledge = knowledge_base(args.knowledge.folder.as_deref())?;
        let codes = args.codes.as_deref().unwrap_or("");
        let case = fault_log::case(log, knowledge.codes(), args.equipment, args.symptom, codes)?;
        return run_one(&args.model, &args.knowledge, &case, args.json);
    }
    let DiagnoseArgs { equipment, symptom, codes, .. } = args;
    match (equipment, symptom) {
        (Some(equipment), Some(symptom)) => {
            let case = Case::new(equipment, symptom).with_codes(codes.as_deref().unwrap_or(""));
            run_one(&args.model, &args.knowledge, &case, args.json)
        }
        (None, None) if codes.is_none() && !args.json => {
            interactive::run(&informed_engine(&args.model, &args.knowledge)?)
        }
        (None, _) => Err(Failure::bad_input("usage", "--equipment is missing: say which machine it is")),
        (_, None) => Err(Failure::bad_input("usage", "--symptom is missing: say what is wrong")),
    }
}

fn run_one(model: &ModelArgs, knowledge: &KnowledgeArgs, case: &Case, as_json: bool) -> Result<(), Failure> {
    // Told before a model is loaded.
    case.validate()?;
    let report = informed_engine(model, knowledge)?.diagnose(case)?;
    if as_json { output::json(&report) } else { output::raw(&report.to_string()) }
}

/// Diagnoses every case of a file. A line that fails gets an object with `error` in its place.
fn run_batch(engine: &Engine, batch: &Path, out: &Path) -> Result<(), Failure> {
    let total = CaseReader::open(batch)?.count();
    if total == 0 {
        return Err(gearhead::data::Error::NoCases { path: batch.to_owned() }.into());
    }
    let bar = progress::bar(total, "cases");
    let mut failed = 0;
    let reader = CaseReader::open(batch)?;
    write_whole(out, |output| {
        for located in reader {
            let report =
                located.map_err(Failure::from).and_then(|located| Ok(engine.diagnose(&located.case)?));
            match report {
                Ok(report) => serde_json::to_writer(&mut *output, &report)?,
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
