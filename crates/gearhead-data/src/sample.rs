//! Counting distinct things in memory that does not grow with their number.
//!
//! **Source**: P. Gibbons, "Distinct sampling for highly-accurate answers to distinct values queries", VLDB 2001.

use std::collections::{HashMap, hash_map::Entry};

/// What is known of each of many distinct things, of all of them while they are few, and else of an even sample of
/// them: those whose hash ends in enough zero bits. What is kept of a thing is complete, since its hash decides at its
/// first and at every later meeting.
///
/// The sample depends on the things alone, not on their order or on how often each came.
#[derive(Debug, Clone)]
pub struct Sample<V> {
    kept: HashMap<u64, V>,
    capacity: usize,
    zero_bits: u32,
}

impl<V> Sample<V> {
    /// A sample that keeps at most `capacity` things.
    ///
    /// # Panics
    ///
    /// When `capacity` is 0.
    pub fn new(capacity: usize) -> Self {
        assert!(capacity > 0, "a sample holds at least one thing");
        Self { kept: HashMap::new(), capacity, zero_bits: 0 }
    }

    /// What is kept of the thing with this hash, made by `new` at its first meeting; `None` where the thing is not in
    /// the sample. The hash must be even over all 64 bits.
    pub fn entry(&mut self, hash: u64, new: impl FnOnce() -> V) -> Option<&mut V> {
        let mixed = mix(hash);
        if mixed.trailing_zeros() < self.zero_bits {
            return None;
        }
        if self.kept.len() >= self.capacity && !self.kept.contains_key(&mixed) {
            while self.kept.len() >= self.capacity {
                self.zero_bits += 1;
                let needed = self.zero_bits;
                self.kept.retain(|hash, _| hash.trailing_zeros() >= needed);
                if mixed.trailing_zeros() < needed {
                    return None;
                }
            }
        }
        match self.kept.entry(mixed) {
            Entry::Occupied(entry) => Some(entry.into_mut()),
            Entry::Vacant(entry) => Some(entry.insert(new())),
        }
    }

    /// How many things each kept one stands for.
    pub fn weight(&self) -> u64 {
        1_u64.checked_shl(self.zero_bits).unwrap_or(u64::MAX)
    }

    /// Whether every thing is kept.
    pub fn is_complete(&self) -> bool {
        self.zero_bits == 0
    }

    /// How many distinct things there are: exact where the sample [is complete](Self::is_complete), else estimated with
    /// a relative error of about `1 / sqrt(capacity / 2)`.
    pub fn distinct(&self) -> u64 {
        (self.kept.len() as u64).saturating_mul(self.weight())
    }

    /// What is kept, in no particular order.
    pub fn values(&self) -> impl Iterator<Item = &V> {
        self.kept.values()
    }
}

/// Spreads a hash once more, so that a hash that is itself a choice by its last bits does not bias the sample.
///
/// **Source**: the finaliser of SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators",
/// 2014).
pub(crate) fn mix(hash: u64) -> u64 {
    let mut z = hash.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_things_are_counted_exactly() {
        let mut sample = Sample::new(100);
        for number in 0..300_u64 {
            *sample.entry(number % 100, || 0_u32).unwrap() += 1;
        }
        assert!(sample.is_complete());
        assert_eq!(sample.distinct(), 100);
        assert!(sample.values().all(|count| *count == 3));
    }

    #[test]
    fn many_things_are_counted_about_right_and_kept_ones_completely() {
        let mut sample = Sample::new(4_096);
        for number in 0..200_000_u64 {
            for _ in 0..2 {
                if let Some(count) = sample.entry(number, || 0_u32) {
                    *count += 1;
                }
            }
        }
        assert!(!sample.is_complete() && sample.values().count() <= 4_096);
        assert!(sample.values().all(|count| *count == 2));
        let error = sample.distinct() as f64 / 200_000.0 - 1.0;
        assert!(error.abs() < 0.06, "{error}");
    }

    #[test]
    fn the_order_does_not_matter() {
        let (mut up, mut down) = (Sample::new(50), Sample::new(50));
        for number in 0..10_000_u64 {
            up.entry(number, || number);
            down.entry(9_999 - number, || 9_999 - number);
        }
        let sorted = |sample: &Sample<u64>| {
            let mut values: Vec<u64> = sample.values().copied().collect();
            values.sort_unstable();
            values
        };
        assert_eq!(sorted(&up), sorted(&down));
    }

    #[test]
    fn the_mixer_has_its_published_values() {
        // The first outputs of SplitMix64 with the seeds 0 and 1234567.
        assert_eq!(mix(0), 0xe220_a839_7b1d_cdaf);
        assert_eq!(mix(1_234_567), 6_457_827_717_110_365_317);
    }
}
