//! MinHash sketches with bands for locality-sensitive hashing.
//!
//! **Source**: A. Broder, "On the resemblance and containment of documents", 1997 (MinHash); M. Dietzfelbinger,
//! "Universal hashing and k-wise independent random variables via integer arithmetic without primes", 1996 (the hash
//! functions); Leskovec, Rajaraman and Ullman, "Mining of Massive Datasets", chapter 3 (bands).

use multiversion::multiversion;
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use super::normalise::normalise;

/// Texts that share at least this much (Jaccard similarity of their shingles) count as near copies.
///
/// Measured on the wordings of the fault cards: of pairs of independent wordings of one complaint, 99 in 100 share
/// less than 0.38 even where they have only three to five words; a copy of six to eight words with one typing error,
/// one word more or one word less shares more than 0.71 in 95 of 100 cases, and one with a word replaced more than
/// 0.60. Of a note of three to five words, one typing error leaves 0.61 or more in three of four; one word replaced
/// leaves about 0.56, which is rightly another complaint.
pub const NEAR_DUPLICATE: f64 = 0.6;

/// Number of bands of a sketch.
pub const BANDS: usize = 24;

/// Minima in one band.
pub(crate) const ROWS: usize = 4;

/// Minima in a sketch. The estimate of a similarity `s` has the standard deviation `sqrt(s (1 - s) / 96)`, at most 0.051.
pub(crate) const MINIMA: usize = BANDS * ROWS;

/// Characters in a shingle. Character shingles over word limits see a typing error as a small change; words see the
/// exchange of a word as one. Together they told copies from paraphrases best among ten mixtures tried.
const SHINGLE_CHARS: usize = 4;

/// Tells the hash of a whole word from that of a shingle of the same letters.
const WORD_SEED: u64 = 0x776f_7264;

/// What is kept of a text to compare it with others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sketch([u32; MINIMA]);

impl Sketch {
    /// An estimate of the share of shingles that the two texts have in common, 0 to 1. Two texts without a letter or
    /// digit are equal.
    pub fn similarity(&self, other: &Self) -> f64 {
        let equal = self.0.iter().zip(&other.0).filter(|(a, b)| a == b).count();
        equal as f64 / MINIMA as f64
    }

    /// The minima, band after band.
    pub(crate) fn minima(&self) -> &[u32; MINIMA] {
        &self.0
    }

    /// The sketch with these minima.
    pub(crate) fn from_minima(minima: &[u32; MINIMA]) -> Self {
        Self(*minima)
    }

    /// One number for each band. Texts of similarity `s` agree in some band with probability `1 - (1 - s^4)^24`:
    ///
    /// | s | 0.2 | 0.3 | 0.4 | 0.5 | 0.6 | 0.7 | 0.8 |
    /// | --- | --- | --- | --- | --- | --- | --- | --- |
    /// | probability | 0.04 | 0.18 | 0.46 | 0.79 | 0.96 | 0.999 | 1.000 |
    ///
    /// The number includes the band's place, so that numbers of different bands can stand in one table.
    pub fn bands(&self) -> [u64; BANDS] {
        std::array::from_fn(|band| {
            let mut bytes = [0; ROWS * 4];
            for (bytes, minimum) in bytes.chunks_exact_mut(4).zip(&self.0[band * ROWS..]) {
                bytes.copy_from_slice(&minimum.to_le_bytes());
            }
            xxh3_64_with_seed(&bytes, band as u64)
        })
    }
}

/// Makes sketches. Every sketcher makes the same.
#[derive(Debug, Clone)]
pub struct Sketcher {
    factors: [u64; MINIMA],
    offsets: [u64; MINIMA],
}

impl Default for Sketcher {
    fn default() -> Self {
        Self::new()
    }
}

impl Sketcher {
    /// A sketcher.
    pub fn new() -> Self {
        Self {
            factors: std::array::from_fn(|index| xxh3_64_with_seed(b"factor", index as u64)),
            offsets: std::array::from_fn(|index| xxh3_64_with_seed(b"offset", index as u64)),
        }
    }

    /// The sketch of a text, which is normalised first.
    pub fn sketch(&self, text: &str) -> Sketch {
        self.sketch_normalised(&normalise(text))
    }

    /// The sketch of a text that is normalised already.
    pub fn sketch_normalised(&self, normalised: &str) -> Sketch {
        let mut hashes = Vec::with_capacity(normalised.len() + normalised.len() / 4);
        for_each_shingle(normalised, &mut |hash| hashes.push((hash >> 32) as u32));
        let words = normalised.split_ascii_whitespace();
        hashes.extend(words.map(|word| (xxh3_64_with_seed(word.as_bytes(), WORD_SEED) >> 32) as u32));
        Sketch(minima(&hashes, &self.factors, &self.offsets))
    }
}

/// The least value of each hash function over all hashes.
#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl", "x86_64+avx2", "aarch64+neon"))]
fn minima(hashes: &[u32], factors: &[u64; MINIMA], offsets: &[u64; MINIMA]) -> [u32; MINIMA] {
    let mut minima = [u32::MAX; MINIMA];
    for hash in hashes {
        for ((minimum, factor), offset) in minima.iter_mut().zip(factors).zip(offsets) {
            let value = (u64::from(*hash).wrapping_mul(*factor).wrapping_add(*offset) >> 32) as u32;
            *minimum = (*minimum).min(value);
        }
    }
    minima
}

/// The least hash of the shingles of a normalised text, hashed once more so that it is even over all numbers. Two
/// texts share it with a probability of about their similarity, so that sampling by it keeps near copies together.
pub(crate) fn least_shingle(normalised: &str) -> u64 {
    let mut least = u64::MAX;
    for_each_shingle(normalised, &mut |hash| least = least.min(hash));
    xxh3_64(&least.to_le_bytes())
}

