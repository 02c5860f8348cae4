//! Texts that are no cases: manuals, bulletins, notes.

use std::path::Path;

use serde::Deserialize;

use crate::error::{Error, Result};

/// A line of JSONL; other fields are of no interest.
#[derive(Deserialize)]
struct Line {
    text: String,
}

/// The texts of a file: those in the field `text` of the lines of a `.jsonl` file, or any other file as one text.
///
/// # Errors
///
/// Names the file that cannot be read or is no UTF-8, and the line that has no `text`.
pub fn read_texts(path: &Path) -> Result<Vec<String>> {
    let content = std::fs::read_to_string(path).map_err(|source| Error::io(path, source))?;
    if !path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("jsonl")) {
        return Ok(vec![content]);
    }
    let lines = content.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(index, line)| {
            let line: Line = serde_json::from_str(line).map_err(|error| Error::Text {
                path: path.to_owned(),
                line: index as u64 + 1,
                reason: format!("a line of text is an object with the string `text`: {error}"),
            })?;
            Ok(line.text)
        })
        .collect()
}
