//! What several checks need to know of a text, counted in one pass that the compiler turns into vector code.

use crate::case::Case;

/// The fields that hold text, in the order of [`texts`].
pub(super) const FIELDS: [&str; 5] =
    ["equipment", "symptom", "diagnostic_steps", "probable_cause", "solution"];

/// The texts of a case, each with the place of its field in [`FIELDS`].
pub(super) fn texts(case: &Case) -> impl Iterator<Item = (usize, &str)> {
    let steps = case.diagnostic_steps.iter().map(|step| (2, step.as_str()));
    [(0, case.equipment.as_str()), (1, case.symptom.as_str())]
        .into_iter()
        .chain(steps)
        .chain(case.probable_cause.as_deref().map(|text| (3, text)))
        .chain(case.solution.as_deref().map(|text| (4, text)))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct TextFacts {
    pub(super) characters: usize,
    pub(super) words: usize,
    /// ASCII digits.
    pub(super) digits: usize,
    pub(super) at_signs: usize,
    /// Spaces before an ASCII capital.
    pub(super) capitals_after_space: usize,
}

impl TextFacts {
    #[expect(clippy::needless_bitwise_bool, reason = "without branches the loop becomes vector code")]
    pub(super) fn of(text: &str) -> Self {
        // A counter of one byte holds a run of this length, and sixteen such counters fit a vector.
        const RUN: usize = 255;
        let bytes = text.as_bytes();
        let Some(&first) = bytes.first() else { return Self::default() };
        let mut facts = Self {
            characters: bytes.len(),
            words: usize::from(first > b' '),
            digits: usize::from(first.is_ascii_digit()),
            at_signs: usize::from(first == b'@'),
            capitals_after_space: 0,
        };
        for (before, bytes) in bytes.chunks(RUN).zip(bytes[1..].chunks(RUN)) {
            let (mut begins, mut digits, mut at_signs, mut capitals) = (0_u8, 0_u8, 0_u8, 0_u8);
            for (&before, &byte) in before.iter().zip(bytes) {
                begins += u8::from((before <= b' ') & (byte > b' '));
                digits += u8::from(byte.wrapping_sub(b'0') < 10);
                at_signs += u8::from(byte == b'@');
                capitals += u8::from((before == b' ') & (byte.wrapping_sub(b'A') < 26));
            }
            facts.words += usize::from(begins);
            facts.digits += usize::from(digits);
            facts.at_signs += usize::from(at_signs);
            facts.capitals_after_space += usize::from(capitals);
        }
        if !text.is_ascii() {
            facts.characters = text.chars().count();
            facts.words = text.split_whitespace().count();
        }
        facts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn counting_in_one_pass_gives_what_plain_counting_gives(text in "([a-cA @0-9\t\n]|[ä \u{a0}]){0,600}|[a-cA @0-9\t\n]{0,600}") {
            let plain = TextFacts {
                characters: text.chars().count(),
                words: text.split_whitespace().count(),
                digits: text.matches(|c: char| c.is_ascii_digit()).count(),
                at_signs: text.matches('@').count(),
                capitals_after_space: text.as_bytes().windows(2).filter(|pair| pair[0] == b' ' && pair[1].is_ascii_uppercase()).count(),
            };
            proptest::prop_assert_eq!(TextFacts::of(&text), plain);
        }
    }
}
