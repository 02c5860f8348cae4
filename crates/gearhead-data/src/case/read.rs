//! Streaming case files: JSONL, or one JSON array of objects.

use std::{
    fs::File,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
};

use super::{Case, parse_case};
use crate::error::{Error, RecordFault, Result};

/// A case and the line on which its record starts, from 1.
#[derive(Debug, Clone, PartialEq)]
pub struct Located {
    /// The line, from 1.
    pub line: u64,
    /// The record.
    pub case: Case,
}

/// Reads cases one at a time, in memory that does not grow with the file.
///
/// A file whose first character is `[` is read as one JSON array; any other as JSONL, one object a line, blank
/// lines skipped. A faulty record is yielded as an error that names its line, and reading goes on after it.
pub struct CaseReader<R> {
    path: PathBuf,
    input: R,
    line: u64,
    form: Form,
    buffer: Vec<u8>,
}

#[derive(Clone, Copy, PartialEq)]
enum Form {
    Unknown,
    Lines,
    Array,
    Ended,
}

impl CaseReader<BufReader<File>> {
    /// Opens a file.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] when it cannot be opened.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let file = File::open(path).map_err(|source| Error::io(path, source))?;
        if file.metadata().is_ok_and(|metadata| metadata.is_dir()) {
            return Err(Error::io(path, std::io::Error::other("is a folder, not a file")));
        }
        Ok(Self::new(path, BufReader::with_capacity(1 << 18, file)))
    }
}

impl<R: BufRead> CaseReader<R> {
    /// Reads from `input`; `path` is what error messages call it.
    pub fn new(path: impl AsRef<Path>, input: R) -> Self {
        Self { path: path.as_ref().to_owned(), input, line: 1, form: Form::Unknown, buffer: Vec::new() }
    }

    /// Every case of the input.
    ///
    /// # Errors
    ///
    /// The first faulty record, or [`Error::NoCases`] when there is none at all.
    pub fn into_cases(self) -> Result<Vec<Case>> {
        let path = self.path.clone();
        let cases = self.map(|located| located.map(|located| located.case)).collect::<Result<Vec<_>>>()?;
        if cases.is_empty() { Err(Error::NoCases { path }) } else { Ok(cases) }
    }

    fn record(&self, line: u64, fault: RecordFault) -> Error {
        Error::Record { path: self.path.clone(), line, fault }
    }

    fn next_byte(&mut self) -> Result<Option<u8>> {
        let available = self.input.fill_buf().map_err(|source| Error::io(&self.path, source))?;
        let Some(&byte) = available.first() else { return Ok(None) };
        self.input.consume(1);
        self.line += u64::from(byte == b'\n');
        Ok(Some(byte))
    }

    /// Skips white space (and a byte-order mark at the very start) and returns the byte after it, not consumed.
    fn peek_past_space(&mut self) -> Result<Option<u8>> {
        loop {
            let available = self.input.fill_buf().map_err(|source| Error::io(&self.path, source))?;
            match available.first() {
                None => return Ok(None),
                Some(byte) if byte.is_ascii_whitespace() => {}
                Some(0xEF) if self.form == Form::Unknown && available.starts_with(b"\xEF\xBB\xBF") => {
                    self.input.consume(3);
                    continue;
                }
                Some(&byte) => return Ok(Some(byte)),
            }
            self.next_byte()?;
        }
    }

    fn next_line(&mut self) -> Result<Option<Located>> {
        if self.peek_past_space()?.is_none() {
            return Ok(None);
        }
        let line = self.line;
        self.buffer.clear();
        self.input.read_until(b'\n', &mut self.buffer).map_err(|source| Error::io(&self.path, source))?;
        self.line += u64::from(self.buffer.ends_with(b"\n"));
        self.parse_buffer(line).map(Some)
    }

    /// The next element of the array: from its first byte to the comma or bracket that ends it.
    fn next_element(&mut self) -> Result<Option<Located>> {
        match self.peek_past_space()? {
            Some(b']') => {
                self.next_byte()?;
                self.form = Form::Ended;
                return match self.peek_past_space()? {
                    None => Ok(None),
                    Some(_) => {
                        Err(self.record(self.line, RecordFault::Json("text after the closing `]`".into())))
                    }
                };
            }
            None => {
                self.form = Form::Ended;
                return Err(self.record(self.line, RecordFault::Json("the list is not closed by `]`".into())));
            }
            Some(_) => {}
        }
        let line = self.line;
        self.buffer.clear();
        let mut scan = ElementScan::default();
        loop {
            let available = self.input.fill_buf().map_err(|source| Error::io(&self.path, source))?;
            if available.is_empty() {
                self.form = Form::Ended;
                return Err(self.record(line, RecordFault::Json("the file ends inside this record".into())));
            }
            let end = scan.end_of_element(available);
            let taken = &available[..end.unwrap_or(available.len())];
            self.buffer.extend_from_slice(taken);
            self.line += memchr::memchr_iter(b'\n', taken).count() as u64;
            let n_taken = taken.len();
            self.input.consume(n_taken);
            if end.is_some() {
                break;
            }
        }
        if self.peek_past_space()? == Some(b',') {
            self.next_byte()?;
        }
        self.parse_buffer(line).map(Some)
    }

