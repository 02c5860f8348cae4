//! Logs of Vector's tools in text form (`.asc`).

use super::{Line, hex};
use crate::can::frame::{CanId, Frame, Payload};

/// Reads a log line by line:
///
/// ```text
/// base hex  timestamps absolute
///    0.010000 1  18FECA00x       Rx   d 8 04 FF 9D 00 12 03 FF FF
///    0.020000 CANFD   1 Rx   18FECA00x  DM1  0 0 8 8 04 FF 9D 00 12 03 FF FF
/// ```
///
/// Classic and FD frames become frames. Events of other kinds, such as statistics, bus states and messages that the tool
/// has already put together from frames of the same log, hold nothing new.
#[derive(Debug)]
pub(super) struct VectorLog {
    is_decimal: bool,
    is_relative: bool,
    /// Seconds of the event before.
    clock_s: f64,
}

impl Default for VectorLog {
    fn default() -> Self {
        Self { is_decimal: false, is_relative: false, clock_s: 0.0 }
    }
}

impl VectorLog {
    pub(super) fn parse(&mut self, line: &str) -> Line {
        let mut words = line.split_whitespace();
        let Some(first) = words.next() else { return Line::Remark };
        let Some(stamp_s) = first.parse::<f64>().ok().filter(|seconds| seconds.is_finite()) else {
            return self.header(first, words);
        };
        self.clock_s = if self.is_relative { self.clock_s + stamp_s } else { stamp_s };
        let time_s = Some(self.clock_s);
        let frame = match words.next() {
            Some("CANFD") => self.fd(words),
            Some(channel) if channel.parse::<u8>().is_ok() => self.classic(channel, words),
            // An event of another kind.
            Some(_) => return Line::NoData,
            None => return Line::faulty("nothing stands after the time"),
        };
        match frame {
            Ok(Some((channel, id, data))) => Line::Frame(Frame { time_s, channel, id, data }),
            Ok(None) => Line::NoData,
            Err(reason) => Line::faulty(reason),
        }
    }

    /// A line that starts with no time: a header, a comment, or nothing that the format has.
    fn header<'a>(&mut self, first: &str, words: impl Iterator<Item = &'a str>) -> Line {
        let first = first.to_ascii_lowercase();
        if first == "base" {
            for word in words {
                match word {
                    "dec" => self.is_decimal = true,
                    "hex" => self.is_decimal = false,
                    "relative" => self.is_relative = true,
                    "absolute" => self.is_relative = false,
                    _ => {}
                }
            }
            return Line::Remark;
        }
        let known = ["date", "internal", "no", "begin", "end", "previous", "split"].contains(&first.as_str());
        if known || first.starts_with("//") {
            Line::Remark
        } else {
            Line::faulty("neither an event with its time nor a header")
        }
    }

    fn classic<'a>(&self, channel: &str, mut words: impl Iterator<Item = &'a str>) -> Parsed {
        let id = words.next().ok_or("nothing stands after the channel")?;
        let Some(id) = self.id(id)? else { return Ok(None) };
        words.next().filter(|word| is_direction(word)).ok_or("no direction (Rx or Tx)")?;
        match words.next() {
            Some("d") => {}
            Some("r") => return Ok(None),
            _ => return Err("neither `d` nor `r` stands after the direction"),
        }
        let length = words.next().and_then(|word| word.parse().ok()).filter(|length| *length <= 8);
        let data = self.data(words, length.ok_or("the length is not a number up to 8")?)?;
        Ok(Some((channel.parse().unwrap_or(0), id, data)))
    }

    fn fd<'a>(&self, mut words: impl Iterator<Item = &'a str>) -> Parsed {
        let channel = words.next().and_then(|word| word.parse().ok()).ok_or("no channel")?;
        words.next().filter(|word| is_direction(word)).ok_or("no direction (Rx or Tx)")?;
        let id = words.next().ok_or("nothing stands after the direction")?;
        let Some(id) = self.id(id)? else { return Ok(None) };
        let mut word = words.next();
        // The name of the message, where the tool knew it; else two flags follow at once.
        if word.is_some_and(|word| !matches!(word, "0" | "1")) {
            word = words.next();
        }
        let flags_and_code = (word, words.next(), words.next());
        let (Some("0" | "1"), Some("0" | "1"), Some(code)) = flags_and_code else {
            return Err("no flags and length code");
        };
        let length = words.next().and_then(|word| word.parse().ok()).ok_or("the length is not a number")?;
        // A remote frame has a length code and no data.
        if length == 0 && code != "0" {
            return Ok(None);
        }
        Ok(Some((channel, id, self.data(words, length)?)))
    }

    /// The identifier; `x` marks one of 29 bits. `None` for a word, which is an event of another kind.
    fn id(&self, text: &str) -> Result<Option<CanId>, &'static str> {
        let (digits, is_extended) =
            text.strip_suffix(['x', 'X']).map_or((text, false), |digits| (digits, true));
        let number = if self.is_decimal { digits.parse().ok() } else { hex::number(digits) };
        let Some(number) = number else {
            let is_word = text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.len() > 4;
            return if is_word { Ok(None) } else { Err("the CAN identifier is not a number") };
        };
        let id = if is_extended { CanId::extended(number) } else { CanId::standard(number) };
        id.map(Some).ok_or("the CAN identifier is too large")
    }

    fn data<'a>(&self, words: impl Iterator<Item = &'a str>, n: usize) -> Result<Payload, &'static str> {
        let data = if self.is_decimal { decimal_bytes(words, n) } else { hex::bytes(words, n) };
        data.ok_or("the data are not as many bytes as the length says")
    }
}

/// Channel, identifier and data; `None` where the event is no data frame.
type Parsed = Result<Option<(u8, CanId, Payload)>, &'static str>;

fn is_direction(word: &str) -> bool {
    matches!(word, "Rx" | "Tx" | "TxRq")
}

fn decimal_bytes<'a>(words: impl Iterator<Item = &'a str>, n: usize) -> Option<Payload> {
    let mut data = Payload::EMPTY;
    for word in words.take(n) {
        data.push(word.parse().ok()?)?;
    }
    (data.len() == n).then_some(data)
}
