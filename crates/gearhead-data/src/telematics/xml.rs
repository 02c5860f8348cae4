//! Responses in XML.

use std::{
    cell::Cell,
    io::{self, BufRead, Read},
};

use quick_xml::{Reader, events::Event};

use super::{
    TelematicsError, TelematicsFault, TelematicsSummary,
    walk::{MAX_DEPTH, MAX_TEXT_BYTES, Walk},
};

/// Reads a response in XML and gives each fault to `take`, in memory that does not grow with the response.
///
/// # Errors
///
/// The response cannot be read, or is not well formed; the faults before that place have been given out.
pub fn read_xml(
    input: impl BufRead,
    take: impl FnMut(TelematicsFault),
) -> Result<TelematicsSummary, TelematicsError> {
    let line = Cell::new(1);
    let mut reader = Reader::from_reader(CountLines { input, line: &line });
    reader.config_mut().expand_empty_elements = true;
    let syntax = |reason: String| TelematicsError::Syntax { line: line.get(), reason };
    let mut walk = Walk::new(take);
    // What is open: its name, its text so far, and whether it holds anything but text.
    let mut open: Vec<(String, String, bool)> = Vec::new();
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        let event = match reader.read_event_into(&mut buffer) {
            Ok(event) => event,
            Err(quick_xml::Error::Io(error)) => {
                return Err(io::Error::new(error.kind(), error.to_string()).into());
            }
            Err(error) => return Err(syntax(error.to_string())),
        };
        match event {
            Event::Start(start) => {
                if walk.depth() >= MAX_DEPTH {
                    return Err(syntax(format!("more than {MAX_DEPTH} elements inside each other")));
                }
                if let Some((_, _, has_children)) = open.last_mut() {
                    *has_children = true;
                }
                walk.enter();
                for attribute in start.attributes() {
                    let attribute = attribute.map_err(|error| syntax(error.to_string()))?;
                    let value = quick_xml::escape::unescape(&attribute.value);
                    let value = value.map_err(|error| syntax(error.to_string()))?;
                    walk.text(attribute.key.as_ref(), &value);
                }
                open.push((start.name().as_ref().to_owned(), String::new(), false));
            }
            Event::Text(text) => append(&mut open, &text),
            Event::CData(text) => append(&mut open, &text),
            Event::GeneralRef(reference) => {
                let written = format!("&{};", &*reference);
                let text =
                    quick_xml::escape::unescape(&written).map_err(|error| syntax(error.to_string()))?;
                append(&mut open, &text);
            }
            Event::End(_) => {
                let Some((name, text, has_children)) = open.pop() else { continue };
                walk.leave(&name);
                if !has_children {
                    walk.text(&name, &text);
                }
            }
            Event::Eof => break,
            _ => {}
        }
    }
    if let Some((name, ..)) = open.last() {
        return Err(syntax(format!("the file ends inside <{name}>")));
    }
    Ok(walk.finish())
}

fn append(open: &mut [(String, String, bool)], text: &str) {
    if let Some((_, known, _)) = open.last_mut() {
        let room = MAX_TEXT_BYTES.saturating_sub(known.len());
        known.push_str(&text[..text.floor_char_boundary(room)]);
    }
}

/// Counts the lines that went through.
struct CountLines<'a, R> {
    input: R,
    line: &'a Cell<u64>,
}

impl<R: BufRead> Read for CountLines<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let available = self.fill_buf()?;
        let n = available.len().min(buffer.len());
        buffer[..n].copy_from_slice(&available[..n]);
        self.consume(n);
        Ok(n)
    }
}

impl<R: BufRead> BufRead for CountLines<'_, R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.input.fill_buf()
    }

    fn consume(&mut self, n: usize) {
        // What is consumed is still in the buffer, and asking for it reads nothing more.
        if let Ok(available) = self.input.fill_buf() {
            let passed = &available[..n.min(available.len())];
            self.line.set(self.line.get() + memchr::memchr_iter(b'\n', passed).count() as u64);
        }
        self.input.consume(n);
    }
}
