//! Checks of every report by program.

use std::collections::BTreeSet;

use gearhead_data::knowledge::{Card, KnowledgeBase, Test};
use serde::Serialize;
use serde_json::Value;

use super::claims::{Evidence, claims, sentences};
use crate::report::{Report, TestStep};

/// How many of the things that are wrong are shown.
const SHOWN: usize = 5;
/// From this probability on a cause's dangers must be told.
const DANGER_FROM: f64 = 0.1;
/// The fields that the published schema of a report requires.
const REQUIRED: [&str; 14] = [
    "case",
    "abstained",
    "verdict",
    "safety",
    "codes",
    "causes",
    "tests",
    "next_question",
    "probable_cause",
    "solution",
    "verification",
    "similar_cases",
    "model",
    "knowledge",
];

/// What a program can check of reports without knowing what was right.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[non_exhaustive]
pub struct Checks {
    /// Reports, of the cases and of the suites.
    pub reports: usize,
    /// Whether what is stated stands in the evidence.
    pub claims: ClaimCheck,
    /// Whether the dangers of the plausible causes are told.
    pub safety: SafetyCheck,
    /// Whether codes that no table holds are left unexplained.
    pub unknown_codes: UnknownCodeCheck,
    /// Reports that are whole as JSON: what is written can be read back as the same, and every required field is there.
    pub valid_json: usize,
    /// Whether the same case gives the same report.
    pub determinism: DeterminismCheck,
}

/// Numbers, codes and sentences that must stand in the case, the cards shown, the meanings of its codes or the past cases
/// shown.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[non_exhaustive]
pub struct ClaimCheck {
    /// What was checked.
    pub checked: usize,
    /// What stands in no evidence.
    pub unsupported: usize,
    /// Reports with anything that stands in no evidence.
    pub reports_with_unsupported: usize,
    /// The first of them.
    pub examples: Vec<UnsupportedClaim>,
}

/// A statement without support.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct UnsupportedClaim {
    /// The case, by its id or its number.
    pub case: String,
    /// The part of the report.
    pub part: &'static str,
    /// What it states.
    pub claim: String,
}

/// Safety steps of the best cause and of every cause with a probability of at least 0.1.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[non_exhaustive]
pub struct SafetyCheck {
    /// Reports on such a cause that has dangers.
    pub reports_with_hazards: usize,
    /// Those of them that tell every step.
    pub complete: usize,
    /// Steps.
    pub steps: usize,
    /// Steps that are told.
    pub told: usize,
}

/// Codes that no table holds.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct UnknownCodeCheck {
    /// Such codes.
    pub codes: usize,
    /// Those of them that were explained nevertheless.
    pub explained: usize,
}

/// Cases that were diagnosed twice.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct DeterminismCheck {
    /// Such cases.
    pub cases: usize,
    /// Those whose two reports are the same to the last character.
    pub same: usize,
}

impl Checks {
    /// Checks a report; `case` is what it is called where something is wrong.
    pub(super) fn add(&mut self, report: &Report, knowledge: &KnowledgeBase, case: &str) {
        self.reports += 1;
        self.add_claims(report, knowledge, case);
        self.add_safety(report, knowledge);
        for code in report.codes.iter().filter(|code| !code.decoded.known) {
            self.unknown_codes.codes += 1;
            self.unknown_codes.explained += usize::from(code.decoded.meaning.is_some());
        }
        self.valid_json += usize::from(is_valid_json(report));
    }

    /// Compares two reports of one case.
    pub(super) fn add_second(&mut self, first: &Report, second: &Report) {
        self.determinism.cases += 1;
        let json = |report| serde_json::to_string(report).ok();
        self.determinism.same += usize::from(json(first).is_some() && json(first) == json(second));
    }

    /// Whether nothing is wrong.
    pub fn all_passed(&self) -> bool {
        self.claims.unsupported == 0
            && self.safety.told == self.safety.steps
            && self.unknown_codes.explained == 0
            && self.valid_json == self.reports
            && self.determinism.same == self.determinism.cases
    }

