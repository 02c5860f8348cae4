//! What was found, and how evenly.

use std::collections::HashMap;

use serde::Serialize;
use xxhash_rust::xxh3::xxh3_64;

use super::{Distinct, Named};
use crate::sample::Sample;

/// Labels that are counted exactly, and that a lookup can learn.
const MAX_LABELS: usize = 1 << 16;

/// Labels that are listed.
const LISTED: usize = 10;

/// How often each label stands on a row.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Labels {
    /// Rows that have a label.
    pub rows: u64,
    /// Distinct labels.
    pub distinct: Distinct,
    /// The labels with the most rows, most first.
    pub most: Vec<Named>,
    /// The fewest rows that a label has.
    pub fewest_rows: u64,
    /// Entropy of the labels, in bits.
    pub entropy_bits: f64,
    /// The entropy as a share of what it would be if every label were as frequent: 1 is even, 0 a single label.
    pub evenness: f64,
}

pub(super) struct Counter {
    rows: u64,
    labels: Sample<Named>,
}

impl Counter {
    pub(super) fn new() -> Self {
        Self { rows: 0, labels: Sample::new(MAX_LABELS) }
    }

    pub(super) fn add(&mut self, label: Option<&str>) {
        let Some(label) = label else { return };
        self.rows += 1;
        let kept = self.labels.at(xxh3_64(label.as_bytes()), || Named { name: label.to_owned(), rows: 0 });
        if let Some(kept) = kept {
            kept.rows += 1;
        }
    }

    pub(super) fn finish(self) -> Labels {
        let distinct = Distinct::of(&self.labels);
        let counted = self.labels.sum(|label| label.rows as f64);
        let entropy = self.labels.sum(|label| {
            let p = label.rows as f64 / counted;
            -p * p.log2()
        });
        let entropy_bits = entropy.max(0.0);
        let uniform = (distinct.count.max(1) as f64).log2();
        Labels {
            rows: self.rows,
            distinct,
            most: Named::most(self.labels.values(), LISTED),
            fewest_rows: self.labels.values().map(|label| label.rows).min().unwrap_or(0),
            entropy_bits,
            evenness: if uniform > 0.0 { (entropy_bits / uniform).min(1.0) } else { 0.0 },
        }
    }
}

/// Numbers for labels, in order of their first appearance.
#[derive(Default)]
pub(super) struct Names {
    by_hash: HashMap<u64, u32>,
    names: Vec<String>,
}

impl Names {
    /// The number of a label. Past [`MAX_LABELS`] labels the rest share one number.
    pub(super) fn id(&mut self, label: &str) -> u32 {
        let hash = xxh3_64(label.as_bytes());
        if let Some(id) = self.by_hash.get(&hash) {
            return *id;
        }
        if self.names.len() >= MAX_LABELS {
            return Self::REST;
        }
        let id = self.names.len() as u32;
        self.names.push(label.to_owned());
        self.by_hash.insert(hash, id);
        id
    }

    /// The number of all labels past the limit; it is no lookup's answer.
    pub(super) const REST: u32 = MAX_LABELS as u32;

    pub(super) fn name(&self, id: u32) -> &str {
        self.names.get(id as usize).map_or("(other)", String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(counts: &[(&str, u64)]) -> Labels {
        let mut counter = Counter::new();
        for (label, rows) in counts {
            (0..*rows).for_each(|_| counter.add(Some(label)));
        }
        counter.add(None);
        counter.finish()
    }

    #[test]
    fn even_labels_have_all_the_entropy() {
        let even = labels(&[("a", 5), ("b", 5), ("c", 5), ("d", 5)]);
        assert!((even.entropy_bits - 2.0).abs() < 1e-9 && (even.evenness - 1.0).abs() < 1e-9);
        assert_eq!((even.rows, even.distinct.count, even.fewest_rows), (20, 4, 5));
    }

    #[test]
    fn entropy_is_shannons() {
        // 1/2, 1/4, 1/4
        let skewed = labels(&[("a", 2), ("b", 1), ("c", 1)]);
        assert!((skewed.entropy_bits - 1.5).abs() < 1e-9);
        assert_eq!(skewed.most[0], Named { name: "a".into(), rows: 2 });
        let one = labels(&[("a", 3)]);
        assert_eq!((one.entropy_bits, one.evenness), (0.0, 0.0));
        assert!(labels(&[]).entropy_bits.abs() < 1e-9);
    }

    #[test]
    fn numbers_past_the_limit_are_shared() {
        let mut names = Names::default();
        let ids: Vec<u32> = (0..MAX_LABELS + 2).map(|label| names.id(&label.to_string())).collect();
        assert_eq!(ids[MAX_LABELS], Names::REST);
        assert_eq!(ids[MAX_LABELS + 1], Names::REST);
        assert_eq!((names.id("7"), names.name(7)), (7, "7"));
    }
}
