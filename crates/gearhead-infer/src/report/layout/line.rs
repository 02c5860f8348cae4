//! One line of text from whatever source.

use std::{fmt, ops::Deref};

/// One line of text: it holds no line break and nothing that moves a cursor, changes colours or turns the direction of
/// writing, whatever stood in a complaint, on a card or in what the model wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::report) struct Line(String);

impl Line {
    pub(in crate::report) fn new(text: impl AsRef<str>) -> Self {
        let visible = text.as_ref().chars().filter(|letter| !turns_direction(*letter));
        let spaced: String = visible.map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
        Self(spaced.split_whitespace().collect::<Vec<_>>().join(" "))
    }
}

/// Whether a character shows nothing and changes the order in which others are shown.
///
/// **Source**: Unicode Standard Annex 9, section 2, directional formatting characters.
const fn turns_direction(letter: char) -> bool {
    matches!(letter, '\u{200E}' | '\u{200F}' | '\u{061C}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

impl Deref for Line {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<T: AsRef<str>> From<T> for Line {
    fn from(text: T) -> Self {
        Self::new(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn breaks_escapes_and_marks_of_direction_are_gone() {
        assert_eq!(&*Line::new(" a\r\n\tb \u{1b}[2Jc\u{202E}d\u{7} "), "a b [2Jcd");
        assert_eq!(&*Line::new("\n \u{0}"), "");
    }
}
