//! Cases split into training, validation and test files without a near copy on two sides.
//!
//! [`split_files`] reads the files twice and keeps a few bytes of each row: first it numbers what rows are kept together
//! by and finds which complaints are near copies, then it writes each row to its file. After that, [`verify_disjoint`]
//! reads what was written and looks for copies across again.
//!
//! Two rows are near copies when their complaints are at least
//! [`NEAR_DUPLICATE`](crate::duplicates::NEAR_DUPLICATE) alike, whatever their machines, codes and labels are: a model
//! that remembers a complaint is not tested by meeting it again on another machine. Split by wording, near copies stay
//! together, and so do those that a chain of near copies links. Split by the content of a field, groups that near copies
//! link stay together as long as the shares can be met. Split by machine, fault or time, which would glue nearly
//! everything together, training rows that copy a held-out row are removed, to a file of their own.
//!
//! **Memory**: 4 to 12 bytes for each row, and 20 to 60 for each distinct complaint (and as much for each distinct key);
//! above 100,000 distinct complaints, 480 bytes of disk for each, in the folder that is written to.

mod complaints;
mod date;
mod days;
mod deal;
mod fault;
mod key;
mod labels;
mod machine;
mod plan;
mod removal;
mod report;
#[cfg(test)]
mod tests;
mod union;
mod verify;
mod write;

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use xxhash_rust::xxh3::xxh3_64;

pub use date::DateOrder;
pub use fault::SplitFault;
pub use key::By;
pub use report::{Faulty, LabelCover, Missing, Part, Removed, SplitReport, WithoutKey};
pub use verify::{Crossings, verify_disjoint};

use crate::{
    case::{Case, Located, scan_cases, total_bytes},
    error::{Error, Result},
    generate::Split,
};

use complaints::Complaints;
use deal::Shares;
use key::{Keys, NO_KEY};
use plan::{Options, Plan, Rows, plan};
use write::{NAMES, Outputs, Place};

/// Faulty records that are described in the report.
const LISTED_FAULTS: usize = 20;

/// How to split.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct SplitConfig {
    /// What to go by.
    pub by: By,
    /// Share of the rows for validation.
    pub validation: f64,
    /// Share of the rows for test.
    pub test: f64,
    /// The same seed gives the same files.
    pub seed: u64,
    /// Whether near copies of held-out complaints may stay in training (and in validation).
    pub keep_near_duplicates: bool,
    /// Whether faulty records are passed over and reported; otherwise the first ends the split.
    pub skip_faulty: bool,
    /// Which comes first in dates with slashes.
    pub date_order: Option<DateOrder>,
}

impl SplitConfig {
    /// A tenth each for validation and test.
    pub fn new(by: By) -> Self {
        Self {
            by,
            validation: 0.1,
            test: 0.1,
            seed: 0,
            keep_near_duplicates: false,
            skip_faulty: false,
            date_order: None,
        }
    }

    fn shares(&self) -> Result<Shares> {
        let (validation, test) = (self.validation, self.test);
        // Not a number fails every comparison.
        let is_usable =
            validation >= 0.0 && test >= 0.0 && validation + test > 0.0 && validation + test < 1.0;
        if is_usable {
            Ok(Shares { validation, test })
        } else {
            Err(SplitFault::Shares { validation, test }.into())
        }
    }
}

/// What a split is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// Reading the files; counted in bytes.
    Read,
    /// Looking for near copies; counted in steps.
    Compare,
    /// Reading the files again and writing; counted in bytes.
    Write,
    /// Reading what was written; counted in bytes.
    Verify,
    /// Looking for near copies in what was written; counted in steps.
    CompareAgain,
}

