//! Where rows end: taken and written, or reported. The one place that counts them.

use std::{cell::Cell, io::Write, path::Path, rc::Rc};

use super::{
    draft::Draft,
    encoding::TextReader,
    mapping::Mapping,
    options::{ImportOptions, Observer, Rejected},
    review::{Review, Reviewed, Reviewer},
    rows::Place,
    summary::FileSummary,
};
use crate::{
    case::parse_case,
    error::{Error, Result},
};

/// Written at a time.
const BUFFER_BYTES: usize = 1 << 16;
/// Rows between two calls of the observer's progress.
const ROWS_PER_TICK: u64 = 512;
/// The most of a rejected row that is reported.
pub(crate) const MAX_RAW_BYTES: usize = 1 << 16;

/// Takes the rows of one file after another.
pub(crate) struct Sink<'a> {
    pub(crate) options: &'a ImportOptions,
    pub(crate) file: FileSummary,
    /// Where the first row that was not taken is, and why.
    pub(crate) first_fault: Option<String>,
    out: &'a mut dyn Write,
    out_path: &'a Path,
    observer: &'a mut dyn Observer,
    review: Option<Review<Box<dyn Reviewer + 'a>>>,
    bytes_read: Rc<Cell<u64>>,
    buffer: Vec<u8>,
}

impl<'a> Sink<'a> {
    pub(crate) fn new(
        options: &'a ImportOptions,
        out_path: &'a Path,
        out: &'a mut dyn Write,
        observer: &'a mut dyn Observer,
        reviewer: Option<Box<dyn Reviewer + 'a>>,
        file: FileSummary,
    ) -> Self {
        Self {
            options,
            file,
            first_fault: None,
            out,
            out_path,
            observer,
            review: reviewer.map(Review::new),
            bytes_read: Rc::default(),
            buffer: Vec::with_capacity(2 * BUFFER_BYTES),
        }
    }

    /// The count of bytes read, which readers add to.
    pub(crate) fn bytes_read(&self) -> Rc<Cell<u64>> {
        Rc::clone(&self.bytes_read)
    }

    /// A row was read. It must be taken or rejected next.
    pub(crate) fn count_row(&mut self) {
        self.file.rows += 1;
        if self.file.rows % ROWS_PER_TICK == 1 {
            self.observer.progress(self.bytes_read.get());
        }
    }

    /// Takes the row, if nobody objects: `write` appends its JSON to the buffer, without a line end.
    pub(crate) fn take(&mut self, place: &Place, write: impl FnOnce(&mut Vec<u8>)) -> Result<()> {
        if self.review.is_some() {
            let mut json = Vec::new();
            write(&mut json);
            return self.offer(place, &json);
        }
        self.file.cases += 1;
        write(&mut self.buffer);
        self.buffer.push(b'\n');
        if self.buffer.len() >= BUFFER_BYTES { self.flush() } else { Ok(()) }
    }

    /// Shows the case to the reviewer.
    fn offer(&mut self, place: &Place, json: &[u8]) -> Result<()> {
        let json = String::from_utf8_lossy(json);
        let Some(review) = &mut self.review else { return Ok(()) };
        match parse_case(&json) {
            Ok(case) => {
                let done = review.offer(case, place.clone())?;
                self.settle(done)
            }
            Err(fault) => self.reject(place, &fault.to_string(), &json),
        }
    }

    /// Takes or reports the cases on which the reviewer has the last word.
    fn settle(&mut self, done: Vec<Reviewed>) -> Result<()> {
        for Reviewed { case, place, verdict } in done {
            let json =
                serde_json::to_string(&case).map_err(|error| Error::io(self.out_path, error.into()))?;
            if let Some(reason) = verdict.reason() {
                self.reject(&place, reason, &json)?;
            } else {
                self.file.cases += 1;
                self.buffer.extend_from_slice(json.as_bytes());
                self.buffer.push(b'\n');
            }
        }
        Ok(())
    }

    /// Takes the draft if it is a case; else reports the row.
    pub(crate) fn take_draft(
        &mut self,
        draft: &mut Draft,
        place: &Place,
        raw: impl FnOnce() -> String,
    ) -> Result<()> {
        self.fill_in(draft);
        match draft.check() {
            Ok(()) => self.take(place, |buffer| draft.write(buffer, std::iter::empty())),
            Err(fault) => self.reject(place, &fault.to_string(), &raw()),
        }
    }

    /// Gives the draft the values that the user set, where it has none.
    pub(crate) fn fill_in(&self, draft: &mut Draft) {
        for (field, value) in &self.options.mapping.set {
            if draft.is_empty(*field) {
                draft.add(*field, value);
            }
        }
    }

    /// Reports the row.
    pub(crate) fn reject(&mut self, place: &Place, reason: &str, raw: &str) -> Result<()> {
        self.file.rejected += 1;
        let row = Rejected { path: &self.file.path, place, reason, raw: shortened(raw) };
        if self.first_fault.is_none() {
            self.first_fault = Some(format!("{}:{place}: {reason}", row.path.display()));
        }
        self.observer.rejected(&row)
    }

    /// Shows the mapping of this file and keeps it for the summary.
    pub(crate) fn agree(&mut self, mapping: &Mapping) -> Result<()> {
        let is_agreed = self.observer.mapping(&self.file.path, mapping)?;
        self.file.mapping = Some(mapping.clone());
        let path = || self.file.path.clone();
        if is_agreed { Ok(()) } else { Err(Error::MappingRefused { path: path() }) }
    }

    /// Keeps what the decoder of the file's text has counted.
    pub(crate) fn note_text(&mut self, text: &TextReader) {
        self.file.encoding = Some(text.encoding());
        self.file.windows_1252_lines = text.windows_1252_lines();
        self.file.undecodable = text.undecodable();
    }

    /// Ends the file: what it gave is written, and nothing is lost.
    pub(crate) fn finish_file(&mut self, next: FileSummary) -> Result<FileSummary> {
        let held = self.review.as_mut().map_or_else(Vec::new, Review::finish);
        self.settle(held)?;
        self.flush()?;
        self.observer.progress(self.bytes_read.get());
        let file = std::mem::replace(&mut self.file, next);
        if file.rows != file.cases + file.rejected {
            let FileSummary { path, rows, cases, rejected, .. } = file;
            return Err(Error::RowsLost { path, rows, cases, rejected });
        }
        Ok(file)
    }

    fn flush(&mut self) -> Result<()> {
        self.out.write_all(&self.buffer).map_err(|source| Error::io(self.out_path, source))?;
        self.buffer.clear();
        Ok(())
    }
}

/// The beginning of a text, as far as it is reported.
fn shortened(raw: &str) -> &str {
    let mut end = raw.len().min(MAX_RAW_BYTES);
    while !raw.is_char_boundary(end) {
        end -= 1;
    }
    &raw[..end]
}
