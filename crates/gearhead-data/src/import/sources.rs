//! The files that an import reads: those that are named, and those in folders that are named.

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// A file to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Source {
    pub(crate) path: PathBuf,
    /// Whether it was found in a folder, so that nobody says it is of use.
    pub(crate) is_found: bool,
}

/// Every file of `paths`, those of a folder in the order of their names, with those of its folders. Hidden files, links to
/// folders and the files in `left_out` are passed over in folders.
pub(crate) fn files(paths: &[PathBuf], left_out: &[&Path]) -> Result<Vec<Source>> {
    let left_out: Vec<PathBuf> = left_out.iter().filter_map(|path| path.canonicalize().ok()).collect();
    let mut sources = Vec::new();
    for path in paths {
        let metadata = std::fs::metadata(path).map_err(|source| Error::io(path, source))?;
        if metadata.is_dir() {
            walk(path, &left_out, &mut sources)?;
        } else {
            sources.push(Source { path: path.clone(), is_found: false });
        }
    }
    Ok(sources)
}

/// The bytes that the files have together.
///
/// # Errors
///
/// [`Error::Io`] names the path that cannot be read.
pub fn total_bytes(paths: &[PathBuf]) -> Result<u64> {
    let sizes = files(paths, &[])?
        .into_iter()
        .map(|source| std::fs::metadata(source.path).map_or(0, |file| file.len()));
    Ok(sizes.sum())
}

fn walk(folder: &Path, left_out: &[PathBuf], sources: &mut Vec<Source>) -> Result<()> {
    let entries = std::fs::read_dir(folder).map_err(|source| Error::io(folder, source))?;
    let mut entries =
        entries.collect::<std::io::Result<Vec<_>>>().map_err(|source| Error::io(folder, source))?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        let kind = entry.file_type().map_err(|source| Error::io(&path, source))?;
        if entry.file_name().to_string_lossy().starts_with('.') {
            continue;
        }
        if kind.is_dir() {
            walk(&path, left_out, sources)?;
        } else if path.is_file() && !path.canonicalize().is_ok_and(|full| left_out.contains(&full)) {
            sources.push(Source { path, is_found: true });
        }
    }
    Ok(())
}
