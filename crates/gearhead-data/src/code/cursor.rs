//! Taking a spelling apart from the left.

use super::MAX_FMI;

/// The text without surrounding white space and with single spaces inside.
pub(super) fn collapse(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A run of decimal digits.
#[derive(Clone, Copy)]
pub(super) struct Number {
    pub(super) value: u32,
    pub(super) digits: usize,
}

impl Number {
    pub(super) fn fmi(self) -> Option<u8> {
        u8::try_from(self.value).ok().filter(|fmi| *fmi <= MAX_FMI)
    }

    pub(super) fn warning_level(self) -> Option<u8> {
        u8::try_from(self.value).ok().filter(|level| (1..=3).contains(level))
    }
}

/// Takes a spelling apart from the left. Every step skips white space first, and takes nothing where it does not match.
pub(super) struct Cursor<'a> {
    rest: &'a str,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { rest: text.trim_start() }
    }

    fn advance(&mut self, n_bytes: usize) {
        self.rest = self.rest[n_bytes..].trim_start();
    }

    /// What has not been taken.
    pub(super) fn rest(&self) -> &'a str {
        self.rest
    }

    pub(super) fn at_end(&self) -> bool {
        self.rest.is_empty()
    }

    pub(super) fn at(&self, c: char) -> bool {
        self.rest.starts_with(c)
    }

    /// Takes a word, in either case, that no further letter continues.
    pub(super) fn word(&mut self, word: &str) -> bool {
        let matches = self.rest.get(..word.len()).is_some_and(|head| head.eq_ignore_ascii_case(word))
            && !self.rest[word.len()..].starts_with(char::is_alphabetic);
        if matches {
            self.advance(word.len());
        }
        matches
    }

    /// Takes a word and a mark that may stand between it and its number (`SPN: 157`).
    pub(super) fn label(&mut self, word: &str) -> bool {
        let found = self.word(word);
        if found {
            self.mark(":=#.-");
        }
        found
    }

    /// Takes a run of letters; `None` where there is none.
    pub(super) fn letters(&mut self) -> Option<&'a str> {
        let end = self.rest.bytes().take_while(u8::is_ascii_alphabetic).count();
        let letters = &self.rest[..end];
        self.advance(end);
        (end > 0).then_some(letters)
    }

    /// Takes one of `marks`; every dash counts as a hyphen.
    pub(super) fn mark(&mut self, marks: &str) -> Option<char> {
        let next = self.rest.chars().next()?;
        let mark = match next {
            '\u{2010}'..='\u{2015}' | '\u{2212}' => '-',
            other => other,
        };
        if !marks.contains(mark) {
            return None;
        }
        self.advance(next.len_utf8());
        Some(mark)
    }

    /// Takes a run of digits; `None` also where it is too long for any field.
    pub(super) fn number(&mut self) -> Option<Number> {
        let digits = self.rest.bytes().take_while(u8::is_ascii_digit).count();
        let value = self.rest[..digits].parse().ok()?;
        self.advance(digits);
        Some(Number { value, digits })
    }
}
