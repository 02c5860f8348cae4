//! PDF manuals: problem–cause–solution blocks and troubleshooting tables.
//!
//! What is found, and how:
//!
//! - **Text** is put together from where each letter stands on the page: lines, columns read one after the other, words
//!   joined that a line's end broke. Running headers and footers and page numbers are left out.
//! - **Blocks**: labels such as "Problem", "Symptom", "Possible cause", "Remedy", "Corrective action", with a colon, as
//!   headings, or inside a paragraph. Two lists that are numbered alike give a row for each number.
//! - **Tables**: a line of such labels opens one. Each cause gives a row; the symptom beside several causes stands in
//!   each of their rows. A table goes on over a page break where the next page repeats the header.
//! - What looks like a block or a row of a table but lacks its symptom, cause or remedy is given as faulty, with the
//!   part that is missing. A page without text that shows a picture is given as faulty too: it is a scan. Columns of a
//!   table without a label that is known ("No.", "See page") are not read.
//!
//! A manual seldom says its machine in the text, so the column `equipment` is mostly empty: give it beside the file.
//!
//! **Memory**: the file and its text are held whole while they are read. **Time**: a page that takes over 20 seconds is
//! given up and reported; a document that takes over ten minutes is refused.

mod block;
mod cells;
mod columns;
mod furniture;
mod label;
mod line;
mod list;
mod page;
mod record;
mod table;
#[cfg(test)]
mod tests;

use std::{
    path::Path,
    time::{Duration, Instant},
};

use hayro_interpret::hayro_syntax::{DecryptionError, LoadPdfError, Pdf};

use super::{Next, Place, Row, Rows, worker::isolated};
use crate::error::{Error, Result};
use furniture::PageLines;
use line::Vocabulary;
use record::Record;
use table::Region;

const FORMAT: &str = "PDF";
/// A document that takes longer is refused.
const MAX_TIME: Duration = Duration::from_mins(10);

/// What the columns of [`PdfRows`] are called.
const HEADER: [&str; 6] = ["equipment", "symptom", "error_codes", "probable_cause", "solution", "page"];

/// A manual, taken apart.
struct Manual {
    /// What stands on each page; or why the page cannot be read.
    pages: Vec<std::result::Result<Vec<Region>, String>>,
    vocabulary: Vocabulary,
    notes: Vec<String>,
}

/// The blocks and table rows of a PDF manual.
pub struct PdfRows {
    header: Vec<String>,
    records: std::vec::IntoIter<Record>,
    notes: Vec<String>,
}

impl PdfRows {
    /// Opens and reads a file.
    ///
    /// # Errors
    ///
    /// The file cannot be read ([`Error::Io`]), is locked ([`Error::Locked`]) or is no PDF ([`Error::Unreadable`]).
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        Self::read(path, std::fs::read(path).map_err(|source| Error::io(path, source))?)
    }

    /// Reads a file that is in memory already.
    ///
    /// # Errors
    ///
    /// As [`PdfRows::open`]; the path in messages is `PDF`.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self> {
        Self::read(Path::new(FORMAT), bytes)
    }

    fn read(path: &Path, bytes: Vec<u8>) -> Result<Self> {
        let owned = path.to_owned();
        let (records, notes) = isolated(path, FORMAT, move || {
            let manual = Manual::read(&owned, bytes)?;
            Ok((records(&manual), manual.notes))
        })?;
        Ok(Self { header: HEADER.map(str::to_owned).to_vec(), records: records.into_iter(), notes })
    }

    /// What the user should know about the file, one sentence each.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }
}

impl Rows for PdfRows {
    fn header(&self) -> &[String] {
        &self.header
    }

    fn next_row(&mut self, row: &mut Row) -> Result<Next> {
        let Some(record) = self.records.next() else { return Ok(Next::End) };
        row.place = Place::Page(record.page);
        row.cells = vec![
            record.equipment,
            record.symptom,
            record.codes,
            record.cause,
            record.solution,
            record.page.to_string(),
        ];
        Ok(record.fault.map_or(Next::Row, Next::Faulty))
    }
}

/// The text of a PDF, page by page, for a corpus.
pub struct PdfText {
    manual: Manual,
}

impl PdfText {
    /// Opens and reads a file.
    ///
    /// # Errors
    ///
    /// As [`PdfRows::open`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        Self::read(path, std::fs::read(path).map_err(|source| Error::io(path, source))?)
    }

    /// Reads a file that is in memory already.
    ///
    /// # Errors
    ///
    /// As [`PdfRows::from_bytes`].
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self> {
        Self::read(Path::new(FORMAT), bytes)
    }

    fn read(path: &Path, bytes: Vec<u8>) -> Result<Self> {
        let owned = path.to_owned();
        Ok(Self { manual: isolated(path, FORMAT, move || Manual::read(&owned, bytes))? })
    }

    /// The number of each page, from 1, and its text in reading order, a paragraph a line. A page that cannot be read
    /// has an empty text; [`PdfRows`] says why.
    pub fn pages(&self) -> impl Iterator<Item = (u64, String)> + '_ {
        (1..).zip(&self.manual.pages).map(|(number, page)| (number, page_text(page, &self.manual.vocabulary)))
    }

    /// As [`PdfText::pages`], for whoever gives the document away.
    pub fn into_pages(self) -> impl Iterator<Item = (u64, String)> {
        let Manual { pages, vocabulary, .. } = self.manual;
        (1..).zip(pages).map(move |(number, page)| (number, page_text(&page, &vocabulary)))
    }
}

