//! Frames in tables: comma, semicolon or tab between columns, names in the first row.

use std::borrow::Cow;

use super::{Line, hex, time};
use crate::can::frame::{CanId, Frame, Payload};

/// How many rows are looked at to tell decimal numbers from hexadecimal ones.
const SAMPLE_ROWS: usize = 200;

const ID_NAMES: [&str; 13] = [
    "id",
    "canid",
    "canidhex",
    "canidentifier",
    "arbitrationid",
    "arbid",
    "identifier",
    "messageid",
    "msgid",
    "frameid",
    "idhex",
    "iddec",
    "canmessageid",
];
const DATA_NAMES: [&str; 10] = [
    "data",
    "databytes",
    "datahex",
    "databyteshex",
    "payload",
    "framedata",
    "candata",
    "messagedata",
    "bytes",
    "rawdata",
];
const LENGTH_NAMES: [&str; 6] = ["datalength", "datalen", "len", "length", "dlc", "numbytes"];

/// The header that python-can writes; its data are in base64.
const PYTHON_CAN: [&str; 7] = ["timestamp", "arbitrationid", "extended", "remote", "error", "dlc", "data"];

/// Reads a table line by line. Where the columns are and how numbers are written is settled once, from the header and
/// the first rows.
#[derive(Debug)]
pub(super) struct Table {
    delimiter: char,
    header: String,
    seen_header: bool,
    columns: Columns,
    numbers: Numbers,
}

#[derive(Debug)]
struct Columns {
    id: usize,
    data: DataColumns,
    /// The column and the seconds of its unit.
    time: Option<(usize, f64)>,
    length: Option<usize>,
    extended: Option<usize>,
    channel: Option<usize>,
    /// Columns that mark a frame without data: remote and error frames.
    without_data: Vec<usize>,
}

#[derive(Debug)]
enum DataColumns {
    /// All bytes in one cell.
    One(usize),
    /// All bytes in the last cell of the header and those past it.
    Rest(usize),
    /// A byte a cell.
    Each(Vec<usize>),
}

/// How numbers are written.
#[derive(Debug, Default)]
struct Numbers {
    id_is_decimal: bool,
    bytes_are_decimal: bool,
    data_is_base64: bool,
}

impl Table {
    /// The table whose header is `line`, followed by `rows`; `None` where the line is no header of such a table.
    pub(super) fn detect<'a>(line: &str, rows: impl Iterator<Item = &'a str>) -> Option<Self> {
        let delimiter = [';', '\t', ','].into_iter().max_by_key(|mark| line.matches(*mark).count())?;
        let names: Vec<String> = cells(line, delimiter).into_iter().map(normal).collect();
        let columns = Columns::detect(&names)?;
        let rows: Vec<Vec<&str>> = rows.take(SAMPLE_ROWS).map(|row| cells(row, delimiter)).collect();
        let ids = rows.iter().filter_map(|row| row.get(columns.id).copied());
        let id_name = &names[columns.id];
        let data_is_base64 = names == PYTHON_CAN;
        let numbers = Numbers {
            id_is_decimal: id_name.ends_with("dec") || !id_name.ends_with("hex") && all_decimal(ids),
            // A byte of three digits cannot be hexadecimal.
            bytes_are_decimal: !data_is_base64
                && rows.iter().any(|row| {
                    columns.data_text(row).split(is_mark).any(|word| word.len() == 3 && is_number(word))
                }),
            data_is_base64,
        };
        Some(Self { delimiter, header: line.to_owned(), seen_header: false, columns, numbers })
    }

    pub(super) fn parse(&mut self, line: &str) -> Line {
        if !self.seen_header {
            self.seen_header = line == self.header;
            return Line::Remark;
        }
        if line.trim().is_empty() {
            return Line::Remark;
        }
        let row = cells(line, self.delimiter);
        let cell = |column: usize| row.get(column).copied().unwrap_or_default();
        if self.columns.without_data.iter().any(|column| is_yes(cell(*column))) {
            return Line::NoData;
        }
        let Some(number) = self.numbers.id(cell(self.columns.id)) else {
            return Line::faulty("no CAN identifier in its column");
        };
        let is_extended =
            number >= 1 << 11 || self.columns.extended.is_some_and(|column| is_yes(cell(column)));
        let id = if is_extended { CanId::extended(number) } else { CanId::standard(number) };
        let Some(id) = id else { return Line::faulty("the CAN identifier is too large") };
        let Some(mut data) = self.numbers.data(&self.columns.data_text(&row)) else {
            return Line::faulty("the data are not bytes");
        };
        if let Some(length) = self.columns.length.and_then(|column| cell(column).parse::<usize>().ok()) {
            // A length code above 8 stands for more bytes than its number.
            if data.len() < length.min(8) {
                return Line::faulty("fewer data bytes than the length says");
            }
            // Some tools fill the columns of bytes that were not sent.
            if matches!(self.columns.data, DataColumns::Each(_)) && length <= 8 {
                data = Payload::new(&data[..length.min(data.len())]).unwrap_or(data);
            }
        }
        let time_s = self.columns.time.and_then(|(column, unit_s)| {
            let seconds = time::seconds(cell(column))?;
            Some(if is_number(cell(column)) { seconds * unit_s } else { seconds })
        });
        let channel = self.columns.channel.and_then(|column| cell(column).parse().ok()).unwrap_or(0);
        Line::Frame(Frame { time_s, channel, id, data })
    }
}

