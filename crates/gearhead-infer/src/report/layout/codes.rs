//! What the fault codes say.

use gearhead_data::code::FaultClass;

use super::{Block, Entry, Kind, Line, Section, rank_of};
use crate::report::{OriginKind, Report, ReportedCode};

pub(super) fn section(report: &Report) -> Option<Section> {
    if report.codes.is_empty() {
        return None;
    }
    let mut blocks = vec![Block::Entries(report.codes.iter().map(|code| entry(code, report)).collect())];
    let together = report.code_observations.iter();
    let together = together.map(|seen| {
        let place = if seen.codes.len() == 1 { "beside the others" } else { "together" };
        format!("{} {place}: {}", seen.codes.join(", "), seen.finding)
    });
    let together: Vec<Line> = together.map(Line::new).collect();
    if !together.is_empty() {
        blocks.push(Block::List(together));
    }
    Some(Section::new(Kind::Codes, "Fault codes", blocks))
}

fn entry(code: &ReportedCode, report: &Report) -> Entry {
    let decoded = &code.decoded;
    let says = [Some(decoded.meaning.as_deref().unwrap_or("unknown")), decoded.failure_mode.as_deref()];
    let says: Vec<&str> = says.into_iter().flatten().collect();
    let state = code.active.map(|is_active| if is_active { "active" } else { "stored" }.to_owned());
    let count = code
        .count
        .map(|count| if count == 1 { "seen once".to_owned() } else { format!("seen {count} times") });
    let class = decoded.circuit_or_condition.and_then(class).map(str::to_owned);
    let facts: Vec<String> = [class, state, count, explained(code, report)].into_iter().flatten().collect();
    let facts = (!facts.is_empty()).then(|| facts.join("; "));
    Entry {
        name: Line::new(&decoded.code),
        says: Line::new(says.join("; ")),
        more: facts.iter().chain(&decoded.note).map(Line::new).collect(),
    }
}

const fn class(class: FaultClass) -> Option<&'static str> {
    match class {
        FaultClass::Condition => Some("a condition: something real is out of range"),
        FaultClass::Circuit => Some("a circuit: wiring, connector, sensor or coil"),
        FaultClass::Signal => Some("a signal: the reading cannot be trusted"),
        FaultClass::Mechanical => Some("mechanical: something that should move does not"),
        FaultClass::Network => Some("the network: messages between controllers"),
        FaultClass::Device => Some("a device: the controller or the sensor itself"),
        _ => None,
    }
}

/// Which of the shown causes sets a code. That none does is only said where cards stand behind causes, since only cards
/// list codes.
fn explained(code: &ReportedCode, report: &Report) -> Option<String> {
    let mut ranks = code.explained_by.iter().filter_map(|fault| rank_of(report, fault));
    if let Some(first) = ranks.next() {
        let further: Vec<String> = ranks.map(|rank| format!(", {rank}")).collect();
        let causes = if further.is_empty() { "cause" } else { "causes" };
        return Some(format!("set by {causes} {first}{}", further.concat()));
    }
    let has_cards = report.origins.iter().any(|origin| origin.kind == OriginKind::Card);
    (has_cards && !report.causes.is_empty()).then(|| "set by none of the causes below".to_owned())
}
