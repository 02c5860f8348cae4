//! One row: diagnosed once, and all that is kept of it.

use gearhead_data::{
    case::Case,
    evaluation::{Suite, SuiteCase},
    generate::Slice,
    manifest::Manifest,
    system::System,
};
use serde::Serialize;

use super::{
    baselines::Panel,
    held_out_fault::{self, Deprived, HeldOutFault, deprived},
    labels::Labels,
    measures::{Outcome, Placed},
    selective::{self, Answer, Selective},
    suites::Seen,
    troubleshooting::search,
};
use crate::{
    engine::{Diagnose, Diagnosed, candidates::rank},
    error::Result,
    report::{Declined, Report},
};

/// A wrong answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Mistake {
    /// The case, by its id or its number.
    pub id: String,
    /// Its machine.
    pub equipment: String,
    /// Its complaint.
    pub symptom: String,
    /// Its codes.
    pub error_codes: Vec<String>,
    /// What came first.
    pub said: String,
    /// How probable that was.
    pub probability: f64,
    /// What was right.
    pub right: String,
    /// Its rank, if it was ranked.
    pub rank: Option<usize>,
}

/// What is kept of a row.
#[derive(Debug, Clone)]
pub(super) struct Row {
    /// Where the row has a label.
    pub(super) outcome: Option<Outcome>,
    deprived: Option<Deprived>,
    /// Tests that the engine asks for, and those in the fixed order.
    pub(super) tests_needed: Option<(usize, usize)>,
    given: Given,
    system_is_right: bool,
    likeliest_system_is_right: bool,
}

/// What was given as an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Given {
    /// A cause that is probable enough.
    Answer,
    /// Causes of which none is probable enough.
    Abstention,
    /// No cause at all.
    Refusal,
}

/// Compares a diagnosis with what the case turned out to be, and answers it in the simpler ways too.
pub(super) fn examine(
    engine: &dyn Diagnose,
    diagnosed: Diagnosed,
    panel: &Panel<'_>,
    labels: &Labels<'_>,
    case: &Case,
    label: Option<&str>,
) -> Result<(Report, Row)> {
    let Diagnosed { report, scored } = diagnosed;
    let declined = report.declined.is_some();
    let right_system = label.and_then(|label| labels.system_of(case, label)).or(case.system);
    let is_right_system = |system: Option<System>| system.is_some() && system == right_system;
    let mut row = Row {
        outcome: None,
        deprived: None,
        tests_needed: None,
        given: match (declined, report.abstained) {
            (true, _) => Given::Refusal,
            (false, true) => Given::Abstention,
            (false, false) => Given::Answer,
        },
        system_is_right: is_right_system(report.causes.first().and_then(|cause| cause.system)),
        likeliest_system_is_right: is_right_system(report.system.map(|likely| likely.system)),
    };
    let (Some(label), Some(manifest)) = (label, engine.manifest()) else { return Ok((report, row)) };
    // A declined case got no answer, whatever the scores say.
    let ranked = if declined { Vec::new() } else { rank(&scored, &manifest.ranking) };
    let ranking = || ranked.iter().map(|ranked| labels.of_candidate(ranked.index));
    row.outcome = Some(Outcome {
        label: label.to_owned(),
        said: ranking().next().unwrap_or_default().to_owned(),
        placed: Placed::of(label, ranking(), row.system_is_right),
        likeliest_system_is_right: row.likeliest_system_is_right,
        probability: ranked.first().map_or(0.0, |best| best.probability),
        simpler: panel.places(case, label, &scored)?,
    });
    row.deprived = Some(deprived(&scored, manifest, labels, label, right_system, declined));
    let causes = ranked
        .iter()
        .map(|ranked| (manifest.candidates[ranked.index].fault.as_deref(), ranked.probability))
        .collect::<Vec<_>>();
    row.tests_needed = if declined { None } else { search(engine.knowledge(), &causes, label) };
    Ok((report, row))
}

impl Row {
    pub(super) fn seen(
        self,
        suite: Suite,
        row: &SuiteCase,
        declined: Option<&Declined>,
        familiarity: f32,
    ) -> Seen {
        let system = row.case.system.map_or("", System::as_str);
        Seen {
            suite,
            group: row.group.clone(),
            expected: row.expected,
            cluster: row.case.fault.clone().unwrap_or_else(|| system.to_owned()),
            system_is_right: self.system_is_right,
            likeliest_system_is_right: self.likeliest_system_is_right,
            outcome: self.outcome,
            declined: declined.map(|declined| declined.kind),
            familiarity,
        }
    }
}

/// `all`, with or without a code, and what the generator says of the case.
pub(super) fn splits_of(case: &Case) -> Vec<String> {
    let has_code = !case.codes().is_empty();
    let slices = case.extra.get(Slice::FIELD).and_then(|slices| slices.as_array()).into_iter().flatten();
    let mut splits = vec!["all", if has_code { "with_code" } else { "without_code" }];
    let named = slices.filter_map(|slice| slice.as_str()).filter(|slice| *slice != Slice::NoCode.as_str());
    for slice in named {
        if !splits.contains(&slice) {
            splits.push(slice);
        }
    }
    splits.into_iter().map(str::to_owned).collect()
}

pub(super) fn selective(labelled: &[(&Row, &Outcome)], manifest: Option<&Manifest>) -> Option<Selective> {
    let thresholds = manifest.filter(|_| !labelled.is_empty())?.thresholds;
    let answer = |(row, outcome): &(&Row, &Outcome)| Answer {
        probability: outcome.probability,
        is_right: outcome.is_right(),
        abstained: row.given != Given::Answer,
        declined: row.given == Given::Refusal,
    };
    let answers: Vec<Answer> = labelled.iter().map(answer).collect();
    Some(selective::selective(&answers, thresholds.answer_from, thresholds.risk))
}

pub(super) fn held_out_fault(labelled: &[(&Row, &Outcome)], seed: u64) -> Option<HeldOutFault> {
    let rows: Vec<(&str, Deprived)> =
        labelled.iter().filter_map(|(row, outcome)| Some((outcome.label.as_str(), row.deprived?))).collect();
    (!rows.is_empty()).then(|| held_out_fault::held_out_fault(&rows, seed))
}

/// The wrong answers, the surest first.
pub(super) fn worst(cases: &[Case], rows: &[Row], at_most: usize) -> Vec<Mistake> {
    let wrong = cases.iter().zip(rows).enumerate().filter_map(|(index, (case, row))| {
        let outcome = row.outcome.as_ref().filter(|outcome| !outcome.is_right())?;
        Some(Mistake {
            id: case.id.clone().unwrap_or_else(|| format!("case {}", index + 1)),
            equipment: case.equipment.clone(),
            symptom: case.symptom.clone(),
            error_codes: case.error_codes.clone(),
            said: outcome.said.clone(),
            probability: outcome.probability,
            right: outcome.label.clone(),
            rank: outcome.placed.rank,
        })
    });
    let mut wrong: Vec<Mistake> = wrong.collect();
    wrong.sort_by(|a, b| b.probability.total_cmp(&a.probability));
    wrong.truncate(at_most);
    wrong
}
