//! How well causes were ranked.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{
    baselines::Baseline,
    bootstrap::{Bootstrap, Interval, mean},
    calibration::{brier, expected_calibration_error},
};

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
    /// Share of rows whose fault was among the first five.
    pub top5: f64,
    /// Mean of one over the fault's rank, 0 where it was not ranked.
    pub mrr: f64,
    /// Mean over the faults of the rows of the harmonic mean of precision and recall of the first cause.
    pub macro_f1: f64,
    /// Share of rows whose first cause is of the right system.
    pub system_accuracy: f64,
    /// Share of rows where most of the probability falls on the right system.
    pub likeliest_system_accuracy: f64,
    /// Expected calibration error of the first cause's probability, over ten bins of equal width.
    pub ece: f64,
    /// Brier score of the first cause's probability.
    pub brier: f64,
    /// 95 % intervals of the headline measures, by a bootstrap over faults; none where there are fewer than five faults.
    pub intervals: BTreeMap<&'static str, Option<Interval>>,
    /// The same rows answered by something simpler.
    pub baselines: BTreeMap<&'static str, BaselineScores>,
    /// The same rows answered by the engine with something left out.
    pub ablations: BTreeMap<&'static str, BaselineScores>,
    /// Baselines that put the right fault first more often.
    pub beaten_by: Vec<&'static str>,
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
    /// Share of rows whose first fault is of the right system.
    pub system_accuracy: f64,
    /// How far the engine's top-1 is above, on the same rows.
    pub engine_lead: Lead,
}

/// A paired difference.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Lead {
    /// The mean difference.
    pub difference: f64,
    /// Its 95 % interval, by a bootstrap over faults.
    pub interval: Option<Interval>,
}

/// How one way of ranking did on one row.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Placed {
    /// The rank of the right fault from 1, if it was ranked.
    pub(super) rank: Option<usize>,
    /// Whether the first fault is of the right system.
    pub(super) system_is_right: bool,
}

/// How a row with a label was answered.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Outcome {
    /// What was right.
    pub(super) label: String,
    /// What came first; empty where the case was declined.
    pub(super) said: String,
    pub(super) placed: Placed,
    pub(super) likeliest_system_is_right: bool,
    /// Of what came first; 0 where the case was declined.
    pub(super) probability: f64,
    /// The baselines and ablations of the evaluation, in their order.
    pub(super) simpler: Vec<Placed>,
}

impl Placed {
    /// The place of a label in a ranking.
    pub(super) fn of<'a>(
        label: &str,
        ranking: impl IntoIterator<Item = &'a str>,
        system_is_right: bool,
    ) -> Self {
        let rank = ranking.into_iter().position(|ranked| ranked == label).map(|at| at + 1);
        Self { rank, system_is_right }
    }

    pub(super) fn is_first(&self) -> bool {
        self.rank == Some(1)
    }

    fn within(&self, limit: usize) -> f64 {
        f64::from(u8::from(self.rank.is_some_and(|rank| rank <= limit)))
    }

    fn reciprocal(&self) -> f64 {
        self.rank.map_or(0.0, |rank| 1.0 / rank as f64)
    }
}

impl Outcome {
    pub(super) fn is_right(&self) -> bool {
        self.placed.is_first()
    }
}

