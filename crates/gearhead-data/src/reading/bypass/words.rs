//! Classes of words that mean much the same where something is asked for.

use std::{
    collections::{BTreeMap, HashMap},
    sync::LazyLock,
};

/// The classes of a word, by their names in alphabetical order.
pub(super) fn classes(word: &str) -> &'static [&'static str] {
    if word.starts_with(|c: char| c.is_ascii_digit()) {
        return &["number"];
    }
    CLASSES.get(word).map_or(&[], Vec::as_slice)
}

/// Whether a word denies what follows it.
pub(super) fn is_negation(word: &str) -> bool {
    classes(word).contains(&"negation")
}

static CLASSES: LazyLock<HashMap<&str, Vec<&str>>> = LazyLock::new(|| {
    let file = include_str!("../../../knowledge/requests/words.toml");
    let lists: BTreeMap<String, String> =
        toml::from_str(file).expect("the classes are part of the program and tested");
    let mut classes: HashMap<&str, Vec<&str>> = HashMap::new();
    for (class, words) in Box::leak(Box::new(lists)) {
        for word in words.split_whitespace() {
            classes.entry(word).or_default().push(class);
        }
    }
    classes
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_stands_once_in_a_class_as_texts_are_matched() {
        for (word, classes) in CLASSES.iter() {
            assert!(classes.is_sorted_by(|a, b| a < b), "{word}: {classes:?}");
            assert_eq!(super::super::plain::plain(word), format!(". {word}"));
        }
        assert!(is_negation("dont") && !is_negation("bypass"));
        assert_eq!(classes("24v"), ["number"]);
        assert!(classes("zzz").is_empty());
    }
}
