//! Statistics of any number of keys in memory with a limit: distinct sampling.
//!
//! **Source**: P. Gibbons, "Distinct sampling for highly-accurate answers to distinct values queries and event
//! reports", 2001.

use std::{
    collections::HashMap,
    hash::{BuildHasherDefault, Hasher},
};

/// A map whose keys are hashes already.
pub type Keyed<V> = HashMap<u64, V, BuildHasherDefault<KeyHasher>>;

/// Takes keys for hashes.
#[derive(Debug, Clone, Default)]
pub struct KeyHasher(u64);

impl Hasher for KeyHasher {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, key: u64) {
        // A sample keeps keys that begin with zeros, and the map tells entries apart by the first bits.
        self.0 = key.rotate_left(32);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// What a sample keeps for a key.
pub(crate) trait Counted {
    /// The rows counted under the key.
    fn rows(&self) -> u64;
}

impl Counted for u64 {
    fn rows(&self) -> u64 {
        *self
    }
}

/// A key's share of all rows from which it is kept whatever its hash is. There are at most this many such keys, so
/// that a common key, such as "no code", is never left to chance.
const PINNED_SHARE: u64 = 256;

/// Keys with what is known of each. Up to `capacity` keys all of them are kept and everything is exact. Each time
/// there are more, the half of the keys whose hash is larger is forgotten, for good: a key that is kept has been
/// kept since its first row, so its counts are exact, and one kept key stands for [`one_in`](Self::one_in) keys. Keys
/// that hold more than 1/256 of the rows stay, and stand for themselves alone.
pub(crate) struct Sample<V> {
    entries: Keyed<Kept<V>>,
    capacity: usize,
    halvings: u32,
    rows: u64,
}

struct Kept<V> {
    /// Decides by its leading zeros whether the key is kept.
    place: u64,
    is_pinned: bool,
    value: V,
}

impl<V: Counted> Sample<V> {
    /// An empty sample of at most `capacity` keys.
    pub(crate) fn new(capacity: usize) -> Self {
        Self { entries: Keyed::default(), capacity, halvings: 0, rows: 0 }
    }

    /// What is known of `key`, made where it is new; `None` if the key is not one that is kept.
    pub(crate) fn at(&mut self, key: u64, make: impl FnOnce() -> V) -> Option<&mut V> {
        self.at_place(key, key, make)
    }

    /// As [`at`](Self::at), where another hash than the key's own decides whether it is kept: keys of one place are
    /// kept or forgotten together.
    pub(crate) fn at_place(&mut self, key: u64, place: u64, make: impl FnOnce() -> V) -> Option<&mut V> {
        self.rows += 1;
        if !self.keeps(place) {
            // Only a key that was common before can still be here.
            return self.entries.get_mut(&key).map(|kept| &mut kept.value);
        }
        if self.entries.len() >= self.capacity && !self.entries.contains_key(&key) {
            self.halve();
            if !self.keeps(place) {
                return None;
            }
        }
        let kept = self.entries.entry(key).or_insert_with(|| Kept { place, is_pinned: false, value: make() });
        Some(&mut kept.value)
    }

    fn keeps(&self, place: u64) -> bool {
        place.leading_zeros() >= self.halvings
    }

    fn halve(&mut self) {
        let common = self.rows / PINNED_SHARE;
        while self.entries.len() >= self.capacity && self.halvings < u64::BITS {
            self.halvings += 1;
            let halvings = self.halvings;
            self.entries.retain(|_, kept| {
                kept.is_pinned |= kept.value.rows() > common;
                kept.is_pinned || kept.place.leading_zeros() >= halvings
            });
        }
    }

    /// How many keys one kept key stands for; 1 where everything is exact.
    pub(crate) fn one_in(&self) -> u64 {
        1_u64.checked_shl(self.halvings).unwrap_or(u64::MAX)
    }

    /// Every kept key with how many keys it stands for, by the key.
    pub(crate) fn sorted(&self) -> Vec<(u64, f64, &V)> {
        let one_in = self.one_in() as f64;
        let mut all: Vec<_> = self
            .entries
            .iter()
            .map(|(key, kept)| (*key, if kept.is_pinned { 1.0 } else { one_in }, &kept.value))
            .collect();
        all.sort_unstable_by_key(|(key, ..)| *key);
        all
    }

    /// How many distinct keys there are, exact or estimated.
    pub(crate) fn distinct(&self) -> u64 {
        self.sum(|_| 1.0).round() as u64
    }

    /// Whether every key is kept.
    pub(crate) fn is_exact(&self) -> bool {
        self.halvings == 0
    }

    /// What is kept of each key, by the key.
    pub(crate) fn values(&self) -> impl Iterator<Item = &V> {
        self.sorted().into_iter().map(|(_, _, value)| value)
    }

    /// The sum over all keys of `of`, exact or estimated.
    pub(crate) fn sum(&self, of: impl Fn(&V) -> f64) -> f64 {
        self.sorted().into_iter().map(|(_, weight, value)| weight * of(value)).sum()
    }
}

#[cfg(test)]
mod tests {
    use xxhash_rust::xxh3::xxh3_64;

    use super::*;

    fn counted(keys: impl Iterator<Item = u64>, capacity: usize) -> Sample<u64> {
        let mut sample = Sample::new(capacity);
        for key in keys {
            if let Some(count) = sample.at(xxh3_64(&key.to_le_bytes()), || 0) {
                *count += 1;
            }
        }
        sample
    }

    #[test]
    fn a_small_sample_is_exact() {
        let sample = counted((0..900).map(|row| row % 300), 300);
        assert_eq!((sample.one_in(), sample.sum(|_| 1.0)), (1, 300.0));
        assert!(sample.sorted().iter().all(|(_, weight, count)| (*weight, **count) == (1.0, 3)));
    }

    #[test]
    fn a_large_sample_has_a_limit_and_is_near_the_truth() {
        let sample = counted((0..400_000).map(|row| row % 100_000), 4_096);
        assert!(sample.entries.len() <= 4_096);
        assert!(sample.one_in() >= 16);
        let distinct = sample.sum(|_| 1.0);
        assert!((distinct - 100_000.0).abs() < 8_000.0, "{distinct}");
        assert!(sample.sorted().iter().all(|(.., count)| **count == 4), "counts of kept keys are exact");
    }

    #[test]
    fn a_common_key_is_never_lost() {
        for common in 0..20 {
            let keys = (0..200_000).map(|row| if row % 3 == 0 { 1_000_000 + common } else { row });
            let sample = counted(keys, 1_024);
            let key = xxh3_64(&(1_000_000 + common).to_le_bytes());
            let found = sample.sorted().into_iter().find(|(found, ..)| *found == key);
            assert_eq!(found.map(|(_, weight, count)| (weight, *count)), Some((1.0, 66_667)));
            let rows = sample.sum(|count| *count as f64);
            assert!((rows - 200_000.0).abs() < 20_000.0, "{rows}");
        }
    }
}
