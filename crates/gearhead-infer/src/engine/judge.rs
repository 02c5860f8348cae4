//! What follows from ranked causes: how urgent, how to stay safe, what to test, and how sure it is.

use gearhead_data::{
    case::Case,
    code::{CodeState, CodeTable, FaultCode, observations},
    knowledge::{Card, KnowledgeBase, ended},
    likeness::Phrases,
    manifest::{Candidate, Thresholds},
    reading::Reading,
    severity::Severity,
    system::System,
};

use super::{Finding, question};
use crate::report::{
    Cause, Declined, DeclinedKind, LikelySystem, NextQuestion, Origin, OriginKind, Report, ReportedCode,
    SimilarCase, TestStep, Written,
};

/// A cause below this is not shown.
const SHOWN_FROM: f64 = 0.005;
/// At most this many causes are shown.
const MAX_SHOWN: usize = 8;
/// From here on a cause's dangers count: better a safety step too many.
const DANGER_FROM: f64 = 0.1;
/// From this likeness on a wording of a card is worth quoting beside the complaint.
const QUOTED_FROM: f32 = 0.3;
/// From this likeness on a complaint says what would point at another fault.
const POINTS_ELSEWHERE_FROM: f32 = 0.4;
/// At most this many things are asked for.
const MAX_MISSING: usize = 3;

/// Everything that a report is made from.
pub(super) struct Findings<'a> {
    pub(super) case: &'a Case,
    pub(super) reading: Reading,
    /// Ranked, and not empty.
    pub(super) causes: &'a [(&'a Candidate, f64)],
    /// Tests that were done.
    pub(super) done: &'a [Finding],
    pub(super) written: Written,
    /// Whether the complaint is about what the knowledge knows.
    pub(super) is_familiar: bool,
    pub(super) similar_cases: Vec<SimilarCase>,
    pub(super) thresholds: Thresholds,
    pub(super) knowledge: &'a KnowledgeBase,
    pub(super) model: &'a str,
}

/// Puts the report together.
pub(super) fn judge(found: Findings<'_>) -> Report {
    let declined = declined(&found);
    let Findings { case, knowledge, .. } = found;
    // What is not about a fault has no cause, and a way around a safety device is not described.
    let (causes, written) = match declined {
        Some(_) => (&[][..], Written::default()),
        None => (found.causes, found.written),
    };
    let card_of = |candidate: &Candidate| candidate.fault.as_deref().and_then(|id| knowledge.card(id));
    let shown: Vec<_> = shown(causes).collect();
    let plausible: Vec<&Card> = shown
        .iter()
        .filter(|(_, probability)| *probability >= DANGER_FROM)
        .filter_map(|(candidate, _)| card_of(candidate))
        .collect();
    let best_card = causes.first().and_then(|(candidate, _)| card_of(candidate));
    let dangerous = || plausible.iter().copied().chain(best_card);
    let reported = case.codes();
    let shown_causes: Vec<Cause> = shown
        .iter()
        .map(|(candidate, probability)| {
            cause(candidate, *probability, card_of(candidate), &reported, &found.reading, knowledge)
        })
        .collect();
    let codes = codes(case, knowledge.codes(), &shown_causes, knowledge);
    let abstained = !causes.first().is_some_and(|(_, probability)| found.thresholds.answers(*probability));
    let mut report = Report {
        case: case.clone(),
        abstained,
        verdict: verdict(&codes, dangerous(), &found.reading),
        safety: safety(&found.reading, dangerous()),
        code_observations: observations(&codes.iter().map(|code| code.decoded.clone()).collect::<Vec<_>>()),
        missing: if abstained { missing(case, &found.reading) } else { Vec::new() },
        next_question: next_question(causes, found.done, knowledge),
        tests: tests(best_card, &plausible, &written.steps),
        similar_cases: if declined.is_none() { found.similar_cases } else { Vec::new() },
        work_order: String::new(),
        origins: origins(&plausible, best_card, &codes, !causes.is_empty(), written.is_of_card),
        verification: best_card.map(|card| card.verification.clone()),
        system: likeliest_system(causes),
        causes: shown_causes,
        codes,
        probable_cause: written.probable_cause,
        solution: written.solution,
        truncated: written.is_truncated,
        declined,
        reading: found.reading,
        model: found.model.to_owned(),
        knowledge: knowledge.version().to_owned(),
    };
    report.work_order = work_order(&report);
    report
}

/// The causes that are shown: the first in any case.
pub(super) fn shown<'a, 'c>(
    causes: &'c [(&'a Candidate, f64)],
) -> impl Iterator<Item = &'c (&'a Candidate, f64)> {
    let shown = causes.iter().take(MAX_SHOWN).take_while(|(_, probability)| *probability >= SHOWN_FROM);
    shown.chain(causes.first().filter(|(_, probability)| *probability < SHOWN_FROM))
}