    fn add_claims(&mut self, report: &Report, knowledge: &KnowledgeBase, case: &str) {
        let evidence = evidence(report, knowledge);
        let tests = report.tests.iter().map(text_of_step).collect::<Vec<_>>().join("\n");
        let texts = [
            ("probable_cause", &report.probable_cause),
            ("solution", &report.solution),
            ("work_order", &report.work_order),
            ("tests", &tests),
        ];
        let mut wrong: Vec<(&'static str, String)> = Vec::new();
        for (part, text) in texts {
            for claim in claims(text) {
                self.claims.checked += 1;
                if !evidence.supports(&claim) {
                    wrong.push((part, claim.to_string()));
                }
            }
        }
        let best = report.causes.first();
        let card = best
            .and_then(|best| knowledge.card(best.fault.as_deref()?).filter(|card| card.title == best.cause));
        if let Some(card) = card {
            let own = own_sentences(card);
            for (part, text) in &texts[..2] {
                for sentence in sentences(text) {
                    self.claims.checked += 1;
                    if !own.contains(&sentence) {
                        wrong.push((part, sentence));
                    }
                }
            }
        }
        self.claims.unsupported += wrong.len();
        self.claims.reports_with_unsupported += usize::from(!wrong.is_empty());
        let room = SHOWN - self.claims.examples.len();
        let examples = wrong.into_iter().take(room);
        let example = |(part, claim)| UnsupportedClaim { case: case.to_owned(), part, claim };
        self.claims.examples.extend(examples.map(example));
    }

    fn add_safety(&mut self, report: &Report, knowledge: &KnowledgeBase) {
        let counts =
            |(at, cause): &(usize, &crate::report::Cause)| *at == 0 || cause.probability >= DANGER_FROM;
        let cards = report.causes.iter().enumerate().filter(counts);
        let cards = cards.filter_map(|(_, cause)| knowledge.card(cause.fault.as_deref()?));
        let steps: BTreeSet<&String> = cards.flat_map(|card| &card.hazards).collect();
        if steps.is_empty() {
            return;
        }
        let told = steps.iter().filter(|step| report.safety.contains(step)).count();
        self.safety.reports_with_hazards += 1;
        self.safety.complete += usize::from(told == steps.len());
        self.safety.steps += steps.len();
        self.safety.told += told;
    }
}

/// What a report may state: what the case says, what the codes mean, what the cards of the shown causes and tests say, and
/// the probability that it gives itself.
fn evidence(report: &Report, knowledge: &KnowledgeBase) -> Evidence {
    let mut evidence = Evidence::default();
    let case = &report.case;
    for text in [&case.equipment, &case.symptom].into_iter().chain(&case.error_codes) {
        evidence.add(text);
    }
    for code in &report.codes {
        let decoded = &code.decoded;
        let texts = [&decoded.meaning, &decoded.failure_mode, &decoded.links, &decoded.note];
        [&decoded.code, &decoded.original]
            .into_iter()
            .chain(texts.into_iter().flatten())
            .for_each(|it| evidence.add(it));
    }
    let of_causes = report.causes.iter().filter_map(|cause| cause.fault.as_deref());
    let of_tests = report.tests.iter().filter_map(|test| test.fault.as_deref());
    let faults: BTreeSet<&str> = of_causes.chain(of_tests).collect();
    for card in faults.into_iter().filter_map(|fault| knowledge.card(fault)) {
        add_card(&mut evidence, card);
    }
    for cause in report.causes.iter().filter(|cause| cause.fault.is_none()) {
        evidence.add(&cause.cause);
    }
    for past in &report.similar_cases {
        let past = &past.case;
        [&past.equipment, &past.symptom]
            .into_iter()
            .chain(&past.error_codes)
            .for_each(|text| evidence.add(text));
        past.probable_cause
            .iter()
            .chain(&past.solution)
            .chain(&past.diagnostic_steps)
            .for_each(|it| evidence.add(it));
    }
    if let Some(best) = report.causes.first() {
        evidence.add(&format!("{:.0} %", 100.0 * best.probability));
    }
    evidence
}

fn add_card(evidence: &mut Evidence, card: &Card) {
    let lists = [&card.codes, &card.explanation, &card.repair, &card.hazards, &card.likely];
    let texts = [&card.title, &card.verification].into_iter().chain(lists.into_iter().flatten());
    texts.for_each(|text| evidence.add(text));
    card.tests.iter().for_each(|test| evidence.add(&text_of_test(test)));
}

fn text_of_test(test: &Test) -> String {
    let outcomes = test.outcomes.iter().flat_map(|outcome| [&outcome.result, &outcome.means]);
    let texts =
        [&test.action, &test.tool, &test.condition, &test.expected, &test.source].into_iter().chain(outcomes);
    texts.map(String::as_str).collect::<Vec<_>>().join("\n")
}

fn text_of_step(step: &TestStep) -> String {
    let outcomes = step.outcomes.iter().flat_map(|outcome| [&outcome.result, &outcome.means]);
    let texts =
        [&step.action, &step.tool, &step.condition, &step.expected, &step.source].into_iter().chain(outcomes);
    texts.map(String::as_str).collect::<Vec<_>>().join("\n")
}

/// The sentences that a text about a carded cause may be made of.
fn own_sentences(card: &Card) -> BTreeSet<String> {
    let lists = [&card.explanation, &card.repair, &card.likely];
    [&card.title].into_iter().chain(lists.into_iter().flatten()).flat_map(|text| sentences(text)).collect()
}

fn is_valid_json(report: &Report) -> bool {
    let Ok(text) = serde_json::to_string(report) else { return false };
    let Ok(read) = serde_json::from_str::<Value>(&text) else { return false };
    let is_probability =
        |value: &Value| value.as_f64().is_some_and(|value| (0.0..=1.0 + 1e-9).contains(&value));
    let causes = read["causes"]
        .as_array()
        .is_some_and(|causes| causes.iter().all(|it| is_probability(&it["probability"])));
    causes
        && REQUIRED.iter().all(|field| read.get(field).is_some())
        && serde_json::to_string(&read).is_ok_and(|again| again == text)
}

#[cfg(all(test, feature = "flex"))]
mod tests {
    use super::*;
    use crate::eval::fixture::report;

