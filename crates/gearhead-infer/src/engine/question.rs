//! Which test tells the most, and what its result changes.

use gearhead_data::knowledge::{Card, KnowledgeBase, Test};

use super::Finding;
use crate::error::{Error, Result};

/// How probable a result is that points at another fault than the one that is there, beside one that points at it: a
/// test misleads about once in ten.
const MISLEADS: f64 = 0.1;
/// Causes below this do not decide which test is worth doing.
const COUNTS_FROM: f64 = 0.01;
/// A test that tells less than this, in bits, is not worth asking for.
const WORTH_BITS: f64 = 0.05;

/// A test of a card, and what it is worth.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Question<'a> {
    pub(crate) card: &'a Card,
    pub(crate) test: &'a Test,
    /// Its position on the card.
    pub(crate) number: usize,
    /// The expected information about the cause, in bits.
    pub(super) information: f64,
    pub(super) cost: f64,
}

/// The test with the most expected information for its cost among those of the probable causes, without those that were
/// done.
///
/// Source: Lindley, *On a measure of the information provided by an experiment*, 1956; divided by cost as de Kleer and
/// Williams, *Diagnosing multiple faults*, 1987, section 4, propose.
pub(crate) fn best_question<'a>(
    knowledge: &'a KnowledgeBase,
    causes: &[(Option<&str>, f64)],
    done: &[Finding],
) -> Option<Question<'a>> {
    let mut best: Option<Question<'a>> = None;
    for (fault, _) in causes.iter().filter(|(_, probability)| *probability >= COUNTS_FROM) {
        let Some(card) = fault.and_then(|id| knowledge.card(id)) else { continue };
        for (number, test) in card.tests.iter().enumerate() {
            let is_done = done.iter().any(|it| it.fault == card.id && it.test == number);
            // A test without results can neither be answered nor tell anything.
            if is_done || test.outcomes.is_empty() {
                continue;
            }
            let question =
                Question { card, test, number, information: information(test, causes), cost: cost(test) };
            let value = |question: &Question<'_>| question.information / question.cost;
            if question.information >= WORTH_BITS
                && best.as_ref().is_none_or(|best| value(&question) > value(best))
            {
                best = Some(question);
            }
        }
    }
    best
}

/// The test that a finding names.
///
/// # Errors
///
/// There is no such card, test or result.
pub(super) fn test<'a>(knowledge: &'a KnowledgeBase, finding: &Finding) -> Result<&'a Test> {
    let test = knowledge.card(&finding.fault).and_then(|card| card.tests.get(finding.test));
    test.filter(|test| finding.outcome < test.outcomes.len())
        .ok_or_else(|| Error::UnknownFinding(finding.clone()))
}

/// The probabilities of the causes after a result.
pub(crate) fn updated(test: &Test, outcome: usize, causes: &[(Option<&str>, f64)]) -> Vec<f64> {
    let likely: Vec<f64> = causes
        .iter()
        .map(|(fault, probability)| probability * outcome_probabilities(test, *fault)[outcome])
        .collect();
    let total: f64 = likely.iter().sum();
    likely.into_iter().map(|likely| likely / total).collect()
}

/// How probable each result of a test is where a fault is there: results that point at it are, those that point elsewhere
/// or nowhere are not; where no result points at it, all are alike.
pub(crate) fn outcome_probabilities(test: &Test, fault: Option<&str>) -> Vec<f64> {
    let points = |outcome: &gearhead_data::knowledge::Outcome| {
        fault.is_some() && outcome.points_to.as_deref() == fault
    };
    let is_pointed_at = test.outcomes.iter().any(points);
    let weight = |outcome| if !is_pointed_at || points(outcome) { 1.0 } else { MISLEADS };
    let weights: Vec<f64> = test.outcomes.iter().map(weight).collect();
    let total: f64 = weights.iter().sum();
    weights.into_iter().map(|weight| weight / total).collect()
}

