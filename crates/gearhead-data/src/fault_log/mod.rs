//! Fault codes out of a file, whatever wrote it: a recording of the bus, a scan tool's text, or a telematics response.
//!
//! [`FaultLog::read`] recognises the file by what is in it and lists each distinct code of each source.
//! [`FaultLog::decode`] says what the codes mean, [`complaint`] puts them into words.

mod complaint;
mod decode;
#[cfg(test)]
mod tests;

use std::{
    fs::File,
    io::{self, BufRead, BufReader},
    path::{Path, PathBuf},
};

use crate::{
    can::{
        LoggedCode, ReportedBy, Sighting, Source, Tally, TallySummary,
        log::{Entry, Kind, LineSummary, LogFormat, LogReader, recognise},
    },
    error::{Error, LogFault, Result},
    telematics::{Machine, TelematicsError, TelematicsFault, TelematicsSummary, read_json, read_xml},
};

pub use complaint::complaint;
pub use decode::{DecodedLogCode, format_time};

/// The codes of a file and what was met on the way to them.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct FaultLog {
    /// The file.
    pub path: PathBuf,
    /// What it was recognised as.
    pub format: LogFormat,
    /// The codes, active ones first.
    pub codes: Vec<LoggedCode>,
    /// The lines of a recording; empty for a telematics response.
    pub lines: LineSummary,
    /// The messages of a recording; empty for a telematics response.
    pub messages: TallySummary,
    /// The machines of a telematics response that have a fault.
    pub machines: Vec<Machine>,
    /// What a telematics response held.
    pub telematics: Option<TelematicsSummary>,
}

