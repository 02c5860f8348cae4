//! The report of a diagnosis. Its JSON is published as `docs/schemas/report.schema.json`.

mod text;

use gearhead_data::{
    case::Case,
    code::Decoded,
    knowledge::{Outcome, Test},
    severity::Severity,
    system::System,
};
use serde::Serialize;

/// One diagnosis, in the order in which a technician needs it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// The case as given.
    pub case: Case,
    /// Whether the best cause is too improbable to stand as an answer.
    pub abstained: bool,
    /// What to do with the machine now.
    pub verdict: Severity,
    /// Safety steps of every plausible cause.
    pub safety: Vec<String>,
    /// What the codes say.
    pub codes: Vec<Decoded>,
    /// Causes, the most probable first.
    pub causes: Vec<Cause>,
    /// Tests, in order.
    pub tests: Vec<TestStep>,
    /// The test that tells the leading causes apart.
    pub next_question: Option<NextQuestion>,
    /// The cause, as the model words it.
    pub probable_cause: String,
    /// The repair, as the model words it.
    pub solution: String,
    /// Whether the model's text was cut off because it had no room for more.
    pub truncated: bool,
    /// How to prove that the repair worked.
    pub verification: Option<String>,
    /// Past cases like this one, where the engine was given any.
    pub similar_cases: Vec<Case>,
    /// The model that answered.
    pub model: String,
    /// The version of the knowledge base.
    pub knowledge: String,
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
    /// Findings that would point at another cause instead; nobody has looked for them yet.
    pub ruled_out_by: Vec<String>,
}

/// A test to do.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[non_exhaustive]
pub struct TestStep {
    /// What to do.
    pub action: String,
    /// With what.
    pub tool: String,
    /// In which state of the machine.
    pub condition: String,
    /// What a sound machine shows.
    pub expected: String,
    /// What each result means.
    pub outcomes: Vec<Outcome>,
}

impl From<&Test> for TestStep {
    fn from(test: &Test) -> Self {
        Self {
            action: test.action.clone(),
            tool: test.tool.clone(),
            condition: test.condition.clone(),
            expected: test.expected.clone(),
            outcomes: test.outcomes.clone(),
        }
    }
}

/// The test that tells the two leading causes apart.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct NextQuestion {
    /// What to find out.
    pub question: String,
    /// Names of the two causes.
    pub separates: [String; 2],
    /// The test.
    pub test: TestStep,
}

/// What the model wrote.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Written {
    pub(crate) probable_cause: String,
    pub(crate) solution: String,
    pub(crate) steps: Vec<String>,
    pub(crate) is_truncated: bool,
}
