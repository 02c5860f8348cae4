//! A text as it is matched: lower case, words and the ends of sentences.

/// How many characters of a text are read.
const LONGEST: usize = 20_000;

/// The text in lower case without apostrophes, one space between words; a comma, full stop or question mark
/// is a word, and a full stop the first.
pub(super) fn plain(text: &str) -> String {
    let chars: Vec<char> = text.chars().take(LONGEST).flat_map(char::to_lowercase).collect();
    let mut plain = String::from(". ");
    for (at, &c) in chars.iter().enumerate() {
        let before = at.checked_sub(1).map_or(' ', |before| chars[before]);
        let after = chars.get(at + 1).copied().unwrap_or(' ');
        match c {
            '\'' | '’' | '‘' | '`' => {}
            '.' | ',' if before.is_ascii_digit() && after.is_ascii_digit() => plain.push('_'),
            '.' | '!' | ';' | ':' | '\n' => plain.push_str(" . "),
            '?' => plain.push_str(" ? "),
            ',' | '(' | ')' | '–' | '—' => plain.push_str(" , "),
            '-' if before == ' ' && after == ' ' => plain.push_str(" , "),
            c if c.is_alphanumeric() => plain.push(c),
            _ => plain.push(' '),
        }
    }
    let mut plain = plain.split_whitespace().collect::<Vec<_>>().join(" ");
    for (apart, together) in [(" w o ", " without "), (" by pass", " bypass"), (" over rid", " overrid")] {
        plain = plain.replace(apart, together);
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_end_and_apostrophes_go() {
        assert_eq!(plain("Don't w/o it, 2.5 bar - OK?\n"), ". dont without it , 2_5 bar , ok ? .");
        assert_eq!(plain("By-pass, over-ridden"), ". bypass , overridden");
        assert_eq!(plain(""), ".");
        assert_eq!(plain(&"a ".repeat(LONGEST)).len(), LONGEST + 1);
    }
}
