//! OBD-II responses that list trouble codes, on CAN and elsewhere.

use std::collections::HashMap;

use super::{
    frame::{CanId, Frame},
    transport::TransportSummary,
};

/// Which list of trouble codes a response holds.
///
/// **Source**: SAE J1979 and ISO 15031-5, services 03, 07 and 0A.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ObdService {
    /// Service 03: confirmed codes.
    Confirmed,
    /// Service 07: codes of the current or last drive that are not confirmed yet.
    Pending,
    /// Service 0A: codes that stay after the memory was cleared, until the fault has been seen to be gone.
    Permanent,
}

impl ObdService {
    /// The service that answers with this byte.
    pub fn from_response(byte: u8) -> Option<Self> {
        match byte {
            0x43 => Some(Self::Confirmed),
            0x47 => Some(Self::Pending),
            0x4A => Some(Self::Permanent),
            _ => None,
        }
    }
}

/// Who answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ObdSource {
    /// The controller that answers under a CAN identifier of 11 bits, 7E8 to 7EF.
    CanId(u16),
    /// The controller with this address, from a header or a CAN identifier of 29 bits.
    Address(u8),
    /// The response was written down without its header.
    Unknown,
}

/// A response that lists trouble codes.
#[derive(Debug, Clone, PartialEq)]
pub struct ObdResponse {
    /// Which list.
    pub service: ObdService,
    /// Who answered.
    pub source: ObdSource,
    /// When, in seconds as in [`Frame::time_s`].
    pub time_s: Option<f64>,
    /// The codes, such as `P0133`.
    pub codes: Vec<String>,
}

/// The code that two bytes denote; `None` for the zeros that fill a response up.
///
/// **Source**: SAE J2012 and ISO 15031-6: two bits for the letter, two for the first digit, twelve for three more.
pub fn code(bytes: [u8; 2]) -> Option<String> {
    let number = u16::from_be_bytes(bytes);
    let letter = [b'P', b'C', b'B', b'U'][usize::from(number >> 14)] as char;
    (number != 0).then(|| format!("{letter}{:04X}", number & 0x3FFF))
}

/// The codes of a response on CAN: `43`, their number, two bytes each. `None` where it is no such response, or shorter
/// than its number says.
pub fn codes_on_can(response: &[u8]) -> Option<(ObdService, Vec<String>)> {
    let (service, rest) = response.split_first()?;
    let service = ObdService::from_response(*service)?;
    let (count, rest) = rest.split_first()?;
    let pairs = rest.as_chunks::<2>().0.get(..usize::from(*count))?;
    Some((service, pairs.iter().filter_map(|pair| code(*pair)).collect()))
}

/// The codes of a response on the older buses (SAE J1850, ISO 9141-2, ISO 14230-4): `43` and two bytes each, without a
/// number of codes.
pub fn codes_without_count(response: &[u8]) -> Option<(ObdService, Vec<String>)> {
    let (service, rest) = response.split_first()?;
    let service = ObdService::from_response(*service)?;
    let (pairs, odd) = rest.as_chunks::<2>();
    odd.is_empty().then(|| (service, pairs.iter().filter_map(|pair| code(*pair)).collect()))
}

/// The source of an OBD response on CAN; `None` for every other identifier.
///
/// **Source**: ISO 15765-4: 7E8 to 7EF, and 18DAF1xx, where F1 is the tester.
fn source(id: CanId) -> Option<ObdSource> {
    match id {
        CanId::Standard(id @ 0x7E8..=0x7EF) => Some(ObdSource::CanId(id)),
        CanId::Extended(id) if id >> 8 == 0x18_DAF1 => Some(ObdSource::Address(id as u8)),
        _ => None,
    }
}

/// Puts OBD responses together from CAN frames.
///
/// **Source**: ISO 15765-2, network layer: single, first and consecutive frames.
#[derive(Debug, Default)]
pub struct ObdOnCan {
    open: HashMap<(u8, ObdSource), Segmented>,
    summary: TransportSummary,
}

#[derive(Debug)]
struct Segmented {
    data: Vec<u8>,
    size: usize,
    last_number: u8,
}

impl ObdOnCan {
    /// Takes the next frame of the log; a response comes out with the frame that completes it.
    pub fn accept(&mut self, frame: &Frame) -> Option<ObdResponse> {
        let source = source(frame.id)?;
        let data = self.segment((frame.channel, source), &frame.data)?;
        let (service, codes) = codes_on_can(&data)?;
        Some(ObdResponse { service, source, time_s: frame.time_s, codes })
    }

    /// What became of the responses of several frames.
    pub fn finish(mut self) -> TransportSummary {
        self.summary.incomplete += self.open.len() as u64;
        self.summary
    }

