//! Which split a wording belongs to.

/// A part of the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Split {
    /// To learn from.
    Train,
    /// To choose by.
    Validation,
    /// To measure on.
    Test,
}

impl Split {
    /// Every split.
    pub const ALL: [Self; 3] = [Self::Train, Self::Validation, Self::Test];

    /// The name, which is also that of its file.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Validation => "validation",
            Self::Test => "test",
        }
    }
}

/// The wordings of one sign that belong to `split`: about a seventh each for test and validation, but at least one,
/// chosen by a hash of the wording, so that the choice never changes with a seed or with the order of a card.
pub(super) fn of_split<'a>(wordings: impl IntoIterator<Item = &'a String>, split: Split) -> Vec<&'a str> {
    let ordered = by_hash(wordings.into_iter().map(String::as_str), |wording| (*wording).to_owned());
    let held_out = (ordered.len() / 7).max(1);
    match split {
        Split::Test => ordered[..held_out].to_vec(),
        Split::Validation => ordered[held_out..2 * held_out].to_vec(),
        Split::Train => ordered[2 * held_out..].to_vec(),
    }
}

/// The wordings that belong to the training split: those that a model, or an index of the cards, may have seen when it
/// is measured on generated cases.
pub fn learnable<'a>(wordings: impl IntoIterator<Item = &'a String>) -> Vec<&'a str> {
    of_split(wordings, Split::Train)
}

/// The items in the order of the hash of what they are called, so that the order never changes with a seed, nor with the
/// order in which they came.
pub(super) fn by_hash<T>(items: impl IntoIterator<Item = T>, name: impl Fn(&T) -> String) -> Vec<T> {
    let mut items: Vec<T> = items.into_iter().collect();
    items.sort_by_cached_key(|item| {
        let name = name(item);
        (fnv1a(name.as_bytes()), name)
    });
    items
}

/// FNV-1a, 64 bit: a hash whose values are fixed by its definition, unlike those of the standard library.
///
/// Source: <http://www.isthe.com/chongo/tech/comp/fnv/>
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_has_its_published_values() {
        assert_eq!(fnv1a(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a(b"a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(fnv1a(b"foobar"), 0x8594_4171_f739_67e8);
    }
}
