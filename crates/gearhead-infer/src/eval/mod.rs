//! How good a model is, beside simple baselines on the same rows.

mod baselines;
mod text;

use std::collections::BTreeMap;

use gearhead_data::{case::Case, generate::Slice};
use serde::Serialize;

use crate::{
    engine::Diagnose,
    error::{Error, Result},
    report::Report,
};

pub use baselines::Baseline;
use baselines::Simpler;
pub use text::TextScores;

/// What an evaluation found. Its JSON is published as `docs/schemas/eval.schema.json`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Evaluation {
    /// Rows.
    pub n: usize,
    /// Rows of each kind that carry a fault label: `all`, `with_code`, `without_code`, and the words of the cases' field
    /// `slices`.
    pub splits: BTreeMap<String, RankingScores>,
    /// Written cause and solution against the recorded ones.
    pub text: TextScores,
}

/// How well faults were ranked.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct RankingScores {
    /// Rows.
    pub n: usize,
    /// Share of rows whose fault came first.
    pub top1: f64,
    /// Share of rows whose fault was among the first three.
    pub top3: f64,
    /// Mean of one over the fault's rank, 0 where it was not ranked.
    pub mrr: f64,
    /// Share of rows whose first cause is of the right system.
    pub system_accuracy: f64,
    /// Expected calibration error of the first cause's probability, over ten bins of equal width.
    pub ece: f64,
    /// The same rows answered by something simpler.
    pub baselines: BTreeMap<&'static str, BaselineScores>,
}

/// How well a baseline ranked the same rows.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct BaselineScores {
    /// Share of rows whose fault came first.
    pub top1: f64,
    /// Share of rows whose fault was among the first three.
    pub top3: f64,
    /// Mean of one over the fault's rank.
    pub mrr: f64,
}

/// One row with its answer.
struct Row {
    /// The parts of the data that the row belongs to.
    splits: Vec<String>,
    /// Rank of the right fault from 1, and whether the system was right, where the row has labels.
    ranked: Option<Outcome>,
}

struct Outcome {
    rank: Option<usize>,
    system_is_right: bool,
    confidence: f64,
    baseline_ranks: Vec<Option<usize>>,
}

/// Diagnoses every case and compares with what was recorded; `on_case` is told how many are done.
///
/// # Errors
///
/// No case says what was found, or a case cannot be diagnosed: it is named by its number.
pub fn evaluate(engine: &dyn Diagnose, cases: &[Case], on_case: &mut dyn FnMut(usize)) -> Result<Evaluation> {
    if !cases.iter().any(|case| case.fault.is_some() || case.has_target()) {
        return Err(Error::NothingToCompare);
    }
    let mut rows = Vec::with_capacity(cases.len());
    let mut text = text::Sums::default();
    for (index, case) in cases.iter().enumerate() {
        let in_row = |source| Error::Row { row: index + 1, source: Box::new(source) };
        let report = engine.diagnose(case).map_err(in_row)?;
        text.add(case, &report);
        rows.push(row(case, &report, engine)?);
        on_case(index + 1);
    }
    let mut splits: BTreeMap<&String, Vec<&Outcome>> = BTreeMap::new();
    for row in &rows {
        let Some(outcome) = &row.ranked else { continue };
        for split in &row.splits {
            splits.entry(split).or_default().push(outcome);
        }
    }
    let splits = splits.into_iter().map(|(name, outcomes)| (name.clone(), scores(&outcomes))).collect();
    Ok(Evaluation { n: cases.len(), splits, text: text.scores() })
}

fn row(case: &Case, report: &Report, engine: &dyn Diagnose) -> Result<Row> {
    let splits = splits_of(case);
    let Some(fault) = &case.fault else { return Ok(Row { splits, ranked: None }) };
    let simpler = Simpler {
        case,
        scored: engine.score_causes(case)?,
        manifest: engine.manifest(),
        knowledge: engine.knowledge(),
    };
    let baseline_ranks = Baseline::ALL.iter().map(|baseline| {
        let ranking = simpler.rank(*baseline);
        rank_of(fault, ranking.iter().map(String::as_str))
    });
    let best = report.causes.first();
    let outcome = Outcome {
        rank: rank_of(fault, simpler.full().iter().map(String::as_str)),
        system_is_right: best.is_some_and(|cause| cause.system.is_some() && cause.system == case.system),
        confidence: best.map_or(0.0, |cause| cause.probability),
        baseline_ranks: baseline_ranks.collect(),
    };
    Ok(Row { splits, ranked: Some(outcome) })
}

