//! How long fields are, in characters, words and tokens, and what would not fit into a model.

use std::collections::BTreeMap;

use serde::Serialize;
use xxhash_rust::xxh3::xxh3_64;

use super::{
    finding::{Findings, Place, Severity, Tally, number_of},
    histogram::{Histogram, Lengths},
    row::Row,
    text_facts::{FIELDS, texts},
};
use crate::{
    error::Result,
    prompt::{LossOn, Sections, encode_case, encode_field, encode_prompt},
    sample::{Counted, Sample},
    tokenizer::Tokenizer,
};

/// The most records that are turned into tokens; of more, a random sample is.
const MAX_TOKENIZED: usize = 1 << 14;

/// The lengths of one field.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct FieldLengths {
    /// In characters.
    pub characters: Lengths,
    /// In words.
    pub words: Lengths,
    /// In tokens, where there is a tokenizer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens: Option<Lengths>,
}

/// A tokenizer and the longest text that the model takes.
#[derive(Debug, Clone, Copy)]
pub struct Tokens<'a> {
    /// The tokenizer.
    pub tokenizer: &'a Tokenizer,
    /// The most tokens of a whole record, if there is a limit.
    pub max_seq_len: Option<usize>,
}

pub(super) struct FieldSizes<'a> {
    characters: [Histogram; FIELDS.len()],
    words: [Histogram; FIELDS.len()],
    tokens: Option<Tokens<'a>>,
    tokenized: Sample<Tokenized>,
}

/// Whether a record with these tokens is meant by a finding, for a model that takes so many.
type IsMeant = fn(&Tokenized, usize) -> bool;

/// The tokens of one record.
struct Tokenized {
    place: Place,
    fields: [Option<u32>; FIELDS.len()],
    prompt: usize,
    whole: usize,
}

impl Counted for Tokenized {
    fn rows(&self) -> u64 {
        1
    }
}

impl<'a> FieldSizes<'a> {
    pub(super) fn new(tokens: Option<Tokens<'a>>) -> Self {
        Self {
            characters: std::array::from_fn(|_| Histogram::default()),
            words: std::array::from_fn(|_| Histogram::default()),
            tokens,
            tokenized: Sample::new(MAX_TOKENIZED),
        }
    }

    pub(super) fn row(&mut self, row: &Row) -> Result<()> {
        let mut sizes = [None; FIELDS.len()];
        for ((field, _), facts) in texts(row.case).zip(row.facts) {
            let (characters, words) = sizes[field].get_or_insert((0, 0));
            *characters += facts.characters;
            *words += facts.words;
        }
        for (field, size) in sizes.into_iter().enumerate() {
            if let Some((characters, words)) = size {
                self.characters[field].add(characters);
                self.words[field].add(words);
            }
        }
        let Some(tokens) = self.tokens else { return Ok(()) };
        let mut key = [0; 16];
        key[..8].copy_from_slice(&(row.place.file as u64).to_le_bytes());
        key[8..].copy_from_slice(&row.place.line.to_le_bytes());
        let key = xxh3_64(&key);
        // The place is filled in first, so that only a record that is kept is turned into tokens.
        let empty = || Tokenized { place: row.place, fields: [None; FIELDS.len()], prompt: 0, whole: 0 };
        if let Some(tokenized) = self.tokenized.at(key, empty) {
            *tokenized = tokenize(tokens.tokenizer, row)?;
        }
        Ok(())
    }

    pub(super) fn finish(self, findings: &mut Findings) -> BTreeMap<&'static str, FieldLengths> {
        self.report(findings);
        let mut lengths = BTreeMap::new();
        for (index, field) in FIELDS.into_iter().enumerate() {
            let (Some(characters), Some(words)) =
                (self.characters[index].summary(), self.words[index].summary())
            else {
                continue;
            };
            let mut tokens = Histogram::default();
            for (.., tokenized) in self.tokenized.sorted() {
                if let Some(count) = tokenized.fields[index] {
                    tokens.add(count as usize);
                }
            }
            lengths.insert(field, FieldLengths { characters, words, tokens: tokens.summary() });
        }
        lengths
    }

    fn report(&self, findings: &mut Findings) {
        let Some(max) = self.tokens.and_then(|tokens| tokens.max_seq_len) else { return };
        let one_in = self.tokenized.one_in();
        let kinds: [(&'static str, Severity, IsMeant); 2] = [
            ("prompt-too-long", Severity::Error, |record, max| record.prompt >= max),
            ("truncated", Severity::Warning, |record, max| record.prompt < max && record.whole > max),
        ];
        for (id, severity, is_meant) in kinds {
            let meant = self.tokenized.sorted().into_iter().filter(|(.., record)| is_meant(record, max));
            let examples: Vec<_> = meant
                .map(|(.., record)| {
                    (
                        record.place,
                        Some(format!("{} tokens, {} of them before the answer", record.whole, record.prompt)),
                    )
                })
                .collect();
            let count = examples.len() as u64 * one_in;
            let records = number_of(count, "record");
            let (message, advice) = if id == "truncated" {
                (
                    format!("longer than {max} tokens, so that the end of the answer is cut off: {records}"),
                    "Train with a larger max_seq_len, or shorten solution and steps.",
                )
            } else {
                (
                    format!("no room for an answer within {max} tokens: {records}"),
                    "Train with a larger max_seq_len, or shorten the complaint; training refuses these records.",
                )
            };
            findings.add_estimated(id, severity, Tally::of_places(count, examples), one_in, message, advice);
        }
    }
}

fn tokenize(tokenizer: &Tokenizer, row: &Row) -> Result<Tokenized> {
    let mut fields = [None; FIELDS.len()];
    for (field, text) in texts(row.case) {
        *fields[field].get_or_insert(0) += encode_field(tokenizer, text)?.len() as u32;
    }
    let (prompt, whole) = if tokenizer.markers().is_some() {
        let (document, _) =
            encode_case(tokenizer, row.case, LossOn::Targets, Sections::CauseSolutionSteps, usize::MAX)?;
        (encode_prompt(tokenizer, row.case)?.len(), document.ids.len())
    } else {
        let sum = |tokens: &[Option<u32>]| tokens.iter().flatten().sum::<u32>() as usize;
        (sum(&fields[..2]), sum(&fields))
    };
    Ok(Tokenized { place: row.place, fields, prompt, whole })
}
