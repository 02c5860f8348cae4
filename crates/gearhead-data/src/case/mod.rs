//! The case: one machine, one complaint, its fault codes, and what it turned out to be.

mod files;
mod parse;
mod read;
mod write;

use std::borrow::Cow;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::{
    code::{CodeState, FaultCode, parse_list},
    error::{Error, RecordFault, Result},
    manifest::cause_name,
    system::System,
};

pub use files::{scan_cases, total_bytes};
pub use parse::parse_case;
pub use read::{CaseReader, Located, read_cases};
pub use write::{write_cases, write_whole, write_whole_with};

/// The most characters that a text field of a case may have; a page of typescript has about 3,000.
pub const MAX_FIELD_CHARS: usize = 8_000;

/// One diagnosis: what was known, and, in a record that is used for training, what was found.
///
/// `equipment`, `symptom` and `error_codes` are the model's input. `diagnostic_steps`, `probable_cause` and
/// `solution` are what it learns to write. The rest describes the record and is never shown to the model.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[non_exhaustive]
pub struct Case {
    /// The machine, as written.
    pub equipment: String,
    /// The complaint, as written.
    pub symptom: String,
    /// Fault codes, as written, one each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub error_codes: Vec<String>,
    /// What was done to find the fault, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub diagnostic_steps: Vec<String>,
    /// What it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub probable_cause: Option<String>,
    /// What cured it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub solution: Option<String>,
    /// The record's own identifier.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The machine's serial number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub serial: Option<String>,
    /// The machine's hour meter, in hours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hours: Option<f64>,
    /// The date of the record, as written (ISO 8601 by custom).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date: Option<String>,
    /// The id of the fault card that the case is an instance of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
    /// The system that the fault belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system: Option<System>,
    /// Fields that Gearhead does not know; they are kept and written back.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl Case {
    /// A case of which only the machine and the complaint are known.
    pub fn new(equipment: impl Into<String>, symptom: impl Into<String>) -> Self {
        Self { equipment: equipment.into(), symptom: symptom.into(), ..Self::default() }
    }

    /// The same case with the fault codes that `codes` lists.
    #[must_use]
    pub fn with_codes(mut self, codes: &str) -> Self {
        self.error_codes = parse_list(codes).into_iter().map(|code| code.original).collect();
        self
    }

    /// The fault codes, parsed; an entry that lists several gives several, and each distinct code stands once.
    pub fn codes(&self) -> Vec<FaultCode> {
        let mut codes: Vec<FaultCode> = Vec::new();
        for code in self.error_codes.iter().flat_map(|text| parse_list(text)) {
            if !codes.contains(&code) {
                codes.push(code);
            }
        }
        codes
    }

    /// The codes of [`codes`](Self::codes), each with all that is said of its state, wherever it stands.
    pub fn codes_with_states(&self) -> Vec<(FaultCode, CodeState)> {
        let mut codes: Vec<(FaultCode, CodeState)> = Vec::new();
        for code in self.error_codes.iter().flat_map(|text| parse_list(text)) {
            let state = CodeState::of(&code.original);
            match codes.iter_mut().find(|(known, _)| *known == code) {
                Some((_, known)) => *known = known.merged(state),
                None => codes.push((code, state)),
            }
        }
        codes
    }

    /// Checks what a diagnosis needs: a machine and a complaint, neither longer than [`MAX_FIELD_CHARS`].
    ///
    /// # Errors
    ///
    /// [`Error::Case`] names the field.
    pub fn validate(&self) -> Result<()> {
        for (field, text) in [("equipment", &self.equipment), ("symptom", &self.symptom)] {
            let chars = text.chars().count();
            if text.trim().is_empty() {
                return Err(Error::Case(RecordFault::Empty(field)));
            }
            if chars > MAX_FIELD_CHARS {
                return Err(Error::Case(RecordFault::TooLong { field, chars, limit: MAX_FIELD_CHARS }));
            }
        }
        Ok(())
    }

    /// What a model is to find: the id of the fault card, or, where the record names none, the name of its cause in
    /// lower case.
    pub fn label(&self) -> Option<Cow<'_, str>> {
        if let Some(fault) = self.fault.as_deref().map(str::trim).filter(|fault| !fault.is_empty()) {
            return Some(Cow::Borrowed(fault));
        }
        let name = cause_name(self.probable_cause.as_deref()?);
        (!name.is_empty()).then_some(Cow::Owned(name))
    }

    /// Whether the case says what was found, so that it can be trained on.
    pub fn has_target(&self) -> bool {
        self.probable_cause.is_some() || self.solution.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_that_stands_twice_has_one_state() {
        let case = Case::new("CAT 320", "no power").with_codes(
            "P0087 stored x12, SPN 157 FMI 18 stored, 157-18, P0087 active, 100-1 inactive, SPN 100 FMI 1 logged 4",
        );
        let states = case.codes_with_states();
        assert_eq!(states.iter().map(|(code, _)| code.clone()).collect::<Vec<_>>(), case.codes());
        let states: Vec<_> = states.iter().map(|(_, state)| (state.active, state.count)).collect();
        assert_eq!(states, [(Some(true), Some(12)), (Some(false), None), (Some(false), Some(4))]);
    }
}
