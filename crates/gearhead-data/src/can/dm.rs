//! DM1 and DM2: the lamps and the trouble codes that a J1939 controller reports.

use serde::{Serialize, Serializer};

/// Parameter group of DM1, active trouble codes.
pub const PGN_DM1: u32 = 65_226;
/// Parameter group of DM2, previously active trouble codes.
pub const PGN_DM2: u32 = 65_227;

/// The bytes of one trouble code.
const BYTES_PER_DTC: usize = 4;

/// The occurrence count that says that there is none.
const COUNT_NOT_AVAILABLE: u8 = 127;

/// Whether a lamp is lit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LampStatus {
    /// 00.
    Off,
    /// 01.
    On,
    /// 10, which the standard reserves.
    Reserved,
    /// 11: the controller has no such lamp, or does not say.
    NotAvailable,
}

/// Whether a lit lamp flashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LampFlash {
    /// 00: 1 Hz, half of the time lit.
    Slow,
    /// 01: 2 Hz or faster, half of the time lit.
    Fast,
    /// 10, which the standard reserves.
    Reserved,
    /// 11: it does not flash, or the controller does not say.
    Steady,
}

/// One lamp. It is serialised as one word: `off`, `on`, `slow_flash`, `fast_flash`, or `not_available`, which stands for
/// the reserved status too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Lamp {
    /// Whether it is lit.
    pub status: LampStatus,
    /// Whether it flashes; without meaning where it is not lit.
    pub flash: LampFlash,
}

impl Lamp {
    /// The word that reports print.
    pub fn word(self) -> &'static str {
        match (self.status, self.flash) {
            (LampStatus::Off, _) => "off",
            (LampStatus::On, LampFlash::Slow) => "slow_flash",
            (LampStatus::On, LampFlash::Fast) => "fast_flash",
            (LampStatus::On, LampFlash::Reserved | LampFlash::Steady) => "on",
            (LampStatus::Reserved | LampStatus::NotAvailable, _) => "not_available",
        }
    }

    fn from_bits(status: u8, flash: u8) -> Self {
        let status = match status & 3 {
            0 => LampStatus::Off,
            1 => LampStatus::On,
            2 => LampStatus::Reserved,
            _ => LampStatus::NotAvailable,
        };
        let flash = match flash & 3 {
            0 => LampFlash::Slow,
            1 => LampFlash::Fast,
            2 => LampFlash::Reserved,
            _ => LampFlash::Steady,
        };
        Self { status, flash }
    }
}

impl Serialize for Lamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.word())
    }
}

/// The four lamps of a diagnostic message.
///
/// **Source**: SAE J1939-73, DM1, bytes 1 and 2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub struct Lamps {
    /// Malfunction indicator: an emission-related code is active.
    pub malfunction: Lamp,
    /// Red stop lamp: severe enough to stop the machine.
    pub red_stop: Lamp,
    /// Amber warning lamp: a fault that need not stop the machine at once.
    pub amber_warning: Lamp,
    /// Protect lamp: a fault that is most probably not electronic.
    pub protect: Lamp,
}

impl Lamps {
    fn from_bytes(status: u8, flash: u8) -> Self {
        let lamp = |shift: u8| Lamp::from_bits(status >> shift, flash >> shift);
        Self { malfunction: lamp(6), red_stop: lamp(4), amber_warning: lamp(2), protect: lamp(0) }
    }

    /// The lamps with their names as JSON has them.
    pub fn named(&self) -> [(&'static str, Lamp); 4] {
        [
            ("malfunction", self.malfunction),
            ("red_stop", self.red_stop),
            ("amber_warning", self.amber_warning),
            ("protect", self.protect),
        ]
    }
}

/// A trouble code as its four bytes give it.
///
/// **Source**: SAE J1939-73, diagnostic trouble code, version 4 of the layout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Dtc {
    /// Suspect parameter number, 19 bits, read in the byte order of version 4.
    pub spn: u32,
    /// Failure mode identifier, 5 bits.
    pub fmi: u8,
    /// How often the fault has come, up to 126; `None` where the controller does not count.
    pub occurrence_count: Option<u8>,
    /// Conversion method: 0 says that the SPN stands as version 4 has it. 1 says that it stands as one of the versions
    /// 1 to 3 has it, and only the maker knows which.
    pub conversion_method: u8,
}

