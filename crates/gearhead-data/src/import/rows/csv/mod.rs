//! Tables as text: comma, semicolon, tab or bar between the cells.

mod delimiter;
mod parser;
#[cfg(test)]
mod tests;

use std::path::Path;

use memchr::memmem;

pub(crate) use delimiter::guess_delimiter;

use self::{
    delimiter::{SAMPLE_BYTES, declared_delimiter},
    parser::{Parser, has_stray_quote, quotes_with_backslash},
};
use super::{Next, Place, Row, Rows};
use crate::{
    error::{Error, Result},
    import::{encoding::TextReader, window::Window},
};

/// A record longer than this has a quote that nobody closed.
const MAX_RECORD_BYTES: usize = 1 << 20;
/// The same, in lines.
const MAX_RECORD_LINES: usize = 1_000;
/// Columns in any table that a person has seen.
const MAX_COLUMNS: usize = 10_000;

/// How a table is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CsvOptions {
    /// The byte between two cells; guessed where absent.
    pub delimiter: Option<u8>,
    /// Whether the first row is a row like the others; columns are then called `column_1` and so on.
    pub has_no_header: bool,
}

/// Reads RFC 4180 and what people make of it: any line end, quotes inside of cells, quotes behind a backslash, rows that
/// are too short (filled with empty cells; [`short_rows`](Self::short_rows) counts them) or too long (faulty unless what
/// is too much is empty), `sep=;` in the first line.
///
/// A quote that is not closed within 1 MiB, 1,000 lines or the file makes its first line faulty, and reading goes on with
/// the line after that one.
#[derive(Debug)]
pub struct CsvRows {
    window: Window,
    parser: Parser,
    header: Vec<String>,
    prefers_backslash: bool,
    short_rows: u64,
}

/// Where a record ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Extent {
    /// After this many bytes.
    Bytes(usize),
    /// Nowhere: a quote is open.
    Unclosed,
}

impl CsvRows {
    /// Reads the header of `input`; `path` is what error messages call it.
    ///
    /// # Errors
    ///
    /// [`Error::Io`]; [`Error::Mapping`] where there is no header.
    pub fn new(path: &Path, input: TextReader, options: CsvOptions) -> Result<Self> {
        let mut window = Window::new(path, input);
        while window.unread().len() < SAMPLE_BYTES && window.grow()? {}
        let declared = declared_delimiter(window.unread());
        if let Some((_, n_bytes)) = declared {
            window.consume(n_bytes);
        }
        let sample = &window.unread()[..window.unread().len().min(SAMPLE_BYTES)];
        let guess = || guess_delimiter(sample).map_or(b',', |guess| guess.delimiter);
        let delimiter = options.delimiter.or(declared.map(|(delimiter, _)| delimiter)).unwrap_or_else(guess);
        let prefers_backslash = quotes_with_backslash(sample, delimiter);
        let parser = Parser::new(delimiter);
        let mut rows = Self { window, parser, header: Vec::new(), prefers_backslash, short_rows: 0 };
        rows.header = rows.read_header(options.has_no_header).map_err(|fault| fault.at(path))?;
        Ok(rows)
    }

    /// The byte between two cells.
    pub fn delimiter(&self) -> u8 {
        self.parser.delimiter
    }

    /// Rows that had fewer cells than the header, so far.
    pub fn short_rows(&self) -> u64 {
        self.short_rows
    }

    /// The text that is read.
    pub(crate) fn input(&self) -> &TextReader {
        self.window.input()
    }

