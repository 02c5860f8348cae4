//! One token from logits.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// How the next token is chosen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Sampling {
    /// 0 takes the most probable token; above, logits are divided by it.
    pub temperature: f32,
    /// Only the `top_k` most probable tokens; 0 for all.
    pub top_k: usize,
    /// Only the most probable tokens whose probabilities together reach `top_p`; 1 for all.
    pub top_p: f32,
    /// Only tokens of at least `min_p` times the probability of the most probable; 0 for all.
    pub min_p: f32,
    /// The same seed gives the same text.
    pub seed: u64,
}

impl Default for Sampling {
    fn default() -> Self {
        Self::greedy()
    }
}

impl Sampling {
    /// The most probable token, always.
    pub fn greedy() -> Self {
        Self { temperature: 0.0, top_k: 0, top_p: 1.0, min_p: 0.0, seed: 0 }
    }

    /// Checks the ranges.
    ///
    /// # Errors
    ///
    /// [`Error::Option`] names the option.
    pub fn validate(&self) -> Result<()> {
        let fault =
            |option, value: f32, expected| Err(Error::Option { option, value: value.into(), expected });
        if !(0.0..=100.0).contains(&self.temperature) {
            return fault("temperature", self.temperature, "from 0 to 100");
        }
        if !(self.top_p > 0.0 && self.top_p <= 1.0) {
            return fault("top_p", self.top_p, "above 0 and at most 1");
        }
        if !(0.0..=1.0).contains(&self.min_p) {
            return fault("min_p", self.min_p, "from 0 to 1");
        }
        Ok(())
    }
}

/// Chooses tokens; holds the random numbers of one sequence.
#[derive(Debug, Clone)]
pub struct Sampler {
    sampling: Sampling,
    rng: ChaCha8Rng,
}

impl Sampler {
    /// A sampler with its seed's first random number next.
    ///
    /// # Errors
    ///
    /// An option is out of its range.
    pub fn new(sampling: &Sampling) -> Result<Self> {
        sampling.validate()?;
        Ok(Self { rng: ChaCha8Rng::seed_from_u64(sampling.seed), sampling: sampling.clone() })
    }

    /// The next token. Of equal logits the lowest id comes first.
    pub fn next(&mut self, logits: &[f32]) -> u32 {
        if self.sampling.temperature == 0.0 {
            return argmax(logits);
        }
        let kept = self.kept(logits);
        let total: f32 = kept.iter().map(|(_, weight)| weight).sum();
        let mut left = self.rng.random::<f32>() * total;
        for (id, weight) in &kept {
            left -= weight;
            if left < 0.0 {
                return *id;
            }
        }
        kept.last().map_or_else(|| argmax(logits), |(id, _)| *id)
    }

    /// Tokens that may be drawn with their weights, relative to that of the most probable.
    fn kept(&self, logits: &[f32]) -> Vec<(u32, f32)> {
        let Sampling { temperature, top_k, top_p, min_p, .. } = self.sampling;
        let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let weight = |logit: f32| ((logit - largest) / temperature).exp();
        let mut kept: Vec<(u32, f32)> = (0..)
            .zip(logits.iter().map(|logit| weight(*logit)))
            // What a grammar took away must not be drawn where rounding leaves nothing else.
            .filter(|(_, weight)| *weight >= min_p && *weight > 0.0)
            .collect();
        if top_k > 0 && top_k < kept.len() {
            // Selecting is linear in the vocabulary; only what is kept is sorted.
            kept.select_nth_unstable_by(top_k - 1, descending);
            kept.truncate(top_k);
        }
        if top_p < 1.0 {
            keep_most_probable(&mut kept, top_p);
        }
        kept
    }
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "sorting compares by reference")]
fn descending(a: &(u32, f32), b: &(u32, f32)) -> std::cmp::Ordering {
    b.1.total_cmp(&a.1).then(a.0.cmp(&b.0))
}

/// Keeps the most probable tokens whose weights together are at least a share of all, in their order. Only as many are
/// sorted as may be needed, which are few of a vocabulary.
fn keep_most_probable(kept: &mut Vec<(u32, f32)>, share: f32) {
    let wanted = share * kept.iter().map(|(_, weight)| weight).sum::<f32>();
    let (mut sorted, mut reached) = (0, 0.0);
    while sorted < kept.len() {
        let next = (4 * sorted).max(32).min(kept.len());
        if next < kept.len() {
            kept[sorted..].select_nth_unstable_by(next - sorted - 1, descending);
        }
        kept[sorted..next].sort_unstable_by(descending);
        for place in sorted..next {
            reached += kept[place].1;
            if reached >= wanted {
                kept.truncate(place + 1);
                return;
            }
        }
        sorted = next;
    }
}

