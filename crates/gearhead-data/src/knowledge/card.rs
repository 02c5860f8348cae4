//! The fault card.

use serde::{Deserialize, Serialize};

use crate::{code::FaultCode, severity::Severity, system::System};

/// One fault: how it shows, how to prove it, how to repair it.
///
/// What a card file leaves out of the lists is empty; [`check`](super::check) says what a good card lacks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Card {
    /// Unique, `snake_case`.
    pub id: String,
    /// The system it belongs to. A compiled-in card has it from the name of its file.
    #[serde(default = "Card::no_system")]
    pub system: System,
    /// The canonical name of the cause, unique: the words with which every written cause begins.
    pub title: String,
    /// Traits that a machine must have for the fault to exist on it.
    #[serde(default)]
    pub requires: Vec<String>,
    /// How urgent it is.
    pub severity: Severity,
    /// How common it is, from 1 (rare) to 5; a weak prior.
    pub occurrence: u8,
    /// Codes that it sets, in canonical spelling.
    #[serde(default)]
    pub codes: Vec<String>,
    /// One sentence on what has failed, in several wordings.
    pub explanation: Vec<String>,
    /// The repair, in several wordings.
    pub repair: Vec<String>,
    /// How to prove that the repair worked.
    pub verification: String,
    /// Safety steps for this fault, its tests and its repair.
    #[serde(default)]
    pub hazards: Vec<String>,
    /// Root causes, most likely first.
    #[serde(default)]
    pub likely: Vec<String>,
    /// Whether its main content was found in a source.
    #[serde(default)]
    pub verified: bool,
    /// Sources.
    #[serde(default)]
    pub sources: Vec<String>,
    /// Ways in which it shows, the most typical first.
    pub signs: Vec<Sign>,
    /// Observations that speak for it against its neighbours.
    #[serde(default)]
    pub evidence: Vec<Evidence>,
    /// What it is confused with.
    #[serde(default)]
    pub against: Vec<Against>,
    /// Tests, in the order in which a good mechanic does them.
    pub tests: Vec<Test>,
}

/// One way in which a fault shows, in the words of several people.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Sign {
    /// Complete sentences.
    pub full: Vec<String>,
    /// What stands on a work order.
    #[serde(default)]
    pub shorthand: Vec<String>,
    /// What the operator says.
    #[serde(default)]
    pub operator: Vec<String>,
}

/// One supporting observation, in several wordings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Evidence {
    /// The wordings.
    pub wording: Vec<String>,
}

/// A card that this one is confused with, and the finding that points there instead.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Against {
    /// The other card's id.
    pub fault: String,
    /// What would point at it.
    pub finding: String,
}

/// One test.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Test {
    /// What to do.
    pub action: String,
    /// With what.
    pub tool: String,
    /// In which state of the machine.
    pub condition: String,
    /// What a sound machine shows.
    pub expected: String,
    /// Where a number in `expected` is from; empty where there is none.
    #[serde(default)]
    pub source: String,
    /// Cards that the test tells from this one.
    #[serde(default)]
    pub separates: Vec<String>,
    /// What each result means.
    pub outcomes: Vec<Outcome>,
}

/// One result of a test.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Outcome {
    /// What is seen.
    pub result: String,
    /// What it means.
    pub means: String,
    /// The card that it points at, if one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub points_to: Option<String>,
}

impl Card {
    /// Replaced, or refused, as soon as the card's file is known.
    const fn no_system() -> System {
        System::Engine
    }

    /// Whether the fault sets `code`, as far as both the card and the code say it: see [`Code::agrees_with`]. A listed SPN
    /// without an FMI stands for all of its FMIs, and an SPN that came without an FMI matches each listed one.
    ///
    /// [`Code::agrees_with`]: crate::code::Code::agrees_with
    pub fn lists(&self, code: &FaultCode) -> bool {
        self.codes.iter().any(|listed| FaultCode::parse(listed).code.agrees_with(&code.code))
    }
}

impl Sign {
    /// Every wording of every register.
    pub fn wordings(&self) -> impl Iterator<Item = &String> {
        self.full.iter().chain(&self.shorthand).chain(&self.operator)
    }
}

/// The sentence with a full stop, which some cards leave out, and without space around it.
pub fn ended(sentence: &str) -> String {
    let sentence = sentence.trim();
    let stop = if sentence.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{sentence}{stop}")
}
