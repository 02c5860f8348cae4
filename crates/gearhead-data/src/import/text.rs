//! Notes with labels: `Problem: … Cause: … Solution: …`, or the markers of the prompt, `<equipment> … <symptom> …`.

use std::{collections::VecDeque, path::Path};

use serde_json::json;

use super::{
    draft::Draft,
    encoding::TextReader,
    field::Field,
    rows::Place,
    sink::{MAX_RAW_BYTES, Sink},
    vocabulary::field_of_label,
    window::Window,
};
use crate::error::Result;

/// A line longer than this is none of a note.
const MAX_LINE_BYTES: usize = 1 << 20;
/// Nobody writes a label longer than this.
const MAX_LABEL_BYTES: usize = 48;
/// Words in a label that stands inside of a line.
const MAX_INLINE_WORDS: usize = 3;

/// The fields whose labels are also taken inside of a line, where a capital letter begins them.
const INLINE: [Field; 5] =
    [Field::Equipment, Field::Symptom, Field::ErrorCodes, Field::ProbableCause, Field::Solution];

/// The markers of the prompt, and where the text between them goes; `None` ends a case.
const MARKERS: [(&str, Option<Field>); 9] = [
    ("<equipment>", Some(Field::Equipment)),
    ("<symptom>", Some(Field::Symptom)),
    ("<error>", Some(Field::ErrorCodes)),
    ("<cause>", Some(Field::ProbableCause)),
    ("<solution>", Some(Field::Solution)),
    ("<step>", Some(Field::DiagnosticSteps)),
    ("<s>", None),
    ("</s>", None),
    ("<pad>", None),
];

/// A piece of a line: a text, and the field that its label names.
#[derive(Debug, PartialEq, Eq)]
enum Piece<'a> {
    /// The text behind a label or marker, and both as they stand.
    Labelled { field: Field, text: &'a str, raw: &'a str },
    /// A line or its beginning without a label.
    Plain(&'a str),
    /// The end of a case.
    End,
}

/// Takes every block of a text.
///
/// A block ends at a line of dashes, stars or equals signs; where its first label comes again; where, after a blank line,
/// any of its labels comes again; and where, after a blank line, a text without a label follows a block that has both
/// a complaint and what was found, unless that text is indented or begins a list. A value goes on over the lines that
/// follow. Text before the first label of a block is kept beside the fields as `heading`; a block that has no label at
/// all is reported.
pub(crate) fn import_text(path: &Path, input: TextReader, sink: &mut Sink<'_>) -> Result<()> {
    let mut window = Window::new(path, input);
    let mut block = Block::default();
    while let Some(span) = window.next_line(MAX_LINE_BYTES)? {
        let line_number = window.line();
        let line = String::from_utf8_lossy(&window.unread()[..span.content]).into_owned();
        window.consume(span.whole);
        if line.trim().is_empty() {
            block.is_after_blank = true;
        } else if is_separator(&line) {
            block.finish(sink)?;
        } else {
            let is_indented = line.starts_with([' ', '\t']) || begins_list_item(&line);
            for piece in pieces(&line) {
                if piece == Piece::End || block.is_ended_by(&piece, is_indented) {
                    block.finish(sink)?;
                }
                block.push(&piece, line_number);
            }
        }
    }
    block.finish(sink)?;
    sink.note_text(window.input());
    Ok(())
}

/// The labelled texts of a note, for a caller that has no file: each label's field and text.
pub(crate) fn labelled(text: &str) -> Vec<(Field, String)> {
    let mut found: Vec<(Field, String)> = Vec::new();
    for line in text.lines() {
        for piece in pieces(line) {
            match (piece, found.last_mut()) {
                (Piece::Labelled { field, text, .. }, _) => found.push((field, text.to_owned())),
                (Piece::Plain(text), Some((_, whole))) => append(whole, text),
                _ => {}
            }
        }
    }
    found.retain(|(_, text)| !text.trim().is_empty());
    found
}

/// Whether a line looks like a part of such a text: it begins with a label, or holds a marker of the prompt.
pub(crate) fn is_labelled(line: &str) -> bool {
    let pieces = pieces(line);
    let first = pieces.iter().find(|piece| **piece != Piece::End);
    matches!(first, Some(Piece::Labelled { field, .. }) if INLINE.contains(field))
}

/// A case in the making.
#[derive(Debug, Default)]
struct Block {
    draft: Draft,
    line: u64,
    raw: String,
    /// Text before the first label.
    heading: String,
    labels: Vec<Field>,
    open: Option<(Field, String)>,
    is_after_blank: bool,
}