fn declined(found: &Findings<'_>) -> Option<Declined> {
    if let Some(device) = found.reading.bypass {
        return Some(Declined::bypass(device));
    }
    (!found.is_familiar).then(|| Declined {
        kind: DeclinedKind::OutOfDomain,
        message: "Nothing in this is about a fault of heavy equipment that the knowledge covers. Say what the machine \
                  does or does not do, in the words of the trade."
            .to_owned(),
    })
}

/// The most urgent of the plausible causes and of the codes. Where neither says anything, a machine with an unknown fault
/// is not worked on; nor is one whose safety devices someone wants to defeat.
fn verdict<'a>(
    codes: &[ReportedCode],
    dangerous: impl Iterator<Item = &'a Card>,
    reading: &Reading,
) -> Severity {
    if reading.bypass.is_some() {
        return Severity::Stop;
    }
    let of_cards = dangerous.map(|card| card.severity);
    let of_codes =
        codes.iter().filter(|code| code.active != Some(false)).filter_map(|it| it.decoded.severity);
    of_cards.chain(of_codes).max().unwrap_or(Severity::FinishAndPark)
}

fn safety<'a>(reading: &Reading, dangerous: impl Iterator<Item = &'a Card>) -> Vec<String> {
    if let Some(device) = reading.bypass {
        return vec![device.safe_procedure().to_owned()];
    }
    let mut steps: Vec<String> = Vec::new();
    for step in dangerous.flat_map(|card| &card.hazards) {
        if !steps.contains(step) {
            steps.push(step.clone());
        }
    }
    steps
}

/// What the codes say, active ones first where that is known.
fn codes(case: &Case, table: &CodeTable, causes: &[Cause], knowledge: &KnowledgeBase) -> Vec<ReportedCode> {
    let reported = |(code, state): (FaultCode, CodeState)| {
        let explains = |cause: &&Cause| {
            cause.fault.as_deref().and_then(|id| knowledge.card(id)).is_some_and(|card| card.lists(&code))
        };
        ReportedCode {
            decoded: table.decode(&code),
            active: state.active,
            count: state.count,
            explained_by: causes.iter().filter(explains).filter_map(|it| it.fault.clone()).collect(),
        }
    };
    let mut codes: Vec<ReportedCode> = case.codes_with_states().into_iter().map(reported).collect();
    codes.sort_by_key(|code| code.active == Some(false));
    codes
}

fn cause(
    candidate: &Candidate,
    probability: f64,
    card: Option<&Card>,
    reported: &[FaultCode],
    reading: &Reading,
    knowledge: &KnowledgeBase,
) -> Cause {
    let (mut evidence_for, mut evidence_against, mut unknown) = (Vec::new(), Vec::new(), Vec::new());
    if let Some(card) = card {
        for code in reported.iter().filter(|code| card.lists(code)) {
            evidence_for.push(format!("{} is a code of this fault", code.code));
        }
        if !reported.is_empty() && !card.codes.is_empty() && evidence_for.is_empty() {
            evidence_against.push("none of the codes is one of this fault".to_owned());
        }
        let signs: Vec<&str> =
            card.signs.iter().flat_map(|sign| sign.wordings().map(String::as_str)).collect();
        if let Some(nearest) = Phrases::new(signs.iter().copied()).nearest(&reading.text, 1).first()
            && nearest.similarity >= QUOTED_FROM
        {
            evidence_for.push(format!("the complaint is like \u{201c}{}\u{201d}", signs[nearest.phrase]));
        }
        let findings = Phrases::new(card.against.iter().map(|other| other.finding.as_str()));
        if let Some(nearest) = findings.nearest(&reading.text, 1).first()
            && nearest.similarity >= POINTS_ELSEWHERE_FROM
        {
            let other = &card.against[nearest.phrase];
            let title = knowledge.card(&other.fault).map_or(other.fault.as_str(), |card| &card.title);
            evidence_against
                .push(format!("the complaint is like \u{201c}{}\u{201d}: {title}", other.finding));
        }
        let said = Phrases::new([reading.text.as_str()]);
        let typical = card.evidence.iter().filter_map(|evidence| evidence.wording.first());
        // What shares most of its weight with the complaint has been said.
        unknown.extend(typical.filter(|text| said.coverage(text) < 0.5).take(2).cloned());
    }
    Cause {
        fault: candidate.fault.clone(),
        system: candidate.system,
        cause: candidate.cause.clone(),
        probability,
        evidence_for,
        evidence_against,
        unknown,
        ruled_out_by: card
            .map_or_else(Vec::new, |card| card.against.iter().map(|other| other.finding.clone()).collect()),
    }
}

/// What would make an unsure diagnosis surer, by what the case leaves open.
fn missing(case: &Case, reading: &Reading) -> Vec<String> {
    let mut missing = Vec::new();
    if reading.machine.is_none() {
        missing
            .push("make and model of the machine: causes that it cannot have are then left out".to_owned());
    }
    if case.codes().is_empty() {
        missing.push("the fault codes on the display, or that there are none".to_owned());
    }
    if reading.text.split(' ').count() < 6 {
        missing.push(
            "what exactly the machine does or does not do, and what else was seen, heard or smelt".to_owned(),
        );
    }
    if reading.conditions().is_empty() {
        missing.push("when it happens: cold or hot, idle or under load, always or now and then".to_owned());
    }
    if reading.since.is_none() {
        missing.push("since when, and what was done to the machine before".to_owned());
    }
    missing.truncate(MAX_MISSING);
    missing
}

