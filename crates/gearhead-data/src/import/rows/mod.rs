//! The one interface behind every tabular or record-like source.

pub(super) mod csv;
pub(super) mod tokens;

use std::fmt;

use crate::error::Result;

/// Where a row stands in its source, for messages.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Place {
    /// A line of a text file, from 1: the one on which the row starts.
    Line(u64),
    /// A row of a spreadsheet, from 1.
    Cell {
        /// The sheet's name.
        sheet: String,
        /// The row's number as the spreadsheet shows it.
        row: u64,
    },
    /// A row of a binary table, from 1.
    Row(u64),
    /// A page of a document, from 1.
    Page(u64),
    /// The file as a whole.
    File,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(line) => write!(f, "{line}"),
            Self::Cell { sheet, row } => write!(f, "{sheet}!{row}"),
            Self::Row(row) => write!(f, "row {row}"),
            Self::Page(page) => write!(f, "page {page}"),
            Self::File => f.write_str("whole file"),
        }
    }
}

impl serde::Serialize for Place {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// One row: a text for each column of the header, empty where the source has none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Where it stands.
    pub place: Place,
    /// One text for each column.
    pub cells: Vec<String>,
}

/// What a reader found next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// The row was filled.
    Row,
    /// There is a row, but it cannot be read; `place` of the row says where, this says why. `cells` holds its raw
    /// text as far as there is one, so that it can be reported. Reading goes on after it.
    Faulty(String),
    /// There is no further row.
    End,
}

/// A source of rows, read one at a time in memory that does not grow with the source.
pub trait Rows {
    /// The names of the columns. Known before the first row is read.
    fn header(&self) -> &[String];

    /// Reads the next row into `row`, whose buffers are used again.
    ///
    /// # Errors
    ///
    /// The source as a whole cannot be read any further.
    fn next_row(&mut self, row: &mut Row) -> Result<Next>;
}