    fn read_header(&mut self, has_no_header: bool) -> std::result::Result<Vec<String>, HeaderFault> {
        self.skip_line_ends()?;
        if !self.window.has_more()? {
            return Ok(Vec::new());
        }
        let extent = self.extent(self.prefers_backslash)?;
        let Extent::Bytes(n_bytes) = extent else { return Err(HeaderFault::Unclosed) };
        let n_columns = self.parser.n_cells();
        if n_columns > MAX_COLUMNS {
            return Err(HeaderFault::Columns(n_columns));
        }
        if has_no_header {
            return Ok((1..=n_columns).map(|number| format!("column_{number}")).collect());
        }
        let mut header = Vec::with_capacity(n_columns);
        for index in 0..n_columns {
            let name = String::from_utf8_lossy(self.parser.cell(index)).trim().to_owned();
            header.push(if name.is_empty() { format!("column_{}", index + 1) } else { name });
        }
        self.window.consume(n_bytes);
        Ok(distinct(header))
    }

    fn skip_line_ends(&mut self) -> Result<()> {
        while self.window.has_more()? {
            let n_ends = self.window.unread().iter().take_while(|byte| matches!(byte, b'\n' | b'\r')).count();
            if n_ends == 0 {
                break;
            }
            self.window.consume(n_ends);
        }
        Ok(())
    }

    /// Parses the record at the front of the window, which grows as far as needed.
    fn extent(&mut self, with_backslash: bool) -> Result<Extent> {
        let mut is_at_end = false;
        loop {
            let text = self.window.unread();
            if let Some(n_bytes) = self.parser.parse(text, with_backslash, is_at_end) {
                let is_too_long = n_bytes > MAX_RECORD_BYTES
                    || (n_bytes > MAX_RECORD_LINES && n_lines(&text[..n_bytes]) > MAX_RECORD_LINES);
                return Ok(if is_too_long { Extent::Unclosed } else { Extent::Bytes(n_bytes) });
            }
            if is_at_end || text.len() > MAX_RECORD_BYTES {
                return Ok(Extent::Unclosed);
            }
            is_at_end = !self.window.grow()?;
        }
    }

    /// Finds the reading of the next record, plain or with backslashes, that has as many cells as the header.
    fn best_extent(&mut self) -> Result<Extent> {
        let plain = self.extent(false)?;
        let n_columns = self.header.len();
        let fits = |extent, parser: &Parser| extent != Extent::Unclosed && parser.n_cells() == n_columns;
        let plain_fits = fits(plain, &self.parser);
        let n_looked_at = match plain {
            Extent::Bytes(n_bytes) => n_bytes,
            Extent::Unclosed => self.window.unread().len().min(MAX_RECORD_BYTES),
        };
        let has_backslash = (!plain_fits || self.prefers_backslash)
            && memmem::find(&self.window.unread()[..n_looked_at], b"\\\"").is_some();
        if !has_backslash {
            return Ok(plain);
        }
        let escaped = self.extent(true)?;
        let escaped_fits = fits(escaped, &self.parser);
        // Where both fit, a closing quote behind a backslash (`"C:\dir\"`) must not draw the next row in.
        if escaped_fits && (!plain_fits || escaped == plain) {
            return Ok(escaped);
        }
        self.extent(false)
    }

    /// Whether the line after the first one of a record is a whole row by itself: then the record is a quote that was
    /// not closed, and not a cell of several lines. Overwrites the cells.
    fn next_line_is_a_row(&mut self, n_bytes: usize) -> bool {
        let text = &self.window.unread()[..n_bytes];
        let Some(first_end) = memchr::memchr2(b'\n', b'\r', text) else { return false };
        let rest = &text[first_end..];
        let rest = rest.strip_prefix(b"\r\n").unwrap_or(&rest[1..]);
        let line = &rest[..memchr::memchr2(b'\n', b'\r', rest).unwrap_or(rest.len())];
        // With an odd quote it is the end of a cell that began before.
        let is_closed = memchr::memchr_iter(b'"', line).count().is_multiple_of(2);
        is_closed
            && self.parser.parse(line, false, true).is_some()
            && self.parser.n_cells() == self.header.len()
    }

    fn first_line_is_faulty(&mut self, row: &mut Row, reason: String) -> Result<Next> {
        if let Some(span) = self.window.next_line(MAX_RECORD_BYTES)? {
            set_raw(row, &self.window.unread()[..span.content]);
            self.window.consume(span.whole);
            if span.is_cut {
                self.window.skip_line()?;
            }
        }
        Ok(Next::Faulty(reason))
    }
}

