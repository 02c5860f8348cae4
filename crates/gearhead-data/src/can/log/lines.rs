//! Lines of a text of any size, one at a time.

use std::io::{self, BufRead};

/// The most bytes of one line. The longest line that a log form has, a CAN FD frame, has less than a tenth of this.
pub(super) const MAX_LINE_BYTES: usize = 1 << 14;

/// Reads lines that end with `\n`, `\r\n`, or, as serial terminals write them, with `\r`.
pub(super) struct Lines<R> {
    input: R,
    buffer: Vec<u8>,
    number: u64,
    after_return: bool,
}

/// How a line came out.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Read {
    /// It was read whole.
    Whole,
    /// It has more than [`MAX_LINE_BYTES`]; only its start was kept.
    TooLong,
    /// There is no further line.
    End,
}

impl<R: BufRead> Lines<R> {
    pub(super) fn new(input: R) -> Self {
        Self { input, buffer: Vec::new(), number: 0, after_return: false }
    }

    /// The line last read, from 1.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// The line last read, without its end; bytes that are no UTF-8 are replaced.
    pub(super) fn text(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(&self.buffer)
    }

    /// Reads the next line.
    pub(super) fn advance(&mut self) -> io::Result<Read> {
        self.buffer.clear();
        let mut read = Read::Whole;
        let mut any = false;
        loop {
            let available = self.input.fill_buf()?;
            if available.is_empty() {
                break;
            }
            // The second byte of `\r\n` ends nothing.
            if std::mem::take(&mut self.after_return) && available[0] == b'\n' {
                self.input.consume(1);
                continue;
            }
            any = true;
            let end = memchr::memchr2(b'\n', b'\r', available);
            let line = &available[..end.unwrap_or(available.len())];
            let room = MAX_LINE_BYTES - self.buffer.len();
            if line.len() > room {
                read = Read::TooLong;
            }
            self.buffer.extend_from_slice(&line[..line.len().min(room)]);
            let consumed = line.len() + usize::from(end.is_some());
            self.after_return = end.is_some_and(|end| available[end] == b'\r');
            self.input.consume(consumed);
            if end.is_some() {
                break;
            }
        }
        if !any {
            return Ok(Read::End);
        }
        self.number += 1;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &[u8]) -> Vec<String> {
        // A buffer of two bytes, so that line ends fall on its border.
        let mut lines = Lines::new(io::BufReader::with_capacity(2, text));
        let mut found = Vec::new();
        while lines.advance().unwrap() == Read::Whole {
            found.push(lines.text().into_owned());
        }
        found
    }

    #[test]
    fn every_kind_of_line_end_counts_once() {
        assert_eq!(all(b"a\r\nbc\rd\n\ne"), ["a", "bc", "d", "", "e"]);
        assert_eq!(all(b"a\r\n"), ["a"]);
        assert_eq!(all(b""), [""; 0]);
        assert_eq!(all(b"\xFF\n"), ["\u{FFFD}"]);
    }

    #[test]
    fn a_long_line_is_cut_and_reading_goes_on() {
        let text = [vec![b'x'; MAX_LINE_BYTES + 1], b"\nnext".to_vec()].concat();
        let mut lines = Lines::new(&text[..]);
        assert!(lines.advance().unwrap() == Read::TooLong);
        assert!(lines.advance().unwrap() == Read::Whole);
        assert_eq!((lines.text().as_ref(), lines.number()), ("next", 2));
    }
}