/// Splits case files into `train.jsonl`, `validation.jsonl` and `test.jsonl` in the folder `out`, and, where rows had to
/// be removed, `removed.jsonl`. The files appear when all are complete; a failure leaves what stood there before. Files of
/// an earlier split are replaced. `progress` is told the step, how much of it is done, and how much there is.
///
/// # Errors
///
/// [`Error::Split`] when the cases cannot be split as asked; a file that cannot be read or written; the first faulty
/// record or ambiguous date with its line.
pub fn split_files(
    files: &[PathBuf],
    out: &Path,
    config: &SplitConfig,
    progress: &mut dyn FnMut(Step, u64, u64),
) -> Result<SplitReport> {
    let shares = config.shares()?;
    refuse_to_overwrite(files, out)?;
    let is_missing = |folder: &&Path| !folder.as_os_str().is_empty() && !folder.exists();
    let made: Vec<&Path> = out.ancestors().take_while(is_missing).collect();
    let outcome = split_into(files, out, config, shares, progress);
    if outcome.is_err() {
        for folder in made {
            // Only empty folders can be removed this way, and the error that is told is the first.
            let _ = std::fs::remove_dir(folder);
        }
    }
    outcome
}

fn split_into(
    files: &[PathBuf],
    out: &Path,
    config: &SplitConfig,
    shares: Shares,
    progress: &mut dyn FnMut(Step, u64, u64),
) -> Result<SplitReport> {
    std::fs::create_dir_all(out).map_err(|source| Error::io(out, source))?;
    let folder = tempfile::Builder::new()
        .prefix(".gearhead-")
        .tempdir_in(out)
        .map_err(|source| Error::io(out, source))?;
    let Reading { rows, keys, complaints, without_key, faulty } =
        read(files, folder.path(), config, progress)?;
    let mut pairs = complaints.finish()?;
    let options = Options { shares, seed: config.seed, keeps_near: config.keep_near_duplicates };
    let mut comparing = |done, all| progress(Step::Compare, done, all);
    let plan = plan(&rows, &config.by, keys.sets, &mut pairs, options, &mut comparing)?;
    let mut outputs = Outputs::new(folder.path());
    let written = write_rows(files, &rows, &plan, config, &mut outputs, progress)?;
    written.check(shares)?;
    let paths: Vec<PathBuf> = (0..3).map(|file| outputs.path(file)).collect();
    let verified = verify_disjoint(&paths, folder.path(), progress)?;
    if !config.keep_near_duplicates && verified.complete && !verified.are_none() {
        return Err(SplitFault::Crosses { exact: verified.exact, near: verified.near }.into());
    }
    outputs.place(out)?;
    let n_rows = rows.complaints.len() as u64;
    let part = |part: Split| {
        let rows = written.rows[part as usize];
        let groups = plan.outline.groups_of[part as usize];
        Part { path: out.join(NAMES[part as usize]), rows, share: rows as f64 / n_rows as f64, groups }
    };
    let removed: u64 = written.removed_from.iter().sum();
    Ok(SplitReport {
        by: config.by.to_string(),
        seed: config.seed,
        rows: n_rows,
        train: part(Split::Train),
        validation: part(Split::Validation),
        test: part(Split::Test),
        removed: Removed {
            path: (removed > 0).then(|| out.join(NAMES[3])),
            rows: removed,
            from_train: written.removed_from[Split::Train as usize],
            from_validation: written.removed_from[Split::Validation as usize],
        },
        groups: plan.outline.groups,
        largest_group: plan.outline.largest_group,
        merged_groups: plan.outline.merged,
        without_key,
        distinct_complaints: pairs.count() as u64,
        pairs_not_compared: pairs.uncompared(),
        labels: written.labels.finish(),
        faulty,
        verified,
    })
}

fn refuse_to_overwrite(files: &[PathBuf], out: &Path) -> Result<()> {
    for target in NAMES.iter().filter_map(|name| out.join(name).canonicalize().ok()) {
        if let Some(path) = files.iter().find(|file| file.canonicalize().is_ok_and(|file| file == target)) {
            return Err(SplitFault::Overwrites { path: path.clone() }.into());
        }
    }
    Ok(())
}

/// What the first reading gathers.
struct Reading {
    rows: Rows,
    keys: Keys,
    complaints: Complaints,
    without_key: WithoutKey,
    faulty: Faulty,
}

