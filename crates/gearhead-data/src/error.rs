//! What can be wrong with a file, a record or a tokenizer.

use std::path::{Path, PathBuf};

use crate::{knowledge::KnowledgeFault, split::SplitFault};

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
    /// A line of a file of texts is none.
    #[error("{}:{line}: {reason}", path.display())]
    Text {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// What is wrong with it.
        reason: String,
    },
    /// A tokenizer could not be read, trained or written.
    #[error("{}: not a usable tokenizer: {reason}", path.display())]
    Tokenizer {
        /// The tokenizer file, or the place it was to be written.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The weights of a linear model are damaged.
    #[error("not a usable linear model: {0}")]
    Linear(String),
    /// A model's `gearhead.json` is not usable.
    #[error("{}: {reason}", path.display())]
    Manifest {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A file of a company's knowledge is not usable.
    #[error("{}{}: {fault}", path.display(), line.map_or_else(String::new, |line| format!(":{line}")))]
    Knowledge {
        /// The file or folder.
        path: PathBuf,
        /// The line at fault, from 1, where there is one.
        line: Option<u64>,
        /// What is wrong with it.
        fault: KnowledgeFault,
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
    /// A file holds no fault codes that can be read.
    #[error("{}{}: {fault}", path.display(), line.map_or(String::new(), |line| format!(":{line}")))]
    FaultLog {
        /// The file.
        path: PathBuf,
        /// The line at fault, from 1, where one is.
        line: Option<u64>,
        /// What is wrong with it.
        fault: LogFault,
    },
    /// Cases cannot be split as asked.
    #[error(transparent)]
    Split(#[from] SplitFault),
    /// The columns of a table do not make cases.
    #[error("{}: {reason}", path.display())]
    Mapping {
        /// The file.
        path: PathBuf,
        /// What is missing, what there is, and what to give.
        reason: String,
    },
    /// Nobody can tell what a file is.
    #[error(
        "{}: {reason}; say what it is with --format (jsonl, json, csv, tsv, text, dialogue, tokens, corpus, parquet, xlsx or pdf)",
        path.display()
    )]
    UnknownFormat {
        /// The file.
        path: PathBuf,
        /// What was seen.
        reason: String,
    },
    /// The format of a file is known and cannot be read here.
    #[error("{}: {reason}", path.display())]
    UnreadableFormat {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// An import found nothing that is a case.
    #[error("none of {rows} rows is a case{}", first.as_ref().map(|first| format!("; the first: {first}")).unwrap_or_default())]
    NothingTaken {
        /// Rows that were read.
        rows: u64,
        /// Where the first one is and why it was not taken.
        first: Option<String>,
    },
    /// The user did not agree to the columns that an import would take.
    #[error("{}: nothing was imported; give the columns with --map FIELD=COLUMN", path.display())]
    MappingRefused {
        /// The file.
        path: PathBuf,
    },
    /// An import lost a row or counted one twice, which is a fault of Gearhead.
    #[error("{}: {rows} rows were read, but {cases} taken and {rejected} reported: please report this fault", path.display())]
    RowsLost {
        /// The file.
        path: PathBuf,
        /// Rows that were read.
        rows: u64,
        /// Rows that were taken.
        cases: u64,
        /// Rows that were reported.
        rejected: u64,
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
    /// `date` has two numbers that can both be the month.
    #[error(
        "`date` is {0:?}, which may begin with the day or with the month: say which with --date-format dmy or mdy"
    )]
    AmbiguousDate(String),
}

/// What is wrong with a log of fault codes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LogFault {
    /// It has no form that is known.
    #[error(
        "no log that is known: expected frames as candump, PEAK (.trc) or Vector (.asc) write them, a CSV with columns \
         for identifier and data, OBD-II responses in hexadecimal, or an AEMP 2.0 response in XML or JSON"
    )]
    Unknown,
    /// It is text in UTF-16.
    #[error("the text is in UTF-16: save it as UTF-8 and try again")]
    Utf16,
    /// Its form was recognised, but not one line is a frame.
    #[error("the log holds no frame{}", reason.as_ref().map_or(String::new(), |reason| format!(": {reason}")))]
    NoFrame {
        /// What is wrong with the first line that should be one.
        reason: Option<String>,
    },
    /// A telematics response is not well formed.
    #[error("not a readable telematics response: {reason}")]
    Telematics {
        /// What is wrong with it.
        reason: String,
    },
    /// XML or JSON of another kind.
    #[error(
        "neither a machine (`EquipmentHeader`) nor a fault (`CodeIdentifier`) of AEMP 2.0 (ISO 15143-3) is in it"
    )]
    NotAemp,
}

impl Error {
    /// Wraps an operating-system error with the file it came from.
    pub fn io(path: impl AsRef<Path>, source: std::io::Error) -> Self {
        Self::Io { path: path.as_ref().to_owned(), source }
    }
}