/// `all`, with or without a code, and what the generator says of the case.
fn splits_of(case: &Case) -> Vec<String> {
    let has_code = !case.codes().is_empty();
    let slices = case.extra.get(Slice::FIELD).and_then(|slices| slices.as_array()).into_iter().flatten();
    let mut splits = vec!["all", if has_code { "with_code" } else { "without_code" }];
    splits.extend(slices.filter_map(|slice| slice.as_str()).filter(|slice| *slice != Slice::NoCode.as_str()));
    splits.into_iter().map(str::to_owned).collect()
}

fn rank_of<'a>(fault: &str, mut ranking: impl Iterator<Item = &'a str>) -> Option<usize> {
    ranking.position(|ranked| ranked == fault).map(|index| index + 1)
}

fn scores(outcomes: &[&Outcome]) -> RankingScores {
    let n = outcomes.len();
    let share = |count: usize| count as f64 / n as f64;
    let of_ranks = |ranks: Vec<Option<usize>>| {
        let within = |limit| share(ranks.iter().flatten().filter(|rank| **rank <= limit).count());
        let mrr = ranks.iter().flatten().map(|rank| 1.0 / *rank as f64).sum::<f64>() / n as f64;
        BaselineScores { top1: within(1), top3: within(3), mrr }
    };
    let model = of_ranks(outcomes.iter().map(|outcome| outcome.rank).collect());
    let baselines = Baseline::ALL.iter().enumerate().map(|(index, baseline)| {
        (baseline.name(), of_ranks(outcomes.iter().map(|outcome| outcome.baseline_ranks[index]).collect()))
    });
    RankingScores {
        n,
        top1: model.top1,
        top3: model.top3,
        mrr: model.mrr,
        system_accuracy: share(outcomes.iter().filter(|outcome| outcome.system_is_right).count()),
        ece: expected_calibration_error(outcomes),
        baselines: baselines.collect(),
    }
}

/// Source: Guo et al., *On Calibration of Modern Neural Networks*, 2017, equation 3, with ten bins.
fn expected_calibration_error(outcomes: &[&Outcome]) -> f64 {
    const BINS: usize = 10;
    let mut bins = [(0.0_f64, 0.0_f64); BINS];
    for outcome in outcomes {
        let bin = &mut bins[((outcome.confidence * BINS as f64) as usize).min(BINS - 1)];
        bin.0 += outcome.confidence;
        bin.1 += f64::from(u8::from(outcome.rank == Some(1)));
    }
    bins.iter().map(|(confidence, right)| (confidence - right).abs()).sum::<f64>() / outcomes.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(rank: Option<usize>, confidence: f64) -> Outcome {
        Outcome {
            rank,
            system_is_right: rank == Some(1),
            confidence,
            baseline_ranks: vec![None, Some(2), None, None],
        }
    }

    #[test]
    fn scores_are_what_their_definitions_say() {
        let outcomes =
            [outcome(Some(1), 0.95), outcome(Some(2), 0.55), outcome(Some(4), 0.55), outcome(None, 0.35)];
        let scores = scores(&outcomes.iter().collect::<Vec<_>>());
        assert_eq!((scores.n, scores.top1, scores.top3), (4, 0.25, 0.5));
        assert!((scores.mrr - (1.0 + 0.5 + 0.25) / 4.0).abs() < 1e-12);
        // One bin holds 0.95 and was right; one holds twice 0.55 and was wrong; one holds 0.35 and was wrong.
        assert!((scores.ece - (0.05 + 1.1 + 0.35) / 4.0).abs() < 1e-12);
        let (majority, code_lookup) = (scores.baselines["majority"], scores.baselines["code_lookup"]);
        for (found, expected) in [(majority.top1, 0.0), (code_lookup.top3, 1.0), (code_lookup.mrr, 0.5)] {
            assert!((found - expected).abs() < 1e-12, "{found} against {expected}");
        }
    }
}
