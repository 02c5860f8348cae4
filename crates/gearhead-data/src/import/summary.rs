//! What an import did.

use std::path::PathBuf;

use serde::Serialize;

use super::{encoding::Encoding, format::Format, mapping::Mapping};

/// What an import did, over all files. Its JSON is a part of `docs/schemas/import.schema.json`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct ImportSummary {
    /// Rows, records, blocks, dialogues or documents that were read: `cases` and `rejected` together.
    pub rows: u64,
    /// Rows that were taken; for a corpus, documents.
    pub cases: u64,
    /// Rows that were not taken, each of which was reported.
    pub rejected: u64,
    /// Rows in which every cell is empty. They count as nothing.
    pub blank: u64,
    /// Every file, in the order in which they were read.
    pub files: Vec<FileSummary>,
}

/// What an import did with one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct FileSummary {
    /// The file.
    pub path: PathBuf,
    /// What it is.
    pub format: Format,
    /// How its characters are written; absent for a binary format.
    pub encoding: Option<Encoding>,
    /// Rows that were read.
    pub rows: u64,
    /// Rows that were taken.
    pub cases: u64,
    /// Rows that were not taken.
    pub rejected: u64,
    /// Rows in which every cell is empty.
    pub blank: u64,
    /// Rows with fewer cells than the header; the missing ones were taken as empty.
    pub short_rows: u64,
    /// Lines that were not UTF-8 and were read as Windows-1252.
    pub windows_1252_lines: u64,
    /// Places where bytes stood for no character.
    pub undecodable: u64,
    /// Control characters that were left out of a corpus.
    pub control_characters: u64,
    /// Paragraphs of a corpus that stood there before, among the first million of distinct ones. They are kept.
    pub repeated_paragraphs: u64,
    /// What else was passed over, one sentence each: titles above a header, sheets that were not read.
    pub notes: Vec<String>,
    /// Which columns filled which fields; absent where the format names the fields itself.
    pub mapping: Option<Mapping>,
}

impl FileSummary {
    pub(crate) fn new(path: PathBuf, format: Format) -> Self {
        Self {
            path,
            format,
            encoding: None,
            rows: 0,
            cases: 0,
            rejected: 0,
            blank: 0,
            short_rows: 0,
            windows_1252_lines: 0,
            undecodable: 0,
            control_characters: 0,
            repeated_paragraphs: 0,
            notes: Vec::new(),
            mapping: None,
        }
    }
}
