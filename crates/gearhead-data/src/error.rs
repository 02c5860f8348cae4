//! What can be wrong with a file, a record or a tokenizer.

use std::path::{Path, PathBuf};

/// The result of this crate's fallible functions.
pub type Result<T> = std::result::Result<T, Error>;

/// A fault in the input, named so that a person can mend it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file could not be opened, read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// A record of a case file is not a case.
    #[error("{}:{line}: {fault}", path.display())]
    Record {
        /// The file.
        path: PathBuf,
        /// The line on which the record starts, from 1.
        line: u64,
        /// What is wrong with it.
        fault: RecordFault,
    },
    /// A case that did not come from a file is not a case.
    #[error("{0}")]
    Case(RecordFault),
    /// A case file holds no record at all.
    #[error("{}: the file holds no case", path.display())]
    NoCases {
        /// The file.
        path: PathBuf,
    },
    /// A tokenizer could not be read, trained or written.
    #[error("{}: not a usable tokenizer: {reason}", path.display())]
    Tokenizer {
        /// The tokenizer file, or the place it was to be written.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A model's `gearhead.json` is not usable.
    #[error("{}: {reason}", path.display())]
    Manifest {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A case does not fit the model.
    #[error(
        "the case needs {tokens} tokens before its answer, but the model takes {max_seq_len} in all: shorten the symptom"
    )]
    PromptTooLong {
        /// Tokens of the prompt.
        tokens: usize,
        /// What the model can take.
        max_seq_len: usize,
    },
    /// A file needs a reader that was left out when the program was built.
    #[error(
        "{}: this program was built without the reader of {format}: build it with `--features {feature}`",
        path.display()
    )]
    ReaderLeftOut {
        /// The file.
        path: PathBuf,
        /// The format, in words.
        format: &'static str,
        /// The cargo feature that brings the reader in.
        feature: &'static str,
    },
    /// A spreadsheet, binary table or document cannot be read.
    #[error("{}: not a readable {format} file: {reason}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The format, in words.
        format: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// A file is locked with a password.
    #[error("{}: the file is locked with a password: save a copy without one and import that", path.display())]
    Locked {
        /// The file.
        path: PathBuf,
    },
    /// A spreadsheet has no sheet of the name that was asked for.
    #[error("{}: there is no sheet {sheet:?}; it has {}", path.display(), sheets.join(", "))]
    NoSheet {
        /// The file.
        path: PathBuf,
        /// The name that was asked for.
        sheet: String,
        /// The names that there are.
        sheets: Vec<String>,
    },
    /// Generation was asked for something impossible.
    #[error("{0}")]
    Generate(String),
}

/// What is wrong with one record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordFault {
    /// It is not JSON.
    #[error("not valid JSON: {0}")]
    Json(String),
    /// It is JSON, but not an object.
    #[error("a case must be a JSON object, found {0}")]
    NotAnObject(&'static str),
    /// A required field is absent.
    #[error("`{0}` is missing")]
    Missing(&'static str),
    /// A required field holds only white space.
    #[error("`{0}` is empty")]
    Empty(&'static str),
    /// A field has the wrong type.
    #[error("`{field}` must be {expected}, found {found}")]
    WrongType {
        /// The field.
        field: &'static str,
        /// The type it must have, in words.
        expected: &'static str,
        /// The type it has, in words.
        found: &'static str,
    },
    /// A field is longer than any real record.
    #[error("`{field}` has {chars} characters, at most {limit} are taken")]
    TooLong {
        /// The field.
        field: &'static str,
        /// Its length in characters.
        chars: usize,
        /// The limit in characters.
        limit: usize,
    },
    /// `system` is a word that is not a system.
    #[error("`system` is {0:?}, which is not a system")]
    UnknownSystem(String),
}

impl Error {
    /// Wraps an operating-system error with the file it came from.
    pub fn io(path: impl AsRef<Path>, source: std::io::Error) -> Self {
        Self::Io { path: path.as_ref().to_owned(), source }
    }
}
