//! Which texts are copies of each other, and which are nearly: fingerprints and MinHash sketches.
//!
//! A work order is copied by hand: a digit, a word or the case changes. [`normalise`] takes away what such copies
//! differ in, [`fingerprint`] tells equal texts by one number, and a [`Sketch`] estimates how much two texts share
//! without looking at either again. Everything is the same on every machine and in every run.
//!
//! ```
//! use gearhead_data::duplicates::{NEAR_DUPLICATE, Sketcher, fingerprint};
//!
//! assert_eq!(fingerprint("Loses power, 320 hrs"), fingerprint("loses POWER 45 hrs"));
//! let sketcher = Sketcher::new();
//! let original = sketcher.sketch("Engine starts but loses power under load");
//! let copy = sketcher.sketch("Engine starts but loses power under heavy load");
//! let paraphrase = sketcher.sketch("Machine has no pull when it is worked hard");
//! assert!(original.similarity(&copy) >= NEAR_DUPLICATE);
//! assert!(original.similarity(&paraphrase) < NEAR_DUPLICATE);
//! ```

mod normalise;
mod sketch;

use xxhash_rust::xxh3::xxh3_64;

pub use normalise::{normalise, normalise_into};
pub(crate) use sketch::least_shingle;
pub use sketch::{BANDS, NEAR_DUPLICATE, Sketch, Sketcher};
pub(crate) use sketch::{MINIMA, ROWS};

/// A number that two texts share exactly when they are equal after [`normalise`] (but for one chance in 2^64).
pub fn fingerprint(text: &str) -> u64 {
    xxh3_64(normalise(text).as_bytes())
}