impl Block {
    fn is_ended_by(&self, piece: &Piece<'_>, is_indented: bool) -> bool {
        match piece {
            Piece::End => true,
            Piece::Labelled { field, .. } => {
                let comes_again = self.labels.contains(field);
                comes_again && (self.is_after_blank || self.labels.first() == Some(field))
            }
            Piece::Plain(_) => {
                let has = |field| self.labels.contains(&field);
                let is_complete = has(Field::Symptom) && (has(Field::ProbableCause) || has(Field::Solution));
                self.is_after_blank && is_complete && !is_indented
            }
        }
    }

    fn push(&mut self, piece: &Piece<'_>, line: u64) {
        let (text, raw) = match piece {
            Piece::End => return,
            Piece::Plain(text) => (*text, *text),
            Piece::Labelled { text, raw, .. } => (*text, *raw),
        };
        if self.raw.is_empty() {
            self.line = line;
        } else if self.raw.len() < MAX_RAW_BYTES {
            self.raw.push('\n');
        }
        if self.raw.len() < MAX_RAW_BYTES {
            self.raw.push_str(raw);
        }
        self.is_after_blank = false;
        if let Piece::Labelled { field, .. } = piece {
            self.close();
            self.labels.push(*field);
            self.open = Some((*field, String::new()));
        }
        match &mut self.open {
            // What is longer than any field is refused in the end; it need not be kept whole.
            Some((_, whole)) if whole.len() < MAX_LINE_BYTES => append(whole, text),
            None if self.heading.len() < MAX_LINE_BYTES => append(&mut self.heading, text),
            _ => {}
        }
    }

    fn close(&mut self) {
        if let Some((field, text)) = self.open.take() {
            self.draft.add(field, &text);
        }
    }

    fn finish(&mut self, sink: &mut Sink<'_>) -> Result<()> {
        self.close();
        if !self.raw.is_empty() {
            sink.count_row();
            let place = Place::Line(self.line);
            if self.labels.is_empty() {
                sink.reject(&place, "no label such as `Problem:` stands in this text", &self.raw)?;
            } else {
                if !self.heading.is_empty() {
                    self.draft.add_extra("heading", json!(self.heading));
                }
                let raw = std::mem::take(&mut self.raw);
                sink.take_draft(&mut self.draft, &place, || raw)?;
            }
        }
        self.draft.clear();
        self.raw.clear();
        self.heading.clear();
        self.labels.clear();
        self.is_after_blank = false;
        Ok(())
    }
}

/// Adds a line to a text: an item of a list on a line of its own, anything else as running text.
fn append(whole: &mut String, line: &str) {
    let text = line.trim();
    if !whole.is_empty() && !text.is_empty() {
        whole.push(if begins_list_item(text) { '\n' } else { ' ' });
    }
    whole.push_str(text);
}

fn begins_list_item(line: &str) -> bool {
    let line = line.trim_start();
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    let numbered =
        (1..=2).contains(&digits) && [". ", ") "].iter().any(|mark| line[digits..].starts_with(mark));
    numbered || ["- ", "* ", "• "].iter().any(|mark| line.starts_with(mark))
}

/// A line of at least three dashes, stars or equals signs.
fn is_separator(line: &str) -> bool {
    let line = line.trim();
    line.len() >= 3 && ["-", "=", "*", "_"].iter().any(|mark| line.trim_start_matches(mark).is_empty())
}

fn pieces(line: &str) -> VecDeque<Piece<'_>> {
    let first_marker =
        line.find('<').filter(|at| MARKERS.iter().any(|(marker, _)| line[*at..].contains(marker)));
    if first_marker.is_some() { marked_pieces(line) } else { labelled_pieces(line) }
}

fn marked_pieces(line: &str) -> VecDeque<Piece<'_>> {
    let mut pieces = VecDeque::new();
    let (mut start, mut text_start, mut field) = (0, 0, None);
    loop {
        let next = MARKERS
            .iter()
            .filter_map(|(marker, field)| {
                line[text_start..].find(marker).map(|at| (text_start + at, marker.len(), *field))
            })
            .min_by_key(|(at, ..)| *at);
        let end = next.map_or(line.len(), |(at, ..)| at);
        push(&mut pieces, field, &line[text_start..end], &line[start..end]);
        let Some((at, marker_len, next_field)) = next else { return pieces };
        if next_field.is_none() {
            pieces.push_back(Piece::End);
        }
        field = next_field;
        text_start = at + marker_len;
        start = if field.is_some() { at } else { text_start };
    }
}

