//! What a check found, and where.

use std::path::PathBuf;

use serde::Serialize;

/// The most examples that a finding names.
pub const MAX_EXAMPLES: usize = 5;

/// How much a finding matters. The order is from the mildest to the worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Makes a model worse, or a measurement less sure.
    Warning,
    /// Records are lost, or what is measured on these files means nothing.
    Error,
}

impl Severity {
    /// The word that stands in reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// A line of a file at which something was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Example {
    /// The file.
    pub path: PathBuf,
    /// The line on which the record starts, from 1.
    pub line: u64,
    /// What stands there; personal data is masked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// One thing that is wrong or remarkable.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Finding {
    /// A word for programs, such as `code-leakage`.
    pub id: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// What was found, in one sentence.
    pub message: String,
    /// How many records it concerns.
    pub count: u64,
    /// The share of the records it concerns, 0 to 1.
    pub share: f64,
    /// Where more than 1, `count` is estimated from one in so many.
    pub estimated_from_one_in: u64,
    /// What to do.
    pub advice: &'static str,
    /// The first records that it concerns, at most [`MAX_EXAMPLES`].
    pub examples: Vec<Example>,
}

/// Where a record stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    /// The number of the file among those that are checked.
    pub(super) file: usize,
    /// The line, from 1.
    pub(super) line: u64,
}

/// The records that one check concerns: how many, and the first of them.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) count: u64,
    pub(super) examples: Vec<(Place, Option<String>)>,
}

impl Tally {
    pub(super) fn add(&mut self, place: Place) {
        self.add_with(place, || None);
    }

    /// Counts a record; `text` is called only for an example.
    pub(super) fn add_with(&mut self, place: Place, text: impl FnOnce() -> Option<String>) {
        self.count += 1;
        if self.examples.len() < MAX_EXAMPLES {
            self.examples.push((place, text()));
        }
    }

    /// The first of many examples, by their places.
    pub(super) fn of_places(count: u64, mut examples: Vec<(Place, Option<String>)>) -> Self {
        examples.sort_by_key(|(place, _)| *place);
        examples.truncate(MAX_EXAMPLES);
        Self { count, examples }
    }
}

/// Findings as they are collected, with what turns places into paths and counts into shares.
pub(super) struct Findings<'a> {
    pub(super) paths: &'a [PathBuf],
    pub(super) records: u64,
    pub(super) list: Vec<Finding>,
}

impl Findings<'_> {
    /// Adds a finding where the tally counted something.
    pub(super) fn add(
        &mut self,
        id: &'static str,
        severity: Severity,
        tally: Tally,
        message: String,
        advice: &'static str,
    ) {
        self.add_estimated(id, severity, tally, 1, message, advice);
    }

    /// As [`add`](Self::add), for a count that may be estimated from a sample.
    pub(super) fn add_estimated(
        &mut self,
        id: &'static str,
        severity: Severity,
        tally: Tally,
        one_in: u64,
        message: String,
        advice: &'static str,
    ) {
        if tally.count == 0 {
            return;
        }
        let mut message = message;
        if one_in > 1 {
            message = format!("{message} (estimated from 1 in {one_in})");
        }
        let examples = tally
            .examples
            .into_iter()
            .map(|(place, text)| Example { path: self.paths[place.file].clone(), line: place.line, text })
            .collect();
        self.list.push(Finding {
            id,
            severity,
            message,
            count: tally.count,
            share: (tally.count as f64 / self.records.max(1) as f64).min(1.0),
            estimated_from_one_in: one_in,
            advice,
            examples,
        });
    }
}

/// A count with its noun, `1 record` or `5 records`.
pub(super) fn number_of(count: u64, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// A share as a whole number of percent; what is neither none nor all never reads as such.
pub(super) fn percent(share: f64) -> String {
    let rounded = (share * 100.0).round();
    if share > 0.0 && rounded < 1.0 {
        "under 1 %".into()
    } else if share < 1.0 && rounded >= 100.0 {
        "over 99 %".into()
    } else {
        format!("{rounded} %")
    }
}
