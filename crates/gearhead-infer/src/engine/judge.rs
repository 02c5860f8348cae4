//! What follows from ranked causes: how urgent, how to stay safe, what to test.

use gearhead_data::{
    case::Case,
    code::{Decoded, FaultCode},
    knowledge::{Card, KnowledgeBase, Test},
    manifest::Candidate,
    severity::Severity,
};

use crate::report::{Cause, NextQuestion, Report, TestStep, Written};

/// A cause below this is not shown.
const SHOWN_FROM: f64 = 0.005;
/// At most this many causes are shown.
const MAX_SHOWN: usize = 8;
/// From here on a cause's dangers count: better a safety step too many.
const DANGER_FROM: f64 = 0.1;
/// Below this the best cause is a guess, and the report says so. Provisional: to be fitted to a stated risk.
const SURE_FROM: f64 = 0.25;

/// Puts the report together. `causes` is ranked and not empty.
pub(super) fn judge(
    case: &Case,
    codes: Vec<Decoded>,
    causes: &[(&Candidate, f64)],
    written: Written,
    knowledge: &KnowledgeBase,
    model: &str,
) -> Report {
    let card_of = |candidate: &Candidate| candidate.fault.as_deref().and_then(|id| knowledge.card(id));
    let shown = causes.iter().take(MAX_SHOWN).take_while(|(_, probability)| *probability >= SHOWN_FROM);
    let shown: Vec<_> =
        shown.chain(causes.first().filter(|(_, probability)| *probability < SHOWN_FROM)).collect();
    let dangerous: Vec<&Card> = shown
        .iter()
        .filter(|(_, probability)| *probability >= DANGER_FROM)
        .filter_map(|(c, _)| card_of(c))
        .collect();
    let best_card = causes.first().and_then(|(candidate, _)| card_of(candidate));
    let reported = case.codes();
    Report {
        case: case.clone(),
        abstained: causes[0].1 < SURE_FROM,
        verdict: verdict(&codes, &dangerous, best_card),
        safety: unique(dangerous.iter().copied().chain(best_card).flat_map(|card| &card.hazards).cloned()),
        causes: shown
            .iter()
            .map(|(candidate, probability)| cause(candidate, *probability, card_of(candidate), &reported))
            .collect(),
        tests: tests(best_card, &dangerous, &written.steps),
        next_question: next_question(&dangerous),
        codes,
        probable_cause: written.probable_cause,
        solution: written.solution,
        truncated: written.is_truncated,
        verification: best_card.map(|card| card.verification.clone()),
        similar_cases: Vec::new(),
        model: model.to_owned(),
        knowledge: knowledge.version().to_owned(),
    }
}

/// The most urgent of the plausible causes and of the codes. Where neither says anything, a machine with an unknown fault
/// is not worked on.
fn verdict(codes: &[Decoded], dangerous: &[&Card], best: Option<&Card>) -> Severity {
    let of_cards = dangerous.iter().copied().chain(best).map(|card| card.severity);
    let of_codes = codes.iter().filter_map(|code| code.severity);
    of_cards.chain(of_codes).max().unwrap_or(Severity::FinishAndPark)
}

fn cause(candidate: &Candidate, probability: f64, card: Option<&Card>, reported: &[FaultCode]) -> Cause {
    let (mut evidence_for, mut evidence_against) = (Vec::new(), Vec::new());
    if let Some(card) = card {
        for code in reported.iter().filter(|code| card.lists(code)) {
            evidence_for.push(format!("{} is a code of this fault", code.code));
        }
        if !reported.is_empty() && !card.codes.is_empty() && evidence_for.is_empty() {
            evidence_against.push("none of the codes is one of this fault".to_owned());
        }
    }
    Cause {
        fault: candidate.fault.clone(),
        system: candidate.system,
        cause: candidate.cause.clone(),
        probability,
        evidence_for,
        evidence_against,
        ruled_out_by: card
            .map_or_else(Vec::new, |card| card.against.iter().map(|other| other.finding.clone()).collect()),
    }
}

/// The best card's tests in their order, then the first test of each other plausible card; where there is no card,
/// the steps that the model wrote.
fn tests(best: Option<&Card>, plausible: &[&Card], steps: &[String]) -> Vec<TestStep> {
    let Some(best) = best else {
        return steps.iter().map(|step| TestStep { action: step.clone(), ..TestStep::default() }).collect();
    };
    let others = plausible.iter().filter(|card| card.id != best.id).filter_map(|card| card.tests.first());
    best.tests.iter().chain(others).map(TestStep::from).collect()
}

/// The test that tells the two leading causes apart, if one is known to.
fn next_question(plausible: &[&Card]) -> Option<NextQuestion> {
    let [first, second, ..] = plausible else { return None };
    let separates = |card: &'_ Card, other: &Card| -> Option<Test> {
        card.tests.iter().find(|test| test.separates.contains(&other.id)).cloned()
    };
    let test = separates(first, second).or_else(|| separates(second, first))?;
    Some(NextQuestion {
        question: test.action.clone(),
        separates: [first.title.clone(), second.title.clone()],
        test: TestStep::from(&test),
    })
}

fn unique(texts: impl Iterator<Item = String>) -> Vec<String> {
    let mut seen = Vec::new();
    for text in texts {
        if !seen.contains(&text) {
            seen.push(text);
        }
    }
    seen
}
