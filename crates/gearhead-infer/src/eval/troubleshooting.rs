//! How many tests it takes to find the fault, when the engine chooses them and when they are done in a fixed order.

use gearhead_data::knowledge::{KnowledgeBase, Test};
use serde::Serialize;

use super::bootstrap::mean;
use crate::engine::{
    Finding,
    question::{best_question, outcome_probabilities, updated},
};

/// A search that takes more tests than this is given up, and counted as this many.
const MOST_TESTS: usize = 20;
/// The fault is found when it is this probable.
const SURE_FROM: f64 = 0.9;

/// Tests that were needed to find the fault, in a simulation: each test that is asked for has the result that is the most
/// probable one with the fault, by the engine's own model of what tests show. A search ends when a result points at the
/// fault, or when the fault has a probability of 0.9.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct TestsNeeded {
    /// Rows whose fault has a card with tests.
    pub n: usize,
    /// The mean number of tests, of those that the engine asks for.
    pub asked: f64,
    /// The mean number of tests in a fixed order: those of the most probable cause, then those of the next.
    pub in_fixed_order: f64,
    /// Rows whose fault is not sure before any test.
    pub unsure: usize,
    /// The mean number of those rows, as the engine asks.
    pub asked_where_unsure: f64,
    /// The mean number of those rows, in the fixed order.
    pub in_fixed_order_where_unsure: f64,
    /// The number at which a search is given up.
    pub at_most: usize,
}

/// A cause's fault, if it has a card, and its probability.
type Causes<'a> = Vec<(Option<&'a str>, f64)>;

pub(super) fn tests_needed(rows: &[(usize, usize)]) -> Option<TestsNeeded> {
    let unsure: Vec<(usize, usize)> = rows.iter().copied().filter(|row| row.1 > 0).collect();
    let asked = |rows: &[(usize, usize)]| mean(&rows.iter().map(|row| row.0 as f64).collect::<Vec<_>>());
    let in_order = |rows: &[(usize, usize)]| mean(&rows.iter().map(|row| row.1 as f64).collect::<Vec<_>>());
    (!rows.is_empty()).then(|| TestsNeeded {
        n: rows.len(),
        asked: asked(rows),
        in_fixed_order: in_order(rows),
        unsure: unsure.len(),
        asked_where_unsure: asked(&unsure),
        in_fixed_order_where_unsure: in_order(&unsure),
        at_most: MOST_TESTS,
    })
}

/// The number of tests until `fault` is found among ranked causes: as the engine asks, and in the fixed order. `None` where
/// the fault has no tests.
pub(super) fn search(knowledge: &KnowledgeBase, causes: &Causes<'_>, fault: &str) -> Option<(usize, usize)> {
    knowledge.card(fault).filter(|card| !card.tests.is_empty())?;
    let asked = count(knowledge, causes.clone(), fault, |causes, done| {
        let question = best_question(knowledge, causes, done).map(|it| (it.card.id.as_str(), it.number));
        // Where nothing is worth asking any more, the tests of the most probable cause come next.
        question.or_else(|| first_not_done(knowledge, causes, done))
    });
    let fixed = causes.clone();
    let in_order = count(knowledge, causes.clone(), fault, |_, done| first_not_done(knowledge, &fixed, done));
    Some((asked, in_order))
}