    fn segment(&mut self, key: (u8, ObdSource), frame: &[u8]) -> Option<Vec<u8>> {
        let (control, rest) = frame.split_first()?;
        let low = control & 0x0F;
        match control >> 4 {
            0 => {
                // A longer single frame of CAN FD gives its length in the next byte.
                let (length, rest) = if low == 0 { rest.split_first()? } else { (&low, rest) };
                rest.get(..usize::from(*length)).map(<[u8]>::to_vec)
            }
            1 => {
                let (size, rest) = rest.split_first()?;
                let size = usize::from(low) << 8 | usize::from(*size);
                let segmented = Segmented { data: rest.to_vec(), size, last_number: 0 };
                if self.open.insert(key, segmented).is_some() {
                    self.summary.incomplete += 1;
                }
                None
            }
            2 => {
                let Some(open) = self.open.get_mut(&key) else {
                    self.summary.stray_packets += 1;
                    return None;
                };
                // Two buses merged into one log show a frame twice.
                if low == open.last_number && open.data.ends_with(rest) {
                    return None;
                }
                if low != (open.last_number + 1) & 0x0F {
                    self.open.remove(&key);
                    self.summary.incomplete += 1;
                    return None;
                }
                open.last_number = low;
                open.data.extend_from_slice(rest);
                if open.data.len() < open.size {
                    return None;
                }
                let mut whole = self.open.remove(&key)?;
                whole.data.truncate(whole.size);
                self.summary.complete += 1;
                Some(whole.data)
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::can::frame::Payload;

    fn responses(frames: &[(u32, &[u8])]) -> (Vec<ObdResponse>, TransportSummary) {
        let mut obd = ObdOnCan::default();
        let mut found = Vec::new();
        for (id, data) in frames {
            let id = CanId::standard(*id).or(CanId::extended(*id)).unwrap();
            let data = Payload::new(data).unwrap();
            found.extend(obd.accept(&Frame { time_s: None, channel: 0, id, data }));
        }
        (found, obd.finish())
    }

    #[test]
    fn two_bytes_make_a_code() {
        for (bytes, expected) in [
            ([0x01, 0x33], Some("P0133")),
            ([0x20, 0xEE], Some("P20EE")),
            ([0x41, 0x23], Some("C0123")),
            ([0x92, 0x34], Some("B1234")),
            ([0xC1, 0x00], Some("U0100")),
            ([0xFF, 0xFF], Some("U3FFF")),
            ([0, 0], None),
        ] {
            assert_eq!(code(bytes).as_deref(), expected);
        }
    }

    #[test]
    fn single_frames_of_both_widths_are_read() {
        let (found, _) = responses(&[
            (0x7E8, &[0x06, 0x43, 0x02, 0x01, 0x33, 0xC1, 0x00, 0xAA]),
            (0x18DA_F100, &[0x04, 0x47, 0x01, 0x20, 0xEE]),
            (0x7E9, &[0x02, 0x4A, 0x00, 0, 0, 0, 0, 0]),
            // Not a response to these services, not an OBD identifier, a negative response.
            (0x7E8, &[0x06, 0x41, 0x00, 0xBE, 0x3E, 0xB8, 0x11]),
            (0x7DF, &[0x01, 0x03]),
            (0x7E8, &[0x03, 0x7F, 0x03, 0x11]),
        ]);
        let seen: Vec<_> = found.iter().map(|r| (r.service, r.source, r.codes.join(" "))).collect();
        let expected = [
            (ObdService::Confirmed, ObdSource::CanId(0x7E8), "P0133 U0100".to_owned()),
            (ObdService::Pending, ObdSource::Address(0), "P20EE".to_owned()),
            (ObdService::Permanent, ObdSource::CanId(0x7E9), String::new()),
        ];
        assert_eq!(seen, expected);
    }

    #[test]
    fn long_responses_are_put_together_and_broken_ones_counted() {
        let first: &[u8] = &[0x10, 0x0A, 0x43, 0x04, 0x01, 0x33, 0x01, 0x34];
        let rest: &[u8] = &[0x21, 0x01, 0x35, 0x01, 0x36, 0, 0, 0];
        let (found, summary) = responses(&[(0x7E8, first), (0x7E9, first), (0x7E8, rest), (0x7E9, rest)]);
        assert_eq!(found.len(), 2);
        assert_eq!(found[1].codes, ["P0133", "P0134", "P0135", "P0136"]);
        assert_eq!((summary.complete, summary.incomplete), (2, 0));
        let out_of_step: &[u8] = &[0x22, 0x01, 0x35, 0x01, 0x36, 0, 0, 0];
        let (found, summary) =
            responses(&[(0x7E8, first), (0x7E8, out_of_step), (0x7E8, first), (0x7E8, first)]);
        assert_eq!((found.len(), summary.incomplete), (0, 3));
    }

    #[test]
    fn fewer_codes_than_announced_are_no_response() {
        assert_eq!(codes_on_can(&[0x43, 0x03, 0x01, 0x33]), None);
        assert_eq!(codes_without_count(&[0x43, 0x01]), None);
    }
}
