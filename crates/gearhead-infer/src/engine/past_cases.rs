//! A company's own past cases: those like the one at hand, and what they turned out to be.

use gearhead_data::{
    case::Case,
    likeness::{Phrases, Similar},
    manifest::{Candidate, Outcomes},
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

    /// The past cases that are most like a case, the best first: those that vote, and the first of which are shown. The
    /// record of the case itself, which it is where every field but the codes is the same, is none of them: what is asked
    /// without its codes is the same record.
    pub(super) fn nearest(&self, case: &Case, reading: &Reading) -> Vec<Similar> {
        if self.cases.is_empty() {
            return Vec::new();
        }
        let mut nearest = self.complaints.nearest(&reading.text, VOTERS + 1);
        let mut asked = case.clone();
        nearest.retain(|similar| {
            let past = &self.cases[similar.phrase];
            asked.error_codes.clone_from(&past.error_codes);
            *past != asked
        });
        nearest.truncate(VOTERS);
        nearest
    }

    /// For each candidate the sum of the squared likeness of the most alike cases that turned out to be it. Squared, so
    /// that many that are a little alike do not outvote one that is the same.
    pub(super) fn votes(&self, nearest: &[Similar], candidates: &[Candidate]) -> Vec<f64> {
        let mut votes = vec![0.0; candidates.len()];
        if nearest.is_empty() {
            return votes;
        }
        let outcomes = Outcomes::new(candidates);
        for similar in nearest {
            if let Some(at) = outcomes.of(&self.cases[similar.phrase]) {
                votes[at] += f64::from(similar.similarity).powi(2);
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

#[cfg(test)]
mod tests {
    use gearhead_data::{knowledge::KnowledgeBase, prompt::Sections, reading::Reader};

    use super::*;

    #[test]
    fn past_cases_speak_for_what_they_were_and_a_record_not_for_itself() {
        let record = |id: &str, symptom: &str, cause: &str| {
            let mut case = Case::new("Cat 320", symptom);
            (case.id, case.probable_cause) = (Some(id.to_owned()), Some(cause.to_owned()));
            case
        };
        let records = [
            record("1", "horn dead", "Blown fuse"),
            record("2", "horn is dead", "Broken wire"),
            Case::new("x", "y"),
        ];
        let manifest = gearhead_data::manifest::Manifest::of_cases(&records[..2], Sections::CauseSolution);
        let past = PastCases::new(records.to_vec());
        let knowledge = KnowledgeBase::builtin();
        let reader = Reader::new(knowledge);
        let votes = |case: &Case| {
            let nearest = past.nearest(case, &reader.read(case, knowledge));
            let votes = past.votes(&nearest, &manifest.candidates);
            let of = |cause: &str| {
                let at = manifest.candidates.iter().position(|it| it.cause == cause);
                votes[at.unwrap()]
            };
            (of("Blown fuse"), of("Broken wire"))
        };
        let (fuse, wire) = votes(&Case::new("Cat 336", "horn dead"));
        assert!(fuse > wire && wire > 0.0, "{fuse} {wire}");
        for codes in ["", "P0087"] {
            let (fuse, wire) = votes(&records[0].clone().with_codes(codes));
            assert!(fuse == 0.0 && wire > 0.0, "{fuse} {wire}");
        }
    }
}
