//! How varied cases are, and how much of the answer a simple lookup already knows.
//!
//! [`measure`] reads the files once. Counts of distinct things are exact up to a fixed number of them and estimated
//! beyond it, so that memory does not grow with the files; what is estimated says so by `exact: false`.

mod codes;
mod copies;
mod equipment;
mod labels;
mod lookup;
mod text;
mod words;

use std::{collections::BTreeMap, path::PathBuf};

use serde::Serialize;

pub use codes::{Codes, SharedCode};
pub use copies::NearCopies;
pub use equipment::{Equipment, Named};
pub use labels::Labels;
pub use lookup::{Lookup, Lookups};
pub use words::{Ngrams, Words};

use crate::{
    case::{Case, scan_cases},
    error::{Error, Result},
    sample::{Counted, Sample},
};

/// The most distinct words for slices that are counted; a record's list of slices is short.
const MAX_SLICES: usize = 1_000;

/// A number of distinct things.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Distinct {
    /// How many.
    pub count: u64,
    /// Whether they were all counted; otherwise the number is an estimate.
    pub exact: bool,
}

impl Distinct {
    fn of<V: Counted>(sample: &Sample<V>) -> Self {
        Self { count: sample.distinct(), exact: sample.is_exact() }
    }
}

/// What [`measure`] finds. Its JSON is published as `docs/schemas/stats.schema.json`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Stats {
    /// Cases.
    pub rows: u64,
    /// The words of the complaints.
    pub words: Words,
    /// How alike the complaints are.
    pub near_copies: NearCopies,
    /// The machines.
    pub equipment: Equipment,
    /// What was found: the fault, or else the name of the cause.
    pub labels: Labels,
    /// The systems.
    pub systems: Labels,
    /// The fault codes.
    pub codes: Codes,
    /// How much of the answer a lookup without the complaint knows.
    pub lookups: Lookups,
    /// Rows for each word of the extra field `slices`, where there is one.
    pub slices: BTreeMap<String, u64>,
}

/// Reads case files and describes them. `progress` is called now and then with the number of bytes read so far.
///
/// # Errors
///
/// A file that cannot be read, the first faulty record with its line, or [`Error::NoCases`].
pub fn measure(files: &[PathBuf], progress: &mut dyn FnMut(u64)) -> Result<Stats> {
    let mut counters = Counters::new();
    scan_cases(files, progress, &mut |_, located| {
        counters.add(&located?.case);
        Ok(())
    })?;
    if counters.rows == 0 {
        let path = files.first().cloned().unwrap_or_default();
        return Err(Error::NoCases { path });
    }
    Ok(counters.finish())
}

/// Everything that is counted, one row after the other.
struct Counters {
    rows: u64,
    words: words::Counter,
    copies: copies::Counter,
    equipment: equipment::Counter,
    names: labels::Names,
    labels: labels::Counter,
    systems: labels::Counter,
    codes: codes::Counter,
    lookups: lookup::Counter,
    slices: BTreeMap<String, u64>,
}

impl Counters {
    fn new() -> Self {
        Self {
            rows: 0,
            words: words::Counter::new(),
            copies: copies::Counter::new(),
            equipment: equipment::Counter::new(),
            names: labels::Names::default(),
            labels: labels::Counter::new(),
            systems: labels::Counter::new(),
            codes: codes::Counter::new(),
            lookups: lookup::Counter::new(),
            slices: BTreeMap::new(),
        }
    }

    fn add(&mut self, case: &Case) {
        self.words.add(&case.symptom);
        self.copies.add(self.rows, &case.symptom);
        self.equipment.add(&case.equipment);
        let label = case.label();
        self.labels.add(label.as_deref());
        self.systems.add(case.system.map(crate::system::System::as_str));
        let label = label.map(|label| self.names.id(&label));
        let codes = case.codes();
        self.codes.add(&codes, label);
        self.lookups.add(self.rows, case, &codes, label);
        for slice in case.extra.get("slices").and_then(serde_json::Value::as_array).into_iter().flatten() {
            let Some(slice) = slice.as_str() else { continue };
            if let Some(rows) = self.slices.get_mut(slice) {
                *rows += 1;
            } else if self.slices.len() < MAX_SLICES {
                self.slices.insert(slice.to_owned(), 1);
            }
        }
        self.rows += 1;
    }

    fn finish(self) -> Stats {
        Stats {
            rows: self.rows,
            words: self.words.finish(self.rows),
            near_copies: self.copies.finish(),
            equipment: self.equipment.finish(),
            labels: self.labels.finish(),
            systems: self.systems.finish(),
            codes: self.codes.finish(&self.names),
            lookups: self.lookups.finish(),
            slices: self.slices,
        }
    }
}

fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

#[cfg(test)]
mod tests;
