//! When two descriptions mean one machine.

use std::{collections::HashSet, sync::LazyLock};

use crate::knowledge::{KnowledgeBase, makers, with_one_name_per_maker};

/// The description with one spelling for each maker, without case, spaces, punctuation and, where a model number remains,
/// without the words for the kind of machine: `Caterpillar 320 GC Excavator` and `CAT 320GC` are both `cat320gc`.
pub(super) fn machine_key(equipment: &str) -> String {
    let lower = equipment.to_lowercase();
    let words: Vec<&str> =
        lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let named = with_one_name_per_maker(&words);
    let is_kind = |word: &&str| {
        let machines = KnowledgeBase::builtin().machines();
        machines
            .iter()
            .flat_map(|machine| &machine.words)
            .any(|kind| kind.split(' ').any(|part| part == *word))
    };
    // `Truck 7` and `Loader 7` are two machines; `CAT 320` and `CAT 320 excavator` are one.
    let model: String = named.iter().filter(|word| !is_kind(word)).copied().collect();
    let is_model = named.iter().any(|word| is_maker(word)) && model.contains(|c: char| c.is_ascii_digit());
    if is_model { model } else { named.concat() }
}

/// Whether a name of a known machine begins with the word.
fn is_maker(word: &str) -> bool {
    static MAKERS_OF_NAMES: LazyLock<HashSet<String>> = LazyLock::new(|| {
        let names = KnowledgeBase::builtin().machines().iter().flat_map(|machine| &machine.names);
        let first = names.filter_map(|name| name.split_whitespace().next()).map(str::to_lowercase);
        makers().map(str::to_owned).chain(first).collect()
    });
    MAKERS_OF_NAMES.contains(word)
}

/// A serial number without case, spaces and punctuation; `None` for what is none, such as `N/A` or `0000`.
pub(super) fn serial_key(serial: &str) -> Option<String> {
    let key: String = serial.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    let first = key.chars().next()?;
    let is_one_character = key.chars().all(|c| c == first);
    let has_digit = key.contains(|c: char| c.is_ascii_digit());
    (key.chars().count() >= 4 && has_digit && !is_one_character).then_some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_machine_has_one_key() {
        for (a, b) in [
            ("Caterpillar 320 GC Excavator", "CAT 320GC"),
            ("John Deere 210G LC Excavator", "Deere 210G-LC"),
            ("Volvo CE EC220E", "volvo  ec220e excavator"),
            ("Komatsu PC210LC-11", "KOMATSU PC210 LC 11 excavator"),
        ] {
            assert_eq!(machine_key(a), machine_key(b));
        }
        for (a, b) in [
            ("CAT 320", "CAT 336"),
            ("CAT 320", "CAT 320D"),
            ("Excavator", "Wheel loader"),
            ("Unit 4", "Unit 5"),
            ("Truck 7", "Loader 7"),
        ] {
            assert_ne!(machine_key(a), machine_key(b));
        }
        assert!(!machine_key("Excavator").is_empty());
    }

    #[test]
    fn serials_that_are_none_do_not_count() {
        assert_eq!(serial_key("JPD-00123"), serial_key("jpd 00123"));
        for none in ["", "N/A", "unknown", "0000", "0", "00000000", "12", "----"] {
            assert_eq!(serial_key(none), None, "{none}");
        }
        assert!(serial_key("CAT0320X").is_some());
    }
}
