//! What a file is: by its content first, by its name second.

use std::{fmt, path::Path, str::FromStr};

use serde::Serialize;

use super::{dialogue::TURNS, rows::csv::guess_delimiter, text::is_labelled};
use crate::error::{Error, Result};

/// A format that records come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Format {
    /// A JSON object on each line.
    Jsonl,
    /// A JSON list of objects, or objects one after another over several lines.
    Json,
    /// A table with commas, semicolons or bars between the cells.
    Csv,
    /// A table with tabs between the cells.
    Tsv,
    /// Notes with labels, or the markers of the prompt.
    Text,
    /// JSON objects that hold the turns of a conversation.
    Dialogue,
    /// Texts with one word a line and a blank line between two texts.
    Tokens,
    /// Raw text, which becomes a corpus for pre-training and no cases.
    Corpus,
    /// Apache Parquet.
    Parquet,
    /// A spreadsheet.
    Xlsx,
    /// A PDF document.
    Pdf,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 11] = [
        Self::Jsonl,
        Self::Json,
        Self::Csv,
        Self::Tsv,
        Self::Text,
        Self::Dialogue,
        Self::Tokens,
        Self::Corpus,
        Self::Parquet,
        Self::Xlsx,
        Self::Pdf,
    ];

    /// The name that stands in arguments and reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Jsonl => "jsonl",
            Self::Json => "json",
            Self::Csv => "csv",
            Self::Tsv => "tsv",
            Self::Text => "text",
            Self::Dialogue => "dialogue",
            Self::Tokens => "tokens",
            Self::Corpus => "corpus",
            Self::Parquet => "parquet",
            Self::Xlsx => "xlsx",
            Self::Pdf => "pdf",
        }
    }

    /// Whether the format is not text.
    pub const fn is_binary(self) -> bool {
        matches!(self, Self::Parquet | Self::Xlsx | Self::Pdf)
    }

    /// The binary format that bytes begin with.
    pub(crate) fn from_signature(bytes: &[u8]) -> Option<Self> {
        const OLE: &[u8] = b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1";
        match bytes {
            _ if bytes.starts_with(b"PAR1") => Some(Self::Parquet),
            // Spreadsheets of every kind: zip for XLSX and ODS, OLE for a locked XLSX and for the older XLS.
            _ if bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(OLE) => Some(Self::Xlsx),
            // Bytes may stand before the signature.
            _ if memchr::memmem::find(&bytes[..bytes.len().min(1024)], b"%PDF-").is_some() => Some(Self::Pdf),
            _ => None,
        }
    }

    /// The format of a text that begins with `sample`, in a file called `path`. Raw text is never guessed: it becomes no
    /// cases.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownFormat`] where neither content nor name tell.
    pub(crate) fn of_text(path: &Path, sample: &str) -> Result<Self> {
        let extension = path.extension().and_then(|text| text.to_str()).unwrap_or_default().to_lowercase();
        let content = sample.trim_start();
        if content.starts_with(['[', '{']) && !content.starts_with("[[") {
            return Ok(if holds_turns(content) {
                Self::Dialogue
            } else if content.starts_with('{')
                && (extension == "jsonl" || extension == "ndjson" || is_lines(content))
            {
                Self::Jsonl
            } else {
                Self::Json
            });
        }
        let table = guess_delimiter(content.as_bytes());
        let table_format = |delimiter| if delimiter == b'\t' { Self::Tsv } else { Self::Csv };
        if ["csv", "tsv", "tab"].contains(&extension.as_str()) {
            let by_name = if extension == "csv" { Self::Csv } else { Self::Tsv };
            return Ok(table.map_or(by_name, |table| table_format(table.delimiter)));
        }
        if content.lines().take(200).any(is_labelled) {
            return Ok(Self::Text);
        }
        match (table, extension.as_str()) {
            (Some(table), _) if table.regular >= 0.9 && table.n_rows >= 3 => {
                Ok(table_format(table.delimiter))
            }
            (_, "jsonl" | "ndjson") => Ok(Self::Jsonl),
            (_, "json") => Ok(Self::Json),
            _ => {
                let reason = if content.is_empty() {
                    "the file is empty"
                } else if content.contains('\0') {
                    "this is no text"
                } else {
                    "neither a table nor JSON nor labels such as `Problem:` are found in it"
                };
                Err(Error::UnknownFormat { path: path.to_owned(), reason: reason.to_owned() })
            }
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        Self::ALL.into_iter().find(|format| format.as_str() == text).ok_or_else(|| {
            let names: Vec<&str> = Self::ALL.into_iter().map(Self::as_str).collect();
            format!("must be one of {}", names.join(", "))
        })
    }
}

