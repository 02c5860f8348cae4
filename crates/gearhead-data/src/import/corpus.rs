//! Raw text to a corpus for pre-training: JSONL with one `{"text": …}` for each document.

use std::{
    collections::HashSet,
    hash::{DefaultHasher, Hash, Hasher},
    path::Path,
};

use super::{
    draft::push_json, encoding::TextReader, options::Documents, rows::Place, sink::Sink, window::Window,
};
use crate::error::Result;

/// A document is ended at the first paragraph behind this many bytes; a line is cut there.
const DOCUMENT_BYTES: usize = 1 << 20;
/// Paragraphs that are remembered to find repeated ones; 8 bytes each.
const MAX_REMEMBERED: usize = 1_000_000;

/// The paragraphs that an import has seen.
#[derive(Debug, Default)]
pub(crate) struct SeenParagraphs {
    hashes: HashSet<u64>,
}

impl SeenParagraphs {
    /// Whether the paragraph was there before, among the first million.
    fn is_repeated(&mut self, paragraph: &str) -> bool {
        let mut hasher = DefaultHasher::new();
        paragraph.hash(&mut hasher);
        let hash = hasher.finish();
        self.hashes.contains(&hash) || (self.hashes.len() < MAX_REMEMBERED && !self.hashes.insert(hash))
    }
}

/// Takes the text as documents. Paragraphs stand between blank lines or form feeds; inside of them lines and words are kept
/// as they are, hyphens at line ends too. Control characters but the tab are left out and counted. A document
/// in which no letter and no digit stands is reported.
pub(crate) fn import_corpus(
    path: &Path,
    input: TextReader,
    seen: &mut SeenParagraphs,
    sink: &mut Sink<'_>,
) -> Result<()> {
    let mut window = Window::new(path, input);
    let mut document = Document::default();
    let mut paragraph = String::new();
    while let Some(span) = window.next_line(DOCUMENT_BYTES)? {
        let line_number = window.line();
        let line = String::from_utf8_lossy(&window.unread()[..span.content]).into_owned();
        window.consume(span.whole);
        for (index, part) in line.split('\u{C}').enumerate() {
            if index > 0 || part.trim().is_empty() {
                document.push(&mut paragraph, seen, sink)?;
            }
            let is_kept = |c: &char| !c.is_control() || *c == '\t';
            let n_dropped = part.chars().filter(|c| !is_kept(c)).count();
            sink.file.control_characters += n_dropped as u64;
            let text: String = part.chars().filter(is_kept).collect();
            if text.trim().is_empty() {
                continue;
            }
            if document.text.is_empty() && paragraph.is_empty() {
                document.line = line_number;
            }
            if !paragraph.is_empty() {
                paragraph.push('\n');
            }
            paragraph.push_str(text.trim_end());
            if paragraph.len() > DOCUMENT_BYTES {
                document.push(&mut paragraph, seen, sink)?;
            }
        }
    }
    document.push(&mut paragraph, seen, sink)?;
    document.finish(sink)?;
    sink.note_text(window.input());
    Ok(())
}

#[derive(Default)]
struct Document {
    line: u64,
    text: String,
}

impl Document {
    /// Adds the paragraph and empties it.
    fn push(&mut self, paragraph: &mut String, seen: &mut SeenParagraphs, sink: &mut Sink<'_>) -> Result<()> {
        if paragraph.is_empty() {
            return Ok(());
        }
        sink.file.repeated_paragraphs += u64::from(seen.is_repeated(paragraph));
        if !self.text.is_empty() {
            self.text.push_str("\n\n");
        }
        self.text.push_str(paragraph);
        paragraph.clear();
        let is_whole = sink.options.documents == Documents::Sections || self.text.len() > DOCUMENT_BYTES;
        if is_whole { self.finish(sink) } else { Ok(()) }
    }

    fn finish(&mut self, sink: &mut Sink<'_>) -> Result<()> {
        if self.text.is_empty() {
            return Ok(());
        }
        sink.count_row();
        if self.text.contains(char::is_alphanumeric) {
            sink.take(&Place::Line(self.line), |buffer| {
                buffer.extend_from_slice(b"{\"text\":");
                push_json(buffer, &self.text);
                buffer.push(b'}');
            })?;
        } else {
            sink.reject(&Place::Line(self.line), "no letter and no digit stands in this text", &self.text)?;
        }
        self.text.clear();
        Ok(())
    }
}