/// Calls `take` with the hash of every run of [`SHINGLE_CHARS`] characters of ` text `, with repetitions.
fn for_each_shingle(normalised: &str, take: &mut impl FnMut(u64)) {
    if normalised.is_empty() {
        return;
    }
    if normalised.is_ascii() {
        let bytes = normalised.as_bytes();
        let mut window = u32::from(b' ');
        for (index, byte) in bytes.iter().chain(b" ").enumerate() {
            window = (window << 8) | u32::from(*byte);
            // The window begins with the space before the text, so it is full one byte earlier than the text is.
            if index + 2 >= SHINGLE_CHARS || index == bytes.len() {
                take(xxh3_64(&window.to_be_bytes()));
            }
        }
        return;
    }
    let padded: Vec<char> = [' '].into_iter().chain(normalised.chars()).chain([' ']).collect();
    for shingle in padded.windows(SHINGLE_CHARS.min(padded.len())) {
        let mut bytes = [0; SHINGLE_CHARS * 4];
        let mut len = 0;
        for c in shingle {
            len += c.encode_utf8(&mut bytes[len..]).len();
        }
        take(xxh3_64(&bytes[..len]));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::knowledge::KnowledgeBase;

    fn exact(a: &str, b: &str) -> f64 {
        let shingles = |text: &str| {
            let text = normalise(text);
            let mut set = HashSet::new();
            for_each_shingle(&text, &mut |hash| _ = set.insert(hash));
            set.extend(text.split(' ').map(|word| xxh3_64_with_seed(word.as_bytes(), WORD_SEED)));
            set
        };
        let (a, b) = (shingles(a), shingles(b));
        a.intersection(&b).count() as f64 / a.union(&b).count() as f64
    }

    fn share_a_band(a: &Sketch, b: &Sketch) -> bool {
        a.bands().iter().zip(b.bands()).any(|(a, b)| *a == b)
    }

    #[test]
    fn the_estimate_is_near_the_exact_similarity() {
        let sketcher = Sketcher::new();
        let text = "hydraulic pump whines and the boom is slow when the oil is cold in the morning";
        let words: Vec<&str> = text.split(' ').collect();
        for keep in 3..=words.len() {
            let part = words[..keep].join(" ");
            let estimate = sketcher.sketch(text).similarity(&sketcher.sketch(&part));
            let exact = exact(text, &part);
            let deviation = (exact * (1.0 - exact) / MINIMA as f64).sqrt();
            assert!((estimate - exact).abs() <= 3.5 * deviation, "{keep}: {estimate} against {exact}");
        }
    }

    #[test]
    fn sketches_do_not_change_between_versions() {
        let sketch = Sketcher::new().sketch("Loses power under load");
        assert_eq!(sketch.0[0], EXPECTED.0);
        assert_eq!(sketch.bands()[BANDS - 1], EXPECTED.1);
        assert_eq!(super::super::fingerprint("Loses power under load"), EXPECTED.2);
    }

    /// Worked out from the definitions with python-xxhash 3.
    const EXPECTED: (u32, u64, u64) = (94_949_895, 12_749_530_757_594_951_680, 4_054_246_074_721_723_185);

    #[test]
    fn ascii_and_other_texts_are_cut_alike() {
        for text in ["ab", "a", "oil leak at pump"] {
            let count = |text: &str| {
                let mut count = 0;
                for_each_shingle(text, &mut |_| count += 1);
                count
            };
            assert_eq!(count(text), count(&text.replacen('a', "ä", 1)), "{text}");
            assert_eq!(
                count(text),
                (text.chars().count() + 3).saturating_sub(SHINGLE_CHARS).max(1),
                "{text}"
            );
        }
    }

    #[test]
    fn texts_without_a_letter_are_equal_and_unlike_any_other() {
        let sketcher = Sketcher::new();
        assert_eq!(sketcher.sketch("?!"), sketcher.sketch(""));
        assert!(sketcher.sketch("").similarity(&sketcher.sketch("no start")) < 0.01);
    }

    #[test]
    fn paraphrases_are_told_from_copies() {
        let sketcher = Sketcher::new();
        let (mut pairs, mut near, mut copies, mut found) = (0, 0, 0, 0);
        for sign in KnowledgeBase::builtin().cards().iter().step_by(5).flat_map(|card| &card.signs) {
            let wordings: Vec<&String> = sign.wordings().collect();
            for pair in wordings.windows(2) {
                let (a, b) = (sketcher.sketch(pair[0]), sketcher.sketch(pair[1]));
                pairs += 1;
                near += usize::from(a.similarity(&b) >= NEAR_DUPLICATE);
                if pair[0].split(' ').count() >= 6 {
                    let copy = sketcher.sketch(&format!("{} today", pair[0].to_uppercase()));
                    copies += 1;
                    found += usize::from(a.similarity(&copy) >= NEAR_DUPLICATE && share_a_band(&a, &copy));
                }
            }
        }
        assert!(pairs > 1_000 && copies > 500, "{pairs} pairs, {copies} copies");
        assert!(near * 200 < pairs, "{near} of {pairs} paraphrases taken for copies");
        assert!(found * 20 > copies * 19, "{found} of {copies} copies found");
    }

    #[test]
    fn near_copies_are_sampled_together() {
        let base = "engine starts but loses power under load on the north ramp at shift";
        let together = (0..400).filter(|number| {
            let text = format!(
                "{base} {}",
                ["alpha", "bravo", "carbon", "delta"][number % 4].repeat(1 + number / 40)
            );
            least_shingle(&text) == least_shingle(base)
        });
        assert!(together.count() > 200);
    }
}