    fn parse_buffer(&self, line: u64) -> Result<Located> {
        let text = std::str::from_utf8(&self.buffer)
            .map_err(|error| self.record(line, RecordFault::Json(format!("not UTF-8: {error}"))))?;
        match parse_case(text) {
            Ok(case) => Ok(Located { line, case }),
            Err(fault) => Err(self.record(line, fault)),
        }
    }
}

/// Where in an element of an array the reader stands, from one piece of input to the next.
#[derive(Default)]
struct ElementScan {
    depth: u32,
    in_string: bool,
    escaped: bool,
}

impl ElementScan {
    /// The place of the comma or bracket that ends the element, or `None` where it goes on after `bytes`.
    fn end_of_element(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut at = 0;
        while at < bytes.len() {
            if self.escaped {
                self.escaped = false;
                at += 1;
            } else if self.in_string {
                at += memchr::memchr2(b'"', b'\\', &bytes[at..])?;
                self.escaped = bytes[at] == b'\\';
                self.in_string = self.escaped;
                at += 1;
            } else {
                match bytes[at] {
                    b',' | b']' if self.depth == 0 => return Some(at),
                    b'"' => self.in_string = true,
                    b'{' | b'[' => self.depth += 1,
                    b'}' | b']' => self.depth = self.depth.saturating_sub(1),
                    _ => {}
                }
                at += 1;
            }
        }
        None
    }
}

impl<R: BufRead> Iterator for CaseReader<R> {
    type Item = Result<Located>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.form == Form::Unknown {
            match self.peek_past_space() {
                Err(error) => {
                    self.form = Form::Ended;
                    return Some(Err(error));
                }
                Ok(Some(b'[')) => {
                    if let Err(error) = self.next_byte() {
                        return Some(Err(error));
                    }
                    self.form = Form::Array;
                }
                Ok(_) => self.form = Form::Lines,
            }
        }
        let next = match self.form {
            Form::Lines | Form::Unknown => self.next_line(),
            Form::Array => self.next_element(),
            Form::Ended => Ok(None),
        };
        if matches!(next, Err(Error::Io { .. })) {
            self.form = Form::Ended;
        }
        next.transpose()
    }
}

/// Every case of a file.
///
/// # Errors
///
/// The file cannot be read, holds no case, or has a faulty record: the first is named with its line.
pub fn read_cases(path: impl AsRef<Path>) -> Result<Vec<Case>> {
    CaseReader::open(path)?.into_cases()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = r#"{"equipment": "a", "symptom": "s [1], \"x\" } done"}"#;

    fn read(text: &str) -> Vec<std::result::Result<u64, String>> {
        CaseReader::new("cases.jsonl", text.as_bytes())
            .map(|item| item.map(|located| located.line).map_err(|error| error.to_string()))
            .collect()
    }

    #[test]
    fn lines_and_arrays_give_the_same_cases() {
        let lines = CaseReader::new("a", format!("{ONE}\n\n{ONE}\r\n").as_bytes()).into_cases().unwrap();
        let array =
            CaseReader::new("b", format!("\u{feff}[\n{ONE},\n {ONE}\n]\n").as_bytes()).into_cases().unwrap();
        assert_eq!(lines, array);
        assert_eq!(lines.len(), 2);
    }

    #[test]
    fn every_fault_is_named_with_its_line_and_reading_goes_on() {
        let found = read(&format!("{ONE}\n{{\"equipment\": 3}}\nnonsense\n{ONE}\n"));
        assert_eq!(found[0], Ok(1));
        assert_eq!(found[1], Err("cases.jsonl:2: `equipment` must be a string, found a number".into()));
        assert!(found[2].as_ref().unwrap_err().starts_with("cases.jsonl:3: not valid JSON"));
        assert_eq!(found[3], Ok(4));
    }

    #[test]
    fn a_broken_array_is_an_error_not_a_hang() {
        assert!(read(&format!("[{ONE}"))[0].is_err());
        assert!(read("[{\"a\": [").last().unwrap().is_err());
        assert!(read("[]x").last().unwrap().is_err());
        assert!(read("[,]")[0].is_err());
        assert_eq!(read("[]"), []);
        let empty = CaseReader::new("e", "".as_bytes()).into_cases();
        assert!(matches!(empty, Err(Error::NoCases { .. })));
    }

    proptest::proptest! {
        /// A reader that gets its input in small pieces finds the same records and lines as one that gets it whole.
        #[test]
        fn pieces_of_any_size_give_the_same(
            text in "\\[([\\[\\]{},\":a \\\\\n]|\\{\"equipment\": \"a\\n\\\\\"\", \"symptom\": \"b\"\\},\n){0,30}",
            size in 1..9_usize,
        ) {
            let pieces = BufReader::with_capacity(size, text.as_bytes());
            let in_pieces: Vec<_> = CaseReader::new("cases.jsonl", pieces)
                .map(|item| item.map(|located| located.line).map_err(|error| error.to_string()))
                .collect();
            proptest::prop_assert_eq!(in_pieces, read(&text));
        }

        #[test]
        fn no_input_panics_or_hangs(text in "[\\[\\]{},\":a \\\\\n]{0,60}") {
            assert!(read(&text).len() <= text.len() + 1);
        }
    }
}
