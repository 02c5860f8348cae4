//! Bytes in any of the encodings that exports come in, as UTF-8.

use std::{
    fmt,
    io::{Read, Result},
    str::FromStr,
};

use encoding_rs::{Decoder, DecoderResult, UTF_16BE, UTF_16LE, WINDOWS_1252};
use memchr::{memchr2_iter, memrchr2};
use serde::Serialize;

/// How the characters of a text file are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub enum Encoding {
    /// UTF-8, with or without a byte-order mark. A line that is not UTF-8 is read as Windows-1252.
    #[serde(rename = "utf-8")]
    Utf8,
    /// UTF-16, low byte first.
    #[serde(rename = "utf-16le")]
    Utf16Le,
    /// UTF-16, high byte first.
    #[serde(rename = "utf-16be")]
    Utf16Be,
    /// Windows-1252, which Latin-1 is read as too.
    #[serde(rename = "windows-1252")]
    Windows1252,
}

impl Encoding {
    /// Every encoding.
    pub const ALL: [Self; 4] = [Self::Utf8, Self::Utf16Le, Self::Utf16Be, Self::Windows1252];

    /// The name that stands in arguments and reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Utf8 => "utf-8",
            Self::Utf16Le => "utf-16le",
            Self::Utf16Be => "utf-16be",
            Self::Windows1252 => "windows-1252",
        }
    }

    /// The encoding of a file that begins with `sample`: by its byte-order mark, or UTF-16 where every second byte is
    /// mostly zero, or else UTF-8.
    pub fn detect(sample: &[u8]) -> Self {
        match sample {
            [0xFF, 0xFE, ..] => return Self::Utf16Le,
            [0xFE, 0xFF, ..] => return Self::Utf16Be,
            _ => {}
        }
        let n_pairs = sample.len() / 2;
        let zeros = |offset: usize| sample.iter().skip(offset).step_by(2).filter(|byte| **byte == 0).count();
        let (high_first, low_first) = (zeros(0), zeros(1));
        // Western text in UTF-16 has a zero in nearly every pair; one in three leaves room for other scripts.
        if n_pairs >= 2 && low_first * 3 >= n_pairs && high_first * 10 < low_first {
            Self::Utf16Le
        } else if n_pairs >= 2 && high_first * 3 >= n_pairs && low_first * 10 < high_first {
            Self::Utf16Be
        } else {
            Self::Utf8
        }
    }
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Encoding {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        match text.to_ascii_lowercase().as_str() {
            "utf-8" | "utf8" => Ok(Self::Utf8),
            "utf-16le" | "utf-16" | "utf16" => Ok(Self::Utf16Le),
            "utf-16be" => Ok(Self::Utf16Be),
            "windows-1252" | "cp1252" | "latin1" | "latin-1" | "iso-8859-1" => Ok(Self::Windows1252),
            _ => Err("must be one of utf-8, utf-16le, utf-16be, windows-1252".to_owned()),
        }
    }
}

/// How much is read at a time, and the longest line that is decided on as a whole.
const CHUNK_BYTES: usize = 1 << 18;

/// Reads text as UTF-8 in constant memory. A byte-order mark is left out.
pub struct TextReader {
    input: Box<dyn Read>,
    encoding: Encoding,
    /// Absent for UTF-8, which needs no conversion but only a check.
    decoder: Option<Decoder>,
    raw: Vec<u8>,
    /// Bytes of `raw` that are checked or decoded.
    n_settled: usize,
    /// UTF-8 that stands for the settled bytes, where it is not those bytes themselves.
    converted: Option<Vec<u8>>,
    n_given: usize,
    has_started: bool,
    has_ended: bool,
    windows_1252_lines: u64,
    undecodable: u64,
}

impl fmt::Debug for TextReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TextReader").field("encoding", &self.encoding).finish_non_exhaustive()
    }
}