    fn check(report: &Report) -> Checks {
        let mut checks = Checks::default();
        checks.add(report, KnowledgeBase::builtin(), "row 1");
        checks
    }

    #[test]
    fn a_report_of_the_engine_passes() {
        let report = report();
        let mut checks = check(&report);
        checks.add_second(&report, &report.clone());
        assert!(checks.all_passed(), "{checks:?}");
        assert!(checks.claims.checked > 3 && checks.safety.steps > 0, "{checks:?}");
        assert_eq!((checks.valid_json, checks.determinism.same), (1, 1));
    }

    #[test]
    fn a_foreign_number_and_a_foreign_sentence_are_caught() {
        let mut tampered = report();
        tampered.work_order.push_str(" Set the relief valve to 777 bar, see SPN 424242.");
        tampered.solution.push_str(" Whack it with a hammer.");
        let checks = check(&tampered);
        let found: Vec<_> = checks.claims.examples.iter().map(|it| (it.part, it.claim.as_str())).collect();
        let expected =
            [("work_order", "SPN424242"), ("work_order", "777 bar"), ("solution", "Whack it with a hammer")];
        assert_eq!(found, expected);
        assert_eq!((checks.claims.unsupported, checks.claims.reports_with_unsupported), (3, 1));
        assert!(!checks.all_passed());
    }

    #[test]
    fn a_step_left_out_an_explained_unknown_code_and_another_report_are_caught() {
        let good = report();
        let mut tampered = good.clone();
        tampered.safety.pop();
        let unknown = tampered.codes.iter_mut().find(|code| !code.decoded.known).unwrap();
        unknown.decoded.meaning = Some("something".into());
        let mut checks = check(&tampered);
        checks.add_second(&good, &tampered);
        assert_eq!((checks.safety.complete, checks.safety.steps - checks.safety.told), (0, 1));
        assert_eq!(checks.unknown_codes, UnknownCodeCheck { codes: 1, explained: 1 });
        assert_eq!(checks.determinism, DeterminismCheck { cases: 1, same: 0 });
        tampered.causes[0].probability = f64::NAN;
        assert_eq!(check(&tampered).valid_json, 0);
    }
}
