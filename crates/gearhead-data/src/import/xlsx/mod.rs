//! Spreadsheets: XLSX, XLSM, XLSB and ODS.
//!
//! What is read, and how:
//!
//! - The **header** is the first row with two texts or more; what stands above it is passed over and noted. A column
//!   without a name gets its letter (`column C`).
//! - **Sheets**: hidden ones are passed over. Of the others, the first with a header is read, and after it every
//!   sheet with the same header; the rest are noted. A sheet asked for by name is read alone, hidden or not.
//! - **Values**: dates as ISO 8601 (both the 1900 and the 1904 system), whole numbers without a fraction, truth
//!   values as `true` and `false`, formulas by the value that was stored with them. A value of cells merged downwards
//!   stands in every row of the merge.
//! - **Error cells**: `#N/A` means "there is no value" and is empty; any other (`#REF!`, `#DIV/0!`) is a broken
//!   formula and makes the row faulty. Text right of the last named column makes a row faulty too, since nothing says
//!   what it is. Blank rows are no rows.
//!
//! **Memory**: XLSX and XLSB are read cell by cell, but their table of distinct texts is held whole, as is the list
//! of merged cells. ODS holds one sheet at a time.

mod book;
mod cell;
mod compound;
mod plan;
#[cfg(test)]
mod tests;

use std::{path::Path, sync::Arc};

use super::{
    Next, Place, Row, Rows,
    worker::{Sink, Worker, isolated},
};
use crate::error::{Error, Result};
use book::{Book, Flow, Input, SheetRow};
use plan::Plan;

const FORMAT: &str = "spreadsheet";

/// The rows of a spreadsheet.
pub struct XlsxRows {
    plan: Arc<Plan>,
    worker: Worker,
}

impl XlsxRows {
    /// Opens a file; `sheet` names the only sheet to read.
    ///
    /// # Errors
    ///
    /// The file cannot be read ([`Error::Io`]), is locked ([`Error::Locked`]), is no spreadsheet or has no header
    /// ([`Error::Unreadable`]), or has no such sheet ([`Error::NoSheet`]).
    pub fn open(path: impl AsRef<Path>, sheet: Option<&str>) -> Result<Self> {
        let path = path.as_ref();
        // Whether it can be opened is told apart here from what is in it.
        std::fs::File::open(path).map_err(|source| Error::io(path, source))?;
        Self::read(path, Input::File(path.to_owned()), sheet)
    }

    /// Reads a file that is in memory already.
    ///
    /// # Errors
    ///
    /// As [`XlsxRows::open`]; the path in messages is `spreadsheet`.
    pub fn from_bytes(bytes: Vec<u8>, sheet: Option<&str>) -> Result<Self> {
        Self::read(Path::new(FORMAT), Input::Bytes(bytes.into()), sheet)
    }

    /// What was passed over, one sentence each: titles above a header, sheets that are not read.
    pub fn notes(&self) -> &[String] {
        &self.plan.notes
    }

    fn read(path: &Path, input: Input, sheet: Option<&str>) -> Result<Self> {
        let (owned, wanted) = (path.to_owned(), sheet.map(str::to_owned));
        let (mut book, plan) = isolated(path, FORMAT, move || {
            let mut book = Book::open(&owned, &input)?;
            let plan = Plan::make(&mut book, &owned, wanted.as_deref())?;
            Ok((book, plan))
        })?;
        let plan = Arc::new(plan);
        let (shared, owned) = (Arc::clone(&plan), path.to_owned());
        let worker =
            Worker::start(path.to_owned(), FORMAT, move |sink| hand_over(&mut book, &shared, &owned, sink))?;
        Ok(Self { plan, worker })
    }
}

impl Rows for XlsxRows {
    fn header(&self) -> &[String] {
        &self.plan.header
    }

    fn next_row(&mut self, row: &mut Row) -> Result<Next> {
        self.worker.next_row(row)
    }
}

/// Reads the planned sheets; `None` where whoever took the rows has left.
fn hand_over(book: &mut Book, plan: &Plan, path: &Path, sink: &mut Sink) -> Option<Result<()>> {
    for sheet in &plan.sheets {
        let mut left = false;
        let read = book.rows(path, &sheet.name, &mut |sheet_row| {
            if sheet_row.number <= sheet.header_row || sheet_row.is_blank() {
                return Flow::On;
            }
            let (row, fault) = plan.row(&sheet.name, sheet_row);
            left = sink.push(row, fault).is_err();
            if left { Flow::Stop } else { Flow::On }
        });
        if left {
            return None;
        }
        if let Err(error) = read {
            return Some(Err(error));
        }
    }
    Some(Ok(()))
}

impl Plan {
    fn row(&self, sheet: &str, from: &SheetRow) -> (Row, Option<String>) {
        let mut cells = vec![String::new(); self.header.len()];
        let mut fault = None;
        for cell in from.cells.iter().filter(|cell| !cell.text.is_empty()) {
            let name = || format!("{}{}", plan::letters(cell.column), from.number);
            if cell.is_broken {
                fault.get_or_insert_with(|| format!("cell {} holds the error {}", name(), cell.text));
            }
            if let Some(text) = cells.get_mut(cell.column as usize) {
                text.clone_from(&cell.text);
            } else {
                fault.get_or_insert_with(|| {
                    format!("cell {} has text, but its column has no name in the header", name())
                });
                cells.push(cell.text.clone());
            }
        }
        if fault.is_none() && cells.iter().zip(&self.header).all(|(cell, name)| cell.trim() == name) {
            fault = Some("it repeats the header".into());
        }
        (Row { place: Place::Cell { sheet: sheet.into(), row: from.number }, cells }, fault)
    }
}