/// Whether most of the first lines are objects by themselves.
pub(crate) fn is_lines(content: &str) -> bool {
    let lines = content.lines().map(str::trim).filter(|line| !line.is_empty()).take(10);
    let (n_objects, n_lines) = lines.fold((0, 0), |(n_objects, n_lines), line| {
        (n_objects + usize::from(line.starts_with('{') && line.ends_with('}')), n_lines + 1)
    });
    2 * n_objects > n_lines || content.len() > MIN_ONE_LINE && n_lines == 1
}

/// A first line as long as this is more likely one record of many than a whole pretty-printed file.
const MIN_ONE_LINE: usize = 1 << 15;

/// Whether the text has a key for the turns of a dialogue with a list behind it.
fn holds_turns(content: &str) -> bool {
    TURNS.iter().any(|key| {
        let quoted = format!("\"{key}\"");
        content.match_indices(&quoted).any(|(at, _)| {
            let rest = content[at + quoted.len()..].trim_start();
            rest.strip_prefix(':').is_some_and(|rest| rest.trim_start().starts_with('['))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn format(name: &str, content: &str) -> Option<Format> {
        Format::of_text(Path::new(name), content).ok()
    }

    #[test]
    fn content_tells_before_the_name_does() {
        for (name, content, expected) in [
            ("a.txt", "{\"a\": 1}\n{\"a\": 2}\n", Some(Format::Jsonl)),
            ("a.txt", "{\n  \"a\": 1\n}\n", Some(Format::Json)),
            ("a.jsonl", "[{\"a\": 1}]", Some(Format::Json)),
            ("a.json", "{\"messages\": [{\"role\": \"user\"}]}", Some(Format::Dialogue)),
            ("a.jsonl", "{\"messages\": \"none\"}", Some(Format::Jsonl)),
            ("a.csv", "a;b\n1;2\n", Some(Format::Csv)),
            ("a.csv", "a\tb\n1\t2\n", Some(Format::Tsv)),
            ("a.csv", "Problem\nx\n", Some(Format::Csv)),
            ("export", "a,b\n1,2\n3,4\n", Some(Format::Csv)),
            ("notes.txt", "Shift log\nProblem: no start\nSolution: charged\n", Some(Format::Text)),
            ("notes.txt", "<s><equipment> cat 320<symptom> slow", Some(Format::Text)),
            ("book.txt", "Once, a pump failed.\nIt was slow.\n", None),
            ("a.jsonl", "nonsense", Some(Format::Jsonl)),
            ("empty.txt", "", None),
        ] {
            assert_eq!(format(name, content), expected, "{name}: {content}");
        }
    }

    #[test]
    fn binary_formats_are_known_by_their_first_bytes() {
        for (bytes, expected) in [
            (&b"PAR1\x15"[..], Some(Format::Parquet)),
            (b"PK\x03\x04", Some(Format::Xlsx)),
            (b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", Some(Format::Xlsx)),
            (b"\n%PDF-1.7", Some(Format::Pdf)),
            (b"a,b\n", None),
            (b"", None),
        ] {
            assert_eq!(Format::from_signature(bytes), expected);
        }
    }

    #[test]
    fn names_read_back() {
        for format in Format::ALL {
            assert_eq!(format.as_str().parse(), Ok(format));
        }
        assert!("doc".parse::<Format>().unwrap_err().contains("jsonl, json"));
    }
}
