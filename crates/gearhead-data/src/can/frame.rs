//! One CAN frame, and what its identifier says in SAE J1939.

use std::fmt;

/// The most bytes of a CAN FD frame; a classic frame has at most 8.
pub const MAX_FRAME_BYTES: usize = 64;

/// A CAN identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CanId {
    /// 11 bits.
    Standard(u16),
    /// 29 bits.
    Extended(u32),
}

impl CanId {
    /// An identifier of 11 bits; `None` where the number needs more.
    pub fn standard(id: u32) -> Option<Self> {
        u16::try_from(id).ok().filter(|id| *id < 1 << 11).map(Self::Standard)
    }

    /// An identifier of 29 bits; `None` where the number needs more.
    pub fn extended(id: u32) -> Option<Self> {
        (id < 1 << 29).then_some(Self::Extended(id))
    }

    /// What the identifier says in SAE J1939, which uses those of 29 bits only.
    pub fn j1939(self) -> Option<J1939Id> {
        match self {
            Self::Standard(_) => None,
            Self::Extended(id) => Some(J1939Id::from_bits(id)),
        }
    }
}

impl fmt::Display for CanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Standard(id) => write!(f, "{id:03X}"),
            Self::Extended(id) => write!(f, "{id:08X}"),
        }
    }
}

/// The parts of a 29-bit identifier.
///
/// **Source**: SAE J1939-21, protocol data unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct J1939Id {
    /// 0, the most urgent, to 7.
    pub priority: u8,
    /// Parameter group number, 18 bits.
    pub pgn: u32,
    /// The controller that the frame is meant for; `None` where it is for everyone.
    pub destination: Option<u8>,
    /// The controller that sent it.
    pub source: u8,
}

/// The address that means everyone.
pub const GLOBAL_ADDRESS: u8 = 255;

impl J1939Id {
    /// Takes 29 bits apart. In format PDU1 (PDU format below 240) the low byte of the group is a destination, in
    /// PDU2 it belongs to the number of the group.
    pub fn from_bits(id: u32) -> Self {
        let [high, pdu_format, pdu_specific, source] = id.to_be_bytes();
        let priority = high >> 2 & 7;
        let pages_and_format = u32::from(high & 3) << 16 | u32::from(pdu_format) << 8;
        let (pgn, destination) = if pdu_format < 240 {
            (pages_and_format, Some(pdu_specific).filter(|address| *address != GLOBAL_ADDRESS))
        } else {
            (pages_and_format | u32::from(pdu_specific), None)
        };
        Self { priority, pgn, destination, source }
    }
}

/// The bytes of a frame, kept in place so that reading a log allocates nothing for each frame.
#[derive(Clone, Copy)]
pub struct Payload {
    bytes: [u8; MAX_FRAME_BYTES],
    len: u8,
}

impl Payload {
    /// No bytes.
    pub const EMPTY: Self = Self { bytes: [0; MAX_FRAME_BYTES], len: 0 };

    /// The bytes of a slice; `None` past [`MAX_FRAME_BYTES`].
    pub fn new(bytes: &[u8]) -> Option<Self> {
        let mut payload = Self::EMPTY;
        bytes.iter().try_for_each(|byte| payload.push(*byte))?;
        Some(payload)
    }

    /// Adds a byte; `None` where the frame is full.
    pub fn push(&mut self, byte: u8) -> Option<()> {
        *self.bytes.get_mut(usize::from(self.len))? = byte;
        self.len += 1;
        Some(())
    }
}

impl std::ops::Deref for Payload {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

impl PartialEq for Payload {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Payload {}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02X?}", &**self)
    }
}

/// A data frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Frame {
    /// Seconds, as the log counts them: since 1970 or since its own start. `None` where it has no times.
    pub time_s: Option<f64>,
    /// The bus, where a log holds several: in candump the interfaces are numbered as they appear, elsewhere it is the
    /// number that the log gives.
    pub channel: u8,
    /// Who sent what.
    pub id: CanId,
    /// The data.
    pub data: Payload,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_come_apart_as_the_standard_says() {
        let dm1 = CanId::extended(0x18FE_CA21).unwrap().j1939().unwrap();
        assert_eq!(dm1, J1939Id { priority: 6, pgn: 65226, destination: None, source: 0x21 });
        let urgent = CanId::extended(0x00FE_CA00).unwrap().j1939().unwrap();
        assert_eq!((urgent.priority, urgent.pgn), (0, 65226));
        let transport = CanId::extended(0x1CEC_F903).unwrap().j1939().unwrap();
        assert_eq!(transport, J1939Id { priority: 7, pgn: 60416, destination: Some(0xF9), source: 3 });
        let broadcast = CanId::extended(0x1CEC_FF03).unwrap().j1939().unwrap();
        assert_eq!((broadcast.pgn, broadcast.destination), (60416, None));
        // The lowest format that has no destination, and the highest that has one.
        let engine = CanId::extended(0x0CF0_0400).unwrap().j1939().unwrap();
        assert_eq!((engine.pgn, engine.destination), (61444, None));
        assert_eq!(CanId::extended(0x18EF_0400).unwrap().j1939().unwrap().destination, Some(4));
        // Data page 1.
        assert_eq!(CanId::extended(0x19FE_CA00).unwrap().j1939().unwrap().pgn, 0x1_FECA);
        assert_eq!(CanId::standard(0x7E8).unwrap().j1939(), None);
        assert_eq!((CanId::standard(0x800), CanId::extended(0x2000_0000)), (None, None));
    }

    #[test]
    fn a_payload_holds_64_bytes_and_no_more() {
        assert_eq!(&*Payload::new(&[7; 64]).unwrap(), &[7; 64]);
        assert_eq!(Payload::new(&[7; 65]), None);
    }
}
