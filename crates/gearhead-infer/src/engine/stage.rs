//! How far a diagnosis has come, for someone who watches.

use gearhead_data::{
    manifest::Candidate,
    reading::Reading,
    system::System,
    tokenizer::{Markers, Tokenizer},
};
use serde::Serialize;

use crate::text_stream::TextStream;

/// What is known before the report is whole. A case that is declined has no stage beyond the first.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "stage", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Stage {
    /// The case was read.
    Read {
        /// How it was understood.
        reading: Box<Reading>,
    },
    /// The causes were ranked.
    Ranked {
        /// Those that the report will show, the most probable first.
        causes: Vec<LikelyCause>,
    },
    /// The model wrote more text.
    Wrote {
        /// Where it belongs.
        part: Part,
        /// What was added.
        text: String,
    },
}

/// A ranked cause without its evidence.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct LikelyCause {
    /// The id of its fault card, if it has one.
    pub fault: Option<String>,
    /// The system it belongs to, if known.
    pub system: Option<System>,
    /// Its name.
    pub cause: String,
    /// Its probability among the causes that the machine can have.
    pub probability: f64,
}

impl From<&(&Candidate, f64)> for LikelyCause {
    fn from((candidate, probability): &(&Candidate, f64)) -> Self {
        Self {
            fault: candidate.fault.clone(),
            system: candidate.system,
            cause: candidate.cause.clone(),
            probability: *probability,
        }
    }
}

/// A part of a report that the model words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Part {
    /// The cause.
    ProbableCause,
    /// The repair.
    Solution,
    /// A diagnostic step; each begins anew.
    Step,
}

/// Tokens of an answer as they come, told apart by the markers.
pub(super) struct Parts<'a> {
    markers: Markers,
    tokenizer: &'a Tokenizer,
    part: Part,
    text: TextStream,
}

impl<'a> Parts<'a> {
    pub(super) fn new(markers: Markers, tokenizer: &'a Tokenizer) -> Self {
        Self { markers, tokenizer, part: Part::ProbableCause, text: TextStream::default() }
    }

    /// What one more token adds.
    pub(super) fn push(&mut self, id: u32) -> Option<Stage> {
        let part = match id {
            id if id == self.markers.solution => Part::Solution,
            id if id == self.markers.step => Part::Step,
            _ => {
                // Text that cannot be decoded fails the report itself.
                let text = self.text.push(self.tokenizer, id).unwrap_or_default();
                return (!text.is_empty()).then_some(Stage::Wrote { part: self.part, text });
            }
        };
        self.part = part;
        self.text = TextStream::default();
        (part == Part::Step).then(|| Stage::Wrote { part, text: String::new() })
    }
}
