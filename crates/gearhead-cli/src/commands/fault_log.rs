//! Fault codes out of a log: their table, and the case that they make.

use std::{fs::File, io::BufReader, path::Path};

use gearhead::{
    Case,
    data::{
        Error,
        can::dm::Lamps,
        code::CodeTable,
        fault_log::{DecodedLogCode, FaultLog, complaint, format_time},
        telematics::Machine,
    },
};

use crate::{failure::Failure, output, progress};

/// Lists the codes of a log.
pub(crate) fn run(path: &Path, tables: &CodeTable, as_json: bool) -> Result<(), Failure> {
    let log = read(path)?;
    let codes = log.decode(tables);
    if as_json {
        return output::json(&codes);
    }
    if codes.is_empty() {
        return output::text(log.why_empty());
    }
    let header =
        ["SOURCE", "CODE", "STATUS", "COUNT", "LAMPS", "FIRST SEEN", "LAST SEEN", "FRAMES", "MEANING"];
    let mut rows = vec![header.map(str::to_owned)];
    rows.extend(codes.iter().map(row));
    output::raw(&table(&rows))
}

/// The case that a log makes, together with what was typed.
pub(crate) fn case(
    path: &Path,
    tables: &CodeTable,
    equipment: Option<String>,
    symptom: Option<String>,
    typed_codes: &str,
) -> Result<Case, Failure> {
    let mut log = read(path)?;
    if !log.keep_machine(equipment.as_deref().unwrap_or_default()) {
        let names: Vec<String> = log.machines.iter().filter_map(Machine::name).take(5).collect();
        let message = format!(
            "{}: the response holds faults of {} machines ({}, …): name one of them with --equipment, by its model, \
             equipment id or serial number",
            path.display(),
            log.machines.len(),
            names.join(", ")
        );
        return Err(Failure::bad_input("usage", message));
    }
    let codes = log.decode(tables);
    let named = || codes.iter().find_map(|code| code.machine.as_ref()?.name());
    let Some(equipment) = equipment.or_else(named) else {
        return Err(Failure::bad_input("usage", "--equipment is missing: say which machine it is"));
    };
    let Some(symptom) = symptom.or_else(|| complaint(&codes)) else {
        let message = format!("{}; say with --symptom what is wrong", log.why_empty());
        return Err(Failure::bad_input("no_codes", message));
    };
    let mut case = Case::new(equipment, symptom).with_codes(typed_codes);
    case.error_codes.splice(..0, log.error_codes());
    Ok(case)
}

/// Reads a log and says on standard error what in it was not understood.
fn read(path: &Path) -> Result<FaultLog, Failure> {
    let io = |source| Error::Io { path: path.to_owned(), source };
    let file = File::open(path).map_err(io)?;
    let metadata = file.metadata().map_err(io)?;
    if metadata.is_dir() {
        return Ok(FaultLog::read(path)?);
    }
    let bar = progress::bytes(metadata.len());
    let log = FaultLog::from_reader(path, BufReader::with_capacity(1 << 16, bar.wrap_read(file)));
    bar.finish_and_clear();
    let log = log?;
    log.notes().into_iter().for_each(output::note);
    Ok(log)
}

fn row(code: &DecodedLogCode) -> [String; 9] {
    let decoded = &code.decoded;
    let source = [
        code.machine.as_ref().and_then(Machine::name),
        code.source_address.map(|address| address.to_string()),
        code.source_name.clone(),
    ];
    let status = match (code.active, code.in_last_report) {
        (true, true) => "active",
        (true, false) => "active, then gone",
        (false, _) => "previously active",
    };
    let meaning = decoded.meaning.as_deref().or(code.description.as_deref()).unwrap_or("unknown");
    let meaning =
        [Some(meaning), decoded.failure_mode.as_deref()].into_iter().flatten().collect::<Vec<_>>().join(": ");
    let time = |time_s: Option<f64>| time_s.map_or("-".to_owned(), format_time);
    [
        source.into_iter().flatten().collect::<Vec<_>>().join(" "),
        decoded.code.clone(),
        status.to_owned(),
        code.occurrence_count.map_or("-".to_owned(), |count| count.to_string()),
        code.lamps.map_or("-".to_owned(), lit),
        time(code.first_seen),
        time(code.last_seen),
        code.frames.to_string(),
        meaning,
    ]
}

/// The lamps that are lit.
fn lit(lamps: Lamps) -> String {
    let lit = lamps.named().into_iter().filter_map(|(name, lamp)| match lamp.word() {
        "on" => Some(name.replace('_', " ")),
        "slow_flash" => Some(format!("{} (flashing)", name.replace('_', " "))),
        "fast_flash" => Some(format!("{} (flashing fast)", name.replace('_', " "))),
        _ => None,
    });
    let lit: Vec<String> = lit.collect();
    if lit.is_empty() { "none".to_owned() } else { lit.join(", ") }
}

/// Rows with their columns in line.
fn table<const N: usize>(rows: &[[String; N]]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; N] = std::array::from_fn(width);
    let mut text = String::new();
    for row in rows {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
        text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    }
    text
}