impl Columns {
    fn detect(names: &[String]) -> Option<Self> {
        let find =
            |known: &[&str]| known.iter().find_map(|known| names.iter().position(|name| name == known));
        let id = find(&ID_NAMES)?;
        let each: Vec<usize> = (0..names.len()).filter(|index| is_byte_name(&names[*index])).collect();
        let data = match find(&DATA_NAMES) {
            Some(column) if column + 1 == names.len() => DataColumns::Rest(column),
            Some(column) => DataColumns::One(column),
            None if each.len() > 1 => DataColumns::Each(each),
            None => return None,
        };
        let is_time =
            |name: &String| ["time", "abstime", "reltime"].iter().any(|start| name.starts_with(start));
        let time = names.iter().position(is_time).map(|column| (column, time_unit_s(names, column)));
        let marks = ["remote", "rtr", "isremote", "error", "iserror", "errorframe"];
        let without_data = (0..names.len()).filter(|index| marks.contains(&names[*index].as_str())).collect();
        Some(Self {
            id,
            data,
            time,
            length: find(&LENGTH_NAMES),
            extended: find(&["extended", "ide", "ext", "isextended", "isextendedid"]),
            channel: find(&["bus", "channel", "buschannel"]),
            without_data,
        })
    }

    /// The data of a row as one text.
    fn data_text<'a>(&self, row: &[&'a str]) -> Cow<'a, str> {
        match &self.data {
            DataColumns::One(column) => Cow::Borrowed(row.get(*column).copied().unwrap_or_default()),
            DataColumns::Rest(column) => match row.get(*column..).unwrap_or_default() {
                [only] => Cow::Borrowed(only),
                cells => Cow::Owned(cells.join(" ")),
            },
            DataColumns::Each(columns) => {
                let cells = columns.iter().filter_map(|column| row.get(*column).copied());
                Cow::Owned(cells.collect::<Vec<_>>().join(" "))
            }
        }
    }
}

impl Numbers {
    fn id(&self, cell: &str) -> Option<u32> {
        let cell = cell.strip_suffix(['h', 'x', 'X']).unwrap_or(cell);
        if self.id_is_decimal && !cell.starts_with("0x") { cell.parse().ok() } else { hex::number(cell) }
    }