fn read(
    files: &[PathBuf],
    folder: &Path,
    config: &SplitConfig,
    progress: &mut dyn FnMut(Step, u64, u64),
) -> Result<Reading> {
    let is_by_wording = config.by == By::Wording;
    let mut rows = Rows::default();
    let mut keys = Keys::new(config.by.clone(), config.date_order);
    let mut complaints = Complaints::new(folder);
    let mut label_numbers: HashMap<u64, u32> = HashMap::new();
    let mut without_key = WithoutKey::default();
    let mut faulty = Faulty::default();
    let mut each = |path: &Path, located: Result<Located>| {
        let Located { line, case } = match located {
            Ok(located) => located,
            Err(error @ Error::Record { .. }) if config.skip_faulty => {
                faulty.records += 1;
                if faulty.first.len() < LISTED_FAULTS {
                    faulty.first.push(error.to_string());
                }
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        if is_by_wording {
            let next = label_numbers.len() as u32 + 1;
            // Rows without a label are dealt among themselves.
            let number = |label: &str| *label_numbers.entry(xxh3_64(label.as_bytes())).or_insert(next);
            rows.labels.push(case.label().as_deref().map_or(0, number));
        } else {
            let fault = |fault| Error::Record { path: path.to_owned(), line, fault };
            let key = keys.number(&case).map_err(fault)?;
            rows.keys.push(key);
            if key == NO_KEY {
                without_key.rows += 1;
                without_key.first.get_or_insert_with(|| format!("{}:{line}", path.display()));
            }
        }
        rows.complaints.push(complaints.number(&case.symptom)?);
        Ok(())
    };
    let all = total_bytes(files);
    scan_cases(files, &mut |bytes| progress(Step::Read, bytes, all), &mut each)?;
    if rows.complaints.is_empty() {
        return Err(Error::NoCases { path: files.first().cloned().unwrap_or_default() });
    }
    Ok(Reading { rows, keys, complaints, without_key, faulty })
}

/// What the second reading wrote.
struct Written {
    /// Rows of each part.
    rows: [u64; 3],
    /// Rows that were removed from each part.
    removed_from: [u64; 3],
    labels: labels::Labels,
}

impl Written {
    /// Refuses a split that removed everything.
    fn check(&self, shares: Shares) -> Result<()> {
        let is_empty = |part: Split| self.rows[part as usize] == 0;
        if is_empty(Split::Train) {
            return Err(SplitFault::NothingLeft.into());
        }
        if shares.validation > 0.0 && is_empty(Split::Validation) {
            return Err(SplitFault::NoValidationLeft.into());
        }
        Ok(())
    }
}

fn write_rows(
    files: &[PathBuf],
    rows: &Rows,
    plan: &Plan,
    config: &SplitConfig,
    outputs: &mut Outputs,
    progress: &mut dyn FnMut(Step, u64, u64),
) -> Result<Written> {
    let mut written = Written { rows: [0; 3], removed_from: [0; 3], labels: labels::Labels::new() };
    for part in Split::ALL {
        outputs.open(part as usize)?;
    }
    let mut row = 0;
    let mut each = |_: &Path, located: Result<Located>| {
        let case: Case = match located {
            Ok(located) => located.case,
            Err(Error::Record { .. }) if config.skip_faulty => return Ok(()),
            Err(error) => return Err(error),
        };
        if row == rows.complaints.len() {
            return Err(SplitFault::Changed.into());
        }
        let place = plan.place(rows, row);
        row += 1;
        let part = match place {
            Place::Part(part) => {
                written.rows[part as usize] += 1;
                Some(part)
            }
            Place::Removed(part, _) => {
                written.removed_from[part as usize] += 1;
                None
            }
        };
        if let Some(label) = case.label() {
            written.labels.add(&label, part);
        }
        outputs.write(case, place)
    };
    let all = total_bytes(files);
    scan_cases(files, &mut |bytes| progress(Step::Write, bytes, all), &mut each)?;
    if row != rows.complaints.len() {
        return Err(SplitFault::Changed.into());
    }
    outputs.finish()?;
    Ok(written)
}
