//! OBD-II responses as scan tools and ELM327 adapters print them: hexadecimal bytes, one response a line.

use super::{Line, hex};
use crate::can::{
    frame::{CanId, Frame, Payload},
    obd::{ObdResponse, ObdService, ObdSource, codes_on_can, codes_without_count},
};

/// What an adapter says beside data.
const TALK: [&str; 17] = [
    "AT",
    "ELM",
    "OK",
    "SEARCHING",
    "NO DATA",
    "NODATA",
    "BUS INIT",
    "BUSINIT",
    "BUS BUSY",
    "BUS ERROR",
    "CAN ERROR",
    "UNABLE TO CONNECT",
    "STOPPED",
    "BUFFER FULL",
    "LV RESET",
    "ACT ALERT",
    "?",
];

/// Reads responses line by line, with and without spaces:
///
/// ```text
/// 43 01 33 00 00 00 00                 older buses, header not shown
/// 48 6B 10 43 01 33 00 00 00 00 3A     older buses, with header and checksum
/// 43 02 01 33 01 34                    CAN, header not shown
/// 7E8 06 43 02 01 33 01 34             CAN, with header
/// 00A                                  CAN, header not shown, several lines: the length, then
/// 0: 43 04 01 33 01 34                 numbered pieces
/// 1: 01 35 01 36 00 00 00
/// ```
///
/// **Source**: ELM Electronics, ELM327 data sheet, for what adapters print.
#[derive(Debug, Default)]
pub(super) struct ObdText {
    /// The bytes of a response over several lines, of which not all have come yet. Three digits announce at most 4095.
    announced: Option<usize>,
    pieces: Vec<u8>,
    next_piece: u32,
}

impl ObdText {
    pub(super) fn parse(&mut self, line: &str) -> Line {
        let text = line.trim().trim_start_matches('>').trim_start().to_ascii_uppercase();
        if text.is_empty() || TALK.iter().any(|talk| text.starts_with(talk)) {
            return Line::Remark;
        }
        if text.contains('<') {
            return Line::faulty("the adapter marked the line as damaged");
        }
        if let Some((number, piece)) = text.split_once(':') {
            return self.piece(number, piece);
        }
        let mut words: Vec<&str> = text.split_whitespace().collect();
        if let [length] = words[..]
            && length.len() == 3
            && let Some(length) = hex::number(length)
        {
            self.announced = Some(length as usize);
            self.pieces.clear();
            self.next_piece = 0;
            return Line::Remark;
        }
        // In documents the checksum is often spelt so.
        let checksum_is_open = words.last() == Some(&"CK");
        if checksum_is_open {
            words.pop();
        }
        let digits = words.concat();
        if let Some(line) = on_can(&digits) {
            return line;
        }
        let Some(bytes) = hex::packed(&digits) else {
            return Line::faulty("neither hexadecimal bytes nor a known message");
        };
        match bytes[..] {
            [0x43 | 0x47 | 0x4A, ..] => response(ObdSource::Unknown, bare(&bytes)),
            // The target of a response is the tester: 6B to everyone, F1 to it alone.
            [0x48 | 0x80..=0xBF, 0x6B | 0xF1, source, 0x43 | 0x47 | 0x4A, ..] => {
                with_header(source, &bytes, checksum_is_open)
            }
            // The header of J1850 PWM looks like a response to service 01, so the checksum must settle it.
            [0x41, 0x6B, source, 0x43 | 0x47 | 0x4A, .., checksum]
                if crc(&bytes[..bytes.len() - 1]) == checksum =>
            {
                with_header(source, &bytes, false)
            }
            // A request, or a response to another service, with or without its header.
            [0x01..=0x0A | 0x41..=0x4F | 0x7F, ..]
            | [0x80..=0xBF, 0x6B | 0xF1, _, 0x41..=0x4F | 0x7F, ..] => Line::Remark,
            _ => Line::faulty("no response of an OBD service that lists codes"),
        }
    }

    /// A numbered piece of a response. The numbers run from 0 to F and round again.
    fn piece(&mut self, number: &str, piece: &str) -> Line {
        let Some(number) = hex::number(number).filter(|number| *number < 16) else {
            return Line::faulty("neither hexadecimal bytes nor a known message");
        };
        let Some(bytes) = hex::packed(&piece.replace(' ', "")) else {
            return Line::faulty("the piece is not hexadecimal bytes");
        };
        let Some(length) = self.announced else {
            return Line::faulty("the length line before the piece, or a piece between, is missing");
        };
        if number != self.next_piece {
            self.announced = None;
            return Line::faulty("a piece of the response is missing");
        }
        self.next_piece = (number + 1) % 16;
        self.pieces.extend_from_slice(&bytes);
        if self.pieces.len() < length {
            return Line::Remark;
        }
        self.announced = None;
        let whole = std::mem::take(&mut self.pieces);
        match whole.first() {
            Some(0x43 | 0x47 | 0x4A) => {
                response(ObdSource::Unknown, codes_on_can(&whole[..length.min(whole.len())]))
            }
            _ => Line::Remark,
        }
    }
}

/// A frame on CAN with its identifier, `7E8` to `7EF` or `18DAF1xx`; `None` for any other text.
fn on_can(digits: &str) -> Option<Line> {
    let (id, data) = if digits.starts_with("18DAF1") {
        (CanId::extended(hex::number(digits.get(..8)?)?)?, digits.get(8..)?)
    } else if digits.starts_with("7E") && digits.len() % 2 == 1 {
        let id = hex::number(digits.get(..3)?).filter(|id| *id >= 0x7E8)?;
        (CanId::standard(id)?, digits.get(3..)?)
    } else {
        return None;
    };
    let data: Payload = hex::packed(data).filter(|data| !data.is_empty())?;
    Some(Line::Frame(Frame { time_s: None, channel: 0, id, data }))
}

