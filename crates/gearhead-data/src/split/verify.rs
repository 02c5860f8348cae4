//! The check after a split, which knows nothing of how the split was made.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::{
    Step,
    complaints::{Complaints, Visitor},
};
use crate::{
    case::{scan_cases, total_bytes},
    error::Result,
};

/// What [`verify_disjoint`] found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Crossings {
    /// Distinct complaints that stand in two files or more, but for case, punctuation and digits.
    pub exact: u64,
    /// Distinct complaints that have a near copy in another file.
    pub near: u64,
    /// Whether every pair of near copies was looked at; otherwise the search was for all but a few, as the
    /// documentation of [`Sketch::bands`](crate::duplicates::Sketch::bands) says.
    pub complete: bool,
}

impl Crossings {
    /// Whether no copy was found across files.
    pub fn are_none(&self) -> bool {
        self.exact == 0 && self.near == 0
    }
}

/// Looks for complaints that stand in two of the files (at most eight), or that have a near copy in another one: at least
/// [`NEAR_DUPLICATE`](crate::duplicates::NEAR_DUPLICATE) alike. `folder` is where temporary files go. `progress` is told
/// the step, how much of it is done, and how much there is.
///
/// # Errors
///
/// A file that cannot be read or that has a faulty record.
///
/// # Panics
///
/// When there are more than eight files.
pub fn verify_disjoint(
    files: &[PathBuf],
    folder: &Path,
    progress: &mut dyn FnMut(Step, u64, u64),
) -> Result<Crossings> {
    assert!(files.len() <= 8, "at most eight files are compared");
    let mut complaints = Complaints::new(folder);
    let mut sides: Vec<u8> = Vec::new();
    let (mut before, all) = (0, total_bytes(files));
    for (side, file) in files.iter().enumerate() {
        let mut read = 0;
        let mut each = |_: &Path, located: Result<crate::case::Located>| {
            let number = complaints.number(&located?.case.symptom)? as usize;
            if number == sides.len() {
                sides.push(0);
            }
            sides[number] |= 1 << side;
            Ok(())
        };
        let mut report = |bytes| {
            read = bytes;
            progress(Step::Verify, before + bytes, all);
        };
        scan_cases(std::slice::from_ref(file), &mut report, &mut each)?;
        before += read;
    }
    let exact = sides.iter().filter(|sides| sides.count_ones() > 1).count() as u64;
    let mut pairs = complaints.finish()?;
    let mut crossing = Crossing { has_copy: vec![false; sides.len()], sides };
    pairs.search(&mut crossing, &mut |done, all| progress(Step::CompareAgain, done, all))?;
    let near = crossing.has_copy.iter().filter(|has_copy| **has_copy).count() as u64;
    Ok(Crossings { exact, near, complete: pairs.is_complete() })
}

struct Crossing {
    sides: Vec<u8>,
    has_copy: Vec<bool>,
}

impl Visitor for Crossing {
    fn wants(&mut self, a: u32, b: u32) -> bool {
        let (a, b) = (a as usize, b as usize);
        let differ = self.sides[a] != self.sides[b] || self.sides[a].count_ones() > 1;
        differ && !(self.has_copy[a] && self.has_copy[b])
    }

    fn found(&mut self, a: u32, b: u32) {
        self.has_copy[a as usize] = true;
        self.has_copy[b as usize] = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::{Case, write_cases};

    fn verified(files: &[&[&str]]) -> Crossings {
        let folder = tempfile::tempdir().unwrap();
        let paths: Vec<PathBuf> =
            (0..files.len()).map(|file| folder.path().join(format!("{file}.jsonl"))).collect();
        for (path, symptoms) in paths.iter().zip(files) {
            let cases: Vec<Case> = symptoms.iter().map(|symptom| Case::new("CAT 320", *symptom)).collect();
            write_cases(path, &cases).unwrap();
        }
        verify_disjoint(&paths, folder.path(), &mut |_, _, _| {}).unwrap()
    }

    #[test]
    fn copies_and_near_copies_across_files_are_found() {
        let text = "engine starts but loses power under load";
        let near = "engine starts but loses power under heavy load";
        let other = "boom drifts down over night";
        let none = verified(&[&[text, near, text], &[other], &[]]);
        assert!(none.are_none() && none.complete);
        assert_eq!(verified(&[&[text, other], &["Engine starts, but loses POWER under load"]]).exact, 1);
        let found = verified(&[&[text], &[other], &[near]]);
        assert_eq!((found.exact, found.near), (0, 2));
    }
}
