//! The ranked causes, and how sure they are.

use super::{Block, Kind, Line, RankedCause, Section, Weight, percent, system_name};
use crate::report::{Cause, Report};

/// From this probability on, a cause is shown with what speaks for and against it.
const IN_DETAIL_FROM: f64 = 0.1;
/// At most this many findings that would point elsewhere are shown for a cause.
const MAX_NOT_IF: usize = 2;
/// From this probability on, a system is named where no cause is sure enough.
const SYSTEM_FROM: f64 = 0.6;

pub(super) fn section(report: &Report) -> Option<Section> {
    let first = report.causes.first()?;
    let mut blocks = Vec::new();
    if report.abstained {
        let best = percent(first.probability);
        blocks.push(Block::Alert(Line::new(format!(
            "Too uncertain for a diagnosis: the most probable cause has {best}."
        ))));
        if let Some(system) = report.system.filter(|system| system.probability >= SYSTEM_FROM) {
            let (name, probability) = (system_name(system.system), percent(system.probability));
            blocks.push(Block::Text(Line::new(format!(
                "The system is surer than the cause: {name}, {probability}."
            ))));
        }
    }
    blocks.push(Block::Causes((1..).zip(&report.causes).map(|(rank, cause)| ranked(rank, cause)).collect()));
    let title = if report.abstained { "Possible causes" } else { "Probable causes" };
    Some(Section::new(Kind::Causes, title, blocks))
}

fn ranked(rank: usize, cause: &Cause) -> RankedCause {
    let not_if = &cause.ruled_out_by[..cause.ruled_out_by.len().min(MAX_NOT_IF)];
    let findings = [
        (Weight::For, cause.evidence_for.as_slice()),
        (Weight::Against, &cause.evidence_against),
        (Weight::Unknown, &cause.unknown),
        (Weight::NotIf, not_if),
    ];
    let findings = findings.into_iter().filter(|_| cause.probability >= IN_DETAIL_FROM);
    RankedCause {
        rank,
        name: Line::new(&cause.cause),
        system: cause.system.map(|system| Line::new(system_name(system))),
        probability: cause.probability,
        findings: findings
            .flat_map(|(weight, texts)| texts.iter().map(move |text| (weight, Line::new(text))))
            .collect(),
    }
}