impl Manual {
    fn read(path: &Path, bytes: Vec<u8>) -> Result<Self> {
        let unreadable =
            |reason: &str| Error::Unreadable { path: path.to_owned(), format: FORMAT, reason: reason.into() };
        let notes = if ends_as_a_pdf(&bytes) {
            Vec::new()
        } else {
            vec![
                "the file does not end as a PDF does: it may be cut off, and pages may be missing".to_owned(),
            ]
        };
        let pdf = Pdf::new(bytes).map_err(|error| match error {
            LoadPdfError::Decryption(DecryptionError::PasswordProtected) => {
                Error::Locked { path: path.to_owned() }
            }
            LoadPdfError::Decryption(_) => unreadable("it is encrypted in a way that is not known"),
            LoadPdfError::Invalid => unreadable("it is damaged, cut off, or no PDF at all"),
        })?;
        let mut drawn = Vec::new();
        let started = Instant::now();
        for page in pdf.pages().iter() {
            if started.elapsed() > MAX_TIME {
                return Err(unreadable(
                    "it takes longer than ten minutes to read: split it and import the parts",
                ));
            }
            drawn.push(page::draw(&pdf, page));
        }
        // A scan has pictures and is told page by page.
        let is_blank = |page: &std::result::Result<page::Drawn, String>| {
            page.as_ref().is_ok_and(|page| page.marks.is_empty() && !page.has_image)
        };
        if drawn.iter().all(is_blank) {
            return Err(unreadable("no page of it shows any text: it is damaged, cut off, or empty"));
        }
        Ok(Self::arrange(drawn, notes))
    }

    fn arrange(drawn: Vec<std::result::Result<page::Drawn, String>>, notes: Vec<String>) -> Self {
        let mut vocabulary = Vocabulary::default();
        let mut lines = Vec::new();
        let mut rest = Vec::new();
        for page in drawn {
            let (marks, height, rules) = match page {
                Ok(page) if page.marks.is_empty() && page.has_image => {
                    rest.push(Err(
                        "has no text: is it scanned? Run a text recognition program over the file first"
                            .to_owned(),
                    ));
                    (Vec::new(), page.height, Vec::new())
                }
                Ok(page) => {
                    rest.push(Ok(()));
                    (page.marks, page.height, page.rules)
                }
                Err(reason) => {
                    rest.push(Err(reason));
                    (Vec::new(), 0.0, Vec::new())
                }
            };
            let page_lines = PageLines { lines: line::lines(marks), height };
            page_lines.lines.iter().for_each(|line| vocabulary.note(line));
            lines.push((page_lines, rules));
        }
        let (mut page_lines, rules): (Vec<_>, Vec<_>) = lines.into_iter().unzip();
        furniture::remove(&mut page_lines);
        let pages = page_lines
            .iter()
            .zip(rules)
            .zip(rest)
            .map(|((page, rules), state)| state.map(|()| table::regions(&page.lines, &rules)))
            .collect();
        Self { pages, vocabulary, notes }
    }
}

/// Whether the end-of-file mark stands near the end, where readers look for it.
fn ends_as_a_pdf(bytes: &[u8]) -> bool {
    let tail = &bytes[bytes.len().saturating_sub(2048)..];
    tail.windows(5).any(|window| window == b"%%EOF")
}

/// Every block and table row of a manual, in its order.
fn records(manual: &Manual) -> Vec<Record> {
    let mut records = Vec::new();
    let (mut blocks, mut tables) = (block::Reader::default(), cells::Reader::default());
    for (number, page) in (1..).zip(&manual.pages) {
        let regions = match page {
            Ok(regions) => regions,
            Err(reason) => {
                let fault = Some(format!("page {number} {reason}"));
                records.push(Record { page: number, fault, ..Record::default() });
                continue;
            }
        };
        for region in regions {
            match region {
                Region::Text(lines) => {
                    for (at, (line, is_top)) in columns::in_reading_order(lines).into_iter().enumerate() {
                        blocks.line(&line, is_top || at == 0, number, &manual.vocabulary, &mut records);
                    }
                }
                Region::Table(table) => {
                    blocks.close(&mut records);
                    tables.read(table, number, &manual.vocabulary, &mut records);
                }
            }
        }
    }
    blocks.finish(&mut records);
    records
}

/// The text of a page: a paragraph a line, a table's row a line.
fn page_text(page: &std::result::Result<Vec<Region>, String>, vocabulary: &Vocabulary) -> String {
    let Ok(regions) = page else { return String::new() };
    let mut paragraphs: Vec<String> = Vec::new();
    for region in regions {
        match region {
            Region::Text(lines) => {
                let mut above: Option<f64> = None;
                for (line, is_top) in columns::in_reading_order(lines) {
                    let gap = above.map(|above| line.y - above).filter(|_| !is_top);
                    let goes_on = gap.is_some_and(|gap| gap > 0.0 && gap < 1.75 * line.size);
                    match paragraphs.last_mut() {
                        Some(paragraph) if goes_on => vocabulary.append(paragraph, &line.text()),
                        _ => paragraphs.push(line.text()),
                    }
                    above = Some(line.y);
                }
            }
            Region::Table(table) => {
                let mut records = Vec::new();
                cells::Reader::default().read(table, 0, vocabulary, &mut records);
                paragraphs.extend(records.iter().map(|record| {
                    let cells = [&record.codes, &record.symptom, &record.cause, &record.solution];
                    cells
                        .into_iter()
                        .filter(|cell| !cell.is_empty())
                        .map(String::as_str)
                        .collect::<Vec<_>>()
                        .join(" | ")
                }));
            }
        }
    }
    paragraphs.join("\n")
}