    fn data(&self, text: &str) -> Option<Payload> {
        if self.data_is_base64 {
            return base64(text);
        }
        let words = text.split(is_mark).filter(|word| !word.is_empty());
        let mut data = Payload::EMPTY;
        for word in words {
            let digits = word.strip_prefix("0x").or_else(|| word.strip_prefix("0X")).unwrap_or(word);
            if self.bytes_are_decimal {
                data.push(word.parse().ok()?)?;
            } else if digits.len() <= 2 {
                data.push(hex::byte(digits)?)?;
            } else {
                hex::packed(digits)?.iter().try_for_each(|byte| data.push(*byte))?;
            }
        }
        Some(data)
    }
}

/// Seconds of one unit of the time column. A name that says nothing means seconds, but for the tables of SavvyCAN,
/// which count microseconds and are known by their columns.
fn time_unit_s(names: &[String], column: usize) -> f64 {
    let name = &names[column];
    let is_savvycan = name == "timestamp"
        && ["id", "extended", "bus", "len", "d1"].iter().all(|known| names.iter().any(|name| name == known));
    if is_savvycan || name.ends_with("us") || name.contains("micro") {
        1e-6
    } else if name.ends_with("ns") || name.contains("nano") {
        1e-9
    } else if name.ends_with("ms") || name.contains("milli") {
        1e-3
    } else {
        1.0
    }
}

/// Cuts a row into cells. Quotes keep a delimiter inside a cell; no tool puts line ends or quotes into a cell of frames.
fn cells(row: &str, delimiter: char) -> Vec<&str> {
    let mut quoted = false;
    let split = row.split(|c: char| {
        quoted ^= c == '"';
        c == delimiter && !quoted
    });
    split.map(|cell| cell.trim().trim_matches('"').trim()).collect()
}

/// A column's name in lower case, without anything but letters and digits.
fn normal(name: &str) -> String {
    let plain = name.chars().filter(|c| c.is_ascii_alphanumeric() || *c == 'µ');
    plain.map(|c| if c == 'µ' { 'u' } else { c.to_ascii_lowercase() }).collect()
}

/// Whether a name is that of a column with one byte: `d0`, `data1`, `b2`, `byte3`, `databyte4`.
fn is_byte_name(name: &str) -> bool {
    let letters = name.trim_end_matches(|c: char| c.is_ascii_digit());
    letters.len() < name.len() && ["d", "data", "b", "byte", "databyte", "db"].contains(&letters)
}

/// What may stand between the bytes of one cell.
fn is_mark(c: char) -> bool {
    c.is_whitespace() || matches!(c, '-' | ':' | ',' | '.' | '[' | ']')
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
}

/// Whether identifiers are decimal numbers: none of them has a hexadecimal letter, as most of J1939 and all of OBD have.
fn all_decimal<'a>(mut ids: impl Iterator<Item = &'a str>) -> bool {
    ids.all(|id| id.bytes().all(|byte| byte.is_ascii_digit()))
}

fn is_yes(cell: &str) -> bool {
    cell == "1" || cell.eq_ignore_ascii_case("true") || cell.eq_ignore_ascii_case("x")
}

/// Bytes from base64, with its padding.
///
/// **Source**: RFC 4648, section 4.
fn base64(text: &str) -> Option<Payload> {
    let mut data = Payload::EMPTY;
    let (groups, rest) = text.as_bytes().as_chunks::<4>();
    for group in groups {
        let n_padding = group.iter().rev().take_while(|byte| **byte == b'=').count();
        let digits = group[..4 - n_padding].iter().try_fold(0_u32, |bits, byte| {
            let digit = match byte {
                b'A'..=b'Z' => byte - b'A',
                b'a'..=b'z' => byte - b'a' + 26,
                b'0'..=b'9' => byte - b'0' + 52,
                b'+' => 62,
                b'/' => 63,
                _ => return None,
            };
            Some(bits << 6 | u32::from(digit))
        })?;
        let [_, bytes @ ..] = (digits << (6 * n_padding)).to_be_bytes();
        bytes[..3_usize.checked_sub(n_padding)?].iter().try_for_each(|byte| data.push(*byte))?;
    }
    rest.is_empty().then_some(data)
}
