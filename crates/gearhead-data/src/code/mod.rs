//! Fault codes: what people write, what a code is, and what it means.
//!
//! A code keeps the spelling it came with and is compared by what it denotes, so `spn157/18` and `000157.18` are one
//! code. What is not understood stays as written and is never turned into something near it.
//!
//! In reading order: [`FaultCode`] and [`Code`], with the words that describe a code; [`FaultCode::parse`] and [`parse_list`], which say which spellings are
//! read; [`CodeTable::decode`], which says what a code means; [`observations`], which says what several codes mean together.
//!
//! ```
//! use gearhead_data::code::{CodeTable, parse_list};
//!
//! let codes = parse_list("P0087, SPN 157 FMI 18");
//! let rail = CodeTable::builtin().decode(&codes[1]);
//! assert_eq!(rail.code, "SPN 157 FMI 18");
//! assert_eq!(rail.meaning.as_deref(), Some("injector metering rail (common-rail) pressure"));
//! ```

mod agree;
mod cursor;
mod decode;
mod describe;
mod list;
mod named_part;
mod observe;
mod parse;
mod state;
mod table;
#[cfg(test)]
mod tests;

use std::{
    cmp::Ordering,
    fmt,
    hash::{Hash, Hasher},
};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::severity::Severity;

pub use decode::Decoded;
pub use list::parse_list;
pub(crate) use named_part::NamedPart;
pub use observe::{Observation, Pattern, observations};
pub use state::CodeState;
pub(crate) use table::line_of;
pub use table::{CodeTable, TableError};

/// The largest suspect parameter number: an SPN has 19 bits.
///
/// **Source**: SAE J1939-73, layout of the diagnostic trouble code.
pub const MAX_SPN: u32 = (1 << 19) - 1;

/// The largest failure mode identifier: an FMI has 5 bits.
///
/// **Source**: SAE J1939-73, layout of the diagnostic trouble code.
pub const MAX_FMI: u8 = (1 << 5) - 1;

/// The largest number of a parameter or subsystem of SAE J1587: one byte and a page of 256.
///
/// **Source**: SAE J1587, parameter identifiers and the page extension.
pub const MAX_J1587_NUMBER: u16 = 511;

/// The largest failure mode identifier of SAE J1587, which has 4 bits.
///
/// **Source**: SAE J1587, PID 194, diagnostic code character.
pub const MAX_J1587_FMI: u8 = 15;

/// What a fault code denotes. Its `Display` is the canonical spelling.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Code {
    /// A parameter of SAE J1939 and how it failed: `SPN 157 FMI 18`.
    J1939 {
        /// Suspect parameter number, at most [`MAX_SPN`].
        spn: u32,
        /// Failure mode identifier, at most [`MAX_FMI`].
        fmi: Option<u8>,
    },
    /// An OBD-II trouble code (SAE J2012, ISO 15031-6) in five upper-case characters: `P0087`.
    Obd(String),
    /// An OBD-II trouble code with a failure type byte: `P0087-64`.
    ///
    /// **Source**: SAE J2012-DA and ISO 15031-6, failure type byte.
    ObdFailure {
        /// The code as in [`Code::Obd`].
        code: String,
        /// How it failed.
        failure_type: u8,
    },
    /// A code of SAE J1587, the bus before J1939: `MID 128 PID 94 FMI 3`.
    J1587 {
        /// The module that reports it.
        mid: Option<u8>,
        /// Whether `number` is a parameter or a subsystem, standard or the maker's.
        kind: J1587Kind,
        /// The parameter or subsystem, at most [`MAX_J1587_NUMBER`].
        number: u16,
        /// How it failed, at most [`MAX_J1587_FMI`]; the numbers are those of SAE J1939.
        fmi: Option<u8>,
    },
    /// A Caterpillar component identifier: `MID 036 CID 0168 FMI 04`.
    Cid {
        /// The module that reports it.
        mid: Option<u16>,
        /// The component.
        cid: u16,
        /// How it failed; the numbers are those of SAE J1939.
        fmi: Option<u8>,
    },
    /// A Caterpillar event: `E360(2)`.
    Eid {
        /// The event.
        eid: u16,
        /// The warning level, 1 to 3.
        level: Option<u8>,
    },
    /// A Cummins fault number: `FC 559`.
    CumminsFc(u16),
    /// Anything else, as written, without surrounding white space and with single spaces inside.
    Opaque(String),
}

impl Code {
    /// The failure mode identifier, where the code carries one.
    pub fn fmi(&self) -> Option<u8> {
        match self {
            Self::J1939 { fmi, .. } | Self::J1587 { fmi, .. } | Self::Cid { fmi, .. } => *fmi,
            Self::Obd(_)
            | Self::ObdFailure { .. }
            | Self::Eid { .. }
            | Self::CumminsFc(_)
            | Self::Opaque(_) => None,
        }
    }

    /// The OBD-II code of five characters, with or without a failure type.
    pub fn obd(&self) -> Option<&str> {
        match self {
            Self::Obd(code) | Self::ObdFailure { code, .. } => Some(code),
            _ => None,
        }
    }