impl TextReader {
    /// Reads `input`, written in `encoding`.
    pub fn new(input: impl Read + 'static, encoding: Encoding) -> Self {
        let decoder = match encoding {
            Encoding::Utf8 => None,
            Encoding::Utf16Le => Some(UTF_16LE.new_decoder_with_bom_removal()),
            Encoding::Utf16Be => Some(UTF_16BE.new_decoder_with_bom_removal()),
            Encoding::Windows1252 => Some(WINDOWS_1252.new_decoder_without_bom_handling()),
        };
        Self {
            input: Box::new(input),
            encoding,
            decoder,
            raw: Vec::new(),
            n_settled: 0,
            converted: None,
            n_given: 0,
            has_started: false,
            has_ended: false,
            windows_1252_lines: 0,
            undecodable: 0,
        }
    }

    /// The encoding that it reads.
    pub fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// Lines of a UTF-8 file that were not UTF-8 and were read as Windows-1252.
    pub fn windows_1252_lines(&self) -> u64 {
        self.windows_1252_lines
    }

    /// Places where bytes stood for no character and U+FFFD was put.
    pub fn undecodable(&self) -> u64 {
        self.undecodable
    }

    /// Fills `into`, or as much of it as there is; 0 at the end.
    ///
    /// # Errors
    ///
    /// What the operating system says.
    pub(crate) fn fill(&mut self, into: &mut [u8]) -> Result<usize> {
        let mut n_filled = 0;
        while n_filled < into.len() {
            let ready = self.converted.as_deref().unwrap_or(&self.raw[..self.n_settled]);
            let left = &ready[self.n_given..];
            if left.is_empty() {
                if self.has_ended && self.n_settled == self.raw.len() || !self.settle()? {
                    break;
                }
                continue;
            }
            let n_bytes = left.len().min(into.len() - n_filled);
            into[n_filled..n_filled + n_bytes].copy_from_slice(&left[..n_bytes]);
            n_filled += n_bytes;
            self.n_given += n_bytes;
        }
        Ok(n_filled)
    }