fn count<'a>(
    knowledge: &'a KnowledgeBase,
    mut causes: Causes<'_>,
    fault: &str,
    mut next: impl FnMut(&Causes<'_>, &[Finding]) -> Option<(&'a str, usize)>,
) -> usize {
    let mut done: Vec<Finding> = Vec::new();
    while done.len() < MOST_TESTS {
        if causes.iter().any(|(it, probability)| *it == Some(fault) && *probability >= SURE_FROM) {
            return done.len();
        }
        causes.sort_by(|a, b| b.1.total_cmp(&a.1));
        let Some((of, number)) = next(&causes, &done) else { return MOST_TESTS };
        let Some(test) = knowledge.card(of).and_then(|card| card.tests.get(number)) else {
            return MOST_TESTS;
        };
        let outcome = result_with(test, fault);
        done.push(Finding { fault: of.to_owned(), test: number, outcome });
        if test.outcomes.get(outcome).is_none_or(|it| it.points_to.as_deref() == Some(fault)) {
            return done.len();
        }
        let after = updated(test, outcome, &causes);
        causes.iter_mut().zip(after).for_each(|(cause, probability)| cause.1 = probability);
    }
    MOST_TESTS
}

/// The first test that was not done, cause by cause.
fn first_not_done<'a>(
    knowledge: &'a KnowledgeBase,
    causes: &Causes<'_>,
    done: &[Finding],
) -> Option<(&'a str, usize)> {
    let cards = causes.iter().filter_map(|(fault, _)| knowledge.card((*fault)?));
    cards
        .flat_map(|card| (0..card.tests.len()).map(|number| (card.id.as_str(), number)))
        .find(|(of, number)| !done.iter().any(|it| it.fault == *of && it.test == *number))
}

/// The most probable result where `fault` is there; of equals one that points at no fault, else the last.
fn result_with(test: &Test, fault: &str) -> usize {
    let probabilities = outcome_probabilities(test, Some(fault));
    let points_nowhere = |at: usize| test.outcomes[at].points_to.is_none();
    (0..probabilities.len())
        .max_by(|a, b| {
            let of_equals = points_nowhere(*a).cmp(&points_nowhere(*b));
            probabilities[*a].total_cmp(&probabilities[*b]).then(of_equals).then(a.cmp(b))
        })
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_that_leads_needs_no_test_and_one_that_comes_last_needs_more() {
        let knowledge = KnowledgeBase::builtin();
        let of = |causes: &Causes<'_>| search(knowledge, causes, "battery_or_cable").unwrap();
        assert_eq!(of(&vec![(Some("battery_or_cable"), 0.95), (Some("starter_failed"), 0.05)]), (0, 0));
        let last = vec![
            (Some("dpf_soot_loaded"), 0.4),
            (Some("water_in_fuel"), 0.3),
            (Some("battery_or_cable"), 0.3),
        ];
        let (asked, in_order) = of(&last);
        assert!(asked >= 1 && asked <= in_order, "{asked} against {in_order}");
        assert!(in_order > knowledge.card("dpf_soot_loaded").unwrap().tests.len());
        // A fault that is not among the causes can still be met by a test that points at it, or is given up.
        let (asked, in_order) = of(&vec![(Some("dpf_soot_loaded"), 1.0)]);
        assert!(asked <= MOST_TESTS && in_order <= MOST_TESTS);
        assert_eq!(search(knowledge, &last, "no such fault"), None);
        let needed = tests_needed(&[(1, 3), (2, 3), (0, 0)]).unwrap();
        assert_eq!((needed.n, needed.asked, needed.in_fixed_order), (3, 1.0, 2.0));
        assert_eq!(
            (needed.unsure, needed.asked_where_unsure, needed.in_fixed_order_where_unsure),
            (2, 1.5, 3.0)
        );
        assert_eq!(tests_needed(&[]), None);
    }

    #[test]
    fn results_are_those_of_the_fault_that_is_there() {
        let test: Test = serde_json::from_value(serde_json::json!({
            "action": "look", "tool": "eyes", "condition": "any", "expected": "dry",
            "outcomes": [
                {"result": "wet", "means": "leak", "points_to": "a"},
                {"result": "dry", "means": "no leak"},
                {"result": "cracked", "means": "other", "points_to": "b"}
            ]
        }))
        .unwrap();
        assert_eq!([result_with(&test, "a"), result_with(&test, "b"), result_with(&test, "c")], [0, 2, 1]);
    }
}