    /// The format.
    pub fn kind(&self) -> CodeKind {
        match self {
            Self::J1939 { .. } => CodeKind::J1939,
            Self::Obd(_) | Self::ObdFailure { .. } => CodeKind::Obd,
            Self::J1587 { .. } => CodeKind::J1587,
            Self::Cid { .. } => CodeKind::CatCid,
            Self::Eid { .. } => CodeKind::CatEid,
            Self::CumminsFc(_) => CodeKind::Cummins,
            Self::Opaque(_) => CodeKind::Opaque,
        }
    }

    /// Whether no known format matches.
    pub fn is_opaque(&self) -> bool {
        matches!(self, Self::Opaque(_))
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::J1939 { spn, fmi: None } => write!(f, "SPN {spn}"),
            Self::J1939 { spn, fmi: Some(fmi) } => write!(f, "SPN {spn} FMI {fmi}"),
            Self::ObdFailure { code, failure_type } => write!(f, "{code}-{failure_type:02X}"),
            Self::J1587 { mid, kind, number, fmi } => {
                if let Some(mid) = mid {
                    write!(f, "MID {mid} ")?;
                }
                write!(f, "{} {number}", kind.as_str())?;
                fmi.map_or(Ok(()), |fmi| write!(f, " FMI {fmi}"))
            }
            Self::Cid { mid, cid, fmi } => {
                if let Some(mid) = mid {
                    write!(f, "MID {mid:03} ")?;
                }
                write!(f, "CID {cid:04}")?;
                fmi.map_or(Ok(()), |fmi| write!(f, " FMI {fmi:02}"))
            }
            Self::Eid { eid, level: None } => write!(f, "E{eid}"),
            Self::Eid { eid, level: Some(level) } => write!(f, "E{eid}({level})"),
            Self::CumminsFc(number) => write!(f, "FC {number}"),
            Self::Obd(text) | Self::Opaque(text) => f.write_str(text),
        }
    }
}

/// A fault code and the way it was written.
///
/// Equality, order and hash look at [`code`](Self::code) alone. `Display` prints the canonical spelling; serialisation
/// writes the original one, and reading it back gives the same code.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct FaultCode {
    /// The spelling that was parsed.
    pub original: String,
    /// What it denotes.
    pub code: Code,
    /// The J1939 address of the controller that reported it, where the spelling names one (`SA0 SPN 100 FMI 1`).
    pub source_address: Option<u8>,
}

impl PartialEq for FaultCode {
    fn eq(&self, other: &Self) -> bool {
        self.code == other.code
    }
}

impl Eq for FaultCode {}

impl PartialOrd for FaultCode {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for FaultCode {
    fn cmp(&self, other: &Self) -> Ordering {
        self.code.cmp(&other.code)
    }
}

impl Hash for FaultCode {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.code.hash(state);
    }
}

impl fmt::Display for FaultCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.code.fmt(f)
    }
}

impl Serialize for FaultCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.original)
    }
}

impl<'de> Deserialize<'de> for FaultCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self::parse(&text))
    }
}

/// What the number of a J1587 code names.
///
/// **Source**: SAE J1587; the proprietary two are those of Volvo Trucks and Mack service literature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum J1587Kind {
    /// A parameter; up to 511 the numbers are those of J1939's SPNs.
    Pid,
    /// A parameter that the maker assigns.
    Ppid,
    /// A subsystem; below 151 each module has a list of its own.
    Sid,
    /// A subsystem that the maker assigns.
    Psid,
}

impl J1587Kind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Pid, Self::Ppid, Self::Sid, Self::Psid];

    /// The label before the number.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pid => "PID",
            Self::Ppid => "PPID",
            Self::Sid => "SID",
            Self::Psid => "PSID",
        }
    }
}

/// The format of a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum CodeKind {
    /// SAE J1939: SPN and FMI.
    J1939,
    /// SAE J1587: MID with PID, PPID, SID or PSID, and FMI.
    J1587,
    /// OBD-II trouble code.
    Obd,
    /// Caterpillar component identifier.
    CatCid,
    /// Caterpillar event.
    CatEid,
    /// Cummins fault number.
    Cummins,
    /// No known format.
    Opaque,
}

/// What kind of fault a code states, which decides between a gauge and a multimeter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FaultClass {
    /// Something real is out of range.
    Condition,
    /// Wiring, connector, sensor or actuator coil.
    Circuit,
    /// A reading that cannot be trusted.
    Signal,
    /// Something that should move does not.
    Mechanical,
    /// Messages between controllers.
    Network,
    /// The controller or smart sensor itself.
    Device,
    /// No meaning assigned by SAE.
    Reserved,
    /// The maker says what it means.
    Unspecified,
}

/// One failure type of an OBD-II code.
///
/// **Source**: SAE J2012-DA, failure type byte; reworded.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct FailureType {
    /// The byte.
    pub byte: u8,
    /// What it says.
    pub meaning: String,
    /// The kind of fault.
    pub class: FaultClass,
}

/// One failure mode identifier.
///
/// **Source**: SAE J1939-73, failure modes; reworded.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct FailureMode {
    /// The number, 0 to 31.
    pub fmi: u8,
    /// What it says.
    pub meaning: String,
    /// The kind of fault.
    pub class: FaultClass,
    /// A suggestion, absent where only the maker can say.
    pub severity: Option<Severity>,
    /// Where to look first.
    pub points_at: String,
    /// Whether two independent sources agree on the meaning.
    pub verified: bool,
}