    /// Reads and decodes the next piece; false when nothing is left.
    fn settle(&mut self) -> Result<bool> {
        self.raw.drain(..self.n_settled);
        (self.n_settled, self.n_given) = (0, 0);
        self.converted = None;
        while !self.has_ended && self.raw.len() < CHUNK_BYTES {
            let n_before = self.raw.len();
            self.raw.resize(CHUNK_BYTES, 0);
            let read = self.input.read(&mut self.raw[n_before..]);
            self.raw.truncate(n_before + *read.as_ref().unwrap_or(&0));
            match read {
                Ok(n_read) => self.has_ended = n_read == 0,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        match self.decoder.take() {
            Some(mut decoder) => {
                self.decode(&mut decoder);
                self.decoder = Some(decoder);
            }
            None => self.check_utf8(),
        }
        self.has_started = true;
        Ok(self.n_settled > 0 || self.converted.as_ref().is_some_and(|text| !text.is_empty()))
    }

    fn decode(&mut self, decoder: &mut Decoder) {
        let mut text = vec![0; self.raw.len() * 3 + 16];
        let (mut n_read, mut n_written) = (0, 0);
        loop {
            let (result, read, written) = decoder.decode_to_utf8_without_replacement(
                &self.raw[n_read..],
                &mut text[n_written..],
                self.has_ended,
            );
            n_read += read;
            n_written += written;
            match result {
                DecoderResult::InputEmpty => break,
                DecoderResult::OutputFull => text.resize(text.len() * 2, 0),
                DecoderResult::Malformed(..) => {
                    self.undecodable += 1;
                    let replacement = '\u{FFFD}'.len_utf8();
                    if text.len() < n_written + replacement {
                        text.resize(text.len() * 2, 0);
                    }
                    '\u{FFFD}'.encode_utf8(&mut text[n_written..]);
                    n_written += replacement;
                }
            }
        }
        text.truncate(n_written);
        self.n_settled = self.raw.len();
        self.converted = Some(text);
    }

    fn check_utf8(&mut self) {
        if !self.has_started && self.raw.starts_with(b"\xEF\xBB\xBF") {
            self.raw.drain(..3);
        }
        let n_valid = encoding_rs::Encoding::utf8_valid_up_to(&self.raw);
        self.n_settled = if self.has_ended {
            self.raw.len()
        } else if let Some(line_end) = memrchr2(b'\n', b'\r', &self.raw) {
            line_end + 1
        } else if n_valid + 3 >= self.raw.len() && n_valid > 0 {
            // One line longer than the chunk: what is valid goes on; the last character may be incomplete.
            n_valid
        } else {
            self.raw.len()
        };
        if n_valid >= self.n_settled {
            return;
        }
        let settled = &self.raw[..self.n_settled];
        let mut text = Vec::with_capacity(settled.len() + settled.len() / 8);
        let mut start = 0;
        let ends = memchr2_iter(b'\n', b'\r', settled).map(|at| at + 1).chain([settled.len()]);
        for end in ends {
            let line = &settled[start..end];
            start = end;
            if end <= n_valid || encoding_rs::Encoding::utf8_valid_up_to(line) == line.len() {
                text.extend_from_slice(line);
            } else {
                self.windows_1252_lines += 1;
                let (line, _) = WINDOWS_1252.decode_without_bom_handling(line);
                text.extend_from_slice(line.as_bytes());
            }
        }
        self.converted = Some(text);
    }
}

impl Read for TextReader {
    fn read(&mut self, into: &mut [u8]) -> Result<usize> {
        self.fill(into)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8], encoding: Encoding) -> (String, u64) {
        let mut reader = TextReader::new(std::io::Cursor::new(bytes.to_vec()), encoding);
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        (text, reader.windows_1252_lines())
    }

    fn utf16(text: &str, to_bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(to_bytes).collect()
    }

    #[test]
    fn every_encoding_gives_the_same_text() {
        let text = "Öl läuft aus – 5 °C\r\nñandú 🚜\n";
        assert_eq!(read(text.as_bytes(), Encoding::Utf8).0, text);
        assert_eq!(read(format!("\u{FEFF}{text}").as_bytes(), Encoding::Utf8).0, text);
        for (to_bytes, encoding) in [
            (u16::to_le_bytes as fn(u16) -> [u8; 2], Encoding::Utf16Le),
            (u16::to_be_bytes, Encoding::Utf16Be),
        ] {
            for with_mark in [format!("\u{FEFF}{text}"), text.to_owned()] {
                let bytes = utf16(&with_mark, to_bytes);
                assert_eq!(Encoding::detect(&bytes), encoding);
                assert_eq!(read(&bytes, encoding).0, text);
            }
        }
        assert_eq!(read(b"caf\xE9 \x96 \x92", Encoding::Windows1252).0, "café – ’");
    }

    #[test]
    fn a_line_that_is_not_utf8_is_read_as_windows_1252_and_the_others_stay() {
        let mut bytes = "überlastet\n".repeat(100_000).into_bytes();
        bytes.extend_from_slice(b"won\x92t start\r\n\xC3\xBCber\nlast \xE9");
        let (text, n_lines) = read(&bytes, Encoding::Utf8);
        assert!(text.starts_with("überlastet\n"));
        assert!(text.ends_with("überlastet\nwon’t start\r\nüber\nlast é"));
        assert_eq!(n_lines, 2);
    }

    #[test]
    fn a_character_across_two_chunks_of_one_long_line_survives() {
        for n_before in CHUNK_BYTES - 3..CHUNK_BYTES {
            let text = format!("{}🚜{}", "x".repeat(n_before), "y".repeat(CHUNK_BYTES));
            assert_eq!(read(text.as_bytes(), Encoding::Utf8), (text, 0));
        }
    }

    #[test]
    fn half_a_pair_is_counted_and_replaced() {
        let mut reader = TextReader::new(std::io::Cursor::new(vec![b'a', 0, b'b']), Encoding::Utf16Le);
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        assert_eq!((text.as_str(), reader.undecodable()), ("a\u{FFFD}", 1));
    }

    #[test]
    fn names_read_back() {
        for encoding in Encoding::ALL {
            assert_eq!(encoding.as_str().parse(), Ok(encoding));
        }
        assert!("ebcdic".parse::<Encoding>().is_err());
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_give_valid_text(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..400)) {
            for encoding in Encoding::ALL.into_iter().chain([Encoding::detect(&bytes)]) {
                read(&bytes, encoding);
            }
        }
    }
}
