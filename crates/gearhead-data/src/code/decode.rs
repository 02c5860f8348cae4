//! What a fault code means, from the tables compiled in and a company's own.

use std::{collections::HashMap, sync::OnceLock};

use serde::{Deserialize, Serialize};

use super::{Code, CodeKind, FailureMode, FaultClass, FaultCode};
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
    /// Failure mode identifier, in a J1939 code or a Caterpillar component code.
    pub fmi: Option<u8>,
    /// Whether the tables hold the parameter, component, event or code.
    pub known: bool,
    /// What it names.
    pub meaning: Option<String>,
    /// What the FMI says; it is filled for an unknown parameter too.
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

/// What is wrong with a table of codes.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TableError {
    /// It is not TOML, or a key or a value is not one that the table takes.
    #[error("not a table of fault codes: {source}")]
    Toml {
        /// What the TOML reader said, with the line.
        #[from]
        source: toml::de::Error,
    },
    /// An entry has an empty code.
    #[error("the entry {meaning:?} has an empty `code`")]
    EmptyCode {
        /// The entry's meaning.
        meaning: String,
    },
    /// Two entries define one code.
    #[error("`{code}` is defined twice")]
    Duplicate {
        /// The code, in canonical spelling.
        code: String,
    },
}

/// The meanings of codes and failure modes.
#[derive(Debug, Clone)]
pub struct CodeTable {
    entries: HashMap<Code, Entry>,
    failure_modes: Vec<FailureMode>,
}