impl Dtc {
    /// Reads four bytes; `None` for the two fillers that say that there is no code: all zeros and all ones.
    ///
    /// With conversion method 1 the SPN is read in the same byte order, which is that of version 3 as well;
    /// [`spn_of_older_layouts`](Self::spn_of_older_layouts) has what it is otherwise.
    pub fn from_bytes(bytes: [u8; BYTES_PER_DTC]) -> Option<Self> {
        if bytes == [0; BYTES_PER_DTC] || bytes == [0xFF; BYTES_PER_DTC] {
            return None;
        }
        let [low, middle, high_and_fmi, count] = bytes;
        let spn = u32::from_le_bytes([low, middle, high_and_fmi >> 5, 0]);
        let occurrence_count = Some(count & 0x7F).filter(|count| *count != COUNT_NOT_AVAILABLE);
        Some(Self { spn, fmi: high_and_fmi & 0x1F, occurrence_count, conversion_method: count >> 7 })
    }

    /// The four bytes, in version 4 of the layout. A number too large for its field is cut to the field's bits.
    pub fn to_bytes(self) -> [u8; BYTES_PER_DTC] {
        let [low, middle, high, _] = self.spn.to_le_bytes();
        let count = self.occurrence_count.unwrap_or(COUNT_NOT_AVAILABLE) & 0x7F;
        [low, middle, high << 5 | self.fmi & 0x1F, self.conversion_method << 7 | count]
    }

    /// What the SPN is if the bytes follow version 1 or version 2 of the layout: the low three bits stand beside the
    /// FMI in both, and the upper sixteen before them, high byte first in version 1 and low byte first in version 2.
    ///
    /// **Source**: SAE J1939-73, older versions of the layout, as the manuals of two makers of gateways give them
    /// (HMS Anybus X-gateway for J1939, table 6-3 and following; DynaGen TG350, section 4.7.4).
    pub fn spn_of_older_layouts(self) -> [u32; 2] {
        let [first, second, low, _] = self.spn.to_le_bytes().map(u32::from);
        [first << 11 | second << 3 | low, second << 11 | first << 3 | low]
    }

    /// Whether the code is SPN 0 with FMI 0, which controllers send for "no fault" with any count.
    pub fn is_no_fault(self) -> bool {
        self.spn == 0 && self.fmi == 0
    }
}

/// DM1 or DM2.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiagnosticMessage {
    /// The lamps.
    pub lamps: Lamps,
    /// The codes in the order of the message; empty where there is no fault.
    pub dtcs: Vec<Dtc>,
}

