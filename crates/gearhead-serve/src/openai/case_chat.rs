//! A conversation with a model that was trained on cases and on nothing else: what the user says is a case.

use gearhead_data::{
    case::{Case, parse_case},
    import::case_in,
    tokenizer::Markers,
};

use super::prompt::Message;
use crate::failure::Failure;

/// What a model that knows no machine is told.
const ANY_MACHINE: &str = "heavy equipment";

/// The case that the user tells: as JSON in the last message, or in words, in all of them.
pub(super) fn case(messages: &[Message]) -> Result<Case, Failure> {
    let said: Vec<&str> =
        messages.iter().filter(|message| message.role == "user").map(|it| it.content.trim()).collect();
    let bad_case = |message: String| Failure::bad_request(format!("`messages`: {message}"));
    let case = match said.last() {
        Some(last) if last.starts_with('{') => {
            parse_case(last).map_err(|fault| bad_case(fault.to_string()))?
        }
        _ => {
            let mut case = case_in(&said.join(". "));
            if case.equipment.is_empty() {
                ANY_MACHINE.clone_into(&mut case.equipment);
            }
            case
        }
    };
    case.validate().map_err(|error| bad_case(error.to_string()))?;
    Ok(case)
}

/// What a marker between the sections of an answer reads as.
pub(super) fn marker_text(markers: Markers, id: u32) -> Option<&'static str> {
    if id == markers.solution {
        return Some("\n\nRepair:");
    }
    (id == markers.step).then_some("\n-")
}
