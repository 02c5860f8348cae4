//! Each distinct fault code of each controller, with when and how often it was reported.

use std::collections::HashMap;

use serde::Serialize;

use super::{
    dm::{DiagnosticMessage, Dtc, Lamps, PGN_DM1, PGN_DM2},
    frame::Frame,
    obd::{ObdOnCan, ObdResponse, ObdService, ObdSource},
    transport::{Message, Transport, TransportSummary},
};
use crate::code::{Code, FaultCode};

/// Which kind of report held a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ReportedBy {
    /// DM1: active.
    Dm1,
    /// DM2: previously active.
    Dm2,
    /// OBD service 03: confirmed.
    ObdConfirmed,
    /// OBD service 07: of the current or last drive, not confirmed yet.
    ObdPending,
    /// OBD service 0A: stays after clearing until the fault has been seen to be gone.
    ObdPermanent,
    /// A telematics response.
    Aemp,
}

impl ReportedBy {
    /// Whether such a report says that the fault is there now. A permanent code alone says only that it was.
    pub fn is_active(self) -> bool {
        !matches!(self, Self::Dm2 | Self::ObdPermanent)
    }

    /// Whether such a report is to be believed over an earlier one about the same code. A code leaves DM1 for DM2 and comes
    /// back, so the later of them holds; the lists of OBD hold a code side by side, and the firmest counts.
    fn overrides(self, earlier: Self) -> bool {
        let firmness = |report| match report {
            Self::ObdPermanent => 0,
            Self::ObdPending => 1,
            Self::ObdConfirmed | Self::Dm1 | Self::Dm2 | Self::Aemp => 2,
        };
        firmness(self) >= firmness(earlier)
    }
}

/// Who reported a code.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Source {
    /// A J1939 controller with this address.
    J1939(u8),
    /// An OBD controller.
    Obd(ObdSource),
    /// A machine of a fleet, by its place in the list of machines, and what in it.
    Machine(usize, Option<String>),
}

impl Source {
    /// The address on the bus, where it has one.
    pub fn address(&self) -> Option<u8> {
        match self {
            Self::J1939(address) | Self::Obd(ObdSource::Address(address)) => Some(*address),
            Self::Obd(_) | Self::Machine(..) => None,
        }
    }

    /// What the source is called, where that is known.
    ///
    /// **Source**: SAE J1939 preferred addresses, industry group 0; SAE J2178-1 for the addresses of OBD.
    pub fn name(&self) -> Option<String> {
        let name = match self {
            Self::J1939(address) => match address {
                0 => "engine",
                1 => "engine 2",
                3 => "transmission",
                11 => "brakes",
                15 => "engine retarder",
                17 => "cruise control",
                19 => "steering",
                23 => "instrument cluster",
                33 => "body controller",
                39 => "management computer",
                61 => "aftertreatment",
                249 | 250 => "service tool",
                _ => return None,
            },
            Self::Obd(ObdSource::CanId(id)) => return Some(format!("CAN id {id:03X}")),
            Self::Obd(ObdSource::Address(0x00 | 0x10..=0x17)) => "engine",
            Self::Obd(ObdSource::Address(0x18..=0x1F)) => "transmission",
            Self::Obd(_) => return None,
            Self::Machine(_, part) => return part.clone(),
        };
        Some(name.to_owned())
    }
}

/// One report of one code.
#[derive(Debug, Clone)]
pub struct Sighting {
    /// Who reported it.
    pub source: Source,
    /// What it denotes.
    pub code: Code,
    /// How the source writes it; `None` for a code of DM1 or DM2, which are numbers.
    pub spelling: Option<String>,
    /// In which kind of report.
    pub reported_by: ReportedBy,
    /// When, in seconds as in [`Frame::time_s`].
    pub time_s: Option<f64>,
    /// The trouble code as DM1 or DM2 has it, and the lamps.
    pub j1939: Option<(Dtc, Lamps)>,
    /// What a telematics provider adds.
    pub description: Option<String>,
    /// How severe the provider calls it.
    pub severity: Option<String>,
}

