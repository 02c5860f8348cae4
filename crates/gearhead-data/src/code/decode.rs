//! What one fault code means.

use serde::Serialize;

use super::{Code, CodeKind, CodeTable, FailureMode, FaultClass, FaultCode, J1587Kind, table::Entry};
use crate::{severity::Severity, system::System};

/// A code with its meaning, as reports print it. What is not known is `None`; nothing is taken from a neighbour.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Decoded {
    /// The canonical spelling.
    pub code: String,
    /// The spelling that came in.
    pub original: String,
    /// The format.
    pub kind: CodeKind,
    /// Suspect parameter number, in a J1939 code.
    pub spn: Option<u32>,
    /// Failure mode identifier, in a J1939, J1587 or Caterpillar component code.
    pub fmi: Option<u8>,
    /// Whether the tables hold the parameter, component, event or code.
    pub known: bool,
    /// What it names.
    pub meaning: Option<String>,
    /// What the FMI or the failure type byte says; it is filled for an unknown parameter too.
    pub failure_mode: Option<String>,
    /// The kind of fault; never `Reserved` or `Unspecified`.
    pub circuit_or_condition: Option<FaultClass>,
    /// What to do with the machine, as far as one code can say.
    pub severity: Option<Severity>,
    /// The system it belongs to.
    pub system: Option<System>,
    /// What such a code usually leads to: trade knowledge.
    pub links: Option<String>,
    /// What to bear in mind, such as a number that each maker assigns for itself.
    pub note: Option<String>,
}

impl CodeTable {
    /// What a code means.
    pub fn decode(&self, fault: &FaultCode) -> Decoded {
        let code = &fault.code;
        let entry = self.entry(code);
        let mode = code.fmi().filter(|_| !is_no_fault(code)).and_then(|fmi| self.failure_mode(fmi));
        let failure_type = match code {
            Code::ObdFailure { failure_type, .. } => self.failure_type(*failure_type),
            _ => None,
        };
        let specified = |class: &FaultClass| !matches!(class, FaultClass::Reserved | FaultClass::Unspecified);
        let class = self.exact(code).and_then(|entry| entry.class);
        let class = class.or(failure_type.map(|of_type| of_type.class).filter(specified));
        let class = class.or(entry.and_then(|entry| entry.class)).or(match code {
            // Caterpillar tells events, which are real conditions, from diagnostic codes.
            Code::Eid { .. } => Some(FaultClass::Condition),
            _ => mode.map(|mode| mode.class),
        });
        let failure_mode = mode.map(|mode| &mode.meaning).or(failure_type.map(|of_type| &of_type.meaning));
        Decoded {
            code: code.to_string(),
            original: fault.original.clone(),
            kind: code.kind(),
            spn: if let Code::J1939 { spn, .. } = code { Some(*spn) } else { None },
            fmi: code.fmi(),
            known: entry.is_some(),
            meaning: entry.map(|entry| entry.meaning.clone()),
            failure_mode: failure_mode.cloned(),
            circuit_or_condition: class.filter(specified),
            severity: severity(code, mode, entry),
            system: entry.and_then(|entry| entry.system),
            links: entry.and_then(|entry| entry.causes.clone()),
            note: self.note(fault, entry),
        }
    }

