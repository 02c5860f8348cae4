//! What rows are kept together by.

use std::{borrow::Cow, collections::HashMap, str::FromStr};

use serde_json::Value;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::{
    SplitFault,
    date::{DateOrder, Day, read_day},
    machine::{machine_key, serial_key},
    union::UnionFind,
};
use crate::{case::Case, error::RecordFault};

/// What a split goes by.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum By {
    /// Complaints that are near copies of each other stay together.
    Wording,
    /// Held-out rows are of other machines.
    Machine,
    /// Held-out rows have other faults (other causes, where no fault is named).
    Fault,
    /// Held-out rows are newer.
    Time,
    /// Rows with the same content of this field stay together.
    Group(String),
}

impl FromStr for By {
    type Err = SplitFault;

    fn from_str(text: &str) -> Result<Self, SplitFault> {
        match text {
            "wording" => Ok(Self::Wording),
            "machine" => Ok(Self::Machine),
            "fault" => Ok(Self::Fault),
            "time" => Ok(Self::Time),
            _ => match text.strip_prefix("group=").map(str::trim) {
                Some(column) if !column.is_empty() => Ok(Self::Group(column.to_owned())),
                _ => Err(SplitFault::UnknownBy(text.to_owned())),
            },
        }
    }
}

impl std::fmt::Display for By {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Wording => f.write_str("wording"),
            Self::Machine => f.write_str("machine"),
            Self::Fault => f.write_str("fault"),
            Self::Time => f.write_str("time"),
            Self::Group(column) => write!(f, "group={column}"),
        }
    }
}

impl By {
    /// What a row must have, in words.
    pub(super) fn key_in_words(&self) -> String {
        match self {
            Self::Wording => "a complaint".into(),
            Self::Machine => "a machine".into(),
            Self::Fault => "a `fault` or `probable_cause`".into(),
            Self::Time => "a `date` that is understood".into(),
            Self::Group(column) => format!("`{column}`"),
        }
    }

    /// What a group is, in words.
    pub(super) fn groups_in_words(&self, count: u64) -> String {
        let (one, many) = match self {
            Self::Wording => ("wording", "wordings"),
            Self::Machine => ("machine", "machines"),
            Self::Fault => ("fault", "faults"),
            Self::Time => ("date", "dates"),
            Self::Group(column) => {
                return format!("{} of `{column}`", if count == 1 { "value" } else { "values" });
            }
        };
        if count == 1 { one } else { many }.into()
    }
}

/// Stands for a row without a key.
pub(super) const NO_KEY: u32 = u32::MAX;

/// Numbers for the keys of rows.
pub(super) struct Keys {
    by: By,
    date_order: Option<DateOrder>,
    numbers: HashMap<u64, u32>,
    /// Descriptions of machines as written, so that each is looked into once.
    described: HashMap<u64, u32>,
    /// Which keys belong together.
    pub(super) sets: UnionFind,
}

/// Keeps keys of different kinds apart.
#[derive(Clone, Copy)]
enum Kind {
    Described,
    Machine,
    Serial,
    Label,
    Field,
}

impl Keys {
    pub(super) fn new(by: By, date_order: Option<DateOrder>) -> Self {
        Self {
            by,
            date_order,
            numbers: HashMap::new(),
            described: HashMap::new(),
            sets: UnionFind::default(),
        }
    }

    /// The number of a row's key, [`NO_KEY`] where it has none. Split by time, it is the number of the day; by wording,
    /// there is none.
    pub(super) fn number(&mut self, case: &Case) -> Result<u32, RecordFault> {
        let number = match &self.by {
            By::Wording => None,
            By::Machine => Some(self.machine(case)),
            By::Fault => case.label().map(|label| self.of(Kind::Label, &label)),
            By::Time => {
                match case.date.as_deref().map_or(Day::Unknown, |date| read_day(date, self.date_order)) {
                    Day::Known(day) => Some(day as u32),
                    Day::Unknown => None,
                    Day::Ambiguous => {
                        return Err(RecordFault::AmbiguousDate(case.date.clone().unwrap_or_default()));
                    }
                }
            }
            By::Group(column) => {
                let text =
                    field(case, column).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
                text.map(|text| self.of(Kind::Field, &text))
            }
        };
        Ok(number.unwrap_or(NO_KEY))
    }

