//! Kinds of machine and what each has.

use serde::{Deserialize, Serialize};

use super::{Card, Series, with_one_name_per_maker};

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
    /// Series of models, by which a model that is no name is recognised.
    #[serde(default)]
    pub series: Vec<Series>,
}

impl Machine {
    /// Whether a machine of this kind can have the card's fault.
    pub fn can_have(&self, card: &Card) -> bool {
        card.requires.iter().all(|needed| self.traits.contains(needed))
    }

    /// The longest word for it that stands in the description.
    fn word_in(&self, described: &[String]) -> Option<Vec<String>> {
        let words = self.words.iter().map(|word| tokens(word));
        words.filter(|word| contains(described, word)).max_by_key(|word| letters(word))
    }

    /// Whether the word can mean this kind of machine, though it can mean others too: `truck` a haul truck, and the name of
    /// a maker whatever that maker builds.
    fn may_be_called(&self, word: &[String]) -> bool {
        let own = self.words.iter().chain([&self.kind]);
        let makers = self.series.iter().filter_map(|series| series.maker.as_ref());
        own.chain(makers).any(|text| contains(&tokens(text), word))
    }
}

/// Finds the kind that a description means. A model such as `PC210LC-11`, or `320` where its maker stands beside it,
/// counts more than a word such as `excavator`; among words the longest counts, so that a mini excavator is no excavator.
/// The series of a model counts where no name is known, and where the word does not speak against it.
pub(super) fn recognise<'a>(machines: &'a [Machine], equipment: &str) -> Option<&'a Machine> {
    let described = tokens(equipment);
    let mut best = (0, None);
    let mut named = None;
    for machine in machines {
        let shared = machine.names.iter().map(|name| model_parts_shared(&tokens(name), &described)).max();
        let word = machine.word_in(&described);
        let score = 1_000 * shared.unwrap_or(0) + word.as_deref().map_or(0, letters);
        if score > best.0 {
            best = (score, Some(machine));
            named = word;
        }
    }
    if best.0 >= 1_000 {
        return best.1;
    }
    let of_series = by_series(machines, &described)
        .filter(|machine| named.as_ref().is_none_or(|word| machine.may_be_called(word)));
    of_series.or(best.1)
}

/// The one kind that has a series in which a model of the description is.
fn by_series<'a>(machines: &'a [Machine], described: &[String]) -> Option<&'a Machine> {
    let mut found = kinds_by_series(machines, described);
    let first = found.next()?;
    found.next().is_none().then_some(first)
}

/// Every kind that has a series in which a model of the description is.
pub(super) fn kinds_by_series<'a>(
    machines: &'a [Machine],
    described: &[String],
) -> impl Iterator<Item = &'a Machine> {
    machines.iter().filter(|machine| machine.series.iter().any(|series| series.is_named_in(described)))
}

/// How many parts with a digit the name and the description share; none where the first is missing, or where that is a
/// number alone and the maker, with whom a name begins, is missing.
fn model_parts_shared(name: &[String], described: &[String]) -> usize {
    let is_model = |part: &&String| part.len() >= 2 && part.contains(|c: char| c.is_ascii_digit());
    let mut parts = name.iter().filter(is_model);
    let (Some(first), Some(maker)) = (parts.next(), name.first()) else { return 0 };
    let needs_maker = first.chars().all(|c| c.is_ascii_digit());
    if !described.contains(first) || (needs_maker && !described.contains(maker)) {
        return 0;
    }
    1 + parts.filter(|part| described.contains(part)).count()
}

fn contains(described: &[String], word: &[String]) -> bool {
    !word.is_empty() && described.windows(word.len()).any(|window| window == word)
}

fn letters(word: &[String]) -> usize {
    word.iter().map(String::len).sum()
}

/// Words in lower case, split where neither a letter nor a digit stands, with one name for each maker.
pub(super) fn tokens(text: &str) -> Vec<String> {
    let lower = text.to_lowercase();
    let words: Vec<&str> =
        lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    with_one_name_per_maker(&words).into_iter().map(str::to_owned).collect()
}