impl FaultLog {
    /// Reads a file in memory that does not grow with it.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] where it cannot be read; [`Error::FaultLog`] where it is no log that is known, holds no frame, or is
    /// a telematics response that is not well formed.
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let file = File::open(path).map_err(|source| Error::io(path, source))?;
        if file.metadata().is_ok_and(|metadata| metadata.is_dir()) {
            return Err(Error::io(path, io::Error::other("is a folder, not a file")));
        }
        Self::from_reader(path, BufReader::with_capacity(1 << 16, file))
    }

    /// Reads from `input`; `path` is what messages call it.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub fn from_reader(path: impl AsRef<Path>, input: impl BufRead) -> Result<Self> {
        let path = path.as_ref();
        let wrong = |line, fault| Error::FaultLog { path: path.to_owned(), line, fault };
        let (kind, input) = recognise(input).map_err(|source| Error::io(path, source))?.into_parts();
        match kind {
            Kind::Lines(parser) => Self::from_lines(path, LogReader::with_parser(parser, input)),
            Kind::Telematics(format) => Self::from_telematics(path, format, input),
            Kind::Utf16 => Err(wrong(None, LogFault::Utf16)),
            Kind::Unknown => Err(wrong(None, LogFault::Unknown)),
        }
    }

    fn from_lines<R: BufRead>(path: &Path, mut reader: LogReader<R>) -> Result<Self> {
        let mut tally = Tally::default();
        let format = reader.format();
        while let Some(entry) = reader.next_entry().map_err(|source| Error::io(path, source))? {
            match entry {
                Entry::Frame(frame) => tally.accept(&frame),
                Entry::Response(response) => tally.response(&response),
            }
        }
        let lines = reader.into_summary();
        if lines.frames == 0 {
            let first = lines.first_faulty.first();
            let line = first.map(|faulty| faulty.line);
            let reason = first.map(|faulty| faulty.reason.to_string());
            return Err(Error::FaultLog { path: path.to_owned(), line, fault: LogFault::NoFrame { reason } });
        }
        let (codes, messages) = tally.finish();
        Ok(Self {
            path: path.to_owned(),
            format,
            codes,
            lines,
            messages,
            machines: Vec::new(),
            telematics: None,
        })
    }

    fn from_telematics(path: &Path, format: LogFormat, input: impl BufRead) -> Result<Self> {
        let mut tally = Tally::default();
        let mut machines = Vec::new();
        let take = |fault: TelematicsFault| take_fault(&mut tally, &mut machines, fault);
        let read = match format {
            LogFormat::AempXml => read_xml(input, take),
            _ => read_json(input, take),
        };
        let summary = read.map_err(|error| match error {
            TelematicsError::Io(source) => Error::io(path, source),
            TelematicsError::Syntax { line, reason } => Error::FaultLog {
                path: path.to_owned(),
                line: Some(line),
                fault: LogFault::Telematics { reason },
            },
        })?;
        if summary.machines == 0 && summary.faults == 0 && summary.without_code == 0 {
            return Err(Error::FaultLog { path: path.to_owned(), line: None, fault: LogFault::NotAemp });
        }
        let (codes, _) = tally.finish();
        Ok(Self {
            path: path.to_owned(),
            format,
            codes,
            lines: LineSummary::default(),
            messages: TallySummary::default(),
            machines,
            telematics: Some(summary),
        })
    }

    /// The machine that a code was reported for, in a telematics response.
    pub fn machine(&self, code: &LoggedCode) -> Option<&Machine> {
        match code.source {
            Source::Machine(index, _) => self.machines.get(index),
            Source::J1939(_) | Source::Obd(_) => None,
        }
    }

    /// The codes as a case lists them: active ones first, a J1939 code that is only previously active marked so.
    /// [`FaultCode::parse`](crate::code::FaultCode::parse) reads each of them.
    pub fn error_codes(&self) -> Vec<String> {
        let spelling = |code: &LoggedCode| {
            let is_marked = !code.active && code.lamps.is_some();
            let mark = if is_marked { " previously active" } else { "" };
            format!("{}{mark}", code.fault.original)
        };
        self.codes.iter().map(spelling).collect()
    }

    /// Keeps the codes of one machine of a telematics response: the only one, or the one that `name` names by its maker and
    /// model, the owner's name for it, its serial number or its PIN. Returns whether there is exactly one such machine; a
    /// recording of one machine's bus always is.
    pub fn keep_machine(&mut self, name: &str) -> bool {
        if self.machines.len() < 2 {
            return true;
        }
        let is_meant = |machine: &Machine| {
            let names = [&machine.equipment_id, &machine.serial, &machine.pin];
            machine
                .name()
                .iter()
                .chain(names.into_iter().flatten())
                .any(|known| known.eq_ignore_ascii_case(name.trim()))
        };
        let meant: Vec<usize> =
            (0..self.machines.len()).filter(|index| is_meant(&self.machines[*index])).collect();
        let [only] = meant[..] else { return false };
        self.codes.retain(|code| matches!(code.source, Source::Machine(index, _) if index == only));
        true
    }

    /// What a reader of the result should know, one sentence each: lines that are no frames, messages that are not
    /// whole.
    pub fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        let path = self.path.display();
        let lines = &self.lines;
        if let Some(first) = lines.first_faulty.first() {
            let verb = if lines.faulty == 1 { "is no frame" } else { "are no frames" };
            let (faulty, all) = (grouped(lines.faulty), grouped(lines.lines));
            notes.push(format!(
                "{path}: {faulty} of {all} lines {verb}, first line {}: {}",
                first.line, first.reason
            ));
        }
        let transport = self.messages.transport;
        for (count, what) in [
            (transport.incomplete, "of several frames not whole in the log and left out"),
            (transport.malformed, "of several frames announced with impossible sizes and left out"),
            (self.messages.malformed_reports, "too short to be a diagnostic message and left out"),
        ] {
            if count > 0 {
                let noun = if count == 1 { "message" } else { "messages" };
                notes.push(format!("{path}: {} {noun} {what}", grouped(count)));
            }
        }
        let without_code = self.telematics.map_or(0, |telematics| telematics.without_code);
        if without_code > 0 {
            notes.push(format!("{path}: {} faults without a code left out", grouped(without_code)));
        }
        notes
    }

    /// Why there are no codes, in a sentence; for a log that has none.
    pub fn why_empty(&self) -> String {
        let path = self.path.display();
        if self.telematics.is_some() {
            return format!("{path}: the telematics response holds no fault");
        }
        let frames = grouped(self.lines.frames);
        match self.messages.reports {
            0 => format!(
                "{path}: {frames} frames, but none of DM1, DM2 or an OBD response with codes (services 03, 07, 0A)"
            ),
            reports => format!("{path}: {} diagnostic messages, none with a fault code", grouped(reports)),
        }
    }
}

fn take_fault(tally: &mut Tally, machines: &mut Vec<Machine>, fault: TelematicsFault) {
    let index = machines.iter().rposition(|machine| *machine == fault.machine).unwrap_or_else(|| {
        machines.push(fault.machine.clone());
        machines.len() - 1
    });
    let source = Source::Machine(index, fault.source);
    tally.report(source.clone(), ReportedBy::Aemp);
    tally.sight(Sighting {
        source,
        code: fault.fault.code,
        spelling: Some(fault.fault.original),
        reported_by: ReportedBy::Aemp,
        time_s: fault.time_s,
        j1939: None,
        description: fault.description,
        severity: fault.severity,
    });
}

/// A number with a comma before every three digits.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
