//! Every record of several case files, one after the other.

use std::{
    cell::Cell,
    fs::File,
    io::{self, BufReader, Read},
    path::{Path, PathBuf},
    rc::Rc,
};

use super::{CaseReader, Located};
use crate::error::{Error, Result};

/// Rows between two reports of progress.
const ROWS_PER_REPORT: u64 = 512;

/// Reads the files in order and hands every record to `each`, a faulty one as the error that names it; memory does
/// not grow with the files. `progress` is called now and then with the number of bytes read so far.
///
/// # Errors
///
/// A file that cannot be read, and whatever error `each` returns, which ends the reading.
pub fn scan_cases(
    files: &[PathBuf],
    progress: &mut dyn FnMut(u64),
    each: &mut dyn FnMut(&Path, Result<Located>) -> Result<()>,
) -> Result<()> {
    let bytes = Rc::new(Cell::new(0));
    let mut rows = 0_u64;
    for path in files {
        let file = File::open(path).map_err(|source| Error::io(path, source))?;
        if file.metadata().is_ok_and(|metadata| metadata.is_dir()) {
            return Err(Error::io(path, io::Error::other("is a folder, not a file")));
        }
        let counted = Counted { file, bytes: Rc::clone(&bytes) };
        for located in CaseReader::new(path, BufReader::with_capacity(1 << 18, counted)) {
            if let Err(Error::Io { .. }) = located {
                return located.map(drop);
            }
            each(path, located)?;
            rows += 1;
            if rows.is_multiple_of(ROWS_PER_REPORT) {
                progress(bytes.get());
            }
        }
        progress(bytes.get());
    }
    Ok(())
}

/// The bytes of all files together, for a progress bar; 0 for what has no length, such as a pipe.
pub fn total_bytes(files: &[PathBuf]) -> u64 {
    files.iter().filter_map(|path| path.metadata().ok()).map(|metadata| metadata.len()).sum()
}

/// A file that counts what is read from it.
struct Counted {
    file: File,
    bytes: Rc<Cell<u64>>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.bytes.set(self.bytes.get() + read as u64);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_record_comes_with_its_file_and_faults_do_not_end_the_reading() {
        let folder = tempfile::tempdir().unwrap();
        let good = r#"{"equipment": "a", "symptom": "b"}"#;
        let files = ["a.jsonl", "b.json"].map(|name| folder.path().join(name));
        std::fs::write(&files[0], format!("{good}\nnonsense\n{good}\n")).unwrap();
        std::fs::write(&files[1], format!("[{good}]")).unwrap();
        let (mut seen, mut last) = (Vec::new(), 0);
        scan_cases(&files, &mut |bytes| last = bytes, &mut |path, located| {
            seen.push((path.file_name().unwrap().to_owned(), located.is_ok()));
            Ok(())
        })
        .unwrap();
        let names: Vec<_> = seen.iter().map(|(name, ok)| (name.to_str().unwrap(), *ok)).collect();
        assert_eq!(names, [("a.jsonl", true), ("a.jsonl", false), ("a.jsonl", true), ("b.json", true)]);
        assert_eq!(last, total_bytes(&files));
    }

    #[test]
    fn the_first_error_of_the_caller_ends_the_reading() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.jsonl");
        std::fs::write(&path, "nonsense\nnonsense\n").unwrap();
        let mut calls = 0;
        let outcome = scan_cases(&[path], &mut |_| {}, &mut |_, located| {
            calls += 1;
            located.map(drop)
        });
        assert!(matches!(outcome, Err(Error::Record { line: 1, .. })));
        assert_eq!(calls, 1);
        assert!(scan_cases(&[folder.path().to_owned()], &mut |_| {}, &mut |_, _| Ok(())).is_err());
    }
}
