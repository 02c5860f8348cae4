//! Kinds of machine and what each has.

use serde::{Deserialize, Serialize};

use super::Card;

/// A kind of machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Machine {
    /// What it is called, such as `wheel loader`.
    pub kind: String,
    /// Words that people use for it.
    pub words: Vec<String>,
    /// What it has: engine, hydraulics, tracks and so on.
    pub traits: Vec<String>,
    /// Models, as people write them.
    pub names: Vec<String>,
}

impl Machine {
    /// Whether a machine of this kind can have the card's fault.
    pub fn can_have(&self, card: &Card) -> bool {
        card.requires.iter().all(|needed| self.traits.contains(needed))
    }
}

/// Finds the kind that a description means. A model number such as `320` or `PC210LC-11` counts more than a word
/// such as `excavator`; among words the longest counts, so that a mini excavator is no excavator.
pub(super) fn recognise<'a>(machines: &'a [Machine], equipment: &str) -> Option<&'a Machine> {
    let described = tokens(equipment);
    let mut best = (0, None);
    for machine in machines {
        let is_model = |part: &String| part.len() >= 2 && part.contains(|c: char| c.is_ascii_digit());
        let models = machine.names.iter().map(|name| tokens(name));
        let shared = models
            .map(|model| model.iter().filter(|part| is_model(part) && described.contains(part)).count());
        let words = machine.words.iter().map(|word| tokens(word));
        let named = words.filter(|word| described.windows(word.len()).any(|window| window == word));
        let word_len = named.map(|word| word.iter().map(String::len).sum::<usize>()).max().unwrap_or(0);
        let score = 1_000 * shared.max().unwrap_or(0) + word_len;
        if score > best.0 {
            best = (score, Some(machine));
        }
    }
    best.1
}

/// Words in lower case, split where neither a letter nor a digit stands.
fn tokens(text: &str) -> Vec<String> {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect()
}