    /// Rows of one description or of one serial number are of one machine.
    fn machine(&mut self, case: &Case) -> u32 {
        let described = hash(Kind::Described, &case.equipment);
        let machine = if let Some(machine) = self.described.get(&described) {
            *machine
        } else {
            let machine = self.of(Kind::Machine, &machine_key(&case.equipment));
            self.described.insert(described, machine);
            machine
        };
        if let Some(serial) = case.serial.as_deref().and_then(serial_key) {
            let serial = self.of(Kind::Serial, &serial);
            self.sets.join(machine, serial);
        }
        machine
    }

    fn of(&mut self, kind: Kind, key: &str) -> u32 {
        let next = self.numbers.len() as u32;
        let number = *self.numbers.entry(hash(kind, key)).or_insert(next);
        if number == next {
            self.sets.push();
        }
        number
    }
}

fn hash(kind: Kind, key: &str) -> u64 {
    xxh3_64_with_seed(key.as_bytes(), kind as u64)
}

/// A field of a case as text: one that every case may have, or one of its own.
fn field<'a>(case: &'a Case, column: &str) -> Option<Cow<'a, str>> {
    let borrowed = |text: &'a Option<String>| text.as_deref().map(Cow::Borrowed);
    match column {
        "equipment" => Some(Cow::Borrowed(&case.equipment)),
        "symptom" => Some(Cow::Borrowed(&case.symptom)),
        "error_codes" => Some(Cow::Owned(case.error_codes.join(", "))),
        "diagnostic_steps" => Some(Cow::Owned(case.diagnostic_steps.join("; "))),
        "probable_cause" => borrowed(&case.probable_cause),
        "solution" => borrowed(&case.solution),
        "id" => borrowed(&case.id),
        "serial" => borrowed(&case.serial),
        "hours" => case.hours.map(|hours| Cow::Owned(hours.to_string())),
        "date" => borrowed(&case.date),
        "fault" => borrowed(&case.fault),
        "system" => case.system.map(|system| Cow::Borrowed(system.as_str())),
        _ => match case.extra.get(column)? {
            Value::Null => None,
            Value::String(text) => Some(Cow::Borrowed(text)),
            other => Some(Cow::Owned(other.to_string())),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ways_to_split_are_read_as_they_are_written() {
        for text in ["wording", "machine", "fault", "time", "group=site"] {
            assert_eq!(text.parse::<By>().unwrap().to_string(), text);
        }
        for text in ["row", "group=", "group", "Wording", ""] {
            assert_eq!(text.parse::<By>(), Err(SplitFault::UnknownBy(text.to_owned())));
        }
    }

    #[test]
    fn every_field_can_be_a_group() {
        let json = serde_json::json!({"equipment": "a", "symptom": "b", "error_codes": ["c", "d"], "diagnostic_steps": ["e"],
            "probable_cause": "f", "solution": "g", "id": "h", "serial": "i", "hours": 7, "date": "j", "fault": "k",
            "system": "fuel", "site": 12, "bay": "north"});
        let case = crate::case::parse_case(&json.to_string()).unwrap();
        for (column, value) in json.as_object().unwrap() {
            let text = field(&case, column).unwrap();
            let expected = match value {
                Value::String(text) => text.clone(),
                Value::Array(items) => items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", "),
                other => other.to_string(),
            };
            assert_eq!(text, expected, "{column}");
        }
        assert_eq!(field(&case, "nothing"), None);
    }

    #[test]
    fn a_serial_joins_two_descriptions() {
        let mut keys = Keys::new(By::Machine, None);
        let mut case = |equipment: &str, serial: Option<&str>| {
            let case = Case { serial: serial.map(str::to_owned), ..Case::new(equipment, "x") };
            keys.number(&case).unwrap()
        };
        let (a, b, c) = (
            case("CAT 320", Some("JPD00123")),
            case("Excavator 4", Some("jpd-00123")),
            case("CAT 336", Some("N/A")),
        );
        assert_eq!(case("Caterpillar 320", None), a);
        let mut sets = keys.sets;
        assert_eq!(sets.find(a), sets.find(b));
        assert_ne!(sets.find(a), sets.find(c));
    }
}
