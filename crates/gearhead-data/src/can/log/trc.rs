//! Traces of PEAK's tools (`.trc`), versions 1.0 to 2.1.

use super::{Line, hex};
use crate::can::frame::Frame;

/// Bytes of a CAN FD frame by length code.
///
/// **Source**: ISO 11898-1, data length code.
const FD_LENGTHS: [usize; 16] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 20, 24, 32, 48, 64];

/// Columns of version 2.1, which a file of version 2 without `$COLUMNS` is most like.
const DEFAULT_COLUMNS: &str = "NOTBIdRLD";

/// Reads a trace line by line. Versions 1.x are told apart by where the direction stands, versions 2.x say what their
/// columns are.
///
/// **Source**: PEAK-System, "PEAK CAN TRC File Format".
#[derive(Debug)]
pub(super) struct Trace {
    columns: Vec<char>,
}

impl Default for Trace {
    fn default() -> Self {
        Self { columns: DEFAULT_COLUMNS.chars().collect() }
    }
}

/// The columns of one line that matter.
#[derive(Default)]
struct Row<'a> {
    time_ms: &'a str,
    channel: &'a str,
    kind: &'a str,
    id: &'a str,
    length: &'a str,
    is_length_code: bool,
}

impl Trace {
    pub(super) fn parse(&mut self, line: &str) -> Line {
        let line = line.trim();
        if let Some(remark) = line.strip_prefix(';') {
            if let Some(columns) = remark.trim_start().strip_prefix("$COLUMNS=") {
                self.columns = columns.chars().filter(char::is_ascii_alphabetic).collect();
            }
            return Line::Remark;
        }
        if line.is_empty() {
            return Line::Remark;
        }
        let mut words = line.split_whitespace().peekable();
        let first = words.peek().copied().unwrap_or_default();
        let row = if first.ends_with(')') { version_1(&mut words) } else { self.version_2(&mut words) };
        let Some(row) = row else { return Line::faulty("a column is missing") };
        let Some(time_ms) = row.time_ms.parse::<f64>().ok().filter(|time_ms| time_ms.is_finite()) else {
            return Line::faulty("the time is not a number of milliseconds");
        };
        if matches!(row.kind, "Warng" | "Error" | "RR" | "ST" | "ER" | "EC" | "EV") || row.id == "FFFFFFFF" {
            return Line::NoData;
        }
        if !matches!(row.kind, "" | "Rx" | "Tx" | "DT" | "FD" | "FB" | "FE" | "BI") {
            return Line::faulty("the kind of entry is not one that the format has");
        }
        let Some(id) = hex::id_by_width(row.id) else {
            return Line::faulty("the CAN identifier is not hexadecimal, or too large");
        };
        if matches!(words.peek().copied(), Some("RTR" | "ERROR")) {
            return Line::NoData;
        }
        let is_fd = row.kind.starts_with('F');
        let length = match row.length.parse::<usize>() {
            Ok(code) if row.is_length_code && is_fd => FD_LENGTHS.get(code).copied(),
            Ok(code) if row.is_length_code => Some(code.min(8)),
            Ok(length) => Some(length),
            Err(_) => None,
        };
        let channel = row.channel.parse().unwrap_or(0);
        match length.and_then(|length| hex::bytes(words, length)) {
            Some(data) => Line::Frame(Frame { time_s: Some(time_ms / 1000.0), channel, id, data }),
            None => Line::faulty("the data are not as many hexadecimal bytes as the length says"),
        }
    }

    fn version_2<'a>(&self, words: &mut impl Iterator<Item = &'a str>) -> Option<Row<'a>> {
        let mut row = Row::default();
        for column in &self.columns {
            let target = match column {
                'O' => &mut row.time_ms,
                'T' => &mut row.kind,
                'B' => &mut row.channel,
                'I' => &mut row.id,
                'l' => &mut row.length,
                'L' => {
                    row.is_length_code = true;
                    &mut row.length
                }
                'D' => break,
                _ => {
                    words.next()?;
                    continue;
                }
            };
            *target = words.next()?;
            // Entries that are no frames lack the columns after their kind, or fill them otherwise.
            if *column == 'T' && !matches!(row.kind, "DT" | "FD" | "FB" | "FE" | "BI") {
                break;
            }
        }
        Some(row)
    }
}

/// `1)  1059.9  Rx  18FECA00  8  00 …`, in version 1.0 without the direction, in 1.2 and 1.3 with the bus before it, in
/// 1.3 with a `-` before the length.
fn version_1<'a>(words: &mut std::iter::Peekable<impl Iterator<Item = &'a str>>) -> Option<Row<'a>> {
    let is_kind = |word: &str| matches!(word, "Rx" | "Tx" | "Warng" | "Error");
    words.next()?;
    let mut row = Row { time_ms: words.next()?, ..Row::default() };
    let mut next = words.next()?;
    if words.peek().is_some_and(|word| is_kind(word)) {
        row.channel = next;
        next = words.next()?;
    }
    if is_kind(next) {
        row.kind = next;
        next = words.next()?;
    }
    row.id = next;
    words.next_if(|word| *word == "-");
    row.length = words.next()?;
    Some(row)
}
