//! The tables of meanings: those compiled in, and a company's own over them.

use std::{collections::HashMap, ops::Range, sync::OnceLock};

use serde::Deserialize;
use toml::Spanned;

use super::{Code, FailureMode, FailureType, FaultClass, FaultCode, J1587Kind};
use crate::{severity::Severity, system::System};

/// What is wrong with a table of codes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TableError {
    /// It is not TOML, or a key or a value is not one that the table takes.
    #[error("not a table of fault codes: {reason}")]
    Toml {
        /// The line, from 1, where the reader knows it.
        line: Option<u64>,
        /// What the TOML reader said.
        reason: String,
    },
    /// An entry has an empty code.
    #[error("the entry {meaning:?} has an empty `code`")]
    EmptyCode {
        /// The line, from 1.
        line: u64,
        /// The entry's meaning.
        meaning: String,
    },
    /// Two entries define one code.
    #[error("`{code}` is defined twice")]
    Duplicate {
        /// The line of the second entry, from 1.
        line: u64,
        /// The code, in canonical spelling.
        code: String,
    },
}

impl TableError {
    /// The line at fault, from 1.
    pub fn line(&self) -> Option<u64> {
        match self {
            Self::Toml { line, .. } => *line,
            Self::EmptyCode { line, .. } | Self::Duplicate { line, .. } => Some(*line),
        }
    }

    fn toml(error: &toml::de::Error, text: &str) -> Self {
        let line = error.span().map(|span| line_of(text, &span));
        Self::Toml { line, reason: error.message().to_owned() }
    }
}

/// The line on which a span begins, from 1.
pub(crate) fn line_of(text: &str, span: &Range<usize>) -> u64 {
    let before = text.as_bytes().iter().take(span.start);
    before.filter(|byte| **byte == b'\n').count() as u64 + 1
}

/// The meanings of codes, failure modes and failure types.
#[derive(Debug, Clone)]
pub struct CodeTable {
    entries: HashMap<Code, Entry>,
    failure_modes: Vec<FailureMode>,
    failure_types: Vec<FailureType>,
}

/// What a table says of one code.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) meaning: String,
    pub(super) system: Option<System>,
    pub(super) causes: Option<String>,
    pub(super) class: Option<FaultClass>,
    pub(super) severity_at_least: Option<Severity>,
    pub(super) severity_at_most: Option<Severity>,
    pub(super) note: Option<String>,
    pub(super) verified: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FmiFile {
    modes: Vec<FailureMode>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FailureTypeFile {
    types: Vec<FailureType>,
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
    code: Spanned<String>,
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
        let mut failure_modes = parse_toml::<FmiFile>(include_str!("../../knowledge/codes/fmi.toml"))?.modes;
        failure_modes.sort_by_key(|mode| mode.fmi);
        let failure_types =
            parse_toml::<FailureTypeFile>(include_str!("../../knowledge/codes/failure_types.toml"))?.types;
        let spns = parse_toml::<SpnFile>(include_str!("../../knowledge/codes/spn.toml"))?.spns;
        let mut entries = HashMap::with_capacity(512);
        for (code, entry) in spns.into_iter().map(SpnRow::into_entry) {
            entries.insert(code, entry);
        }
        for text in
            [include_str!("../../knowledge/codes/dtc.toml"), include_str!("../../knowledge/codes/cat.toml")]
        {
            entries.extend(read_codes(text)?);
        }
        Ok(Self { entries, failure_modes, failure_types })
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
    /// When the text is not such a table, or defines one code twice; the error knows the line.
    pub fn with_overrides(&self, toml_text: &str) -> Result<Self, TableError> {
        let mut table = self.clone();
        table.entries.extend(read_codes(toml_text)?);
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

    /// What the failure type byte of an OBD-II code says, where it is known.
    pub fn failure_type(&self, byte: u8) -> Option<&FailureType> {
        self.failure_types.iter().find(|known| known.byte == byte)
    }

    /// Whether the table defines the code, or what it names without failure mode, module or level.
    pub fn knows(&self, code: &Code) -> bool {
        self.entry(code).is_some()
    }

    /// The entry of exactly this code.
    pub(super) fn exact(&self, code: &Code) -> Option<&Entry> {
        self.entries.get(code)
    }

    /// The entry of exactly this code, else that of what it names, without failure mode, module or level.
    pub(super) fn entry(&self, code: &Code) -> Option<&Entry> {
        self.exact(code).or_else(|| broader(code).iter().find_map(|code| self.exact(code)))
    }
}

/// What a code names, from the narrower to the broader.
fn broader(code: &Code) -> Vec<Code> {
    match *code {
        Code::J1939 { spn, .. } => vec![Code::J1939 { spn, fmi: None }],
        Code::J1587 { mid, kind, number, fmi } => {
            let mut broader = vec![
                Code::J1587 { mid, kind, number, fmi: None },
                Code::J1587 { mid: None, kind, number, fmi },
                Code::J1587 { mid: None, kind, number, fmi: None },
            ];
            if kind == J1587Kind::Pid {
                // SPNs up to 511 took over the numbers of the PIDs. Source: SAE J1939, appendix C.
                broader.push(Code::J1939 { spn: number.into(), fmi: None });
            }
            broader
        }
        Code::Cid { mid, cid, fmi } => vec![
            Code::Cid { mid, cid, fmi: None },
            Code::Cid { mid: None, cid, fmi },
            Code::Cid { mid: None, cid, fmi: None },
        ],
        Code::Eid { eid, .. } => vec![Code::Eid { eid, level: None }],
        Code::ObdFailure { ref code, .. } => vec![Code::Obd(code.clone())],
        Code::Obd(_) | Code::CumminsFc(_) | Code::Opaque(_) => Vec::new(),
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

fn parse_toml<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, TableError> {
    toml::from_str(text).map_err(|error| TableError::toml(&error, text))
}

fn read_codes(text: &str) -> Result<HashMap<Code, Entry>, TableError> {
    let rows = parse_toml::<CodeFile>(text)?.codes;
    let mut table = HashMap::with_capacity(rows.len());
    for row in rows {
        let line = line_of(text, &row.code.span());
        let (code, entry) = row.into_entry();
        let code = FaultCode::parse(&code).code;
        let name = code.to_string();
        if name.is_empty() {
            return Err(TableError::EmptyCode { line, meaning: entry.meaning });
        }
        if table.insert(code, entry).is_some() {
            return Err(TableError::Duplicate { line, code: name });
        }
    }
    Ok(table)
}

impl CodeRow {
    fn into_entry(self) -> (String, Entry) {
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
        (self.code.into_inner(), entry)
    }
}
