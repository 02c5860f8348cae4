//! Recordings of a bus as text, in the form of any tool that is common: recognised by what is in them, never by the name
//! of the file.

mod asc;
mod candump;
mod csv;
mod hex;
mod lines;
mod obd_text;
#[cfg(test)]
mod tests;
pub(crate) mod time;
mod trc;

use std::{
    borrow::Cow,
    io::{self, BufRead},
};

use serde::Serialize;

use super::{frame::Frame, obd::ObdResponse};
use lines::{Lines, MAX_LINE_BYTES, Read};

/// The form of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum LogFormat {
    /// `candump` of Linux can-utils, to a file or to the screen.
    Candump,
    /// A trace of PEAK's tools, version 1.0 to 2.1.
    PeakTrace,
    /// A log of Vector's tools in text form.
    VectorAscii,
    /// A table with a column for the identifier and one or several for the data.
    Csv,
    /// OBD-II responses as scan tools and ELM327 adapters print them.
    ObdText,
    /// A telematics response of ISO 15143-3 (AEMP 2.0) in XML.
    AempXml,
    /// A telematics response of ISO 15143-3 (AEMP 2.0) in JSON.
    AempJson,
}

/// What a line holds.
#[derive(Debug)]
enum Line {
    Frame(Frame),
    /// A response and, where there is cause to doubt it, why.
    Response(ObdResponse, Option<&'static str>),
    /// A remote frame, an error frame, or another event that the format knows and that carries no data.
    NoData,
    /// A header, a comment, or nothing.
    Remark,
    /// Nothing that the format has, and why.
    Faulty(Cow<'static, str>),
}

impl Line {
    fn faulty(reason: &'static str) -> Self {
        Self::Faulty(Cow::Borrowed(reason))
    }
}

/// What a log holds, in its order.
#[derive(Debug, Clone, PartialEq)]
pub enum Entry {
    /// A data frame.
    Frame(Frame),
    /// An OBD-II response that was no CAN frame.
    Response(ObdResponse),
}

/// A line that is no frame though it stands where one should.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FaultyLine {
    /// Its number, from 1.
    pub line: u64,
    /// What is wrong with it.
    pub reason: Cow<'static, str>,
}

/// How many faulty lines are kept with their reasons; the others are counted.
const FAULTY_LINES_KEPT: usize = 10;

/// What was met on the way through a log.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct LineSummary {
    /// Lines in all.
    pub lines: u64,
    /// Data frames and OBD responses.
    pub frames: u64,
    /// Remote frames, error frames and other events without data.
    pub without_data: u64,
    /// Lines that could not be read as what the format has.
    pub faulty: u64,
    /// The first of them.
    pub first_faulty: Vec<FaultyLine>,
}

impl LineSummary {
    fn fault(&mut self, line: u64, reason: Cow<'static, str>) {
        self.faulty += 1;
        if self.first_faulty.len() < FAULTY_LINES_KEPT {
            self.first_faulty.push(FaultyLine { line, reason });
        }
    }
}

/// The reader of one log form.
#[derive(Debug)]
enum Parser {
    Candump(candump::Candump),
    Trace(trc::Trace),
    Vector(asc::VectorLog),
    Table(csv::Table),
    Obd(obd_text::ObdText),
}

impl Parser {
    fn parse(&mut self, line: &str) -> Line {
        match self {
            Self::Candump(parser) => parser.parse(line),
            Self::Trace(parser) => parser.parse(line),
            Self::Vector(parser) => parser.parse(line),
            Self::Table(parser) => parser.parse(line),
            Self::Obd(parser) => parser.parse(line),
        }
    }

    fn format(&self) -> LogFormat {
        match self {
            Self::Candump(_) => LogFormat::Candump,
            Self::Trace(_) => LogFormat::PeakTrace,
            Self::Vector(_) => LogFormat::VectorAscii,
            Self::Table(_) => LogFormat::Csv,
            Self::Obd(_) => LogFormat::ObdText,
        }
    }

    /// The reader for a log that starts with `head`: the one that the first telling line asks for. `None` where no line
    /// tells.
    fn detect(head: &str) -> Option<Self> {
        let is_end = |c: char| c == '\n' || c == '\r';
        let mut obd = obd_text::ObdText::default();
        let mut rest = head.split(is_end);
        while let Some(line) = rest.next() {
            let start = line.trim_start().to_ascii_lowercase();
            let is_frame = |line: &Line| matches!(line, Line::Frame(_) | Line::NoData);
            if start.is_empty() {
                continue;
            }
            if start.starts_with(';') || is_frame(&trc::Trace::default().parse(line)) && start.contains(") ")
            {
                return Some(Self::Trace(trc::Trace::default()));
            }
            if ["date ", "base hex", "base dec", "begin triggerblock"]
                .iter()
                .any(|word| start.starts_with(word))
                || matches!(asc::VectorLog::default().parse(line), Line::Frame(_))
            {
                return Some(Self::Vector(asc::VectorLog::default()));
            }
            if let Some(table) = csv::Table::detect(line, rest.clone().filter(|row| !row.is_empty())) {
                return Some(Self::Table(table));
            }
            if is_frame(&candump::Candump::default().parse(line)) {
                return Some(Self::Candump(candump::Candump::default()));
            }
            if matches!(obd.parse(line), Line::Frame(_) | Line::Response(..)) {
                return Some(Self::Obd(obd_text::ObdText::default()));
            }
        }
        None
    }
}