type Codes = Option<(ObdService, Vec<String>)>;

/// A response without header. Two bytes for each code make its length odd on the older buses and even on CAN, which
/// has the number of codes besides.
fn bare(bytes: &[u8]) -> Codes {
    if bytes.len() % 2 == 1 { codes_without_count(bytes) } else { codes_on_can(bytes) }
}

fn response(source: ObdSource, codes: Codes) -> Line {
    match codes {
        Some((service, codes)) => Line::Response(ObdResponse { service, source, time_s: None, codes }, None),
        None => Line::faulty("the response is shorter than its number of codes says"),
    }
}

/// Three bytes of header, the response, a checksum.
fn with_header(source: u8, bytes: &[u8], checksum_is_open: bool) -> Line {
    let (body, doubt) = match bytes.split_last() {
        Some((checksum, before)) if !checksum_is_open => {
            let right = [sum(before), crc(before)].contains(checksum);
            (before, (!right).then_some("the checksum does not match; the codes are listed all the same"))
        }
        _ => (bytes, None),
    };
    match body.get(3..).and_then(codes_without_count) {
        Some((service, codes)) => {
            let source = ObdSource::Address(source);
            Line::Response(ObdResponse { service, source, time_s: None, codes }, doubt)
        }
        None => Line::faulty("the response does not consist of two bytes for each code and a checksum"),
    }
}

/// The checksum of ISO 9141-2 and ISO 14230-2.
fn sum(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |sum, byte| sum.wrapping_add(*byte))
}

/// The checksum of SAE J1850: polynomial 1D, all ones before and inverted after.
fn crc(bytes: &[u8]) -> u8 {
    let shift = |crc: u8| if crc & 0x80 == 0 { crc << 1 } else { crc << 1 ^ 0x1D };
    !bytes.iter().fold(0xFF, |crc, byte| (0..8).fold(crc ^ byte, |crc, _| shift(crc)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The source and codes of every response, and the reasons of the lines that are none.
    fn read(text: &str) -> (Vec<(ObdSource, String)>, Vec<String>) {
        let mut reader = ObdText::default();
        let (mut found, mut faulty) = (Vec::new(), Vec::new());
        for line in text.lines() {
            match reader.parse(line) {
                Line::Response(response, doubt) => {
                    found.push((response.source, response.codes.join(" ")));
                    faulty.extend(doubt.map(str::to_owned));
                }
                Line::Faulty(reason) => faulty.push(reason.into_owned()),
                Line::Frame(frame) => found.push((ObdSource::Unknown, frame.id.to_string())),
                Line::NoData | Line::Remark => {}
            }
        }
        (found, faulty)
    }

    fn codes(text: &str) -> String {
        let (found, faulty) = read(text);
        assert_eq!(faulty, [""; 0], "{text}");
        found.into_iter().map(|(_, codes)| codes).collect::<Vec<_>>().join("|")
    }

    #[test]
    fn responses_of_every_form_are_read() {
        for (text, expected) in [
            ("43 01 33 00 00 00 00", "P0133"),
            ("43013300000000", "P0133"),
            ("43 01 33 01 34 C1 00\n43 20 EE 00 00 00 00", "P0133 P0134 U0100|P20EE"),
            ("43 02 01 33 01 34", "P0133 P0134"),
            ("43 00", ""),
            ("48 6B 10 43 01 33 00 00 00 00 CK", "P0133"),
            ("48 6B 10 43 01 33 00 00 00 00 3A", "P0133"),
            ("87 F1 11 43 01 33 00 00 00 00 00", "P0133"),
            ("00A\n0: 43 04 01 33 01 34\n1: 01 35 01 36 00 00 00", "P0133 P0134 P0135 P0136"),
            ("00A\n0:430401330134\n1:01350136000000", "P0133 P0134 P0135 P0136"),
            (
                "ATZ\n\nELM327 v1.5\n>ATSP0\nOK\n>03\nSEARCHING...\n43 01 33 00 00 00 00\n\n>07\n47 00 00 00 00 00 00",
                "P0133|",
            ),
            ("7E8 06 43 02 01 33 01 34", "7E8"),
            ("7E8064302013301340000", "7E8"),
            ("18 DA F1 10 04 43 01 01 33", "18DAF110"),
            ("41 00 BE 3E B8 11\n7F 03 11\n43 01 33 00 00 00 00", "P0133"),
        ] {
            assert_eq!(codes(text), expected, "{text}");
        }
    }

    #[test]
    fn the_header_names_the_source_and_the_checksum_is_looked_at() {
        let (found, faulty) = read("48 6B 10 43 01 33 00 00 00 00 3B");
        assert_eq!(found, [(ObdSource::Address(0x10), "P0133".to_owned())]);
        assert!(faulty[0].starts_with("the checksum does not match"), "{faulty:?}");
        // Check value of this CRC: 123456789 gives 4B.
        assert_eq!(crc(b"123456789"), 0x4B);
    }

    #[test]
    fn damaged_lines_are_told() {
        for line in
            ["43 01 33 00 <DATA ERROR", "43 03 01 33", "hello", "43 01 3G 00", "1: 01 02", "12 34 56 78"]
        {
            assert_eq!(read(line).1.len(), 1, "{line}");
        }
        // A piece is lost: no code is made from what is left.
        let (found, faulty) =
            read("012\n0: 43 08 01 33 01 34\n2: 01 38 01 39 01 40 01\n3: 41 00 00 00 00 00 00");
        assert_eq!((found, faulty.len()), (vec![], 2));
    }
}