/// A distinct code of one source and what was seen of it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct LoggedCode {
    /// The code. Its spelling names the source address and the occurrence count.
    pub fault: FaultCode,
    /// Who reported it.
    pub source: Source,
    /// The kind of report that decides: the last that held it, in OBD the firmest.
    pub reported_by: ReportedBy,
    /// Whether that report was one of active faults.
    pub active: bool,
    /// Whether the source's last report of that kind still held it.
    pub in_last_report: bool,
    /// The occurrence count last given.
    pub occurrence_count: Option<u8>,
    /// The lamps as they stood when it was last reported.
    pub lamps: Option<Lamps>,
    /// When it was first reported, in seconds as in [`Frame::time_s`].
    pub first_seen: Option<f64>,
    /// When it was last reported, in seconds as in [`Frame::time_s`].
    pub last_seen: Option<f64>,
    /// Messages that held it.
    pub frames: u64,
    /// The conversion method of a J1939 code: 1 says that the SPN may be arranged otherwise.
    pub conversion_method: Option<u8>,
    /// With conversion method 1, what the SPN is in the two other layouts.
    pub spn_of_older_layouts: Option<[u32; 2]>,
    /// What a telematics provider says of it.
    pub description: Option<String>,
    /// How severe a telematics provider calls it.
    pub reported_severity: Option<String>,
    last_report: u64,
}

/// Collects the codes of a recording. Memory grows with the number of distinct codes only.
///
/// ```
/// use gearhead_data::can::{Tally, frame::{CanId, Frame, Payload}};
///
/// let mut tally = Tally::default();
/// tally.accept(&Frame {
///     time_s: Some(0.5),
///     channel: 0,
///     id: CanId::extended(0x18FE_CA00).unwrap(),
///     data: Payload::new(&[0x04, 0xFF, 0x9D, 0x00, 0x12, 0x03, 0xFF, 0xFF]).unwrap(),
/// });
/// let (codes, _) = tally.finish();
/// assert_eq!(codes[0].fault.to_string(), "SPN 157 FMI 18");
/// assert_eq!((codes[0].active, codes[0].occurrence_count), (true, Some(3)));
/// ```
#[derive(Debug, Default)]
pub struct Tally {
    transport: Transport,
    obd: ObdOnCan,
    index: HashMap<(Source, Code), usize>,
    codes: Vec<LoggedCode>,
    /// How many reports of each kind a source has made.
    reports: HashMap<(Source, ReportedBy), u64>,
    messages: TallySummary,
}

/// What the messages of a recording came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct TallySummary {
    /// Diagnostic messages, those without a fault among them.
    pub reports: u64,
    /// Diagnostic messages too short to hold even the lamps.
    pub malformed_reports: u64,
    /// Messages of several frames.
    pub transport: TransportSummary,
}

impl Tally {
    /// Takes the next frame.
    pub fn accept(&mut self, frame: &Frame) {
        if let Some(response) = self.obd.accept(frame) {
            self.response(&response);
        } else if let Some(message) = self.transport.accept(frame) {
            self.message(&message);
        }
    }

    /// Takes an OBD response.
    pub fn response(&mut self, response: &ObdResponse) {
        let source = Source::Obd(response.source);
        let reported_by = match response.service {
            ObdService::Confirmed => ReportedBy::ObdConfirmed,
            ObdService::Pending => ReportedBy::ObdPending,
            ObdService::Permanent => ReportedBy::ObdPermanent,
        };
        self.report(source.clone(), reported_by);
        for code in &response.codes {
            self.sight(Sighting {
                source: source.clone(),
                code: FaultCode::parse(code).code,
                spelling: Some(code.clone()),
                reported_by,
                time_s: response.time_s,
                j1939: None,
                description: None,
                severity: None,
            });
        }
    }