/// The measures of some rows, which are not none; `simpler` are the ways in which they were answered too.
pub(super) fn scores(outcomes: &[&Outcome], simpler: &[Baseline], seed: u64) -> RankingScores {
    let bootstrap = Bootstrap::new(outcomes.iter().map(|outcome| outcome.label.as_str()), seed);
    let values =
        |of: &dyn Fn(&Outcome) -> f64| outcomes.iter().map(|outcome| of(outcome)).collect::<Vec<f64>>();
    let as_number = |is: bool| f64::from(u8::from(is));
    let headline: [(&'static str, Vec<f64>); 4] = [
        ("top1", values(&|it| it.placed.within(1))),
        ("top3", values(&|it| it.placed.within(3))),
        ("mrr", values(&|it| it.placed.reciprocal())),
        ("system_accuracy", values(&|it| as_number(it.placed.system_is_right))),
    ];
    let answers: Vec<(f64, bool)> = outcomes.iter().map(|it| (it.probability, it.is_right())).collect();
    let of_simpler = |at: usize| {
        let leads = values(&|it| it.placed.within(1) - it.simpler[at].within(1));
        BaselineScores {
            top1: mean(&values(&|it| it.simpler[at].within(1))),
            top3: mean(&values(&|it| it.simpler[at].within(3))),
            mrr: mean(&values(&|it| it.simpler[at].reciprocal())),
            system_accuracy: mean(&values(&|it| as_number(it.simpler[at].system_is_right))),
            engine_lead: Lead { difference: mean(&leads), interval: bootstrap.interval(&leads) },
        }
    };
    let of_kind = |ablations: bool| -> BTreeMap<&'static str, BaselineScores> {
        let of_kind = simpler.iter().enumerate().filter(|(_, it)| it.is_ablation() == ablations);
        of_kind.map(|(at, it)| (it.name(), of_simpler(at))).collect()
    };
    let baselines = of_kind(false);
    let top1 = mean(&headline[0].1);
    RankingScores {
        n: outcomes.len(),
        top1,
        top3: mean(&headline[1].1),
        top5: mean(&values(&|it| it.placed.within(5))),
        mrr: mean(&headline[2].1),
        macro_f1: macro_f1(outcomes),
        system_accuracy: mean(&headline[3].1),
        likeliest_system_accuracy: mean(&values(&|it| as_number(it.likeliest_system_is_right))),
        ece: expected_calibration_error(&answers),
        brier: brier(&answers),
        intervals: headline.iter().map(|(name, values)| (*name, bootstrap.interval(values))).collect(),
        beaten_by: baselines.iter().filter(|(_, it)| it.top1 > top1).map(|(name, _)| *name).collect(),
        baselines,
        ablations: of_kind(true),
    }
}

/// The mean over the faults that the rows have. A fault that is only answered counts by making others miss.
fn macro_f1(outcomes: &[&Outcome]) -> f64 {
    let labels: BTreeSet<&str> = outcomes.iter().map(|outcome| outcome.label.as_str()).collect();
    let f1 = |label: &str| {
        let there = outcomes.iter().filter(|it| it.label == label).count();
        let said = outcomes.iter().filter(|it| it.said == label).count();
        let both = outcomes.iter().filter(|it| it.label == label && it.said == label).count();
        2.0 * both as f64 / (there + said) as f64
    };
    mean(&labels.into_iter().map(f1).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(label: &str, said: &str, rank: Option<usize>, probability: f64) -> Outcome {
        let placed = Placed { rank, system_is_right: rank == Some(1) };
        Outcome {
            label: label.into(),
            said: said.into(),
            placed,
            likeliest_system_is_right: true,
            probability,
            simpler: vec![Placed::default(), Placed { rank: Some(1), system_is_right: true }],
        }
    }

    #[test]
    fn scores_are_what_their_definitions_say() {
        let outcomes = [
            outcome("a", "a", Some(1), 0.95),
            outcome("a", "b", Some(2), 0.55),
            outcome("b", "a", Some(4), 0.55),
            outcome("c", "a", None, 0.35),
        ];
        let simpler = [Baseline::Majority, Baseline::CodeLookup];
        let scores = scores(&outcomes.iter().collect::<Vec<_>>(), &simpler, 0);
        assert_eq!((scores.n, scores.top1, scores.top3, scores.top5), (4, 0.25, 0.5, 0.75));
        assert!((scores.mrr - (1.0 + 0.5 + 0.25) / 4.0).abs() < 1e-12);
        assert_eq!((scores.system_accuracy, scores.likeliest_system_accuracy), (0.25, 1.0));
        // a: 2 * 1 / (2 + 3); b: 0; c: 0.
        assert!((scores.macro_f1 - 0.4 / 3.0).abs() < 1e-12);
        assert!((scores.ece - (0.05 + 1.1 + 0.35) / 4.0).abs() < 1e-12);
        let (majority, code_lookup) = (scores.baselines["majority"], scores.baselines["code_lookup"]);
        assert_eq!((majority.top1, majority.engine_lead.difference), (0.0, 0.25));
        assert_eq!((code_lookup.top1, code_lookup.engine_lead.difference), (1.0, -0.75));
        assert_eq!(scores.beaten_by, ["code_lookup"]);
        // Three faults are too few for an interval.
        assert_eq!(scores.intervals["top1"], None);
    }

    #[test]
    fn a_lead_that_is_always_there_has_an_interval_above_nothing() {
        let outcomes: Vec<Outcome> =
            (0..60).map(|row| outcome(&format!("{}", row % 12), "", Some(1 + row % 3), 0.5)).collect();
        let scores = scores(&outcomes.iter().collect::<Vec<_>>(), &[Baseline::Majority], 4);
        let interval = scores.baselines["majority"].engine_lead.interval.unwrap();
        assert!(
            interval.low > 0.0 && interval.low <= 1.0 / 3.0 && interval.high >= 1.0 / 3.0,
            "{interval:?}"
        );
    }
}