/// The best card's tests in their order, then the first test of each other plausible card; where there is no card,
/// the steps that the model wrote.
fn tests(best: Option<&Card>, plausible: &[&Card], steps: &[String]) -> Vec<TestStep> {
    let Some(best) = best else {
        return steps.iter().map(|step| TestStep { action: step.clone(), ..TestStep::default() }).collect();
    };
    let others = plausible.iter().filter(|card| card.id != best.id);
    let others = others.filter_map(|card| Some((card.id.as_str(), 0, card.tests.first()?)));
    let own = best.tests.iter().enumerate().map(|(number, test)| (best.id.as_str(), number, test));
    own.chain(others).map(|(fault, number, test)| TestStep::of_card(fault, number, test)).collect()
}

/// The test that is expected to tell most for its effort.
fn next_question(
    causes: &[(&Candidate, f64)],
    done: &[Finding],
    knowledge: &KnowledgeBase,
) -> Option<NextQuestion> {
    let of_faults: Vec<_> =
        causes.iter().map(|(candidate, probability)| (candidate.fault.as_deref(), *probability)).collect();
    let question = question::best_question(knowledge, &of_faults, done)?;
    let [(first, _), (second, _), ..] = causes else { return None };
    Some(NextQuestion {
        question: question.test.action.clone(),
        separates: [first.cause.clone(), second.cause.clone()],
        expected_information: question.information,
        cost: question.cost,
        test: TestStep::of_card(&question.card.id, question.number, question.test),
    })
}

/// Where the statements come from. What the model wrote freely is its own, also where the cause has a card.
fn origins(
    plausible: &[&Card],
    best: Option<&Card>,
    codes: &[ReportedCode],
    is_diagnosed: bool,
    is_written_of_card: bool,
) -> Vec<Origin> {
    let mut origins = Vec::new();
    if let Some(card) = best {
        let written = if is_written_of_card { &["probable_cause", "solution"][..] } else { &[] };
        origins.push(Origin {
            parts: [&["causes", "safety", "tests"][..], written, &["verification"]].concat(),
            kind: OriginKind::Card,
            name: card.id.clone(),
            verified: card.verified,
            sources: card.sources.clone(),
        });
    }
    if is_diagnosed && !is_written_of_card {
        let tests = if best.is_none() { &["tests"][..] } else { &[] };
        origins.push(Origin {
            parts: [&["probable_cause", "solution"][..], tests].concat(),
            kind: OriginKind::Model,
            name: "written by the language model from the records it was trained on".to_owned(),
            verified: false,
            sources: Vec::new(),
        });
    }
    let others = plausible.iter().filter(|card| best.is_none_or(|best| best.id != card.id));
    origins.extend(others.map(|card| Origin {
        parts: vec!["causes", "safety", "tests"],
        kind: OriginKind::Card,
        name: card.id.clone(),
        verified: card.verified,
        sources: card.sources.clone(),
    }));
    let known = codes.iter().filter(|code| code.decoded.known || code.decoded.failure_mode.is_some());
    origins.extend(known.map(|code| Origin {
        parts: vec!["codes"],
        kind: OriginKind::CodeTable,
        name: code.decoded.code.clone(),
        verified: code.decoded.known,
        sources: Vec::new(),
    }));
    origins
}

/// Complaint, cause and correction as one paragraph.
fn work_order(report: &Report) -> String {
    let complaint = ended(&report.case.symptom);
    let mut sentences = vec![format!("{}. Complaint: {complaint}", report.case.equipment.trim())];
    if !report.codes.is_empty() {
        let codes: Vec<&str> = report.codes.iter().map(|code| code.decoded.code.as_str()).collect();
        sentences.push(format!("Codes: {}.", codes.join(", ")));
    }
    if let Some(first) = report.causes.first() {
        let label = if report.abstained { "Cause not established; most probable" } else { "Probable cause" };
        let cause = ended(&report.probable_cause);
        sentences.push(format!("{label} ({:.0} %): {cause}", 100.0 * first.probability));
        if !report.solution.is_empty() {
            sentences.push(format!("Correction proposed: {}", ended(&report.solution)));
        }
        sentences.extend(report.verification.as_ref().map(|text| format!("Verify: {}", ended(text))));
    }
    sentences.join(" ")
}

/// The system that most of the probability falls on.
fn likeliest_system(causes: &[(&Candidate, f64)]) -> Option<LikelySystem> {
    let of = |system| {
        let of_system = causes.iter().filter(|(candidate, _)| candidate.system == Some(system));
        LikelySystem { system, probability: of_system.map(|(_, probability)| probability).sum() }
    };
    let likeliest = System::ALL.into_iter().map(of).max_by(|a, b| a.probability.total_cmp(&b.probability));
    likeliest.filter(|system| system.probability > 0.0)
}
