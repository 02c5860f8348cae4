//! Texts with one word a line, as annotated corpora are kept.

use std::path::Path;

use super::{Next, Place, Row, Rows};
use crate::{
    error::Result,
    import::{encoding::TextReader, window::Window},
};

/// A text longer than this is none.
const MAX_TEXT_BYTES: usize = 1 << 20;

/// Reads the CoNLL form: one word a line, a blank line after each text. Only what stands before the first tab of a line
/// is taken; annotations stand behind it. The one column is called `text`.
#[derive(Debug)]
pub struct TokenRows {
    window: Window,
    header: [String; 1],
}

impl TokenRows {
    /// Reads `input`; `path` is what error messages call it.
    pub fn new(path: &Path, input: TextReader) -> Self {
        Self { window: Window::new(path, input), header: ["text".to_owned()] }
    }

    /// The text that is read.
    pub(crate) fn input(&self) -> &TextReader {
        self.window.input()
    }
}

impl Rows for TokenRows {
    fn header(&self) -> &[String] {
        &self.header
    }

    fn next_row(&mut self, row: &mut Row) -> Result<Next> {
        row.cells.resize(1, String::new());
        row.cells[0].clear();
        let mut is_too_long = false;
        while let Some(span) = self.window.next_line(MAX_TEXT_BYTES)? {
            let line = String::from_utf8_lossy(&self.window.unread()[..span.content]);
            let word = line.split('\t').next().unwrap_or_default().trim();
            let is_blank = line.trim().is_empty();
            let text = &mut row.cells[0];
            if !is_blank {
                if text.is_empty() {
                    row.place = Place::Line(self.window.line());
                }
                is_too_long |= span.is_cut || text.len() + word.len() >= MAX_TEXT_BYTES;
                if !is_too_long {
                    let space = if text.is_empty() || word.is_empty() { "" } else { " " };
                    text.push_str(space);
                    text.push_str(word);
                }
            }
            self.window.consume(span.whole);
            if span.is_cut {
                self.window.skip_line()?;
            }
            if is_blank && (is_too_long || !text.is_empty()) {
                break;
            }
        }
        if is_too_long {
            return Ok(Next::Faulty(format!("the text has more than {MAX_TEXT_BYTES} bytes")));
        }
        Ok(if row.cells[0].is_empty() { Next::End } else { Next::Row })
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::import::encoding::Encoding;

    fn read(text: &str) -> Vec<(String, String)> {
        let input = TextReader::new(Cursor::new(text.as_bytes().to_vec()), Encoding::Utf8);
        let mut rows = TokenRows::new(Path::new("t"), input);
        let mut row = Row { place: Place::Line(0), cells: Vec::new() };
        let mut found = Vec::new();
        loop {
            match rows.next_row(&mut row).unwrap() {
                Next::Row => found.push((row.place.to_string(), row.cells[0].clone())),
                Next::Faulty(reason) => found.push((row.place.to_string(), reason)),
                Next::End => return found,
            }
        }
    }

    #[test]
    fn words_are_joined_to_texts() {
        let expected =
            [("2", "CUT & SUPPLY"), ("7", "air con")].map(|(line, text)| (line.into(), text.into()));
        assert_eq!(read("\nCUT\tcut\n&\tand\nSUPPLY\tsupply\n\n \nair\ncon\tconditioner"), expected);
        assert_eq!(read("\n\n"), []);
    }

    #[test]
    fn a_text_without_end_is_one_faulty_text() {
        let text = format!("{}\nnext\n", "word\n".repeat(MAX_TEXT_BYTES / 5 + 1));
        let found = read(&format!("{}\n\nlast\n", text.trim_end()));
        assert_eq!((found.len(), found[0].0.as_str(), found[2].1.as_str()), (3, "1", "last"));
    }
}
