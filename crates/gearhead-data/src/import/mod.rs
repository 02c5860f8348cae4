//! Bringing in a company's own records: tables, JSON, notes, conversations and raw text become cases or a corpus.
//!
//! An import reads each file once, from front to back, in memory that does not grow with it. What is not taken is
//! reported with its place and its reason, and `rows = cases + rejected` is checked for every file.
//!
//! In reading order: [`import_to_files`] and [`ImportOptions`]; [`Format`] and [`Encoding`], which are recognised;
//! [`Rows`], the interface of every table; [`Mapping`], which says what column fills what field; [`ImportSummary`].
//!
//! ```
//! use std::{io::Cursor, path::Path};
//!
//! use gearhead_data::import::{ImportOptions, import_reader};
//!
//! let table = "Machine;Complaint;Correction\nCAT 320;no power uphill;changed both fuel filters\n;slow;\n";
//! let mut cases = Vec::new();
//! let summary =
//!     import_reader(Path::new("shop.csv"), Cursor::new(table), &ImportOptions::default(), &mut cases, &mut ())?;
//! assert_eq!((summary.rows, summary.cases, summary.rejected), (2, 1, 1));
//! assert!(cases.starts_with(br#"{"equipment":"CAT 320","symptom":"no power uphill","solution":"#));
//! # Ok::<(), gearhead_data::Error>(())
//! ```

pub mod binary;
mod corpus;
mod dialogue;
mod draft;
mod encoding;
mod field;
mod format;
mod json;
mod mapping;
mod mentions;
mod options;
#[cfg(feature = "parquet")]
pub mod parquet;
#[cfg(feature = "pdf")]
pub mod pdf;
#[cfg(all(test, any(feature = "xlsx", feature = "parquet", feature = "pdf")))]
mod read_all;
mod records;
pub mod review;
mod rows;
mod run;
mod sink;
mod sources;
mod summary;
mod table;
#[cfg(test)]
mod tests;
mod text;
mod vocabulary;
mod window;
#[cfg(any(feature = "xlsx", feature = "parquet", feature = "pdf"))]
mod worker;
#[cfg(feature = "xlsx")]
pub mod xlsx;

pub use encoding::{Encoding, TextReader};
pub use field::Field;
pub use format::Format;
pub use mapping::{Mapped, Mapping, MappingOptions, Origin};
pub use mentions::case_in;
pub use options::{Documents, ImportOptions, Observer, Rejected};
pub use rows::{
    Next, Place, Row, Rows,
    csv::{CsvOptions, CsvRows},
    tokens::TokenRows,
};
pub use run::{import, import_reader, import_to_files};
pub use sources::total_bytes;
pub use summary::{FileSummary, ImportSummary};
