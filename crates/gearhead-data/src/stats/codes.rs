//! The fault codes: how many rows have them, and how many faults share one.

use std::collections::{BTreeSet, HashMap};

use serde::Serialize;
use xxhash_rust::xxh3::xxh3_64;

use super::{Distinct, labels::Names, share};
use crate::{
    code::FaultCode,
    sample::{Counted, Sample},
};

/// Distinct codes that are counted exactly.
const MAX_CODES: usize = 1 << 14;

/// Labels that are kept for a code, and codes for a label.
const MAX_KEPT: usize = 256;

/// Codes that are listed.
const LISTED: usize = 10;

/// The fault codes.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Codes {
    /// Rows without a code.
    pub rows_without: u64,
    /// Rows with one distinct code.
    pub rows_with_one: u64,
    /// Rows with several.
    pub rows_with_several: u64,
    /// Distinct codes, in whatever spelling.
    pub distinct: Distinct,
    /// Distinct codes on the rows of one label, on average over the labels that have any.
    pub mean_per_label: f64,
    /// The most distinct codes on the rows of one label, at most 256.
    pub max_per_label: u64,
    /// Codes that stand on rows of several labels.
    pub shared: u64,
    /// The codes that stand on rows of the most labels, most first.
    pub most_shared: Vec<SharedCode>,
}

/// A code that several labels share.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SharedCode {
    /// The code, in canonical spelling.
    pub code: String,
    /// How many labels, at most 256.
    pub labels: u64,
    /// The label with the most rows that have the code.
    pub most: String,
    /// Rows that have the code.
    pub rows: u64,
}

pub(super) struct Counter {
    rows: [u64; 3],
    codes: Sample<Code>,
    labels: HashMap<u32, BTreeSet<u64>>,
}

struct Code {
    name: String,
    rows: u64,
    labels: HashMap<u32, u64>,
}

impl Counted for Code {
    fn rows(&self) -> u64 {
        self.rows
    }
}

impl Counter {
    pub(super) fn new() -> Self {
        Self { rows: [0; 3], codes: Sample::new(MAX_CODES), labels: HashMap::new() }
    }

    pub(super) fn add(&mut self, codes: &[FaultCode], label: Option<u32>) {
        self.rows[codes.len().min(2)] += 1;
        for code in codes {
            let name = code.to_string();
            let hash = xxh3_64(name.as_bytes());
            if let Some(label) = label {
                let of_label = self.labels.entry(label).or_default();
                if of_label.len() < MAX_KEPT {
                    of_label.insert(hash);
                }
            }
            let kept = self.codes.at(hash, || Code { name, rows: 0, labels: HashMap::new() });
            let Some(kept) = kept else { continue };
            kept.rows += 1;
            let Some(label) = label else { continue };
            if kept.labels.len() < MAX_KEPT || kept.labels.contains_key(&label) {
                *kept.labels.entry(label).or_default() += 1;
            }
        }
    }

    pub(super) fn finish(self, names: &Names) -> Codes {
        let sizes = self.labels.values().map(|codes| codes.len() as u64);
        let mut shared: Vec<&Code> = self.codes.values().filter(|code| code.labels.len() > 1).collect();
        shared.sort_unstable_by(|a, b| b.labels.len().cmp(&a.labels.len()).then_with(|| a.name.cmp(&b.name)));
        let most_shared = shared.iter().take(LISTED).map(|code| {
            let most = code.labels.iter().max_by_key(|(label, rows)| (**rows, std::cmp::Reverse(**label)));
            SharedCode {
                code: code.name.clone(),
                labels: code.labels.len() as u64,
                most: most.map_or_else(String::new, |(label, _)| names.name(*label).to_owned()),
                rows: code.rows,
            }
        });
        Codes {
            rows_without: self.rows[0],
            rows_with_one: self.rows[1],
            rows_with_several: self.rows[2],
            distinct: Distinct::of(&self.codes),
            mean_per_label: share(sizes.clone().sum(), self.labels.len() as u64),
            max_per_label: sizes.max().unwrap_or(0),
            shared: self.codes.sum(|code| f64::from(u8::from(code.labels.len() > 1))).round() as u64,
            most_shared: most_shared.collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::code::parse_list;

    #[test]
    fn codes_are_counted_by_what_they_denote() {
        let mut names = Names::default();
        let mut counter = Counter::new();
        for (codes, label) in [
            ("P0087", Some("filter")),
            ("p0087, SPN 157 FMI 18", Some("pump")),
            ("157-18", Some("pump")),
            ("", Some("pump")),
            ("P0100", None),
        ] {
            let label = label.map(|label| names.id(label));
            counter.add(&parse_list(codes), label);
        }
        let codes = counter.finish(&names);
        assert_eq!((codes.rows_without, codes.rows_with_one, codes.rows_with_several), (1, 3, 1));
        assert_eq!((codes.distinct.count, codes.shared, codes.max_per_label), (3, 1, 2));
        assert!((codes.mean_per_label - 1.5).abs() < 1e-9);
        let expected = SharedCode { code: "P0087".into(), labels: 2, most: "filter".into(), rows: 2 };
        assert_eq!(codes.most_shared, [expected]);
    }
}
