//! What a split did.

use std::{fmt, path::PathBuf};

use serde::Serialize;

use super::Crossings;

/// What a split did. Its JSON is published as `docs/schemas/split.schema.json`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct SplitReport {
    /// What the split went by, as on the command line.
    pub by: String,
    /// The seed.
    pub seed: u64,
    /// Rows that were read, without faulty ones.
    pub rows: u64,
    /// What went to `train.jsonl`.
    pub train: Part,
    /// What went to `validation.jsonl`.
    pub validation: Part,
    /// What went to `test.jsonl`.
    pub test: Part,
    /// What went to `removed.jsonl`, which is written only where there is something.
    pub removed: Removed,
    /// Groups of rows that stay together: wordings, machines, faults, dates or values.
    pub groups: u64,
    /// Rows of the largest group.
    pub largest_group: u64,
    /// Groups that were made one because a copy or near copy links them.
    pub merged_groups: u64,
    /// Rows that have nothing to split by; they are trained on.
    pub without_key: WithoutKey,
    /// Distinct complaints but for case, punctuation and digits.
    pub distinct_complaints: u64,
    /// Pairs of complaints that were too many alike to be compared.
    pub pairs_not_compared: u64,
    /// Labels, and where they are missing.
    pub labels: LabelCover,
    /// Faulty records that were skipped.
    pub faulty: Faulty,
    /// What the check of the finished files found.
    pub verified: Crossings,
}

/// One of the three files.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[non_exhaustive]
pub struct Part {
    /// The file.
    pub path: PathBuf,
    /// Its rows.
    pub rows: u64,
    /// Its rows as a share of all that were read.
    pub share: f64,
    /// Its groups, before rows were removed.
    pub groups: u64,
}

/// Rows that were taken out because their complaint is a copy or near copy of a held-out one.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[non_exhaustive]
pub struct Removed {
    /// The file, where there are any.
    pub path: Option<PathBuf>,
    /// Rows.
    pub rows: u64,
    /// Of these, rows that would have been trained on.
    pub from_train: u64,
    /// Of these, rows that would have been validation rows.
    pub from_validation: u64,
}

/// Rows that have nothing to split by.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[non_exhaustive]
pub struct WithoutKey {
    /// Rows.
    pub rows: u64,
    /// File and line of the first.
    pub first: Option<String>,
}

/// Faulty records.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[non_exhaustive]
pub struct Faulty {
    /// Records.
    pub records: u64,
    /// What is wrong with the first of them, with file and line.
    pub first: Vec<String>,
}

/// Which labels stand in which file.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[non_exhaustive]
pub struct LabelCover {
    /// Distinct labels: faults, or names of causes.
    pub distinct: u64,
    /// Whether all were counted; otherwise the numbers are estimates.
    pub exact: bool,
    /// Labels that no training row has.
    pub missing_from_train: Missing,
    /// Labels that no validation row has.
    pub missing_from_validation: Missing,
    /// Labels that no test row has.
    pub missing_from_test: Missing,
}

/// Labels that are missing from a file.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[non_exhaustive]
pub struct Missing {
    /// How many.
    pub labels: u64,
    /// The first of them by name.
    pub first: Vec<String>,
}

impl fmt::Display for SplitReport {
    /// Several lines for people.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in [&self.train, &self.validation, &self.test] {
            let share = 100.0 * part.share;
            writeln!(
                f,
                "{}: {} rows ({share:.1} %), {} groups",
                part.path.display(),
                part.rows,
                part.groups
            )?;
        }
        let removed = &self.removed;
        if let Some(path) = &removed.path {
            writeln!(
                f,
                "{}: {} rows whose complaint copies a held-out one, {} from training and {} from validation",
                path.display(),
                removed.rows,
                removed.from_train,
                removed.from_validation
            )?;
        }
        writeln!(f, "{} rows in, split by {} with seed {}", self.rows, self.by, self.seed)?;
        writeln!(f, "{} groups, the largest of {} rows", self.groups, self.largest_group)?;
        if self.merged_groups > 0 {
            writeln!(f, "{} groups were joined to others by near copies", self.merged_groups)?;
        }
        if let Some(first) = &self.without_key.first {
            writeln!(
                f,
                "{} rows have nothing to split by and are trained on, the first at {first}",
                self.without_key.rows
            )?;
        }
        if self.faulty.records > 0 {
            writeln!(f, "{} faulty records skipped", self.faulty.records)?;
        }
        self.labels.fmt(f)?;
        let about = if self.verified.complete { "" } else { ", as far as sketches tell" };
        if self.verified.are_none() {
            write!(f, "checked: no complaint or near copy of one stands in two files{about}")
        } else {
            let Crossings { exact, near, .. } = self.verified;
            write!(
                f,
                "checked: {exact} complaints stand in two files, {near} have a near copy in another{about}"
            )
        }
    }
}

impl LabelCover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let about = if self.exact { "" } else { "about " };
        if self.distinct == 0 {
            return writeln!(f, "no row has a label");
        }
        writeln!(f, "{about}{} labels", self.distinct)?;
        for (file, missing) in [
            ("train", &self.missing_from_train),
            ("validation", &self.missing_from_validation),
            ("test", &self.missing_from_test),
        ] {
            if missing.labels > 0 {
                let more = if missing.labels > missing.first.len() as u64 { ", …" } else { "" };
                let names = missing.first.join(", ");
                let are = if missing.labels == 1 { "label is" } else { "labels are" };
                writeln!(f, "{about}{} {are} not in {file}.jsonl: {names}{more}", missing.labels)?;
            }
        }
        Ok(())
    }
}
