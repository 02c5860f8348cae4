//! The words of the complaints: how many, and how often the same.

use std::{collections::HashSet, ops::RangeInclusive};

use serde::Serialize;
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use super::{Distinct, share};
use crate::{duplicates::normalise_into, sample::Sample};

/// Distinct complaints, and distinct n-grams of each length, that are counted exactly.
const MAX_EXACT: usize = 1 << 17;

/// The longest n-gram.
const MAX_N: usize = 4;

/// Words of a segment in which the ratio of distinct to all words is taken, since over a whole file the ratio falls
/// with the length of the file and says nothing.
const SEGMENT_WORDS: usize = 1_000;

/// How long a note on a work order is, in words.
const NOTE_WORDS: RangeInclusive<usize> = 3..=8;

/// The words of the complaints. A word is a run of letters and digits, in lower case, with every number alike.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Words {
    /// Distinct complaints, letter for letter.
    pub distinct_symptoms: Distinct,
    /// Distinct complaints when case, punctuation and the digits of numbers do not count.
    pub distinct_folded_symptoms: Distinct,
    /// Words of all complaints.
    pub words: u64,
    /// Distinct words as a share of all.
    pub type_token_ratio: f64,
    /// The same share in segments of 1,000 words, on average; it can be compared between files of any length. Absent
    /// where there are fewer words.
    pub type_token_ratio_per_1000: Option<f64>,
    /// Runs of one to four words.
    pub ngrams: Vec<Ngrams>,
    /// Words of a complaint: the mean.
    pub mean_words: f64,
    /// One complaint in twenty has at most this many words.
    pub words_p5: usize,
    /// Half of the complaints have at most this many words.
    pub words_median: usize,
    /// All but one in twenty have at most this many words.
    pub words_p95: usize,
    /// The share of complaints of 3 to 8 words, the length of a note on a work order.
    pub note_share: f64,
}

/// Runs of `n` words.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Ngrams {
    /// Words in a run.
    pub n: usize,
    /// Distinct runs.
    pub distinct: Distinct,
    /// The share of the distinct runs that were seen once.
    pub once_share: f64,
}

pub(super) struct Counter {
    symptoms: Sample<u64>,
    folded: Sample<u64>,
    ngrams: [Sample<u64>; MAX_N],
    words: u64,
    /// How many complaints have so many words, by number of words.
    lengths: Vec<u64>,
    segment: HashSet<u64>,
    segment_words: usize,
    segments: u64,
    segment_types: u64,
    normalised: String,
    hashes: Vec<u64>,
}