    fn message(&mut self, message: &Message) {
        let reported_by = match message.pgn {
            PGN_DM1 => ReportedBy::Dm1,
            PGN_DM2 => ReportedBy::Dm2,
            _ => return,
        };
        let Some(diagnostic) = DiagnosticMessage::from_bytes(&message.data) else {
            self.messages.malformed_reports += 1;
            return;
        };
        let source = Source::J1939(message.source);
        self.report(source.clone(), reported_by);
        for dtc in diagnostic.dtcs {
            self.sight(Sighting {
                source: source.clone(),
                code: Code::J1939 { spn: dtc.spn, fmi: Some(dtc.fmi) },
                spelling: None,
                reported_by,
                time_s: message.time_s,
                j1939: Some((dtc, diagnostic.lamps)),
                description: None,
                severity: None,
            });
        }
    }

    /// Notes that a source has made a report, with codes or without.
    pub fn report(&mut self, source: Source, reported_by: ReportedBy) {
        self.messages.reports += 1;
        *self.reports.entry((source, reported_by)).or_default() += 1;
    }

    /// Takes one code of the report noted last.
    pub fn sight(&mut self, sighting: Sighting) {
        let Sighting { source, code, spelling, reported_by, time_s, j1939, description, severity } = sighting;
        let last_report = self.reports.get(&(source.clone(), reported_by)).copied().unwrap_or_default();
        let index = *self.index.entry((source.clone(), code.clone())).or_insert_with(|| {
            self.codes.push(LoggedCode {
                fault: FaultCode { original: spelling.unwrap_or_default(), code, source_address: None },
                source,
                reported_by,
                active: reported_by.is_active(),
                in_last_report: false,
                occurrence_count: None,
                lamps: None,
                first_seen: time_s,
                last_seen: time_s,
                frames: 0,
                conversion_method: None,
                spn_of_older_layouts: None,
                description: None,
                reported_severity: None,
                last_report,
            });
            self.codes.len() - 1
        });
        let seen = &mut self.codes[index];
        // One message that lists a code twice is still one message.
        if seen.frames == 0 || (seen.reported_by, seen.last_report) != (reported_by, last_report) {
            seen.frames += 1;
        }
        if reported_by.overrides(seen.reported_by) {
            seen.reported_by = reported_by;
            seen.active = reported_by.is_active();
            seen.last_report = last_report;
        }
        // Telematics responses need not be in order.
        seen.first_seen = earlier(seen.first_seen, time_s);
        seen.last_seen = later(seen.last_seen, time_s);
        seen.description = description.or(seen.description.take());
        seen.reported_severity = severity.or(seen.reported_severity.take());
        if let Some((dtc, lamps)) = j1939 {
            seen.occurrence_count = dtc.occurrence_count.or(seen.occurrence_count);
            seen.lamps = Some(lamps);
            seen.conversion_method = Some(dtc.conversion_method);
            seen.spn_of_older_layouts = (dtc.conversion_method == 1).then(|| dtc.spn_of_older_layouts());
        }
    }

    /// The codes, active ones first, each group in the order in which they were first seen; and what the messages came
    /// to.
    pub fn finish(mut self) -> (Vec<LoggedCode>, TallySummary) {
        for code in &mut self.codes {
            if let Source::J1939(address) = code.source {
                let count = code.occurrence_count.map_or(String::new(), |count| format!(" OC {count}"));
                code.fault.original = format!("SA{address} {}{count}", code.fault.code);
                code.fault.source_address = Some(address);
            }
            let reports = self.reports.get(&(code.source.clone(), code.reported_by));
            code.in_last_report = reports.is_none_or(|reports| *reports == code.last_report);
        }
        self.codes.sort_by_key(|code| !code.active);
        let obd = self.obd.finish();
        let mut transport = self.transport.finish();
        transport.complete += obd.complete;
        transport.incomplete += obd.incomplete;
        transport.stray_packets += obd.stray_packets;
        (self.codes, TallySummary { transport, ..self.messages })
    }
}

fn earlier(a: Option<f64>, b: Option<f64>) -> Option<f64> {
    a.zip(b).map(|(a, b)| a.min(b)).or(a).or(b)
}

fn later(a: Option<f64>, b: Option<f64>) -> Option<f64> {
    a.zip(b).map(|(a, b)| a.max(b)).or(a).or(b)
}
