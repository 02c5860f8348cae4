//! Which labels stand with a key, on the side that is learned from and on the side that is measured on.

use super::row::Side;
use crate::sample::Counted;

/// The most labels that are told apart under one key; further ones count only in the totals.
const MAX_LABELS: usize = 512;

/// The labels of the rows of one key.
#[derive(Debug, Default)]
pub(super) struct Votes {
    /// In the order of the label's hash.
    labels: Vec<Vote>,
    pub(super) learned: u64,
    pub(super) measured: u64,
}

#[derive(Debug, Clone, Copy)]
struct Vote {
    label: u64,
    learned: u32,
    measured: u32,
}

impl Votes {
    pub(super) fn add(&mut self, label: u64, side: Side) {
        let (learned, measured) = match side {
            Side::Learn => (1, 0),
            Side::Measure => (0, 1),
            Side::Outside => return,
        };
        self.learned += u64::from(learned);
        self.measured += u64::from(measured);
        match self.labels.binary_search_by_key(&label, |vote| vote.label) {
            Ok(at) => {
                self.labels[at].learned += learned;
                self.labels[at].measured += measured;
            }
            Err(at) if self.labels.len() < MAX_LABELS => {
                self.labels.insert(at, Vote { label, learned, measured });
            }
            Err(_) => {}
        }
    }

    /// The label that most of the learned rows have.
    pub(super) fn rule(&self) -> Option<u64> {
        let learned = self.labels.iter().filter(|vote| vote.learned > 0);
        // Of equals the first, so that a run can be repeated.
        learned.max_by_key(|vote| (vote.learned, std::cmp::Reverse(vote.label))).map(|vote| vote.label)
    }

    /// How many measured rows have this label.
    pub(super) fn measured_with(&self, label: u64) -> u64 {
        let found = self.labels.binary_search_by_key(&label, |vote| vote.label);
        found.map_or(0, |at| u64::from(self.labels[at].measured))
    }

    /// How many measured rows the rule gives right.
    pub(super) fn right(&self) -> u64 {
        self.rule().map_or(0, |label| self.measured_with(label))
    }
}

impl Counted for Votes {
    fn rows(&self) -> u64 {
        self.learned + self.measured
    }
}
