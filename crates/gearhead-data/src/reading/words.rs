//! The words of a text, written out, and which of them are said not to be so.

use super::shorthand::written_out;

/// A word of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Word {
    /// In lower case, with shorthand written out.
    pub(crate) text: String,
    /// Whether it stands in the reach of a negation.
    pub(crate) is_denied: bool,
    /// Whether a clause begins with it.
    pub(crate) begins_clause: bool,
}

/// How many words after a negation it still reaches.
const REACH: usize = 5;

/// The words of a text. An abbreviation with slashes, such as `p/brake`, and a word with an apostrophe are one word.
pub(crate) fn words(text: &str) -> Vec<Word> {
    let lower = text.to_lowercase().replace(['’', '‘', '`'], "'");
    let mut words = Vec::new();
    let mut begins_clause = true;
    let mut rest = lower.as_str();
    while !rest.is_empty() {
        let is_part = |c: char| c.is_alphanumeric() || c == '/' || c == '\'';
        let end = rest.find(|c: char| !is_part(c)).unwrap_or(rest.len());
        if end == 0 {
            let c = rest.chars().next().unwrap_or(' ');
            let after = &rest[c.len_utf8()..];
            // A point or comma inside a number, and a hyphen inside a word, end no clause.
            let ends = match c {
                '.' | ',' => !after.starts_with(|c: char| c.is_ascii_digit()),
                ';' | ':' | '!' | '?' | '\n' | '(' | ')' | '–' | '—' => true,
                '-' => !after.starts_with(char::is_alphanumeric),
                _ => false,
            };
            begins_clause |= ends;
            rest = after;
            continue;
        }
        let word = rest[..end].trim_matches(['/', '\'']);
        rest = &rest[end..];
        if word.is_empty() {
            continue;
        }
        push(word, &mut begins_clause, &mut words);
    }
    mark_denied(&mut words);
    words
}

fn push(word: &str, begins_clause: &mut bool, words: &mut Vec<Word>) {
    let mut take = |text: &str| {
        let text = text.trim_end_matches("'s").to_owned();
        words.push(Word { text, is_denied: false, begins_clause: std::mem::take(begins_clause) });
    };
    if let Some(long) = written_out(word) {
        long.split(' ').for_each(take);
    } else if word.contains('/') && !word.contains(|c: char| c.is_ascii_digit()) {
        // Two words with a slash between them, not shorthand that is known: both stand for themselves.
        for part in word.split('/').filter(|part| !part.is_empty()) {
            take(written_out(part).unwrap_or(part));
        }
    } else {
        take(word);
    }
}

/// Marks what stands after `no`, `not` and the like, up to the end of the clause or a word that turns it.
fn mark_denied(words: &mut [Word]) {
    let mut reach = 0;
    for word in words {
        if word.begins_clause {
            reach = 0;
        }
        match word.text.as_str() {
            "no" | "not" | "without" | "never" | "nil" | "nothing" | "neither" | "nor" | "none" | "zero" => {
                reach = REACH;
            }
            "but" | "then" | "only" | "except" | "just" | "until" | "unless" | "when" | "while" | "after"
            | "and" | "yet" | "still" | "though" => reach = 0,
            _ if reach > 0 => {
                word.is_denied = true;
                reach -= 1;
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        let words = words(text).into_iter().map(|word| {
            let clause = if word.begins_clause { "|" } else { "" };
            let denied = if word.is_denied { "~" } else { "" };
            format!("{clause}{denied}{}", word.text)
        });
        words.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn shorthand_is_written_out_and_negations_reach_to_the_end_of_their_clause() {
        for (text, expected) in [
            ("L/H BKT CYL LEAKING.", "|left bucket cylinder leaking"),
            ("Won't crank, lights ok", "|will not ~crank |lights ok"),
            ("no black smoke but low pwr", "|no ~black ~smoke but low power"),
            ("a/c n/w; 24.5 V at pin 3/4", "|air conditioning not ~working |24 5 v at pin 3/4"),
            ("boom/stick slow - hot", "|boom stick slow |hot"),
            ("isn’t charging", "|is not ~charging"),
            ("", ""),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_has_words(text in "\\PC{0,60}") {
            for word in words(&text) {
                proptest::prop_assert!(!word.text.contains(char::is_whitespace));
            }
        }
    }
}
