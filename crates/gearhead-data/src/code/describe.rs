//! What people write behind a code.

use super::{
    Code,
    parse::{label, read},
};

/// No code is longer than this many bytes, so that a long text is not searched for the end of one.
const MAX_CODE_BYTES: usize = 64;

/// Labels that are no words of any other sense.
const NO_WORDS: [&str; 6] = ["SPN", "FMI", "CID", "EID", "PPID", "PSID"];

/// The code with which a text begins, where the rest of the text only describes it.
pub(super) fn before_description(text: &str) -> Option<(Code, Option<u8>)> {
    let marks = text.char_indices().take_while(|(at, _)| *at <= MAX_CODE_BYTES);
    let marks: Vec<(usize, char)> = marks.filter(|(_, c)| is_mark(*c)).collect();
    // The longest code counts, so from the right.
    marks.into_iter().rev().find_map(|(at, mark)| {
        let code = text[..at].trim_end();
        let found = read(code)?;
        let description = text[at + mark.len_utf8()..].trim();
        let describes = match mark {
            '(' => enclosed(description, ')').is_some_and(is_description),
            '[' => enclosed(description, ']').is_some_and(is_description),
            ' ' => code.starts_with(char::is_alphabetic) && is_plain_description(description),
            _ => is_description(description),
        };
        describes.then_some(found)
    })
}

/// The code before a bracket and the text in it.
pub(super) fn split_brackets(text: &str) -> Option<(&str, &str)> {
    let at = text.find(['(', '['])?;
    let close = if text[at..].starts_with('(') { ')' } else { ']' };
    Some((text[..at].trim_end(), enclosed(&text[at + 1..], close)?))
}

/// Whether every bracket of the text is closed, and none before it is opened.
pub(super) fn is_balanced(text: &str) -> bool {
    let mut depth = 0_i64;
    text.chars().all(|c| {
        depth += bracket(c);
        depth >= 0
    }) && depth == 0
}

/// 1 for a bracket that opens, -1 for one that closes.
pub(super) fn bracket(c: char) -> i64 {
    match c {
        '(' | '[' => 1,
        ')' | ']' => -1,
        _ => 0,
    }
}

fn is_mark(c: char) -> bool {
    matches!(c, '(' | '[' | ' ' | ':' | '-' | '\u{2010}'..='\u{2015}' | '\u{2212}')
}

/// The text up to the bracket that closes it at the very end, without brackets of its own.
fn enclosed(text: &str, close: char) -> Option<&str> {
    text.strip_suffix(close).filter(|text| text.chars().all(|c| bracket(c) == 0))
}

/// Whether a text says something in words, and names no further code or field.
fn is_description(text: &str) -> bool {
    let words: Vec<&str> =
        text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let says_something = words.iter().any(|word| word.chars().filter(|c| c.is_alphabetic()).count() >= 3);
    let names_a_field = words.iter().enumerate().any(|(index, word)| {
        let next_is_number =
            words.get(index + 1).is_some_and(|next| next.starts_with(|c: char| c.is_ascii_digit()));
        label(word)
            .is_some_and(|label| NO_WORDS.contains(&label) || word.len() > label.len() || next_is_number)
    });
    let names_a_code = words.iter().any(|word| read(word).is_some() || is_makers_code(word));
    says_something && !names_a_field && !names_a_code && is_balanced(text)
}

/// Whether a text that no mark sets off from the code is a description: several words, without a digit.
fn is_plain_description(text: &str) -> bool {
    let has_digit = text.contains(|c: char| c.is_ascii_digit());
    !has_digit && text.split_whitespace().nth(1).is_some() && is_description(text)
}

/// One or two capitals and two digits or more, such as `CA559`.
fn is_makers_code(word: &str) -> bool {
    let digits = word.trim_start_matches(|c: char| c.is_ascii_uppercase());
    let capitals = word.len() - digits.len();
    (1..=2).contains(&capitals) && digits.len() >= 2 && digits.bytes().all(|byte| byte.is_ascii_digit())
}
