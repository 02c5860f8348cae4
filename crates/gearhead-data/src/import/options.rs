//! What an import is to do, and what it tells while it does it.

use std::path::Path;

use serde::Serialize;

use super::{
    encoding::Encoding,
    format::Format,
    mapping::{Mapping, MappingOptions},
    rows::Place,
};
use crate::error::Result;

/// What one document of a corpus is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Documents {
    /// A file; one of more than 1 MiB becomes several, cut between paragraphs.
    #[default]
    Files,
    /// What stands between two blank lines.
    Sections,
}

/// What an import is to do. What is absent is recognised file by file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ImportOptions {
    /// What the files are.
    pub format: Option<Format>,
    /// How their characters are written.
    pub encoding: Option<Encoding>,
    /// The byte between two cells of a text table.
    pub delimiter: Option<u8>,
    /// Whether text tables have no header.
    pub has_no_header: bool,
    /// Columns and constants.
    pub mapping: MappingOptions,
    /// The sheet of a spreadsheet.
    pub sheet: Option<String>,
    /// What one document of a corpus is.
    pub documents: Documents,
}

/// A row that was not taken. Its JSON is published as `docs/schemas/rejected.schema.json`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Rejected<'a> {
    /// The file.
    pub path: &'a Path,
    /// Where in the file.
    pub place: &'a Place,
    /// Why it was not taken.
    pub reason: &'a str,
    /// The row as far as it could be read; a row of a table as a line of CSV.
    pub raw: &'a str,
}

/// Is told what an import does.
pub trait Observer {
    /// Sees which columns of a file fill which fields, before its first row is taken. False stops the import.
    ///
    /// # Errors
    ///
    /// Ends the import.
    fn mapping(&mut self, _path: &Path, _mapping: &Mapping) -> Result<bool> {
        Ok(true)
    }

    /// Sees a row that is not taken.
    ///
    /// # Errors
    ///
    /// Ends the import.
    fn rejected(&mut self, _row: &Rejected<'_>) -> Result<()> {
        Ok(())
    }

    /// Is told now and then how many bytes of all files have been read.
    fn progress(&mut self, _bytes_read: u64) {}
}

/// An observer that looks away.
impl Observer for () {}
