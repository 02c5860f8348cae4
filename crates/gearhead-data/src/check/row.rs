//! One record with what several checks need to know of it, worked out once.

use std::borrow::Cow;

use serde::Serialize;
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use super::{
    code_facts::{CodeFacts, KnownCodes},
    finding::Place,
    text_facts::{TextFacts, texts},
};
use crate::{case::Case, duplicates::normalise_into, manifest::cause_name};

/// What a file is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// To learn from.
    Train,
    /// To choose by.
    Validation,
    /// To measure on.
    Test,
}

/// Which side of the leakage test a record is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// Rules are learned on it.
    Learn,
    /// Rules are measured on it.
    Measure,
    /// Neither.
    Outside,
}

/// Buffers that every row uses again.
#[derive(Default)]
pub(super) struct Buffers {
    symptom: String,
    codes: Vec<CodeFacts>,
    facts: Vec<TextFacts>,
}

pub(super) struct Row<'a> {
    pub(super) place: Place,
    pub(super) part: Part,
    pub(super) side: Side,
    pub(super) case: &'a Case,
    /// The complaint, normalised.
    pub(super) symptom: &'a str,
    /// The hash of the normalised complaint.
    pub(super) fingerprint: u64,
    /// What the record turned out to be, as a hash.
    pub(super) label: Option<u64>,
    pub(super) codes: &'a [CodeFacts],
    /// What is known of each of [`texts`], in their order.
    pub(super) facts: &'a [TextFacts],
}

impl<'a> Row<'a> {
    pub(super) fn new(
        place: Place,
        part: Part,
        side: Side,
        case: &'a Case,
        codes: &mut KnownCodes,
        buffers: &'a mut Buffers,
    ) -> Self {
        normalise_into(&case.symptom, &mut buffers.symptom);
        buffers.codes.clear();
        for text in &case.error_codes {
            buffers.codes.extend_from_slice(codes.of(text));
        }
        buffers.facts.clear();
        buffers.facts.extend(texts(case).map(|(_, text)| TextFacts::of(text)));
        Self {
            place,
            part,
            side,
            case,
            symptom: &buffers.symptom,
            fingerprint: xxh3_64(buffers.symptom.as_bytes()),
            label: label(case).map(|label| xxh3_64(label.as_bytes())),
            codes: &buffers.codes,
            facts: &buffers.facts,
        }
    }
}

/// What a model is to find out: the fault where the record names one, else the name of its cause.
pub(super) fn label(case: &Case) -> Option<Cow<'_, str>> {
    match (&case.fault, &case.probable_cause) {
        (Some(fault), _) => Some(Cow::Borrowed(fault.as_str())),
        (None, Some(cause)) => Some(Cow::Owned(cause_name(cause))),
        (None, None) => None,
    }
}

/// Which half a record of a set without a test file belongs to.
pub(super) fn half(place: Place, seed: u64) -> Side {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&(place.file as u64).to_le_bytes());
    bytes[8..].copy_from_slice(&place.line.to_le_bytes());
    if xxh3_64_with_seed(&bytes, seed) & 1 == 0 { Side::Learn } else { Side::Measure }
}
