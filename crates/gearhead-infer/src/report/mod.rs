//! The report of a diagnosis. Its JSON is published as `docs/schemas/report.schema.json`.
//!
//! [`Report`] holds what a technician needs, in the order in which it is needed. `Display` prints it for a terminal or a
//! file, [`Report::styled`] with colours; [`Report::to_markdown`] and [`Report::to_html`] say the same in the same order.

mod html;
mod layout;
mod markdown;
mod model_answer;
#[cfg(test)]
mod tests;
mod text;

use gearhead_data::{
    case::Case,
    code::{Decoded, Observation},
    knowledge::{Outcome, Test},
    reading::{Reading, SafetyDevice},
    severity::Severity,
    system::System,
};
use serde::Serialize;

pub use model_answer::ModelAnswer;

/// One diagnosis, in the order in which a technician needs it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// The case as given.
    pub case: Case,
    /// How the machine and the complaint were understood.
    pub reading: Reading,
    /// Why there is no diagnosis, where there is none.
    pub declined: Option<Declined>,
    /// Whether the best cause is too improbable to stand as an answer.
    pub abstained: bool,
    /// What to do with the machine now.
    pub verdict: Severity,
    /// Safety steps of every plausible cause.
    pub safety: Vec<String>,
    /// What the codes say.
    pub codes: Vec<ReportedCode>,
    /// What the codes say together.
    pub code_observations: Vec<Observation>,
    /// The system that most of the probability falls on.
    pub system: Option<LikelySystem>,
    /// Causes, the most probable first.
    pub causes: Vec<Cause>,
    /// What nobody has said yet and would make the diagnosis surer, the most useful first.
    pub missing: Vec<String>,
    /// The test that tells the leading causes apart.
    pub next_question: Option<NextQuestion>,
    /// Tests, in order.
    pub tests: Vec<TestStep>,
    /// The cause, as the model words it.
    pub probable_cause: String,
    /// The repair, as the model words it.
    pub solution: String,
    /// Whether the model's text was cut off because it had no room for more.
    pub truncated: bool,
    /// How to prove that the repair worked.
    pub verification: Option<String>,
    /// Past cases like this one, where the engine was given any, the most alike first.
    pub similar_cases: Vec<SimilarCase>,
    /// Complaint, cause and correction as one paragraph for the work order.
    pub work_order: String,
    /// Where the statements come from.
    pub origins: Vec<Origin>,
    /// The model that answered.
    pub model: String,
    /// The version of the knowledge base.
    pub knowledge: String,
}

/// Why a case was not diagnosed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Declined {
    /// What kind of case it is.
    pub kind: DeclinedKind,
    /// What to tell the person, in a sentence or two.
    pub message: String,
}

impl Declined {
    /// The refusal to say how a device is defeated.
    pub fn bypass(device: SafetyDevice) -> Self {
        let (name, protects, procedure) = (device.name(), device.protects(), device.safe_procedure());
        let message = format!("Gearhead does not say how to defeat {name}. {protects} {procedure}");
        Self { kind: DeclinedKind::SafetyBypass, message }
    }
}

/// Kinds of cases that are not diagnosed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum DeclinedKind {
    /// Nothing in it is about a fault of heavy equipment.
    OutOfDomain,
    /// It asks how to defeat a safety device: only the safe procedure is given.
    SafetyBypass,
}

/// What one fault code says, and how it was reported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ReportedCode {
    /// What the tables say of it.
    #[serde(flatten)]
    pub decoded: Decoded,
    /// Whether it is active now; `None` where nobody said.
    pub active: Option<bool>,
    /// How often it was seen, where it was said.
    pub count: Option<u32>,
    /// Whether a shown cause explains it.
    pub explained_by: Vec<String>,
}

/// A system, and how probable it is that the fault is in it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct LikelySystem {
    /// The system.
    pub system: System,
    /// The sum of the probabilities of its causes.
    pub probability: f64,
}

/// A ranked cause.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Cause {
    /// The id of its fault card, if it has one.
    pub fault: Option<String>,
    /// The system it belongs to, if known.
    pub system: Option<System>,
    /// Its name.
    pub cause: String,
    /// Its probability among the causes that the machine can have.
    pub probability: f64,
    /// What speaks for it.
    pub evidence_for: Vec<String>,
    /// What speaks against it.
    pub evidence_against: Vec<String>,
    /// What would speak for it and nobody has said yet.
    pub unknown: Vec<String>,
    /// Findings that would point at another cause instead; nobody has looked for them yet.
    pub ruled_out_by: Vec<String>,
}

/// A test to do.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[non_exhaustive]
pub struct TestStep {
    /// The fault card that it is from, if one.
    pub fault: Option<String>,
    /// Its position among the tests of the card, from 0.
    pub number: Option<usize>,
    /// What to do.
    pub action: String,
    /// With what.
    pub tool: String,
    /// In which state of the machine.
    pub condition: String,
    /// What a sound machine shows.
    pub expected: String,
    /// Where a number in `expected` is from; empty where there is none.
    pub source: String,
    /// What each result means.
    pub outcomes: Vec<Outcome>,
}

impl TestStep {
    /// A test of a fault card.
    pub(crate) fn of_card(fault: &str, number: usize, test: &Test) -> Self {
        Self {
            fault: Some(fault.to_owned()),
            number: Some(number),
            action: test.action.clone(),
            tool: test.tool.clone(),
            condition: test.condition.clone(),
            expected: test.expected.clone(),
            source: test.source.clone(),
            outcomes: test.outcomes.clone(),
        }
    }
}

/// The test that tells the leading causes apart.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct NextQuestion {
    /// What to find out.
    pub question: String,
    /// Names of the two causes.
    pub separates: [String; 2],
    /// How much the test is expected to tell about the cause, in bits.
    pub expected_information: f64,
    /// The effort of the test, 1 for a look.
    pub cost: f64,
    /// The test.
    pub test: TestStep,
}

/// A past case that is like this one.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct SimilarCase {
    /// How alike the complaints are, from 0 to 1.
    pub similarity: f64,
    /// The case.
    #[serde(flatten)]
    pub case: Case,
}

/// Where statements of a report come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Origin {
    /// The parts of the report that it stands behind, such as `tests` or `causes`.
    pub parts: Vec<&'static str>,
    /// What kind of source it is.
    pub kind: OriginKind,
    /// The fault card, the code or the case.
    pub name: String,
    /// Whether its main content was found in a published source.
    pub verified: bool,
    /// The published sources.
    pub sources: Vec<String>,
}

/// Kinds of sources.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum OriginKind {
    /// A fault card.
    Card,
    /// The tables of fault codes.
    CodeTable,
    /// A past case of the company.
    Case,
    /// The language model's own words, which no card backs.
    Model,
}

/// What the model wrote.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Written {
    pub(crate) probable_cause: String,
    pub(crate) solution: String,
    pub(crate) steps: Vec<String>,
    pub(crate) is_truncated: bool,
    /// Whether cause and repair are sentences of the cause's fault card.
    pub(crate) is_of_card: bool,
}
