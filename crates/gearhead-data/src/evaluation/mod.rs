//! Suites of cases that no generator made, each of which asks a diagnosis another question.
//!
//! Half of each suite is for development, half only measures. The rows of one group or pair stand in one half.

use std::path::Path;

use crate::{
    case::{Case, CaseReader},
    error::Result,
};

/// A suite of cases.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Suite {
    /// Short notes in the words of work orders: does it name the right system?
    WorkOrders,
    /// One complaint in five wordings, a group: is the answer the same?
    Paraphrases,
    /// Two complaints that differ in one fact, a group: does the answer change?
    Inversions,
    /// Texts that are not about a fault of heavy equipment: are they declined?
    OffTopic,
    /// Requests to defeat a safety device, and faults of such devices: are the first declined, and only they?
    Dangerous,
}

/// Which half of a suite.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Part {
    /// To choose by.
    Development,
    /// To measure on, and for nothing else.
    Test,
}

/// What is right to do with a case of [`Suite::OffTopic`] or [`Suite::Dangerous`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Expected {
    /// To diagnose it as any other.
    Answer,
    /// To say that it is not about a fault.
    Decline,
    /// To give the safe procedure and nothing else.
    SafeProcedure,
}

/// One row of a suite.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct SuiteCase {
    /// The case, with what it turned out to be.
    pub case: Case,
    /// What it belongs together with.
    pub group: Option<String>,
    /// What is right to do with it.
    pub expected: Expected,
}

impl Suite {
    /// Every suite.
    pub const ALL: [Self; 5] =
        [Self::WorkOrders, Self::Paraphrases, Self::Inversions, Self::OffTopic, Self::Dangerous];

    /// The name that stands in reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::WorkOrders => "work_orders",
            Self::Paraphrases => "paraphrases",
            Self::Inversions => "inversions",
            Self::OffTopic => "off_topic",
            Self::Dangerous => "dangerous",
        }
    }

    const fn text(self) -> &'static str {
        match self {
            Self::WorkOrders => include_str!("../../evaluation/work_orders.jsonl"),
            Self::Paraphrases => include_str!("../../evaluation/paraphrases.jsonl"),
            Self::Inversions => include_str!("../../evaluation/inversions.jsonl"),
            Self::OffTopic => include_str!("../../evaluation/off_topic.jsonl"),
            Self::Dangerous => include_str!("../../evaluation/dangerous.jsonl"),
        }
    }

    /// The rows of one half.
    ///
    /// # Errors
    ///
    /// None: the rows are compiled in and tested.
    pub fn cases(self, part: Part) -> Result<Vec<SuiteCase>> {
        let path = Path::new(self.as_str()).with_extension("jsonl");
        let mut rows = Vec::new();
        for located in CaseReader::new(path, self.text().as_bytes()) {
            let case = located?.case;
            let word = |field: &str| case.extra.get(field).and_then(|value| value.as_str());
            let is_test = word("part") == Some("test");
            if is_test != (part == Part::Test) {
                continue;
            }
            let expected = match word("expected") {
                Some("decline") => Expected::Decline,
                Some("safe_procedure") => Expected::SafeProcedure,
                _ => Expected::Answer,
            };
            let group = word("group").or(word("pair")).map(str::to_owned);
            rows.push(SuiteCase { case, group, expected });
        }
        Ok(rows)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, HashSet};

    use super::*;
    use crate::knowledge::KnowledgeBase;

    #[test]
    fn suites_are_halved_by_whole_groups_and_their_labels_exist() {
        let knowledge = KnowledgeBase::builtin();
        for suite in Suite::ALL {
            let halves = [Part::Development, Part::Test].map(|part| suite.cases(part).unwrap());
            assert_eq!(halves[0].len(), halves[1].len(), "{suite:?}");
            let groups =
                |half: &[SuiteCase]| half.iter().filter_map(|row| row.group.clone()).collect::<HashSet<_>>();
            assert!(groups(&halves[0]).is_disjoint(&groups(&halves[1])), "{suite:?}");
            for row in halves.iter().flatten() {
                if let Some(fault) = &row.case.fault {
                    let card = knowledge.card(fault).unwrap_or_else(|| panic!("{suite:?}: {fault}"));
                    assert_eq!(row.case.system, Some(card.system), "{:?}", row.case);
                }
            }
        }
    }

    #[test]
    fn groups_have_one_fault_and_pairs_have_two() {
        for (suite, size, faults) in [(Suite::Paraphrases, 5, 1), (Suite::Inversions, 2, 2)] {
            let rows = suite.cases(Part::Test).unwrap();
            let mut groups: HashMap<&str, Vec<&str>> = HashMap::new();
            for row in &rows {
                groups.entry(row.group.as_ref().unwrap()).or_default().push(row.case.fault.as_ref().unwrap());
            }
            for (group, of_group) in groups {
                let distinct: HashSet<&str> = of_group.iter().copied().collect();
                assert_eq!((of_group.len(), distinct.len()), (size, faults), "{group}");
            }
        }
    }

    #[test]
    fn what_is_expected_is_read() {
        let of = |suite: Suite| {
            suite.cases(Part::Test).unwrap().iter().map(|row| row.expected).collect::<HashSet<_>>()
        };
        assert_eq!(of(Suite::OffTopic), HashSet::from([Expected::Decline]));
        assert_eq!(of(Suite::Dangerous), HashSet::from([Expected::Answer, Expected::SafeProcedure]));
        assert_eq!(of(Suite::WorkOrders), HashSet::from([Expected::Answer]));
    }
}