/// The information that a test is expected to give about the cause, in bits.
fn information(test: &Test, causes: &[(Option<&str>, f64)]) -> f64 {
    let of_causes: Vec<Vec<f64>> =
        causes.iter().map(|(fault, _)| outcome_probabilities(test, *fault)).collect();
    let mut expected = entropy(causes.iter().map(|(_, probability)| *probability));
    for outcome in 0..test.outcomes.len() {
        let joint: Vec<f64> =
            causes.iter().zip(&of_causes).map(|((_, probability), of)| probability * of[outcome]).collect();
        let total: f64 = joint.iter().sum();
        if total > 0.0 {
            expected -= total * entropy(joint.iter().map(|joint| joint / total));
        }
    }
    expected.max(0.0)
}

fn entropy(probabilities: impl Iterator<Item = f64>) -> f64 {
    -probabilities.filter(|p| *p > 0.0).map(|p| p * p.log2()).sum::<f64>()
}

/// The effort of a test: 1 for a look, more for instruments, most for taking something apart.
fn cost(test: &Test) -> f64 {
    const TOOLS: [(&[&str], f64); 4] = [
        (&["remov", "dismantl", "strip", "bench", "borescope", "hoist", "crane", "press tool"], 8.0),
        (
            &["flow meter", "flowmeter", "compression", "leak-down", "pressure test", "load bank", "blank"],
            5.0,
        ),
        (&["gauge", "manometer", "tester", "scan tool", "laptop", "service tool", "oscilloscope"], 3.0),
        (&["multimeter", "voltmeter", "meter", "thermometer", "clamp", "lamp", "tape", "indicator"], 2.0),
    ];
    let text = format!("{} {}", test.tool, test.action).to_lowercase();
    let of = |words: &[&str]| words.iter().any(|word| text.contains(word));
    TOOLS.iter().find(|(words, _)| of(words)).map_or(1.0, |(_, cost)| *cost)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn test_of(outcomes: &[Option<&str>]) -> Test {
        let outcomes: Vec<_> = outcomes
            .iter()
            .map(|it| serde_json::json!({"result": "r", "means": "m", "points_to": it}))
            .collect();
        serde_json::from_value(serde_json::json!({
            "action": "look", "tool": "eyes", "condition": "any", "expected": "dry", "outcomes": outcomes
        }))
        .unwrap()
    }

    #[test]
    fn a_test_that_separates_two_causes_tells_nearly_a_bit_and_one_that_does_not_tells_none() {
        let causes = [(Some("a"), 0.5), (Some("b"), 0.5)];
        let separates = test_of(&[Some("a"), Some("b")]);
        // Each result is right in ten of eleven cases: 1 - H(1/11) bits.
        let error = 1.0_f64 / 11.0;
        let expected = 1.0 + error * error.log2() + (1.0 - error) * (1.0 - error).log2();
        assert!((information(&separates, &causes) - expected).abs() < 1e-12);
        assert!(information(&test_of(&[Some("c"), None]), &causes).abs() < 1e-12);
        let after = updated(&separates, 0, &causes);
        assert!((after[0] - 10.0 / 11.0).abs() < 1e-12 && (after.iter().sum::<f64>() - 1.0).abs() < 1e-12);
    }

    #[test]
    fn the_question_is_about_the_leading_causes_and_is_not_asked_twice() {
        let knowledge = KnowledgeBase::builtin();
        let causes = [(Some("battery_or_cable"), 0.5), (Some("starter_failed"), 0.4), (None, 0.1)];
        let first = best_question(knowledge, &causes, &[]).unwrap();
        assert!(first.information > 0.2 && first.cost >= 1.0);
        let done = Finding { fault: first.card.id.clone(), test: first.number, outcome: 0 };
        let second = best_question(knowledge, &causes, std::slice::from_ref(&done));
        assert!(
            second
                .is_none_or(|it| (it.card.id.as_str(), it.number) != (first.card.id.as_str(), first.number))
        );
    }
}
