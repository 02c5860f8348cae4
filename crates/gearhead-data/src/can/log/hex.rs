//! Numbers as logs write them.

use crate::can::frame::{CanId, Payload};

/// A hexadecimal number of up to 32 bits, with or without `0x`.
pub(super) fn number(text: &str) -> Option<u32> {
    let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")).unwrap_or(text);
    // `from_str_radix` would take a sign.
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    plain.then(|| u32::from_str_radix(digits, 16).ok()).flatten()
}

/// A byte of one or two hexadecimal digits, with or without `0x`.
pub(super) fn byte(text: &str) -> Option<u8> {
    u8::try_from(number(text)?).ok()
}

/// Two hexadecimal digits for each byte, without anything between.
pub(super) fn packed(text: &str) -> Option<Payload> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let mut data = Payload::EMPTY;
    for pair in pairs {
        data.push(byte(std::str::from_utf8(pair).ok()?)?)?;
    }
    rest.is_empty().then_some(data)
}

/// An identifier in hexadecimal. Logs write one of 29 bits with all its eight digits, so the width tells the kind.
pub(super) fn id_by_width(text: &str) -> Option<CanId> {
    let id = number(text)?;
    if text.len() <= 4 { CanId::standard(id) } else { CanId::extended(id) }
}

/// Exactly `n` bytes, one a word.
pub(super) fn bytes<'a>(words: impl Iterator<Item = &'a str>, n: usize) -> Option<Payload> {
    let mut data = Payload::EMPTY;
    for word in words.take(n) {
        data.push(byte(word).filter(|_| word.len() <= 2)?)?;
    }
    (data.len() == n).then_some(data)
}
