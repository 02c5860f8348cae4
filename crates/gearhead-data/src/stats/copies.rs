//! How alike the complaints are: how many have a near copy.

use std::collections::HashMap;

use serde::Serialize;
use xxhash_rust::xxh3::xxh3_64;

use super::share;
use crate::{
    duplicates::{NEAR_DUPLICATE, Sketch, Sketcher, normalise},
    sample::{Counted, Sample},
};

/// Rows that are compared with each other.
const MAX_ROWS: usize = 1 << 14;

/// Rows of one band's bucket that a row is compared with.
const MAX_BUCKET: usize = 64;

/// How alike the complaints are, measured on an even sample of the rows (on all of them while they are few).
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct NearCopies {
    /// Rows that were compared with each other.
    pub rows_compared: u64,
    /// Whether these are all rows.
    pub exact: bool,
    /// The share of the compared rows that have an exact or near copy among them. Over all rows of a file that was
    /// sampled it is higher.
    pub share_with_copy: f64,
    /// How many of all rows are a near copy of a row, on average.
    pub mean_copies: f64,
}

pub(super) struct Counter {
    sketcher: Sketcher,
    rows: u64,
    /// By row number, so that the sample is one of rows.
    sample: Sample<Text>,
}

/// The normalised complaint of one row.
struct Text(String);

impl Counted for Text {
    fn rows(&self) -> u64 {
        1
    }
}

impl Counter {
    pub(super) fn new() -> Self {
        Self { sketcher: Sketcher::new(), rows: 0, sample: Sample::new(MAX_ROWS) }
    }

    pub(super) fn add(&mut self, row: u64, symptom: &str) {
        self.rows += 1;
        self.sample.at(xxh3_64(&row.to_le_bytes()), || Text(normalise(symptom)));
    }

    pub(super) fn finish(self) -> NearCopies {
        // Rows of one text are counted together.
        let mut texts: HashMap<&str, u64> = HashMap::new();
        let mut compared = 0;
        for Text(text) in self.sample.values() {
            *texts.entry(text).or_default() += 1;
            compared += 1;
        }
        let mut texts: Vec<(&str, u64)> = texts.into_iter().collect();
        texts.sort_unstable();
        let sketches: Vec<Sketch> =
            texts.iter().map(|(text, _)| self.sketcher.sketch_normalised(text)).collect();
        let mut buckets: HashMap<u64, Vec<u32>> = HashMap::new();
        let mut copies: Vec<u64> = texts.iter().map(|(_, rows)| rows - 1).collect();
        let mut seen: Vec<u32> = Vec::new();
        for (index, sketch) in sketches.iter().enumerate() {
            seen.clear();
            for band in sketch.bands() {
                let bucket = buckets.entry(band).or_default();
                seen.extend(bucket.iter());
                if bucket.len() < MAX_BUCKET {
                    bucket.push(index as u32);
                }
            }
            seen.sort_unstable();
            seen.dedup();
            for other in seen.iter().map(|other| *other as usize) {
                if sketch.similarity(&sketches[other]) >= NEAR_DUPLICATE {
                    copies[index] += texts[other].1;
                    copies[other] += texts[index].1;
                }
            }
        }
        let rows_of = |(copies, text): (&u64, &(&str, u64))| (*copies, text.1);
        let with_copy: u64 = copies
            .iter()
            .zip(&texts)
            .map(rows_of)
            .filter(|(copies, _)| *copies > 0)
            .map(|(_, rows)| rows)
            .sum();
        let total: u64 = copies.iter().zip(&texts).map(rows_of).map(|(copies, rows)| copies * rows).sum();
        // Every compared row had `compared - 1` others to be alike with; of all rows, `rows - 1`.
        let scale = share(self.rows.saturating_sub(1), compared - 1);
        NearCopies {
            rows_compared: compared,
            exact: self.sample.is_exact(),
            share_with_copy: share(with_copy, compared),
            mean_copies: share(total, compared) * scale,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(symptoms: impl IntoIterator<Item = String>) -> NearCopies {
        let mut counter = Counter::new();
        symptoms.into_iter().enumerate().for_each(|(row, symptom)| counter.add(row as u64, &symptom));
        counter.finish()
    }

    #[test]
    fn copies_and_near_copies_are_counted() {
        let found = measured(
            [
                "Boom drifts down with the lever in neutral",
                "boom drifts down with the lever in NEUTRAL",
                "Boom drifts down with lever in neutral",
                "Engine cranks but will not start",
            ]
            .map(str::to_owned),
        );
        assert_eq!(found.rows_compared, 4);
        assert!((found.share_with_copy - 0.75).abs() < 1e-9, "{found:?}");
        assert!((found.mean_copies - 1.5).abs() < 1e-9, "{found:?}");
        let one = measured(["Boom drifts".to_owned()]);
        assert_eq!((one.share_with_copy, one.mean_copies), (0.0, 0.0));
    }

    #[test]
    fn a_sample_of_many_rows_gives_the_mean_of_all() {
        let word = |number: usize| char::from(b'a' + (number % 26) as u8).to_string().repeat(6);
        let found = measured((0..60_000).map(word));
        assert!(!found.exact && found.rows_compared <= MAX_ROWS as u64);
        let expected = 60_000.0 / 26.0;
        assert!((found.mean_copies / expected - 1.0).abs() < 0.1, "{found:?}");
    }
}
