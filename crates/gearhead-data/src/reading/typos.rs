//! Slips of the keyboard, mended by the words that the knowledge uses.

use std::collections::HashMap;

use super::words::words;
use crate::knowledge::{KnowledgeBase, Sign};

/// Words shorter than this are left as they are: too many others are near them.
const MIN_LETTERS: usize = 5;
/// From this length on two slips are mended.
const LONG: usize = 9;

/// The words that are spelt right, and how often each occurs.
#[derive(Debug)]
pub(super) struct Spelling {
    counts: HashMap<String, u32>,
    /// The words by their number of letters.
    by_length: Vec<Vec<String>>,
}

impl Spelling {
    /// The words of the cards and of the machines.
    pub(super) fn new(knowledge: &KnowledgeBase) -> Self {
        let mut counts: HashMap<String, u32> = HashMap::new();
        let mut add = |text: &str| {
            for word in words(text) {
                *counts.entry(word.text).or_default() += 1;
            }
        };
        for card in knowledge.cards() {
            card.signs.iter().flat_map(Sign::wordings).for_each(|text| add(text));
            card.evidence.iter().flat_map(|evidence| &evidence.wording).for_each(|text| add(text));
            card.explanation.iter().chain(&card.likely).chain([&card.title]).for_each(|text| add(text));
        }
        for machine in knowledge.machines() {
            machine.names.iter().chain(&machine.words).for_each(|text| add(text));
        }
        let mut by_length: Vec<Vec<String>> = Vec::new();
        let mut right: Vec<&String> = counts.keys().collect();
        right.sort_unstable();
        for word in right {
            let letters = word.chars().count();
            if letters >= MIN_LETTERS - 1 && word.chars().all(char::is_alphabetic) {
                if by_length.len() <= letters {
                    by_length.resize(letters + 1, Vec::new());
                }
                by_length[letters].push(word.clone());
            }
        }
        Self { counts, by_length }
    }

    /// The word that was meant, where the knowledge does not know this one and knows one that is a slip away: a letter
    /// more, less, changed or swapped with its neighbour. Of several the most frequent.
    ///
    /// Source of the distance: Boytsov, *Indexing methods for approximate dictionary searching*, 2011, section 2.2
    /// (optimal string alignment).
    pub(super) fn mend(&self, word: &str) -> Option<String> {
        let letters = word.chars().count();
        if letters < MIN_LETTERS || !word.chars().all(char::is_alphabetic) || self.counts.contains_key(word) {
            return None;
        }
        let slips = if letters >= LONG { 2 } else { 1 };
        let first = word.chars().next();
        let lengths = letters.saturating_sub(slips)..=letters + slips;
        let near = lengths.filter_map(|length| self.by_length.get(length)).flatten();
        // People mistype the first letter least.
        let near = near.filter(|right| right.chars().next() == first);
        let measured = near.map(|right| (strsim::osa_distance(word, right), right));
        let mut close: Vec<_> = measured.filter(|(distance, _)| *distance <= slips).collect();
        close.sort_by_key(|(distance, right)| (*distance, std::cmp::Reverse(self.counts[*right])));
        close.first().map(|(_, right)| (*right).clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_mended_and_known_words_are_not_touched() {
        let spelling = Spelling::new(KnowledgeBase::builtin());
        for (word, right) in [
            ("hydarulic", Some("hydraulic")),
            ("transmision", Some("transmission")),
            ("overheatng", Some("overheating")),
            ("hydraulic", None),
            ("leak", None),
            ("dt4711", None),
            ("zzzzzzz", None),
        ] {
            assert_eq!(spelling.mend(word).as_deref(), right, "{word}");
        }
    }
}
