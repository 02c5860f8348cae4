//! The part of a text that is being looked at: it grows while a record needs it, and can be looked at again.

use std::path::{Path, PathBuf};

use memchr::{memchr, memchr_iter, memchr2};

use super::encoding::TextReader;
use crate::error::{Error, Result};

/// How much is read at a time.
const CHUNK_BYTES: usize = 1 << 18;

/// Unread text in a buffer, and the line on which it begins.
#[derive(Debug)]
pub(crate) struct Window {
    path: PathBuf,
    input: TextReader,
    buffer: Vec<u8>,
    start: usize,
    has_ended: bool,
    line: u64,
    is_after_cr: bool,
}

/// The extent of the next line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LineSpan {
    /// Bytes without the line end.
    pub(crate) content: usize,
    /// Bytes with the line end.
    pub(crate) whole: usize,
    /// Whether the line is longer than was asked for, and this is only its beginning.
    pub(crate) is_cut: bool,
}

impl Window {
    pub(crate) fn new(path: &Path, input: TextReader) -> Self {
        Self {
            path: path.to_owned(),
            input,
            buffer: Vec::new(),
            start: 0,
            has_ended: false,
            line: 1,
            is_after_cr: false,
        }
    }

    pub(crate) fn input(&self) -> &TextReader {
        &self.input
    }

    /// The line of the first unread byte, from 1.
    pub(crate) fn line(&self) -> u64 {
        self.line
    }

    /// What has been read and not consumed. It is UTF-8, except that its last character may be incomplete.
    pub(crate) fn unread(&self) -> &[u8] {
        &self.buffer[self.start..]
    }

    /// Reads more; false at the end of the input.
    pub(crate) fn grow(&mut self) -> Result<bool> {
        if self.has_ended {
            return Ok(false);
        }
        if self.start > 0 {
            self.buffer.drain(..self.start);
            self.start = 0;
        }
        let n_before = self.buffer.len();
        self.buffer.resize(n_before + CHUNK_BYTES, 0);
        let read = self.input.fill(&mut self.buffer[n_before..]);
        let n_read = *read.as_ref().unwrap_or(&0);
        self.buffer.truncate(n_before + n_read);
        self.has_ended = n_read == 0;
        read.map_err(|source| Error::io(&self.path, source))?;
        Ok(!self.has_ended)
    }

    /// Whether something is unread; reads if need be.
    pub(crate) fn has_more(&mut self) -> Result<bool> {
        Ok(!self.unread().is_empty() || self.grow()?)
    }

    /// Leaves `n_bytes` behind.
    pub(crate) fn consume(&mut self, n_bytes: usize) {
        let bytes = &self.buffer[self.start..self.start + n_bytes];
        if self.is_after_cr || memchr(b'\r', bytes).is_some() {
            for &byte in bytes {
                let ends_line = byte == b'\r' || (byte == b'\n' && !self.is_after_cr);
                self.line += u64::from(ends_line);
                self.is_after_cr = byte == b'\r';
            }
        } else {
            self.line += memchr_iter(b'\n', bytes).count() as u64;
        }
        self.start += n_bytes;
    }

    /// The next line, which ends in `\n`, `\r\n` or `\r`; `None` at the end of the input. A line of more than
    /// `limit` bytes is cut, between two characters.
    pub(crate) fn next_line(&mut self, limit: usize) -> Result<Option<LineSpan>> {
        let mut searched = 0;
        loop {
            if let Some(offset) = memchr2(b'\n', b'\r', &self.unread()[searched..]) {
                let content = searched + offset;
                if content > limit {
                    return Ok(Some(self.cut(limit)));
                }
                if self.unread()[content] == b'\r' && content + 1 == self.unread().len() {
                    self.grow()?;
                }
                let is_crlf = self.unread()[content..].starts_with(b"\r\n");
                let whole = content + if is_crlf { 2 } else { 1 };
                return Ok(Some(LineSpan { content, whole, is_cut: false }));
            }
            searched = self.unread().len();
            if searched > limit {
                return Ok(Some(self.cut(limit)));
            }
            if !self.grow()? {
                let whole = LineSpan { content: searched, whole: searched, is_cut: false };
                return Ok((searched > 0).then_some(whole));
            }
        }
    }

    /// Leaves the rest of a cut line behind.
    pub(crate) fn skip_line(&mut self) -> Result<()> {
        while let Some(span) = self.next_line(CHUNK_BYTES)? {
            self.consume(span.whole);
            if !span.is_cut {
                break;
            }
        }
        Ok(())
    }

    fn cut(&self, limit: usize) -> LineSpan {
        let is_inside_character = |at: usize| self.unread().get(at).is_some_and(|byte| byte & 0xC0 == 0x80);
        let mut at = limit;
        while at > 1 && is_inside_character(at) {
            at -= 1;
        }
        LineSpan { content: at, whole: at, is_cut: true }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::encoding::Encoding;

    fn window(text: &[u8]) -> Window {
        Window::new(Path::new("w"), TextReader::new(std::io::Cursor::new(text.to_vec()), Encoding::Utf8))
    }

    fn lines(text: &[u8], limit: usize) -> Vec<(u64, String)> {
        let mut window = window(text);
        let mut lines = Vec::new();
        while let Some(span) = window.next_line(limit).unwrap() {
            let content = String::from_utf8(window.unread()[..span.content].to_vec()).unwrap();
            lines.push((window.line(), content));
            window.consume(span.whole);
        }
        lines
    }

    #[test]
    fn every_line_end_counts_once() {
        let expected =
            [(1, "a"), (2, "b"), (3, ""), (4, "c"), (5, "d")].map(|(n, text)| (n, text.to_owned()));
        assert_eq!(lines(b"a\r\nb\r\rc\nd", 100), expected);
    }

    #[test]
    fn a_long_line_is_cut_between_characters() {
        let cut = lines("ääää\nb".as_bytes(), 3);
        assert_eq!(cut[0], (1, "ä".to_owned()));
        assert_eq!(cut.last().unwrap(), &(2, "b".to_owned()));
        let joined: String = cut.iter().map(|(_, text)| text.as_str()).collect();
        assert_eq!(joined, "ääääb");
    }

    #[test]
    fn lines_longer_than_a_chunk_stay_whole() {
        let text = format!("{}\r\n{}\n", "x".repeat(CHUNK_BYTES - 1), "y".repeat(3 * CHUNK_BYTES));
        let found = lines(text.as_bytes(), 1 << 24);
        assert_eq!(
            found.iter().map(|(_, line)| line.len()).collect::<Vec<_>>(),
            [CHUNK_BYTES - 1, 3 * CHUNK_BYTES]
        );
        assert_eq!(found[1].0, 2);
    }
}