/// What a table says of one code.
#[derive(Debug, Clone)]
struct Entry {
    meaning: String,
    system: Option<System>,
    causes: Option<String>,
    class: Option<FaultClass>,
    severity_at_least: Option<Severity>,
    severity_at_most: Option<Severity>,
    note: Option<String>,
    verified: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FmiFile {
    modes: Vec<FailureMode>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SpnFile {
    spns: Vec<SpnRow>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SpnRow {
    spn: u32,
    name: String,
    system: System,
    link: String,
    verified: bool,
    severity_at_least: Option<Severity>,
    severity_at_most: Option<Severity>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CodeFile {
    codes: Vec<CodeRow>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CodeRow {
    code: String,
    meaning: String,
    system: Option<System>,
    causes: Option<String>,
    class: Option<FaultClass>,
    severity_at_least: Option<Severity>,
    note: Option<String>,
    /// A company answers for its own table.
    #[serde(default = "yes")]
    verified: bool,
}

fn yes() -> bool {
    true
}

impl CodeTable {
    /// The tables that are compiled in.
    ///
    /// # Panics
    ///
    /// Never: the text is part of the program, and a test reads it.
    pub fn builtin() -> &'static Self {
        static TABLE: OnceLock<CodeTable> = OnceLock::new();
        // The test `builtin_tables_are_complete` reads every table.
        TABLE.get_or_init(|| Self::from_compiled_in().expect("the compiled-in code tables are well formed"))
    }

    fn from_compiled_in() -> Result<Self, TableError> {
        let mut failure_modes =
            toml::from_str::<FmiFile>(include_str!("../../knowledge/codes/fmi.toml"))?.modes;
        failure_modes.sort_by_key(|mode| mode.fmi);
        let spns = toml::from_str::<SpnFile>(include_str!("../../knowledge/codes/spn.toml"))?.spns;
        let mut entries = spns.into_iter().map(SpnRow::into_entry).collect::<Vec<_>>();
        for text in
            [include_str!("../../knowledge/codes/dtc.toml"), include_str!("../../knowledge/codes/cat.toml")]
        {
            entries.extend(read_codes(text)?);
        }
        Ok(Self { entries: unique(entries)?, failure_modes })
    }

    /// This table with a company's own codes laid over it. A code may be of any format, and one with an FMI
    /// (`SPN 100 FMI 31`) goes before the same one without.
    ///
    /// ```toml
    /// [[codes]]
    /// code = "V201"
    /// meaning = "pump control valve"
    /// system = "hydraulics"        # optional, as are causes, class, severity_at_least, note, verified
    /// ```
    ///
    /// # Errors
    ///
    /// When the text is not such a table, or defines one code twice.
    pub fn with_overrides(&self, toml_text: &str) -> Result<Self, TableError> {
        let mut table = self.clone();
        table.entries.extend(unique(read_codes(toml_text)?)?);
        Ok(table)
    }

    /// Every code that the table defines, in no particular order.
    pub fn codes(&self) -> impl Iterator<Item = &Code> {
        self.entries.keys()
    }

    /// What a failure mode identifier says; `None` past 31.
    pub fn failure_mode(&self, fmi: u8) -> Option<&FailureMode> {
        self.failure_modes.get(usize::from(fmi))
    }

    /// What a code means.
    pub fn decode(&self, fault: &FaultCode) -> Decoded {
        let code = &fault.code;
        let entry = self.entry(code);
        let mode = code.fmi().filter(|_| !is_no_fault(code)).and_then(|fmi| self.failure_mode(fmi));
        let class = entry.and_then(|entry| entry.class).or(match code {
            // Caterpillar tells events, which are real conditions, from diagnostic codes.
            Code::Eid { .. } => Some(FaultClass::Condition),
            _ => mode.map(|mode| mode.class),
        });
        Decoded {
            code: code.to_string(),
            original: fault.original.clone(),
            kind: code.kind(),
            spn: if let Code::J1939 { spn, .. } = code { Some(*spn) } else { None },
            fmi: code.fmi(),
            known: entry.is_some(),
            meaning: entry.map(|entry| entry.meaning.clone()),
            failure_mode: mode.map(|mode| mode.meaning.clone()),
            circuit_or_condition: class
                .filter(|class| !matches!(class, FaultClass::Reserved | FaultClass::Unspecified)),
            severity: severity(code, mode, entry),
            system: entry.and_then(|entry| entry.system),
            links: entry.and_then(|entry| entry.causes.clone()),
            note: self.note(fault, entry),
        }
    }

    /// The entry of exactly this code, else that of what it names, without FMI, module or level.
    fn entry(&self, code: &Code) -> Option<&Entry> {
        self.entries.get(code).or_else(|| {
            let named = match *code {
                Code::J1939 { spn, .. } => Code::J1939 { spn, fmi: None },
                Code::Cid { cid, .. } => Code::Cid { mid: None, cid, fmi: None },
                Code::Eid { eid, .. } => Code::Eid { eid, level: None },
                Code::Obd(_) | Code::CumminsFc(_) | Code::Opaque(_) => return None,
            };
            self.entries.get(&named)
        })
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
            Code::Obd(code) if entry.is_none() && is_maker_specific(code) => {
                notes.push("This range is left to each manufacturer: only the maker's list gives the meaning.");
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
        u16::try_from(number).is_ok_and(|eid| self.entries.contains_key(&Code::Eid { eid, level: None }))
    }
}

impl SpnRow {
    fn into_entry(self) -> (Code, Entry) {
        let entry = Entry {
            meaning: self.name,
            system: Some(self.system),
            causes: Some(self.link),
            class: None,
            severity_at_least: self.severity_at_least,
            severity_at_most: self.severity_at_most,
            note: None,
            verified: self.verified,
        };
        (Code::J1939 { spn: self.spn, fmi: None }, entry)
    }
}

fn read_codes(toml_text: &str) -> Result<Vec<(Code, Entry)>, TableError> {
    let rows = toml::from_str::<CodeFile>(toml_text)?.codes;
    rows.into_iter().map(CodeRow::into_entry).collect()
}

impl CodeRow {
    fn into_entry(self) -> Result<(Code, Entry), TableError> {
        if self.code.trim().is_empty() {
            return Err(TableError::EmptyCode { meaning: self.meaning });
        }
        let entry = Entry {
            meaning: self.meaning,
            system: self.system,
            causes: self.causes,
            class: self.class,
            severity_at_least: self.severity_at_least,
            severity_at_most: None,
            note: self.note,
            verified: self.verified,
        };
        Ok((FaultCode::parse(&self.code).code, entry))
    }
}

fn unique(entries: Vec<(Code, Entry)>) -> Result<HashMap<Code, Entry>, TableError> {
    let mut table = HashMap::with_capacity(entries.len());
    for (code, entry) in entries {
        let name = code.to_string();
        if table.insert(code, entry).is_some() {
            return Err(TableError::Duplicate { code: name });
        }
    }
    Ok(table)
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