/// How much of a log is looked at to recognise its form, in bytes.
const HEAD_BYTES: u64 = 1 << 18;

/// The start of a log and all that follows it.
pub(crate) struct Recognised<R> {
    head: Vec<u8>,
    rest: R,
    /// What the log was recognised as.
    pub(crate) kind: Kind,
}

/// What a file was recognised as.
pub(crate) enum Kind {
    /// A log of lines.
    Lines(LineParser),
    /// A telematics response in this form.
    Telematics(LogFormat),
    /// Text in UTF-16, which none of the tools writes but some redirections do.
    Utf16,
    /// None of all these.
    Unknown,
}

/// The reader of the lines of a recognised log.
pub(crate) struct LineParser(Parser);

/// Looks at the start of a log and says what it is.
pub(crate) fn recognise<R: BufRead>(mut input: R) -> io::Result<Recognised<R>> {
    let mut head = Vec::new();
    io::Read::read_to_end(&mut io::Read::take(&mut input, HEAD_BYTES), &mut head)?;
    if head.starts_with(b"\xEF\xBB\xBF") {
        head.drain(..3);
    }
    let kind = if head.starts_with(b"\xFF\xFE") || head.starts_with(b"\xFE\xFF") {
        Kind::Utf16
    } else {
        let mut text = String::from_utf8_lossy(&head);
        // The last line may be cut off, and would be taken for a faulty one.
        if head.len() as u64 == HEAD_BYTES
            && let Some(end) = text.rfind(['\n', '\r'])
        {
            text = Cow::Owned(text[..end].to_owned());
        }
        match text.trim_start().as_bytes() {
            [b'<', ..] => Kind::Telematics(LogFormat::AempXml),
            [b'{', ..] => Kind::Telematics(LogFormat::AempJson),
            [b'[', rest @ ..] if matches!(rest.trim_ascii_start().first(), Some(b'{' | b']')) => {
                Kind::Telematics(LogFormat::AempJson)
            }
            _ => Parser::detect(&text).map_or(Kind::Unknown, |parser| Kind::Lines(LineParser(parser))),
        }
    };
    Ok(Recognised { head, rest: input, kind })
}

/// A whole log, of which the start had been read already.
type Whole<R> = io::Chain<io::Cursor<Vec<u8>>, R>;

impl<R: BufRead> Recognised<R> {
    /// What it was recognised as, and the whole text from its start, without a byte-order mark.
    pub(crate) fn into_parts(self) -> (Kind, Whole<R>) {
        (self.kind, io::Read::chain(io::Cursor::new(self.head), self.rest))
    }
}

/// Reads the frames of a log one at a time, in memory that does not grow with it.
pub struct LogReader<R> {
    lines: Lines<Whole<R>>,
    parser: Parser,
    summary: LineSummary,
}

impl<R: BufRead> LogReader<R> {
    /// A reader of the form that the log has; `None` where it is a telematics response or has no known form.
    ///
    /// # Errors
    ///
    /// The log cannot be read.
    pub fn new(input: R) -> io::Result<Option<Self>> {
        let (kind, input) = recognise(input)?.into_parts();
        Ok(if let Kind::Lines(parser) = kind { Some(Self::with_parser(parser, input)) } else { None })
    }

    pub(crate) fn with_parser(parser: LineParser, input: Whole<R>) -> Self {
        Self { lines: Lines::new(input), parser: parser.0, summary: LineSummary::default() }
    }

    /// The form that the log was recognised as.
    pub fn format(&self) -> LogFormat {
        self.parser.format()
    }

    /// What was met so far.
    pub fn into_summary(self) -> LineSummary {
        self.summary
    }

    /// The next frame or response; `None` at the end. Lines that are neither are counted on the way.
    ///
    /// # Errors
    ///
    /// The log cannot be read any further.
    pub fn next_entry(&mut self) -> io::Result<Option<Entry>> {
        loop {
            let read = self.lines.advance()?;
            if read == Read::End {
                return Ok(None);
            }
            let number = self.lines.number();
            self.summary.lines = number;
            if read == Read::TooLong {
                let reason = format!("the line has more than {MAX_LINE_BYTES} bytes");
                self.summary.fault(number, Cow::Owned(reason));
                continue;
            }
            match self.parser.parse(&self.lines.text()) {
                Line::Frame(frame) => {
                    self.summary.frames += 1;
                    return Ok(Some(Entry::Frame(frame)));
                }
                Line::Response(response, doubt) => {
                    self.summary.frames += 1;
                    if let Some(doubt) = doubt {
                        self.summary.fault(number, Cow::Borrowed(doubt));
                    }
                    return Ok(Some(Entry::Response(response)));
                }
                Line::NoData => self.summary.without_data += 1,
                Line::Remark => {}
                Line::Faulty(reason) => self.summary.fault(number, reason),
            }
        }
    }
}
