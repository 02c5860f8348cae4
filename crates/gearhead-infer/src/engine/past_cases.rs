//! A company's own past cases: those like the one at hand, and what they turned out to be.

use std::collections::HashMap;

use gearhead_data::{
    case::Case,
    likeness::{Phrases, Similar},
    manifest::{Candidate, cause_name},
    reading::Reading,
};

use crate::report::SimilarCase;

/// At most this many past cases are shown.
const SHOWN: usize = 3;
/// A past case less like this one is not shown.
const SHOWN_FROM: f32 = 0.25;
/// How many of the most alike cases vote for their causes.
const VOTERS: usize = 25;

/// Past cases, indexed by their complaints.
#[derive(Debug, Default)]
pub(super) struct PastCases {
    cases: Vec<Case>,
    complaints: Phrases,
}

impl PastCases {
    /// Past cases of which it is recorded what they turned out to be; others say nothing.
    pub(super) fn new(mut cases: Vec<Case>) -> Self {
        cases.retain(|case| case.fault.is_some() || case.has_target());
        let complaints = Phrases::new(cases.iter().map(|case| case.symptom.as_str()));
        Self { cases, complaints }
    }

    /// The past cases that are most like a case, the best first: those that vote, and the first of which are shown.
    pub(super) fn nearest(&self, reading: &Reading) -> Vec<Similar> {
        if self.cases.is_empty() { Vec::new() } else { self.complaints.nearest(&reading.text, VOTERS) }
    }

    /// For each candidate the sum of the squared likeness of the most alike cases that turned out to be it. Squared, so
    /// that many that are a little alike do not outvote one that is the same.
    pub(super) fn votes(&self, nearest: &[Similar], candidates: &[Candidate]) -> Vec<f64> {
        let mut votes = vec![0.0; candidates.len()];
        if nearest.is_empty() {
            return votes;
        }
        let by_fault: HashMap<&str, usize> =
            candidates.iter().enumerate().filter_map(|(at, it)| Some((it.fault.as_deref()?, at))).collect();
        let by_name: HashMap<String, usize> =
            candidates.iter().enumerate().map(|(at, it)| (cause_name(&it.cause), at)).collect();
        for similar in nearest {
            let case = &self.cases[similar.phrase];
            let of_fault = case.fault.as_deref().and_then(|fault| by_fault.get(fault));
            let of_name = || by_name.get(&cause_name(case.probable_cause.as_deref()?));
            if let Some(at) = of_fault.or_else(of_name) {
                votes[*at] += f64::from(similar.similarity).powi(2);
            }
        }
        votes
    }

    /// The past cases to show.
    pub(super) fn shown(&self, nearest: &[Similar]) -> Vec<SimilarCase> {
        nearest
            .iter()
            .take(SHOWN)
            .filter(|similar| similar.similarity >= SHOWN_FROM)
            .map(|similar| SimilarCase {
                similarity: f64::from(similar.similarity),
                case: self.cases[similar.phrase].clone(),
            })
            .collect()
    }
}
