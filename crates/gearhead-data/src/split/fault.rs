//! Why cases cannot be split as asked.

use std::path::PathBuf;

/// Why cases cannot be split as asked. Nothing has been written.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SplitFault {
    /// The shares leave nothing for training, or hold nothing out.
    #[error(
        "validation is {validation} and test is {test}: neither may be below 0, one must be above 0, and together they must stay below 1"
    )]
    Shares {
        /// Share for validation.
        validation: f64,
        /// Share for test.
        test: f64,
    },
    /// No row has what the split goes by.
    #[error("no row has {what}, so they cannot be split by it")]
    NoKey {
        /// What is missing, in words.
        what: String,
    },
    /// There are fewer groups than files to fill.
    #[error(
        "there {} only {groups} {what} for {parts} files: each needs at least one of its own (split by something else, or hold out less)",
        if *.groups == 1 { "is" } else { "are" }
    )]
    TooFewGroups {
        /// How many groups there are.
        groups: u64,
        /// What a group is, in words.
        what: String,
        /// How many files are to be filled.
        parts: usize,
    },
    /// Every training row is a near copy of a held-out one.
    #[error(
        "every training row is a near copy of a validation or test row, so nothing is left to learn from: split by wording, or give --keep-near-duplicates"
    )]
    NothingLeft,
    /// Every validation row is a near copy of a test row.
    #[error(
        "every validation row is a near copy of a test row, so validation.jsonl would be empty: split by wording, hold out more, or give --validation 0"
    )]
    NoValidationLeft,
    /// The split would replace what it reads.
    #[error("{} is read and would be replaced: choose another folder with --out", path.display())]
    Overwrites {
        /// The file.
        path: PathBuf,
    },
    /// The files were not the same when they were read again.
    #[error(
        "the files changed while they were read, or are pipes, which cannot be read twice: nothing was written"
    )]
    Changed,
    /// The check after the split found copies across. This is a fault of Gearhead.
    #[error(
        "{exact} complaints and {near} pairs of near copies would stand in two files: nothing was written; please report this"
    )]
    Crosses {
        /// Complaints that stand in two files.
        exact: u64,
        /// Pairs of near copies that stand in two files.
        near: u64,
    },
    /// No such way to split.
    #[error("{0:?} is no way to split: give wording, machine, fault, time or group=COLUMN")]
    UnknownBy(String),
    /// No such order of day and month.
    #[error("{0:?} is no date format: give dmy (31/12/2026) or mdy (12/31/2026)")]
    UnknownDateOrder(String),
}