/// The position of the largest value, the first of equal ones.
#[allow(clippy::float_cmp, reason = "the largest is one of them")]
pub fn argmax(values: &[f32]) -> u32 {
    /// Values that are compared side by side, by vector instructions.
    const LANES: usize = 16;
    let (chunks, rest) = values.as_chunks::<LANES>();
    let mut largest = [f32::NEG_INFINITY; LANES];
    for chunk in chunks {
        for (largest, value) in largest.iter_mut().zip(chunk) {
            *largest = if value > largest { *value } else { *largest };
        }
    }
    let best = largest
        .iter()
        .chain(rest)
        .fold(f32::NEG_INFINITY, |best, value| if *value > best { *value } else { best });
    values.iter().position(|value| *value == best).unwrap_or(0) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOGITS: [f32; 5] = [1.0, 3.0, 2.0, 3.0, -5.0];

    fn drawn(sampling: &Sampling) -> Vec<u32> {
        let mut sampler = Sampler::new(sampling).unwrap();
        let mut ids: Vec<u32> = (0..2_000).map(|_| sampler.next(&LOGITS)).collect();
        ids.sort_unstable();
        ids
    }

    fn with(change: impl FnOnce(&mut Sampling)) -> Sampling {
        let mut sampling = Sampling { temperature: 1.0, ..Sampling::greedy() };
        change(&mut sampling);
        sampling
    }

    #[test]
    fn greedy_takes_the_first_of_the_best() {
        assert!(drawn(&Sampling::greedy()).iter().all(|id| *id == 1));
    }

    #[test]
    fn frequencies_follow_the_probabilities() {
        let weights: Vec<f64> = LOGITS.iter().map(|logit| f64::from(*logit).exp()).collect();
        let total: f64 = weights.iter().sum();
        let ids = drawn(&with(|_| {}));
        for (id, weight) in weights.iter().enumerate() {
            let share = ids.iter().filter(|drawn| **drawn == id as u32).count() as f64 / ids.len() as f64;
            assert!((share - weight / total).abs() < 0.04, "{id}: {share} against {}", weight / total);
        }
    }

    #[test]
    fn each_limit_keeps_what_it_says() {
        let distinct = |sampling: Sampling| {
            let mut ids = drawn(&sampling);
            ids.dedup();
            ids
        };
        assert_eq!(distinct(with(|s| s.top_k = 3)), [1, 2, 3]);
        assert_eq!(distinct(with(|s| s.top_k = 1)), [1]);
        assert_eq!(distinct(with(|s| s.top_p = 0.5)), [1, 3]);
        assert_eq!(distinct(with(|s| s.top_p = 0.01)), [1]);
        assert_eq!(distinct(with(|s| s.min_p = 0.3)), [1, 2, 3]);
    }

    #[test]
    fn the_most_probable_of_a_vocabulary_are_those_of_sorting_it_all() {
        let weights: Vec<(u32, f32)> =
            (0..5_000_u32).map(|id| (id, ((id * 7919 % 4999) as f32 / 500.0).exp())).collect();
        for share in [0.001, 0.05, 0.4, 0.9, 0.999, 1.0] {
            let mut all = weights.clone();
            all.sort_unstable_by(descending);
            let wanted = share * weights.iter().map(|(_, weight)| weight).sum::<f32>();
            let mut reached = 0.0;
            all.retain(|(_, weight)| {
                let is_kept = reached < wanted;
                reached += weight;
                is_kept
            });
            let mut kept = weights.clone();
            keep_most_probable(&mut kept, share);
            assert_eq!(kept, all, "{share}");
        }
    }

    #[test]
    fn the_largest_is_found_wherever_it_stands() {
        for len in [1, 15, 16, 17, 50] {
            for place in 0..len {
                let mut values = vec![-3.0; len];
                values[place] = 0.5;
                assert_eq!(argmax(&values), place as u32);
                values[len - 1] = 0.5;
                assert_eq!(argmax(&values), place as u32, "the first of equal ones");
            }
        }
        assert_eq!(argmax(&[f32::NEG_INFINITY; 20]), 0);
    }

    #[test]
    fn the_seed_decides() {
        let first = |seed| {
            Sampler::new(&with(|s| s.seed = seed)).map(|mut s| [0; 20].map(|_| s.next(&LOGITS))).unwrap()
        };
        assert_eq!(first(3), first(3));
        assert_ne!(first(3), first(4));
    }

    #[test]
    fn values_out_of_range_are_named() {
        let error = Sampler::new(&with(|s| s.top_p = 0.0)).unwrap_err();
        assert_eq!(error.to_string(), "top_p is 0, but must be above 0 and at most 1");
        assert!(Sampler::new(&with(|s| s.temperature = f32::NAN)).is_err());
        assert!(Sampler::new(&with(|s| s.min_p = 2.0)).is_err());
    }
}
