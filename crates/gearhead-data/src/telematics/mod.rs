//! Fault codes from the telematics services of makers: ISO 15143-3 (AEMP 2.0) in XML and in JSON.
//!
//! Providers differ in what they wrap around a fault (`FaultCodes`, `Faults`, `DiagnosticTroubleCodes`, …), in case and in
//! namespaces. So an element or object is a fault if it holds a `CodeIdentifier`, and it belongs to the machine whose
//! `EquipmentHeader` stands in the innermost element around it.
//!
//! **Source**: ISO/TS 15143-3, machine header information and diagnostic trouble codes.

mod json;
#[cfg(test)]
mod tests;
mod walk;
mod xml;

use serde::Serialize;

use crate::code::FaultCode;

pub use json::read_json;
pub use xml::read_xml;

/// A machine, as its header names it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize)]
#[non_exhaustive]
pub struct Machine {
    /// The maker (`OEMName`).
    pub make: Option<String>,
    /// The model (`Model`).
    pub model: Option<String>,
    /// The owner's name for it (`EquipmentID`).
    pub equipment_id: Option<String>,
    /// The serial number (`SerialNumber`).
    pub serial: Option<String>,
    /// The product or vehicle identification number (`PIN`).
    pub pin: Option<String>,
}

impl Machine {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Maker and model, else the owner's name, else a number.
    pub fn name(&self) -> Option<String> {
        match (&self.make, &self.model) {
            (Some(make), Some(model)) => Some(format!("{make} {model}")),
            (make, model) => model
                .clone()
                .or_else(|| make.clone())
                .or_else(|| self.equipment_id.clone())
                .or_else(|| self.serial.clone())
                .or_else(|| self.pin.clone()),
        }
    }
}

/// One fault of a response.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct TelematicsFault {
    /// The machine; empty where the response names none.
    pub machine: Machine,
    /// The code (`CodeIdentifier`).
    pub fault: FaultCode,
    /// The maker's words for it (`CodeDescription`).
    pub description: Option<String>,
    /// The maker's word for how severe it is (`CodeSeverity`).
    pub severity: Option<String>,
    /// The controller that reported it (`CodeSource`).
    pub source: Option<String>,
    /// When, as written (`datetime`).
    pub time: Option<String>,
    /// When, in seconds from 1970.
    pub time_s: Option<f64>,
}

/// What a response held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct TelematicsSummary {
    /// Machine headers.
    pub machines: u64,
    /// Faults.
    pub faults: u64,
    /// Faults whose `CodeIdentifier` is empty.
    pub without_code: u64,
}

/// Why a response cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TelematicsError {
    /// It could not be read.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// It is not well formed.
    #[error("line {line}: {reason}")]
    Syntax {
        /// The line, from 1.
        line: u64,
        /// What is wrong.
        reason: String,
    },
}
