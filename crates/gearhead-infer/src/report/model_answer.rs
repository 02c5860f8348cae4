//! What the language model writes when it is asked alone.

use std::fmt;

use gearhead_data::case::Case;
use serde::Serialize;

use super::{Declined, layout::Layout};

/// The answer of the language model alone: no card, no ranking and no safety step stands behind it. Its JSON is published
/// as `docs/schemas/model-answer.schema.json`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ModelAnswer {
    /// The case as given.
    pub case: Case,
    /// Why there is no answer, where there is none: a way around a safety device is not described.
    pub declined: Option<Declined>,
    /// The cause.
    pub probable_cause: String,
    /// The repair.
    pub solution: String,
    /// Tests, in order; none where the model was trained without them.
    pub diagnostic_steps: Vec<String>,
    /// Whether the text was cut off because it had no room for more.
    pub truncated: bool,
    /// The model that answered.
    pub model: String,
}

/// Plain text.
impl fmt::Display for ModelAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Layout::of_model_answer(self).plain(f)
    }
}
