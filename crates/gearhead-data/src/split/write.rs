//! The files of a split, all of them or none.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use crate::{
    case::Case,
    error::{Error, Result},
    generate::Split,
};

/// Files of a split: those of the three parts and that of the removed rows.
pub(super) const NAMES: [&str; 4] = ["train.jsonl", "validation.jsonl", "test.jsonl", "removed.jsonl"];

/// Where a row goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// To a part.
    Part(Split),
    /// Out of the first part, because of a near copy in the second.
    Removed(Split, Split),
}

impl Place {
    /// The index of its file in [`NAMES`].
    pub(super) fn file(self) -> usize {
        match self {
            Self::Part(part) => part as usize,
            Self::Removed(..) => 3,
        }
    }
}

/// Files that are written in a folder of their own until all of them are complete.
pub(super) struct Outputs {
    folder: PathBuf,
    files: [Option<BufWriter<File>>; 4],
}

impl Outputs {
    /// `folder` is a temporary one on the same file system as the final one.
    pub(super) fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), files: [const { None }; 4] }
    }

    pub(super) fn path(&self, file: usize) -> PathBuf {
        self.folder.join(NAMES[file])
    }

    /// Opens a file even if no row comes.
    pub(super) fn open(&mut self, file: usize) -> Result<&mut BufWriter<File>> {
        let path = self.path(file);
        match &mut self.files[file] {
            Some(output) => Ok(output),
            empty => {
                let created = File::create(&path).map_err(|source| Error::io(&path, source))?;
                Ok(empty.insert(BufWriter::with_capacity(1 << 18, created)))
            }
        }
    }

    pub(super) fn write(&mut self, mut case: Case, place: Place) -> Result<()> {
        if let Place::Removed(_, because) = place {
            let reason =
                format!("its complaint is a copy or near copy of one in {}", NAMES[because as usize]);
            case.extra.insert("removed".into(), reason.into());
        }
        let path = self.path(place.file());
        let output = self.open(place.file())?;
        let mut write = || -> io::Result<()> {
            serde_json::to_writer(&mut *output, &case)?;
            output.write_all(b"\n")
        };
        write().map_err(|source| Error::io(&path, source))
    }

    /// Ends the writing; the files stay in the temporary folder.
    pub(super) fn finish(&mut self) -> Result<()> {
        for file in 0..NAMES.len() {
            let path = self.path(file);
            let Some(output) = self.files[file].take() else { continue };
            let end = || -> io::Result<()> { output.into_inner()?.sync_all() };
            end().map_err(|source| Error::io(&path, source))?;
        }
        Ok(())
    }

    /// Puts the files into `out`, in place of those of an earlier split. If one cannot be placed, the earlier ones are
    /// put back.
    pub(super) fn place(&self, out: &Path) -> Result<()> {
        let mut moved: Vec<(PathBuf, PathBuf)> = Vec::new();
        let mut place = || -> Result<()> {
            for (file, name) in NAMES.iter().enumerate() {
                let (fresh, target, earlier) =
                    (self.path(file), out.join(name), self.folder.join(format!("earlier-{name}")));
                for (from, to) in [(&target, &earlier), (&fresh, &target)] {
                    if from.exists() {
                        fs::rename(from, to).map_err(|source| Error::io(&target, source))?;
                        moved.push((from.clone(), to.clone()));
                    }
                }
            }
            Ok(())
        };
        let outcome = place();
        if outcome.is_err() {
            for (from, to) in moved.iter().rev() {
                // The first error is the one to tell; what can be put back is.
                let _ = fs::rename(to, from);
            }
        }
        outcome
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_an_earlier_split_are_put_back_when_one_cannot_be_placed() {
        let out = tempfile::tempdir().unwrap();
        let folder = tempfile::tempdir_in(out.path()).unwrap();
        let mut outputs = Outputs::new(folder.path());
        for part in Split::ALL {
            outputs.write(Case::new("a", "new"), Place::Part(part)).unwrap();
        }
        outputs.finish().unwrap();
        fs::write(out.path().join("train.jsonl"), "old").unwrap();
        fs::write(out.path().join("removed.jsonl"), "old").unwrap();
        // A folder stands where the earlier test file would be put.
        fs::create_dir(folder.path().join("earlier-test.jsonl")).unwrap();
        fs::write(out.path().join("test.jsonl"), "old").unwrap();
        assert!(outputs.place(out.path()).is_err());
        for name in ["train.jsonl", "test.jsonl", "removed.jsonl"] {
            assert_eq!(fs::read_to_string(out.path().join(name)).unwrap(), "old", "{name}");
        }
        assert!(!out.path().join("validation.jsonl").exists());
        fs::remove_dir(folder.path().join("earlier-test.jsonl")).unwrap();
        outputs.place(out.path()).unwrap();
        assert!(fs::read_to_string(out.path().join("test.jsonl")).unwrap().contains("new"));
        // There are no removed rows this time, so there is no file of them.
        assert!(!out.path().join("removed.jsonl").exists());
    }
}
