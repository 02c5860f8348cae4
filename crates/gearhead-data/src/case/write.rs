//! Writing files whole or not at all.

use std::{
    io::{BufWriter, Write},
    path::Path,
};

use super::Case;
use crate::error::{Error, Result};

/// Writes cases as JSONL. The file appears under its name only when it is complete; a failure leaves what stood
/// there before.
///
/// # Errors
///
/// [`Error::Io`] with the path.
pub fn write_cases<'a>(path: impl AsRef<Path>, cases: impl IntoIterator<Item = &'a Case>) -> Result<()> {
    write_whole(path.as_ref(), |output| {
        for case in cases {
            serde_json::to_writer(&mut *output, case)?;
            output.write_all(b"\n")?;
        }
        Ok(())
    })
}

/// Calls `fill` on a new file that takes the place of `path` when it is complete, and folders with it. A failure
/// leaves what stood there before.
///
/// # Errors
///
/// [`Error::Io`] with the path.
pub fn write_whole(path: &Path, fill: impl FnOnce(&mut dyn Write) -> std::io::Result<()>) -> Result<()> {
    write_whole_with(path, |output| fill(output).map_err(|source| Error::io(path, source)))
}

/// As [`write_whole`], for a `fill` that gives a result and has errors of its own.
///
/// # Errors
///
/// That of `fill`, or [`Error::Io`] with the path.
pub fn write_whole_with<T, E: From<Error>>(
    path: &Path,
    fill: impl FnOnce(&mut dyn Write) -> std::result::Result<T, E>,
) -> std::result::Result<T, E> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let create = || {
        std::fs::create_dir_all(folder)?;
        let mut builder = tempfile::Builder::new();
        // A temporary file is private to its owner; a finished one gets what any new file gets.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        builder.prefix(".gearhead-").tempfile_in(folder)
    };
    let keep = |output: BufWriter<tempfile::NamedTempFile>| -> std::io::Result<()> {
        let file = output.into_inner()?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        Ok(())
    };
    let mut output = BufWriter::new(create().map_err(|source| Error::io(path, source))?);
    let result = fill(&mut output)?;
    keep(output).map_err(|source| Error::io(path, source))?;
    Ok(result)
}
