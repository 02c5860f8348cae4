//! What of a text tells whether it asks to defeat a safety device, as features that can be counted.

use xxhash_rust::xxh3::xxh3_64;

use super::words::{classes, is_negation};
use crate::likeness::{Document, Feature, counted};

/// The word that stands for any device, so that what is said of one is learned of all.
pub(super) const DEVICE: &str = "xdevice";

/// How often a run of letters counts, so that 1 + ln of it is a half: there are many of them, and whole words tell more.
const LETTERS: f32 = 0.6;
/// How many words a negation reaches.
const REACH: usize = 5;

/// The features of a text, and of the same text with [`DEVICE`] for each device that it names.
pub(super) fn document(said: &str, masked: &str) -> Document {
    let words: Vec<&str> = masked.split(' ').collect();
    let mut found = Found(Vec::with_capacity(words.len() * 40));
    found.words(&words);
    found.denied(&words);
    found.sentences(&words);
    found.shape(&words);
    found.classes(&words);
    let mut document = counted(found.0);
    document.extend(letters(said));
    document.sort_unstable_by_key(|(feature, _)| *feature);
    document
}

/// Features, each as often as it was found.
struct Found(Vec<Feature>);

impl Found {
    fn add(&mut self, kind: &str, words: &[&str]) {
        self.0.push(feature(kind, words));
    }

    /// The words, the neighbours, and those with one or two words between them.
    fn words(&mut self, words: &[&str]) {
        for (at, word) in words.iter().enumerate() {
            self.add("word", &[word]);
            for (kind, distance) in [("next", 1), ("near", 2), ("near", 3)] {
                if let Some(other) = words.get(at + distance) {
                    self.add(kind, &[word, other]);
                }
            }
        }
    }

    /// The words in the reach of a negation.
    fn denied(&mut self, words: &[&str]) {
        let mut reach = 0;
        for word in words {
            if matches!(*word, "." | "," | "?" | "but" | "so" | "because") {
                reach = 0;
            }
            if reach > 0 {
                self.add("denied", &[word]);
                reach -= 1;
            }
            if is_negation(word) {
                reach = REACH;
            }
        }
    }

    /// The words of questions, those of other sentences, and those of the last sentence, in which most people ask.
    fn sentences(&mut self, words: &[&str]) {
        let mut start = 0;
        let mut last = 0..0;
        for (at, word) in words.iter().enumerate() {
            let is_end = matches!(*word, "." | "?");
            if is_end || at + 1 == words.len() {
                let sentence = start..(if is_end { at } else { at + 1 });
                let kind = if *word == "?" { "question" } else { "statement" };
                words[sentence.clone()].iter().for_each(|word| self.add(kind, &[word]));
                if !sentence.is_empty() {
                    last = start..at + 1;
                }
                start = at + 1;
            }
        }
        words[last].iter().for_each(|word| self.add("last", &[word]));
    }

    /// How it begins and ends, how many questions it asks, how many devices it names, and how long it is.
    fn shape(&mut self, words: &[&str]) {
        for count in [2, 3, 4] {
            self.add("begins", &words[..count.min(words.len())]);
        }
        for count in [1, 2] {
            self.add("ends", &words[words.len().saturating_sub(count)..]);
        }
        let count = |it: &str| words.iter().filter(|word| **word == it).count().min(3);
        self.add("questions", &[&count("?").to_string()]);
        self.add("devices", &[&count(DEVICE).to_string()]);
        self.add("length", &[&words.len().ilog2().to_string()]);
    }

    /// The classes of the words, and those of two words with at most two between them, not counting words of no class.
    fn classes(&mut self, words: &[&str]) {
        let known = words.iter().filter_map(|word| {
            let is_itself = matches!(*word, "." | "?" | DEVICE);
            let classes = if is_itself { std::slice::from_ref(word) } else { classes(word) };
            (!classes.is_empty()).then_some(classes)
        });
        let known: Vec<&[&str]> = known.collect();
        for (at, these) in known.iter().enumerate() {
            for this in *these {
                self.add("class", &[this]);
                for (kind, distance) in [("class next", 1), ("class near", 2), ("class near", 3)] {
                    for other in known.get(at + distance).into_iter().copied().flatten() {
                        self.add(kind, &[this, other]);
                    }
                }
            }
        }
    }
}

/// The runs of three to five letters of each word with its ends marked, each once: they match where a word is mistyped or
/// inflected.
fn letters(said: &str) -> Document {
    let mut found = Vec::with_capacity(said.len() * 3);
    let (mut marked, mut starts) = (String::new(), Vec::new());
    for word in said.split(' ') {
        marked.clear();
        marked.extend(["<", word, ">"]);
        starts.clear();
        starts.extend(marked.char_indices().map(|(at, _)| at));
        starts.push(marked.len());
        for length in 3..=5 {
            for run in starts.windows(length + 1) {
                found.push(feature("letters", &[&marked[run[0]..run[length]]]));
            }
        }
    }
    found.sort_unstable();
    found.dedup();
    found.into_iter().map(|feature| (feature, LETTERS)).collect()
}

fn feature(kind: &str, words: &[&str]) -> Feature {
    let mut key = Vec::with_capacity(48);
    key.extend_from_slice(kind.as_bytes());
    for word in words {
        key.push(b' ');
        key.extend_from_slice(word.as_bytes());
    }
    xxh3_64(&key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn has(document: &Document, kind: &str, words: &[&str]) -> bool {
        document.iter().any(|(found, _)| *found == feature(kind, words))
    }

    #[test]
    fn words_pairs_sentences_and_classes_are_features() {
        let found = document(". dont fool it . how do i ?", ". dont fool it . how do i ?");
        assert!(has(&found, "near", &["dont", "it"]) && !has(&found, "near", &["fool", "do"]));
        assert!(has(&found, "denied", &["fool"]) && !has(&found, "denied", &["how"]));
        assert!(has(&found, "question", &["how"]) && has(&found, "statement", &["fool"]));
        assert!(has(&found, "last", &["how"]) && !has(&found, "last", &["fool"]));
        assert!(has(&found, "class", &["defeat"]) && has(&found, "class next", &["negation", "defeat"]));
        assert!(has(&found, "letters", &["<foo"]) && has(&found, "begins", &[".", "dont"]));
        assert!(!document(".", ".").is_empty());
    }
}
