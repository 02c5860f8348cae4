//! The records of a JSON text: one a line, the elements of a list, or one after another over several lines.

use std::path::Path;

use super::{encoding::TextReader, rows::Next, window::Window};
use crate::error::Result;

/// A record longer than this has a bracket or quote that nobody closed.
pub(crate) const MAX_RECORD_BYTES: usize = 1 << 23;
/// After so many records without an end the rest of the text is one faulty record: looking for the end of each would
/// take for ever.
const MAX_UNCLOSED: usize = 64;

/// How the records stand in the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Lines,
    List,
    Stream,
    Ended,
}

/// One record as text.
#[derive(Debug, Default)]
pub(crate) struct Record {
    /// The line on which it starts, from 1.
    pub(crate) line: u64,
    /// Its JSON, or as much of it as is reported where it is faulty.
    pub(crate) text: String,
}

/// Cuts a text into records, without looking at what they say.
#[derive(Debug)]
pub(crate) struct JsonRecords {
    window: Window,
    form: Form,
    unclosed: usize,
}

impl JsonRecords {
    /// Reads `input`: a list where its first character is `[`, or the list in an object that begins with one
    /// (`{"records": [{`); lines where `is_lines` says so; else one value after another.
    pub(crate) fn new(path: &Path, input: TextReader, is_lines: bool) -> Result<Self> {
        let mut records = Self { window: Window::new(path, input), form: Form::Lines, unclosed: 0 };
        records.form = match records.peek()? {
            Some(b'[') => {
                records.window.consume(1);
                Form::List
            }
            _ if is_lines => Form::Lines,
            _ => match wrapped_list(records.window.unread()) {
                Some(n_bytes) => {
                    records.window.consume(n_bytes);
                    Form::List
                }
                None => Form::Stream,
            },
        };
        Ok(records)
    }

    pub(crate) fn input(&self) -> &TextReader {
        self.window.input()
    }

    /// Whether every record stands in one line.
    pub(crate) fn is_lines(&self) -> bool {
        self.form == Form::Lines
    }

    /// Reads the next record.
    pub(crate) fn next_record(&mut self, record: &mut Record) -> Result<Next> {
        record.text.clear();
        let first = self.peek()?;
        record.line = self.window.line();
        match (self.form, first) {
            (Form::List, None) => {
                self.form = Form::Ended;
                Ok(Next::Faulty("the list is not closed by `]`".to_owned()))
            }
            (Form::List, Some(b']')) => {
                self.window.consume(1);
                self.form = Form::Ended;
                self.after_list(record)
            }
            (Form::Ended, _) | (_, None) => Ok(Next::End),
            (Form::Lines, _) => self.next_line(record),
            (Form::List | Form::Stream, _) => self.next_value(record),
        }
    }

    /// The first byte that is no white space, not consumed.
    fn peek(&mut self) -> Result<Option<u8>> {
        while self.window.has_more()? {
            let text = self.window.unread();
            let n_space = text.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
            let first = text.get(n_space).copied();
            self.window.consume(n_space);
            if first.is_some() {
                return Ok(first);
            }
        }
        Ok(None)
    }

    fn next_line(&mut self, record: &mut Record) -> Result<Next> {
        let Some(span) = self.window.next_line(MAX_RECORD_BYTES)? else { return Ok(Next::End) };
        keep(record, &self.window.unread()[..span.content]);
        self.window.consume(span.whole);
        if span.is_cut {
            self.window.skip_line()?;
            return Ok(Next::Faulty(format!("the line has more than {MAX_RECORD_BYTES} bytes")));
        }
        Ok(Next::Row)
    }

    /// A value up to the comma, bracket or brace that ends it.
    fn next_value(&mut self, record: &mut Record) -> Result<Next> {
        let is_list = self.form == Form::List;
        let (mut at, mut depth, mut in_string, mut is_escaped) = (0, 0_usize, false, false);
        let n_bytes = loop {
            let Some(&byte) = self.window.unread().get(at) else {
                if at > MAX_RECORD_BYTES || !self.window.grow()? {
                    return self.unclosed(record);
                }
                continue;
            };
            let ends_before = !in_string
                && depth == 0
                && if is_list { matches!(byte, b',' | b']') } else { at > 0 && byte.is_ascii_whitespace() };
            if ends_before {
                break at;
            }
            at += 1;
            match byte {
                _ if is_escaped => is_escaped = false,
                b'\\' if in_string => is_escaped = true,
                b'"' => in_string = !in_string,
                b'{' | b'[' if !in_string => depth += 1,
                b'}' | b']' if !in_string => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 && !is_list {
                        break at;
                    }
                }
                _ => {}
            }
        };
        keep(record, self.window.unread()[..n_bytes].trim_ascii_end());
        self.window.consume(n_bytes);
        if self.peek()? == Some(b',') {
            self.window.consume(1);
        }
        Ok(Next::Row)
    }

    /// Reports the first line of a record that has no end, and goes on with the next line.
    fn unclosed(&mut self, record: &mut Record) -> Result<Next> {
        self.unclosed += 1;
        if let Some(span) = self.window.next_line(MAX_RECORD_BYTES)? {
            keep(record, &self.window.unread()[..span.content]);
            self.window.consume(span.whole);
            if span.is_cut {
                self.window.skip_line()?;
            }
        }
        if self.unclosed < MAX_UNCLOSED {
            return Ok(Next::Faulty("a bracket or a quote is opened and not closed".to_owned()));
        }
        while self.window.has_more()? {
            self.window.consume(self.window.unread().len());
        }
        self.form = Form::Ended;
        let reason =
            "brackets or quotes are not closed in too many records: the file is not read on from here";
        Ok(Next::Faulty(reason.to_owned()))
    }

    /// What stands behind the list: nothing, or the brace that closes the object around it.
    fn after_list(&mut self, record: &mut Record) -> Result<Next> {
        if self.peek()? == Some(b'}') {
            self.window.consume(1);
            self.peek()?;
        }
        record.line = self.window.line();
        let mut n_bytes = 0;
        while self.window.has_more()? {
            let text = self.window.unread();
            if n_bytes == 0 {
                keep(record, text);
            }
            n_bytes = text.len();
            self.window.consume(n_bytes);
        }
        Ok(if n_bytes == 0 { Next::End } else { Next::Faulty("text after the closing `]`".to_owned()) })
    }
}