fn labelled_pieces(line: &str) -> VecDeque<Piece<'_>> {
    let mut pieces = VecDeque::new();
    let (mut start, mut text_start, mut field) = (0, 0, None);
    for (colon, _) in line.match_indices(':') {
        let follows = line[colon + 1..].chars().next();
        // The colon of `10:30` or `C:\` is none of a label.
        if !follows.is_none_or(|c| c.is_whitespace() || c == '*' || c == '_') {
            continue;
        }
        let before = &line[text_start..colon];
        let at_start = if text_start == 0 { line_label(before) } else { None };
        if let Some((label_start, next_field)) = at_start.or_else(|| inline_label(before)) {
            let end = text_start + label_start;
            push(&mut pieces, field, &line[text_start..end], &line[start..end]);
            field = Some(next_field);
            (start, text_start) = (end, colon + 1);
        }
    }
    push(&mut pieces, field, &line[text_start..], &line[start..]);
    pieces
}

fn push<'a>(pieces: &mut VecDeque<Piece<'a>>, field: Option<Field>, text: &'a str, raw: &'a str) {
    // Bold labels end in their marks behind the colon.
    let text = text.trim().trim_start_matches(['*', '_']).trim();
    match field {
        Some(field) => pieces.push_back(Piece::Labelled { field, text, raw: raw.trim() }),
        None if !raw.trim().is_empty() => pieces.push_back(Piece::Plain(raw.trim())),
        None => {}
    }
}

/// A label that takes up the whole text in front of a colon, behind the marks of a list, a heading or bold print.
fn line_label(before: &str) -> Option<(usize, Field)> {
    if before.len() > MAX_LABEL_BYTES {
        return None;
    }
    let label = before.trim_matches(|c: char| c.is_whitespace() || "*_#-•>".contains(c));
    let label = label.trim_start_matches(|c: char| c.is_ascii_digit() || ".) ".contains(c));
    field_of_label(label).map(|field| (0, field))
}

/// A label at the end of a text, of up to three words that a capital letter begins.
fn inline_label(before: &str) -> Option<(usize, Field)> {
    // Only the end is looked at, or a line full of colons would take for ever.
    let mut tail = before.len().saturating_sub(MAX_LABEL_BYTES);
    while !before.is_char_boundary(tail) {
        tail -= 1;
    }
    let mut word_starts: Vec<usize> = Vec::new();
    let mut was_space = tail == 0;
    for (at, c) in before[tail..].char_indices() {
        if was_space && !c.is_whitespace() {
            word_starts.push(tail + at);
        }
        was_space = c.is_whitespace();
    }
    if was_space {
        return None;
    }
    let mut longest_first = word_starts[word_starts.len().saturating_sub(MAX_INLINE_WORDS)..].iter();
    longest_first.find_map(|&at| {
        let label = before[at..].trim_start_matches(['*', '|', '(']);
        let is_capital = label.starts_with(char::is_uppercase);
        let field = field_of_label(label).filter(|field| is_capital && INLINE.contains(field))?;
        Some((at, field))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(line: &str) -> Vec<String> {
        let show = |piece: Piece<'_>| match piece {
            Piece::Labelled { field, text, .. } => format!("{field}={text}"),
            Piece::Plain(text) => text.to_owned(),
            Piece::End => "END".to_owned(),
        };
        pieces(line).into_iter().map(show).collect()
    }

    #[test]
    fn labels_are_found_at_the_start_and_inside_of_a_line() {
        assert_eq!(
            found("Problem: no start Cause: dead battery. Solution: charged"),
            ["symptom=no start", "probable_cause=dead battery.", "solution=charged"]
        );
        assert_eq!(found("- **Root cause:** worn pump"), ["probable_cause=worn pump"]);
        assert_eq!(found("2) Error codes: P0087"), ["error_codes=P0087"]);
        assert_eq!(found("It stalled at 10:30, note: hot day"), ["It stalled at 10:30, note: hot day"]);
        assert_eq!(found("the problem: it leaks"), ["the problem: it leaks"]);
        assert_eq!(found("Ursache: Pumpe verschlissen"), ["probable_cause=Pumpe verschlissen"]);
    }

    #[test]
    fn a_line_full_of_colons_is_read_in_no_time() {
        let line = format!("Problem: {}", ": ".repeat(300_000));
        let start = std::time::Instant::now();
        assert_eq!(pieces(&line).len(), 1);
        assert!(start.elapsed().as_secs() < 20);
        assert_eq!(found(&format!("Problem: {} Cause: b", "ä".repeat(100))).len(), 2);
    }

    #[test]
    fn markers_of_the_prompt_are_labels() {
        assert_eq!(
            found("<s><equipment> cat 320<symptom> slow<error><cause> air<step> bleed</s>"),
            [
                "END",
                "equipment=cat 320",
                "symptom=slow",
                "error_codes=",
                "probable_cause=air",
                "diagnostic_steps=bleed",
                "END"
            ]
        );
    }

    #[test]
    fn separators_are_lines_of_one_mark() {
        assert!(is_separator(" --- ") && is_separator("=====") && is_separator("***"));
        assert!(!is_separator("--") && !is_separator("--- x") && !is_separator("-=-"));
    }
}