    fn note(&self, fault: &FaultCode, entry: Option<&Entry>) -> Option<String> {
        let mut notes: Vec<&str> = entry.and_then(|entry| entry.note.as_deref()).into_iter().collect();
        if entry.is_some_and(|entry| !entry.verified) {
            notes.push("Found in one source only: check the maker's list for this product.");
        }
        match &fault.code {
            code if is_no_fault(code) => {
                notes.push("SPN 0 FMI 0 is what a controller sends when it has no fault to report.");
            }
            Code::J1939 { spn: 520_192.., .. } if entry.is_none() => notes.push(
                "SPNs 520192 to 524287 are left to each manufacturer: only the maker's list gives the meaning.",
            ),
            Code::J1939 { spn, fmi: Some(1..=3) } if entry.is_none() && self.is_event(*spn) => notes.push(
                "Read as SPN and FMI. If the display shows Caterpillar events, write it as E-number and level, such as \
                 E360(2).",
            ),
            code if entry.is_none() && code.obd().is_some_and(is_maker_specific) => {
                notes.push("This range is left to each manufacturer: only the maker's list gives the meaning.");
            }
            code if entry.is_none() && code.obd().is_some_and(is_reserved) => {
                notes.push("This range is reserved: no public list gives a meaning; ask the maker.");
            }
            Code::J1587 { kind: J1587Kind::Ppid | J1587Kind::Psid, .. } if entry.is_none() => {
                notes.push("PPID and PSID numbers are left to each manufacturer: only the maker's list gives the meaning.");
            }
            Code::J1587 { kind: J1587Kind::Sid, number: ..=150, .. } if entry.is_none() => {
                notes.push("SIDs up to 150 mean something else in each module: look in the list of this MID.");
            }
            Code::J1587 { kind: J1587Kind::Pid, .. } if entry.is_some() && self.exact(&fault.code).is_none() => {
                notes.push("Read by the SPN of the same number: J1939 took over the PIDs up to 511.");
            }
            Code::Eid { level, .. } => {
                notes.push("Read in Caterpillar's numbering; other makers use E numbers of their own.");
                notes.extend(level.and_then(warning_level).map(|(_, text)| text));
            }
            Code::Opaque(_) if entry.is_none() => {
                notes.push("Not a format that is known here: only the maker's list gives the meaning.");
            }
            _ => {}
        }
        (!notes.is_empty()).then(|| notes.join(" "))
    }

    fn is_event(&self, number: u32) -> bool {
        u16::try_from(number).is_ok_and(|eid| self.exact(&Code::Eid { eid, level: None }).is_some())
    }
}

/// The severity that failure mode or warning level suggests, within the bounds of the entry.
fn severity(code: &Code, mode: Option<&FailureMode>, entry: Option<&Entry>) -> Option<Severity> {
    let suggested = match code {
        Code::Eid { level, .. } => level.and_then(warning_level).map(|(severity, _)| severity),
        _ => mode.and_then(|mode| mode.severity),
    };
    let at_most = entry.and_then(|entry| entry.severity_at_most).unwrap_or(Severity::Stop);
    suggested.map(|severity| severity.min(at_most)).max(entry.and_then(|entry| entry.severity_at_least))
}

/// What a Caterpillar warning level asks for.
fn warning_level(level: u8) -> Option<(Severity, &'static str)> {
    match level {
        1 => Some((Severity::Plan, "Level 1: needs attention soon.")),
        2 => Some((
            Severity::FinishAndPark,
            "Level 2: change how the machine is run or service it; damage is possible.",
        )),
        3 => Some((Severity::Stop, "Level 3: shut down safely at once.")),
        _ => None,
    }
}

/// Whether the code is the filler of a message without faults.
///
/// **Source**: SAE J1939-73, DM1.
fn is_no_fault(code: &Code) -> bool {
    matches!(code, Code::J1939 { spn: 0, fmi: Some(0) })
}

/// Whether an OBD-II code lies in a range that the standard leaves to manufacturers.
///
/// **Source**: SAE J2012 and ISO 15031-6, groups of trouble codes.
fn is_maker_specific(code: &str) -> bool {
    matches!(
        code.as_bytes(),
        [b'P', b'1', ..] | [b'P', b'3', b'0'..=b'3', ..] | [b'B' | b'C' | b'U', b'1' | b'2', ..]
    )
}

/// Whether an OBD-II code lies in a range that the standard keeps for later.
///
/// **Source**: SAE J2012 and ISO 15031-6, groups of trouble codes: P35xx to P39xx, B3xxx and C3xxx.
fn is_reserved(code: &str) -> bool {
    matches!(code.as_bytes(), [b'P', b'3', b'5'..=b'9', ..] | [b'B' | b'C', b'3', ..])
}
