//! How alike short texts are: the features that a text has, an index of phrases by them, and a model that tells classes
//! of texts apart by them.
//!
//! In reading order: [`features`] says what of a text counts; [`Phrases`] finds the phrases that are like a text;
//! [`counted`] makes a [`Document`] of features; [`Linear`] learns the classes of documents.

mod document;
mod linear;
mod phrases;

use xxhash_rust::xxh3::xxh3_64;

use crate::reading::words::{Word, words};

pub use crate::sample::{KeyHasher, Keyed};
pub use document::{Document, counted, document_counts};
pub use linear::{Few, Linear};
pub use phrases::{Phrases, Similar};

/// The hash of one feature.
pub type Feature = u64;

/// The features of a text, each as often as it stands there: its words, its pairs of neighbouring words, and the runs of
/// three to five letters of each word with its ends marked, which still match where a word is mistyped, inflected or cut
/// short. Shorthand is written out first. What a text says is not so has features of its own, so that `no smoke` is not
/// like `smoke`.
pub fn features(text: &str) -> Vec<Feature> {
    let mut found = Vec::with_capacity(text.len() * 3);
    of_words(&words(text), &mut found);
    found
}

fn of_words(words: &[Word], found: &mut Vec<Feature>) {
    let (mut buffer, mut marked, mut starts) = (Vec::with_capacity(64), String::new(), Vec::new());
    let mut hash = |kind: u8, pieces: &[&[u8]]| {
        buffer.clear();
        buffer.push(kind);
        for piece in pieces {
            buffer.extend_from_slice(piece);
            buffer.push(b' ');
        }
        xxh3_64(&buffer)
    };
    let mut previous: Option<&str> = None;
    for word in words {
        // Capital letters are the kinds of what is denied.
        let kind = |kind: u8| if word.is_denied { kind.to_ascii_uppercase() } else { kind };
        found.push(hash(kind(b'w'), &[word.text.as_bytes()]));
        if let Some(previous) = previous {
            found.push(hash(b'b', &[previous.as_bytes(), word.text.as_bytes()]));
        }
        previous = Some(&word.text);
        marked.clear();
        marked.extend(["<", &word.text, ">"]);
        starts.clear();
        starts.extend(marked.char_indices().map(|(at, _)| at));
        starts.push(marked.len());
        for length in 3..=5 {
            for run in starts.windows(length + 1) {
                found.push(hash(kind(b'c'), &[&marked.as_bytes()[run[0]..run[length]]]));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shared(a: &str, b: &str) -> usize {
        let b = features(b);
        features(a).iter().filter(|feature| b.contains(feature)).count()
    }

    #[test]
    fn shorthand_and_slips_share_features_and_denial_does_not() {
        assert_eq!(features("hyd pump"), features("Hydraulic PUMP"));
        assert!(shared("overheating", "overheatng") > 10);
        assert_eq!(shared("no smoke", "smoke"), 0);
    }
}
