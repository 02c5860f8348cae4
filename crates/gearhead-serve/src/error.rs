//! What can keep a service from starting.

use std::{io, path::PathBuf};

/// A reason why there is no service.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file cannot be read.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A line of a file of API keys is no key.
    #[error("{}:{line}: {fault}", path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        fault: &'static str,
    },
    /// A file of API keys has none.
    #[error("{}: no key: write one a line, of at least {} characters", path.display(), crate::keys::MIN_CHARS)]
    NoKeys {
        /// The file.
        path: PathBuf,
    },
    /// The database cannot be opened.
    #[error("{}: {source}", path.display())]
    Store {
        /// The file.
        path: PathBuf,
        /// Why.
        source: rusqlite::Error,
    },
    /// The database is of another version of the program.
    #[error("{}: its layout is number {found}, this program knows {known}: it is of another version", path.display())]
    StoreVersion {
        /// The file.
        path: PathBuf,
        /// The number in the file.
        found: i64,
        /// The number that is known.
        known: i64,
    },
    /// A model's chat template is no template.
    #[error("{}: `chat_template`: {reason}", path.display())]
    ChatTemplate {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// An origin that pages may ask from is no origin.
    #[error("`{origin}` is no origin: write scheme, host and port, such as https://workshop.example:8443")]
    Origin {
        /// What was given.
        origin: String,
    },
    /// The operating system gives no thread, or the listener fails.
    #[error(transparent)]
    System(#[from] io::Error),
}

/// The result of this crate's fallible functions.
pub type Result<T> = std::result::Result<T, Error>;