impl Rows for CsvRows {
    fn header(&self) -> &[String] {
        &self.header
    }

    fn next_row(&mut self, row: &mut Row) -> Result<Next> {
        self.skip_line_ends()?;
        if !self.window.has_more()? {
            return Ok(Next::End);
        }
        row.place = Place::Line(self.window.line());
        let Extent::Bytes(n_bytes) = self.best_extent()? else {
            let line = self.window.next_line(MAX_RECORD_BYTES)?.map_or(0, |span| span.content);
            let has_quote = memchr::memchr(b'"', &self.window.unread()[..line]).is_some();
            let long = || format!("the row has more than {MAX_RECORD_BYTES} bytes");
            let reason = if has_quote { "a quote is opened and not closed".to_owned() } else { long() };
            return self.first_line_is_faulty(row, reason);
        };
        let (n_cells, n_columns) = (self.parser.n_cells(), self.header.len());
        let n_filled = (0..n_cells)
            .rev()
            .find(|index| !self.parser.cell(*index).is_empty())
            .map_or(0, |index| index + 1);
        let record = &self.window.unread()[..n_bytes];
        if n_cells != n_columns
            || (n_lines(record.trim_ascii_end()) > 0 && has_stray_quote(record, self.delimiter()))
        {
            if self.next_line_is_a_row(n_bytes) {
                return self
                    .first_line_is_faulty(row, "a quote is opened and not closed in its line".to_owned());
            }
            self.best_extent()?;
        }
        if n_filled > n_columns {
            set_raw(row, self.window.unread()[..n_bytes].trim_ascii_end());
            self.window.consume(n_bytes);
            return Ok(Next::Faulty(format!("the row has {n_cells} cells, the header {n_columns}")));
        }
        self.short_rows += u64::from(n_cells < n_columns);
        row.cells.resize(n_columns, String::new());
        for (index, cell) in row.cells.iter_mut().enumerate() {
            cell.clear();
            if index < n_cells {
                match std::str::from_utf8(self.parser.cell(index)) {
                    Ok(text) => cell.push_str(text),
                    Err(_) => cell.push_str(&String::from_utf8_lossy(self.parser.cell(index))),
                }
            }
        }
        self.window.consume(n_bytes);
        Ok(Next::Row)
    }
}

/// Lines of a text, whichever line end it has.
fn n_lines(text: &[u8]) -> usize {
    let count = |end| memchr::memchr_iter(end, text).count();
    count(b'\n').max(count(b'\r'))
}

fn set_raw(row: &mut Row, text: &[u8]) {
    row.cells.clear();
    row.cells.push(String::from_utf8_lossy(text).into_owned());
}

enum HeaderFault {
    Unclosed,
    Columns(usize),
    Other(Error),
}

impl From<Error> for HeaderFault {
    fn from(error: Error) -> Self {
        Self::Other(error)
    }
}

impl HeaderFault {
    fn at(self, path: &Path) -> Error {
        let reason = match self {
            Self::Other(error) => return error,
            Self::Unclosed => "a quote in the header is not closed".to_owned(),
            Self::Columns(n_columns) => {
                format!("the first row has {n_columns} cells; is the delimiter right?")
            }
        };
        Error::Mapping { path: path.to_owned(), reason }
    }
}

/// Names that occur once each: the second `Note` becomes `Note_2`.
fn distinct(header: Vec<String>) -> Vec<String> {
    let mut names: Vec<String> = Vec::with_capacity(header.len());
    let mut known = std::collections::HashSet::new();
    for name in header {
        let mut unique = name.clone();
        let mut number = 2;
        while !known.insert(unique.clone()) {
            unique = format!("{name}_{number}");
            number += 1;
        }
        names.push(unique);
    }
    names
}
