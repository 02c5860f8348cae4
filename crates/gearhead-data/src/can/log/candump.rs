//! What `candump` of Linux can-utils prints: to a file (`-L`) and to the screen.

use super::{Line, hex, time};
use crate::can::frame::{CanId, Frame, Payload};

/// Set in the identifier of an error frame.
///
/// **Source**: Linux `include/uapi/linux/can.h`.
const ERROR_FLAG: u32 = 0x2000_0000;

/// Reads both forms, line by line:
///
/// ```text
/// (1436509052.249713) can0 18FECA00#04FF9D001203FFFF
///  (000.000000)  can0  18FECA00   [8]  04 FF 9D 00 12 03 FF FF   '........'
/// ```
#[derive(Debug, Default)]
pub(super) struct Candump {
    interfaces: Vec<String>,
}

impl Candump {
    pub(super) fn parse(&mut self, line: &str) -> Line {
        let mut rest = line.trim();
        if rest.is_empty() {
            return Line::Remark;
        }
        let mut time_s = None;
        if let Some(after) = rest.strip_prefix('(') {
            let Some((stamp, after)) = after.split_once(')') else {
                return Line::faulty("the time stamp is not closed by `)`");
            };
            time_s = time::seconds(stamp);
            if time_s.is_none() {
                return Line::faulty("the time stamp is neither seconds nor a date");
            }
            rest = after;
        }
        let mut words = rest.split_whitespace().peekable();
        let Some(mut word) = words.next() else { return Line::faulty("nothing stands after the time stamp") };
        let mut channel = 0;
        if !word.contains('#') {
            channel = self.channel(word);
            // With `-x` direction and flags stand between the interface and the identifier.
            while words.next_if(|word| matches!(*word, "RX" | "TX" | "B" | "E" | "-" | "--")).is_some() {}
            let Some(next) = words.next() else { return Line::faulty("no CAN identifier") };
            word = next;
        }
        let (id, data) = if let Some((id, data)) = word.split_once('#') {
            (id, Data::Packed(data))
        } else {
            let length =
                words.next().and_then(|word| word.strip_prefix('[')?.strip_suffix(']')?.parse().ok());
            let Some(length) = length else {
                return Line::faulty("neither `id#data` nor `id [length] data`");
            };
            (word, Data::Words(length))
        };
        let Some(number) = Some(id).filter(|id| matches!(id.len(), 3 | 8)).and_then(hex::number) else {
            return Line::faulty("the CAN identifier is not of 3 or 8 hexadecimal digits");
        };
        if number & ERROR_FLAG != 0 {
            return Line::NoData;
        }
        let id = if id.len() == 3 { CanId::standard(number) } else { CanId::extended(number) };
        let Some(id) = id else { return Line::faulty("the CAN identifier is too large") };
        let data = match data {
            Data::Packed(text) if text.starts_with('R') => return Line::NoData,
            Data::Words(_) if words.peek() == Some(&"remote") => return Line::NoData,
            Data::Packed(text) => packed(text),
            Data::Words(length) => hex::bytes(words, length),
        };
        match data {
            Some(data) => Line::Frame(Frame { time_s, channel, id, data }),
            None => Line::faulty("the data are not as many hexadecimal bytes as they should be"),
        }
    }

    fn channel(&mut self, interface: &str) -> u8 {
        let known = self.interfaces.iter().position(|known| known == interface);
        let index = known.unwrap_or(self.interfaces.len());
        if known.is_none() && self.interfaces.len() < usize::from(u8::MAX) {
            self.interfaces.push(interface.to_owned());
        }
        u8::try_from(index).unwrap_or(u8::MAX)
    }
}

enum Data<'a> {
    Packed(&'a str),
    Words(usize),
}

/// The data after `#`: pairs of digits, which dots may separate; after `##` a digit of CAN FD flags comes first; after
/// `_` a length code that says no more than the data.
fn packed(text: &str) -> Option<Payload> {
    let text = match text.strip_prefix('#') {
        Some(fd) => fd.get(1..)?,
        None => text,
    };
    let text = text.split_once('_').map_or(text, |(data, _)| data);
    if text.contains('.') { hex::packed(&text.replace('.', "")) } else { hex::packed(text) }
}