fn keep(record: &mut Record, text: &[u8]) {
    match std::str::from_utf8(text) {
        Ok(text) => record.text.push_str(text),
        Err(_) => record.text.push_str(&String::from_utf8_lossy(text)),
    }
}

/// The length of `{"name": [` where a `{` follows and the name is not that of a dialogue's turns.
fn wrapped_list(text: &[u8]) -> Option<usize> {
    let skip = |at: usize| at + text[at..].iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    let after = |at: usize, byte: u8| (text.get(at) == Some(&byte)).then_some(at + 1);
    let name = after(skip(after(0, b'{')?), b'"')?;
    let name_end = name + memchr::memchr(b'"', &text[name..])?;
    let is_dialogue = super::dialogue::TURNS.iter().any(|key| key.as_bytes() == &text[name..name_end]);
    let list = after(skip(after(skip(name_end + 1), b':')?), b'[')?;
    (text.get(skip(list)) == Some(&b'{') && !is_dialogue).then_some(list)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::import::encoding::Encoding;

    fn read(text: &str, is_lines: bool) -> Vec<String> {
        let input = TextReader::new(Cursor::new(text.as_bytes().to_vec()), Encoding::Utf8);
        let mut records = JsonRecords::new(Path::new("t.json"), input, is_lines).unwrap();
        let (mut record, mut found) = (Record::default(), Vec::new());
        loop {
            match records.next_record(&mut record).unwrap() {
                Next::Row => found.push(format!("{}: {}", record.line, record.text)),
                Next::Faulty(reason) => found.push(format!("{}! {reason}", record.line)),
                Next::End => return found,
            }
        }
    }

    #[test]
    fn the_same_records_in_every_form() {
        let expected = ["{\"a\": \"x, ] } \\\" y\"}", "{\"b\": [1, {}]}"];
        let texts = |found: Vec<String>| -> Vec<String> {
            found.into_iter().map(|item| item.split_once(": ").unwrap().1.to_owned()).collect()
        };
        let [a, b] = expected;
        assert_eq!(texts(read(&format!("{a}\r\n\n{b}\n"), true)), expected);
        assert_eq!(texts(read(&format!("[{a},\n {b} ]\n"), false)), expected);
        assert_eq!(texts(read(&format!("{a}{b}\n"), false)), expected);
        assert_eq!(texts(read(&format!("{{ \"records\" : [ {a}, {b}]}}"), false)), expected);
        assert_eq!(read("{\n \"a\": 1\n}\n{\"b\":\n2}", false), ["1: {\n \"a\": 1\n}", "4: {\"b\":\n2}"]);
        assert_eq!(read("{\"dialogue\": [{\"text\": \"x\"}]}", false).len(), 1);
    }

    #[test]
    fn what_is_not_closed_costs_a_line() {
        let open = "a bracket or a quote is opened and not closed";
        assert_eq!(read("{\"a\": \"x}\n{\"b\": 2}\n", false), [format!("1! {open}"), "2: {\"b\": 2}".into()]);
        let found = read("[{\"a\": 1},\n{\"b\": 2\n", false);
        assert_eq!(
            found,
            ["1: {\"a\": 1}".to_owned(), format!("2! {open}"), "3! the list is not closed by `]`".into()]
        );
        assert_eq!(read("[] x", false), ["1! text after the closing `]`"]);
        assert_eq!(read("[]", false), Vec::<String>::new());
        let many = read(&"{\n".repeat(100_000), false);
        assert_eq!(many.len(), MAX_UNCLOSED);
        assert!(many.last().unwrap().contains("not read on"));
    }

    proptest::proptest! {
        #[test]
        fn no_input_panics_or_hangs(text in "[\\[\\]{},\":a \\\\\n]{0,80}") {
            for is_lines in [true, false] {
                proptest::prop_assert!(read(&text, is_lines).len() <= text.len() + 2);
            }
        }
    }
}