impl Counter {
    pub(super) fn new() -> Self {
        Self {
            symptoms: Sample::new(MAX_EXACT),
            folded: Sample::new(MAX_EXACT),
            ngrams: std::array::from_fn(|_| Sample::new(MAX_EXACT)),
            words: 0,
            lengths: Vec::new(),
            segment: HashSet::new(),
            segment_words: 0,
            segments: 0,
            segment_types: 0,
            normalised: String::new(),
            hashes: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, symptom: &str) {
        count(&mut self.symptoms, xxh3_64(symptom.as_bytes()));
        normalise_into(symptom, &mut self.normalised);
        count(&mut self.folded, xxh3_64(self.normalised.as_bytes()));
        self.hashes.clear();
        self.hashes.extend(self.normalised.split_ascii_whitespace().map(|word| xxh3_64(word.as_bytes())));
        let words = self.hashes.len();
        self.words += words as u64;
        if self.lengths.len() <= words {
            self.lengths.resize(words + 1, 0);
        }
        self.lengths[words] += 1;
        for (n, ngrams) in (1..).zip(&mut self.ngrams) {
            for run in self.hashes.windows(n) {
                let hash = run.iter().fold(0, |hash, word| xxh3_64_with_seed(&word.to_le_bytes(), hash));
                count(ngrams, hash);
            }
        }
        for word in &self.hashes {
            self.segment.insert(*word);
            self.segment_words += 1;
            if self.segment_words == SEGMENT_WORDS {
                self.segments += 1;
                self.segment_types += self.segment.len() as u64;
                self.segment.clear();
                self.segment_words = 0;
            }
        }
    }

    pub(super) fn finish(self, rows: u64) -> Words {
        let ngrams = (1..).zip(&self.ngrams).map(|(n, sample)| {
            let all = sample.sum(|_| 1.0);
            let once = sample.sum(|rows| f64::from(u8::from(*rows == 1)));
            Ngrams { n, distinct: Distinct::of(sample), once_share: if all > 0.0 { once / all } else { 0.0 } }
        });
        let notes: u64 = self
            .lengths
            .iter()
            .enumerate()
            .filter(|(n, _)| NOTE_WORDS.contains(n))
            .map(|(_, rows)| rows)
            .sum();
        Words {
            distinct_symptoms: Distinct::of(&self.symptoms),
            distinct_folded_symptoms: Distinct::of(&self.folded),
            words: self.words,
            type_token_ratio: share(self.ngrams[0].distinct(), self.words),
            type_token_ratio_per_1000: (self.segments > 0)
                .then(|| share(self.segment_types, self.segments * SEGMENT_WORDS as u64)),
            ngrams: ngrams.collect(),
            mean_words: share(self.words, rows),
            words_p5: quantile(&self.lengths, rows, 0.05),
            words_median: quantile(&self.lengths, rows, 0.5),
            words_p95: quantile(&self.lengths, rows, 0.95),
            note_share: share(notes, rows),
        }
    }
}

fn count(sample: &mut Sample<u64>, key: u64) {
    if let Some(rows) = sample.at(key, || 0) {
        *rows += 1;
    }
}

/// The least length that at least the share `q` of the rows do not exceed.
fn quantile(lengths: &[u64], rows: u64, q: f64) -> usize {
    let wanted = (rows as f64 * q).ceil().max(1.0) as u64;
    let mut seen = 0;
    lengths
        .iter()
        .position(|count| {
            seen += count;
            seen >= wanted
        })
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_sorted_list() {
        // 1, 1, 2, 5, 9
        let lengths = [0, 2, 1, 0, 0, 1, 0, 0, 0, 1];
        assert_eq!(quantile(&lengths, 5, 0.05), 1);
        assert_eq!(quantile(&lengths, 5, 0.5), 2);
        assert_eq!(quantile(&lengths, 5, 0.8), 5);
        assert_eq!(quantile(&lengths, 5, 0.95), 9);
    }

    #[test]
    fn runs_of_words_are_counted() {
        let mut counter = Counter::new();
        counter.add("Boom drifts down");
        counter.add("boom drifts DOWN!");
        counter.add("Boom drifts at 1500 rpm");
        counter.add("Boom drifts at 900 rpm");
        let words = counter.finish(4);
        assert_eq!(words.distinct_symptoms.count, 4);
        assert_eq!(words.distinct_folded_symptoms.count, 2);
        let distinct: Vec<_> = words.ngrams.iter().map(|ngrams| ngrams.distinct.count).collect();
        // boom drifts down at 0 rpm; five pairs; `boom drifts down`, `boom drifts at`, `drifts at 0`, `at 0 rpm`; two of four.
        assert_eq!(distinct, [6, 5, 4, 2]);
        assert!(words.ngrams.iter().all(|ngrams| ngrams.once_share == 0.0));
        assert_eq!((words.words, words.words_median, words.words_p95), (16, 3, 5));
        assert!((words.note_share - 1.0).abs() < 1e-9);
        assert_eq!(words.type_token_ratio_per_1000, None);
    }

    #[test]
    fn a_run_seen_once_counts_as_such_and_the_segments_ratio_needs_a_thousand_words() {
        let mut counter = Counter::new();
        counter.add("alpha beta");
        counter.add("alpha");
        let words = counter.finish(2);
        assert!((words.ngrams[0].once_share - 0.5).abs() < 1e-9);
        assert!((words.ngrams[1].once_share - 1.0).abs() < 1e-9);
        let mut counter = Counter::new();
        (0..500).for_each(|_| counter.add("alpha beta"));
        assert_eq!(counter.finish(500).type_token_ratio_per_1000, Some(0.002));
    }
}
