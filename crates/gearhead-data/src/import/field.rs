//! The fields of a case that a source can fill.

use std::{fmt, str::FromStr};

use serde::{Serialize, Serializer};

/// A field of a case, or one of the two halves of a J1939 code that exports keep in columns of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Field {
    /// The machine.
    Equipment,
    /// The complaint.
    Symptom,
    /// Fault codes.
    ErrorCodes,
    /// Suspect parameter number; joined with [`Field::Fmi`] to one fault code.
    Spn,
    /// Failure mode identifier.
    Fmi,
    /// What was done to find the fault.
    DiagnosticSteps,
    /// What it was.
    ProbableCause,
    /// What cured it.
    Solution,
    /// The record's own identifier.
    Id,
    /// The machine's serial number.
    Serial,
    /// The machine's hour meter.
    Hours,
    /// The date of the record.
    Date,
    /// The id of the fault card.
    Fault,
    /// The system.
    System,
}

impl Field {
    /// Every field, in the order in which a case is written.
    pub const ALL: [Self; 14] = [
        Self::Equipment,
        Self::Symptom,
        Self::ErrorCodes,
        Self::Spn,
        Self::Fmi,
        Self::DiagnosticSteps,
        Self::ProbableCause,
        Self::Solution,
        Self::Id,
        Self::Serial,
        Self::Hours,
        Self::Date,
        Self::Fault,
        Self::System,
    ];

    /// The fields without which there is no case.
    pub const REQUIRED: [Self; 2] = [Self::Equipment, Self::Symptom];

    /// The name that stands in files and arguments.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Equipment => "equipment",
            Self::Symptom => "symptom",
            Self::ErrorCodes => "error_codes",
            Self::Spn => "spn",
            Self::Fmi => "fmi",
            Self::DiagnosticSteps => "diagnostic_steps",
            Self::ProbableCause => "probable_cause",
            Self::Solution => "solution",
            Self::Id => "id",
            Self::Serial => "serial",
            Self::Hours => "hours",
            Self::Date => "date",
            Self::Fault => "fault",
            Self::System => "system",
        }
    }

    /// The field with exactly this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|field| field.as_str() == name)
    }

    /// Whether a case has a key of this name. `spn` and `fmi` become one fault code.
    pub const fn is_key(self) -> bool {
        !matches!(self, Self::Spn | Self::Fmi)
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Serialize for Field {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl FromStr for Field {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::from_name(text).ok_or_else(|| {
            let names: Vec<&str> = Self::ALL.into_iter().map(Self::as_str).collect();
            format!("{text:?} is not a field; the fields are {}", names.join(", "))
        })
    }
}
