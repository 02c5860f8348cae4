//! The codes of a log with their meaning, as reports print them.

use serde::Serialize;

use super::FaultLog;
use crate::{
    can::{LoggedCode, ReportedBy, dm::Lamps, log::time},
    code::{CodeTable, Decoded},
    telematics::Machine,
};

/// A code of a log with its meaning. Serialised, the fields of [`Decoded`] stand beside the others.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct DecodedLogCode {
    /// What the code means.
    #[serde(flatten)]
    pub decoded: Decoded,
    /// The address of the controller that reported it, on J1939 or OBD.
    pub source_address: Option<u8>,
    /// What the source is called, where that is known.
    pub source_name: Option<String>,
    /// How often the fault has come, as the controller counts.
    pub occurrence_count: Option<u8>,
    /// The lamps when it was last reported.
    pub lamps: Option<Lamps>,
    /// Active, or previously active.
    pub active: bool,
    /// When it was first reported, in seconds: from 1970 where the log has dates, else from the start of the log.
    pub first_seen: Option<f64>,
    /// When it was last reported, counted alike.
    pub last_seen: Option<f64>,
    /// Messages that held it.
    pub frames: u64,
    /// The kind of report.
    pub reported_by: ReportedBy,
    /// Whether the last report of that kind by that source still held it.
    pub in_last_report: bool,
    /// The conversion method of a J1939 code; 1 says that the SPN may be arranged otherwise.
    pub conversion_method: Option<u8>,
    /// The machine, in a telematics response.
    pub machine: Option<Machine>,
    /// The provider's words, in a telematics response.
    pub description: Option<String>,
    /// The provider's word for the severity, in a telematics response.
    pub reported_severity: Option<String>,
}

impl FaultLog {
    /// The codes with their meaning.
    pub fn decode(&self, table: &CodeTable) -> Vec<DecodedLogCode> {
        self.codes.iter().map(|code| self.decode_one(code, table)).collect()
    }

    fn decode_one(&self, code: &LoggedCode, table: &CodeTable) -> DecodedLogCode {
        let mut decoded = table.decode(&code.fault);
        if let Some([version_1, version_2]) = code.spn_of_older_layouts {
            let spn = decoded.spn.unwrap_or_default();
            let note = format!(
                "Sent with conversion method 1, an older layout that only the maker knows: the SPN is {spn}, or else \
                 {version_1} or {version_2}."
            );
            decoded.note = Some(decoded.note.map_or(note.clone(), |known| format!("{note} {known}")));
        }
        DecodedLogCode {
            decoded,
            source_address: code.source.address(),
            source_name: code.source.name(),
            occurrence_count: code.occurrence_count,
            lamps: code.lamps,
            active: code.active,
            first_seen: code.first_seen,
            last_seen: code.last_seen,
            frames: code.frames,
            reported_by: code.reported_by,
            in_last_report: code.in_last_report,
            conversion_method: code.conversion_method,
            machine: self.machine(code).cloned(),
            description: code.description.clone(),
            reported_severity: code.reported_severity.clone(),
        }
    }
}

/// A time of a log for people: a date where it counts from 1970, else seconds from the start of the log.
pub fn format_time(time_s: f64) -> String {
    let date = if time::is_date(time_s) { time::format_date(time_s) } else { None };
    date.unwrap_or_else(|| format!("{time_s:.3} s"))
}