impl DiagnosticMessage {
    /// Reads the data of a message. Bytes past the last whole code are padding, so a frame of fewer than 8 bytes and one
    /// filled with `FF` read alike. `None` where not even the lamps are there.
    pub fn from_bytes(data: &[u8]) -> Option<Self> {
        let ([status, flash], codes) = data.split_first_chunk::<2>()?;
        let (codes, _padding) = codes.as_chunks::<BYTES_PER_DTC>();
        let dtcs = codes.iter().filter_map(|bytes| Dtc::from_bytes(*bytes)).filter(|dtc| !dtc.is_no_fault());
        Some(Self { lamps: Lamps::from_bytes(*status, *flash), dtcs: dtcs.collect() })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(data: &[u8]) -> DiagnosticMessage {
        DiagnosticMessage::from_bytes(data).unwrap()
    }

    #[test]
    fn a_code_stands_where_the_standard_puts_it() {
        // SPN 1208 FMI 3, counted 10 times: the example of SAE J1939-73.
        let dtc = Dtc::from_bytes([0xB8, 0x04, 0x03, 0x0A]).unwrap();
        assert_eq!(dtc, Dtc { spn: 1208, fmi: 3, occurrence_count: Some(10), conversion_method: 0 });
        let highest = Dtc::from_bytes([0xFF, 0xFF, 0xFF, 0x7E]).unwrap();
        assert_eq!((highest.spn, highest.fmi, highest.occurrence_count), (524_287, 31, Some(126)));
        assert_eq!(Dtc::from_bytes([0x64, 0, 1, 0x7F]).unwrap().occurrence_count, None);
    }

    #[test]
    fn an_older_layout_is_flagged_and_its_other_readings_given() {
        // SPN 1208 = 000 0000 1001 0111 | 000: version 1 and version 2.
        for (bytes, index) in [([0x00, 0x97, 0x03, 0x8A], 0), ([0x97, 0x00, 0x03, 0x8A], 1)] {
            let dtc = Dtc::from_bytes(bytes).unwrap();
            assert_eq!(dtc.conversion_method, 1);
            assert_eq!(dtc.spn_of_older_layouts()[index], 1208);
        }
        // Version 3.
        let dtc = Dtc::from_bytes([0xB8, 0x04, 0x03, 0x8A]).unwrap();
        assert_eq!((dtc.spn, dtc.conversion_method), (1208, 1));
    }

    #[test]
    fn no_fault_has_several_forms() {
        for data in [
            &[0, 0xFF, 0, 0, 0, 0, 0xFF, 0xFF][..],
            &[0, 0xFF, 0, 0, 0, 0],
            &[0, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF],
            &[0, 0xFF, 0, 0, 0, 0x7F, 0xFF, 0xFF],
            &[0, 0xFF, 0, 0, 0, 0, 0, 0],
            &[0, 0xFF],
            &[0, 0xFF, 0x64],
        ] {
            assert_eq!(read(data).dtcs, [], "{data:?}");
            assert_eq!(read(data).lamps.amber_warning.word(), "off");
        }
        assert_eq!(DiagnosticMessage::from_bytes(&[0x04]), None);
        let lit = read(&[0b0100_0100, 0xFF, 0, 0, 0, 0, 0xFF, 0xFF]);
        assert_eq!((lit.dtcs.len(), lit.lamps.malfunction.word()), (0, "on"));
    }

    #[test]
    fn short_and_padded_frames_read_alike() {
        let padded = read(&[0x04, 0xFF, 0x9D, 0x00, 0x12, 0x03, 0xFF, 0xFF]);
        assert_eq!(padded, read(&[0x04, 0xFF, 0x9D, 0x00, 0x12, 0x03]));
        assert_eq!(padded.dtcs, [Dtc { spn: 157, fmi: 18, occurrence_count: Some(3), conversion_method: 0 }]);
    }

    #[test]
    fn every_lamp_and_flash_stands_in_its_bits() {
        let words = |status, flash| read(&[status, flash]).lamps.named().map(|(_, lamp)| lamp.word());
        assert_eq!(words(0b01_00_00_00, 0b11_11_11_11), ["on", "off", "off", "off"]);
        assert_eq!(words(0b00_01_00_00, 0b11_01_11_11), ["off", "fast_flash", "off", "off"]);
        assert_eq!(words(0b00_00_01_00, 0b11_11_00_11), ["off", "off", "slow_flash", "off"]);
        assert_eq!(words(0b11_00_10_01, 0b11_11_11_10), ["not_available", "off", "not_available", "on"]);
        let json = serde_json::to_value(read(&[0b00_01_01_00, 0b11_11_01_11]).lamps).unwrap();
        let expected = serde_json::json!({
            "malfunction": "off", "red_stop": "on", "amber_warning": "fast_flash", "protect": "off"
        });
        assert_eq!(json, expected);
    }

    proptest! {
        #[test]
        fn bytes_survive_reading_and_writing(bytes: [u8; 4]) {
            match Dtc::from_bytes(bytes) {
                Some(dtc) => prop_assert_eq!(dtc.to_bytes(), bytes),
                None => prop_assert!(bytes == [0; 4] || bytes == [0xFF; 4]),
            }
        }

        #[test]
        fn codes_survive_writing_and_reading(spn in 0..1_u32 << 19, fmi in 0..32_u8, count in 0..127_u8) {
            let dtc = Dtc { spn, fmi, occurrence_count: Some(count), conversion_method: 0 };
            prop_assume!(dtc.to_bytes() != [0; 4]);
            prop_assert_eq!(Dtc::from_bytes(dtc.to_bytes()), Some(dtc));
        }
    }
}
