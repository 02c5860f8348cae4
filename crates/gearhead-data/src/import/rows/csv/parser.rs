//! One record at the front of a text, cut into cells.

use csv_core::{ReadRecordResult, Reader, ReaderBuilder, Terminator};
use memchr::memmem;

/// Cuts one record into cells.
#[derive(Debug)]
pub(super) struct Parser {
    pub(super) delimiter: u8,
    reader: Reader,
    text: Vec<u8>,
    ends: Vec<usize>,
    n_cells: usize,
    unescaped: Vec<u8>,
}

impl Parser {
    pub(super) fn new(delimiter: u8) -> Self {
        let reader = ReaderBuilder::new().delimiter(delimiter).terminator(Terminator::CRLF).build();
        Self { delimiter, reader, text: vec![0; 4096], ends: vec![0; 64], n_cells: 0, unescaped: Vec::new() }
    }

    pub(super) fn n_cells(&self) -> usize {
        self.n_cells
    }

    pub(super) fn cell(&self, index: usize) -> &[u8] {
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        &self.text[start..self.ends[index]]
    }

    /// Parses the record at the front of `input` and returns how many bytes it has; `None` where it goes on behind the
    /// input, or, at the end of the text, has an open quote.
    pub(super) fn parse(&mut self, input: &[u8], with_backslash: bool, is_at_end: bool) -> Option<usize> {
        if with_backslash {
            let mut unescaped = std::mem::take(&mut self.unescaped);
            double_backslashed_quotes(input, &mut unescaped);
            let n_bytes = self.parse_plain(&unescaped, is_at_end);
            self.unescaped = unescaped;
            n_bytes
        } else {
            self.parse_plain(input, is_at_end)
        }
    }

    fn parse_plain(&mut self, input: &[u8], is_at_end: bool) -> Option<usize> {
        self.reader.reset();
        let (mut n_read, mut n_text, mut n_ends) = (0, 0, 0);
        loop {
            // A line end behind the last byte ends every record but one with an open quote.
            let rest = if n_read < input.len() { &input[n_read..] } else { b"\n" };
            if n_read >= input.len() && !is_at_end {
                return None;
            }
            let is_last = n_read >= input.len();
            let (result, read, written, ended) =
                self.reader.read_record(rest, &mut self.text[n_text..], &mut self.ends[n_ends..]);
            n_read += read;
            n_text += written;
            n_ends += ended;
            match result {
                ReadRecordResult::OutputFull => self.text.resize(self.text.len() * 2, 0),
                ReadRecordResult::OutputEndsFull => self.ends.resize(self.ends.len() * 2, 0),
                ReadRecordResult::InputEmpty if is_last => return None,
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::Record | ReadRecordResult::End => {
                    self.n_cells = n_ends;
                    return Some(n_read.min(input.len()));
                }
            }
        }
    }
}

/// Copies text with every `\"` written as `""`, which is as long. A backslash before it makes the first backslash a
/// plain character.
fn double_backslashed_quotes(text: &[u8], into: &mut Vec<u8>) {
    into.clear();
    into.extend_from_slice(text);
    let mut at = 0;
    while let Some(offset) = memchr::memchr(b'\\', &into[at..]) {
        let backslash = at + offset;
        match into.get(backslash + 1) {
            Some(b'"') => into[backslash] = b'"',
            Some(_) => {}
            None => break,
        }
        at = backslash + 2;
        if at >= into.len() {
            break;
        }
    }
}

/// Whether quotes inside of quoted cells are written `\"` here: a backslash and a quote with text behind it.
pub(super) fn quotes_with_backslash(sample: &[u8], delimiter: u8) -> bool {
    memmem::find_iter(sample, b"\\\"").any(|at| {
        let next = sample.get(at + 2);
        next.is_some_and(|next| *next != delimiter && !matches!(next, b'\r' | b'\n' | b'"'))
    })
}

/// Whether a quoted cell goes on behind its closing quote, as when a quote was not closed and the next one was taken for
/// its end.
pub(super) fn has_stray_quote(record: &[u8], delimiter: u8) -> bool {
    let is_end =
        |byte: Option<&u8>| byte.is_none_or(|byte| *byte == delimiter || matches!(byte, b'\r' | b'\n'));
    let (mut at, mut is_open) = (0, false);
    while let Some(offset) = memchr::memchr(b'"', &record[at..]) {
        let quote = at + offset;
        at = quote + 1;
        if !is_open {
            is_open = is_end(quote.checked_sub(1).and_then(|before| record.get(before)));
        } else if record.get(at) == Some(&b'"') {
            at += 1;
        } else if is_end(record.get(at)) {
            is_open = false;
        } else {
            return true;
        }
    }
    false
}
