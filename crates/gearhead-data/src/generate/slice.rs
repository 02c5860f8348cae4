//! What is particular about a generated case, so that an evaluation can look at each kind by itself.

use serde_json::Value;

/// A property of a generated case. The names stand in the case's field [`Slice::FIELD`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Slice {
    /// No fault code at all.
    NoCode,
    /// Codes, and a complaint that says nothing else.
    CodeOnly,
    /// A code that no table explains.
    UnknownCode,
    /// A code of a fault that the machine does not have now.
    StaleCode,
    /// Several codes of the one fault.
    SeveralCodes,
    /// A second fault of another system at the same time; the first is the one that is labelled.
    TwoFaults,
    /// A complaint that names no more than the system.
    TooLittle,
    /// Three to eight words.
    Note,
    /// It says that something is not so.
    Negation,
    /// It holds a reading with a unit.
    Units,
    /// It holds conditions of work that tell nothing about the fault.
    Condition,
    /// Words are shortened as workshops do.
    Abbreviated,
    /// A word is mistyped.
    Mistyped,
    /// The fault on a kind of machine on which no training case has it.
    HeldOutPair,
    /// A model of machine that no training case names.
    HeldOutMachine,
}

impl Slice {
    /// The field of a case that lists the names of its slices.
    pub const FIELD: &str = "slices";

    /// The name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoCode => "no_code",
            Self::CodeOnly => "code_only",
            Self::UnknownCode => "unknown_code",
            Self::StaleCode => "stale_code",
            Self::SeveralCodes => "several_codes",
            Self::TwoFaults => "two_faults",
            Self::TooLittle => "too_little",
            Self::Note => "note",
            Self::Negation => "negation",
            Self::Units => "units",
            Self::Condition => "condition",
            Self::Abbreviated => "abbreviated",
            Self::Mistyped => "mistyped",
            Self::HeldOutPair => "held_out_pair",
            Self::HeldOutMachine => "held_out_machine",
        }
    }
}

/// The slices of one case.
#[derive(Debug, Default)]
pub(super) struct Slices(std::collections::BTreeSet<Slice>);

impl Slices {
    pub(super) fn add(&mut self, slice: Slice) {
        self.0.insert(slice);
    }

    pub(super) fn to_json(&self) -> Value {
        self.0.iter().map(|slice| slice.as_str()).collect()
    }
}
