//! JSON text to one case, in one pass, with every type fault named.

use std::fmt;

use serde::de::{self, Deserialize, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::{Case, MAX_FIELD_CHARS};
use crate::{error::RecordFault, system::System};

/// The fields that a case knows, in the order in which their faults are reported.
const FIELDS: [&str; 12] = [
    "equipment",
    "symptom",
    "error_codes",
    "diagnostic_steps",
    "probable_cause",
    "solution",
    "id",
    "serial",
    "hours",
    "date",
    "fault",
    "system",
];

/// Reads one case from JSON text.
///
/// # Errors
///
/// Names the field that is missing, empty, too long or of the wrong type. `null` counts as absent. Where a field
/// stands twice, the last one counts.
pub fn parse_case(json: &str) -> Result<Case, RecordFault> {
    let record: Record = serde_json::from_str(json).map_err(|error| RecordFault::Json(error.to_string()))?;
    let (known, extra) = match record {
        Record::Fields { known, extra } => (known, extra),
        Record::Other(found) => return Err(RecordFault::NotAnObject(found)),
    };
    let [equipment, symptom, codes, steps, cause, solution, id, serial, hours, date, fault, system] = known;
    Ok(Case {
        equipment: required(equipment, FIELDS[0])?,
        symptom: required(symptom, FIELDS[1])?,
        error_codes: list(codes, FIELDS[2])?,
        diagnostic_steps: list(steps, FIELDS[3])?,
        probable_cause: text(cause, FIELDS[4])?,
        solution: text(solution, FIELDS[5])?,
        id: text(id, FIELDS[6])?,
        serial: text(serial, FIELDS[7])?,
        hours: number(hours, FIELDS[8])?,
        date: text(date, FIELDS[9])?,
        fault: text(fault, FIELDS[10])?,
        system: match text(system, FIELDS[11])? {
            Some(word) => Some(System::from_word(&word).ok_or(RecordFault::UnknownSystem(word))?),
            None => None,
        },
        extra,
    })
}

/// A record whose values are read but not yet checked: a fault of JSON anywhere in it goes before a fault of type.
#[expect(
    clippy::large_enum_variant,
    reason = "the large variant is the usual one, and lives on the stack only"
)]
enum Record {
    Fields {
        known: [Option<Raw>; FIELDS.len()],
        extra: Map<String, Value>,
    },
    /// The type of a value that is not an object, in words.
    Other(&'static str),
}

impl<'de> Deserialize<'de> for Record {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RecordVisitor)
    }
}

struct RecordVisitor;

impl<'de> Visitor<'de> for RecordVisitor {
    type Value = Record;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Record, A::Error> {
        let mut known = [const { None }; FIELDS.len()];
        let mut extra = Map::new();
        while let Some(key) = map.next_key_seed(KeyVisitor)? {
            match key {
                Key::Known(index) => known[index] = Some(map.next_value()?),
                Key::Unknown(name) => _ = extra.insert(name, map.next_value()?),
            }
        }
        Ok(Record::Fields { known, extra })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Record, A::Error> {
        while items.next_element::<Value>()?.is_some() {}
        Ok(Record::Other(LIST))
    }

    fn visit_unit<E: de::Error>(self) -> Result<Record, E> {
        Ok(Record::Other(NULL))
    }

    fn visit_bool<E: de::Error>(self, _: bool) -> Result<Record, E> {
        Ok(Record::Other(BOOL))
    }

    fn visit_i64<E: de::Error>(self, _: i64) -> Result<Record, E> {
        Ok(Record::Other(NUMBER))
    }

    fn visit_u64<E: de::Error>(self, _: u64) -> Result<Record, E> {
        Ok(Record::Other(NUMBER))
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<Record, E> {
        Ok(Record::Other(NUMBER))
    }

    fn visit_str<E: de::Error>(self, _: &str) -> Result<Record, E> {
        Ok(Record::Other(STRING))
    }
}

/// The name of a field, which takes memory only where it is not a known one.
enum Key {
    Known(usize),
    Unknown(String),
}

struct KeyVisitor;

impl<'de> DeserializeSeed<'de> for KeyVisitor {
    type Value = Key;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Key, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for KeyVisitor {
    type Value = Key;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a field")
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<Key, E> {
        let known = FIELDS.iter().position(|field| *field == name);
        Ok(known.map_or_else(|| Key::Unknown(name.to_owned()), Key::Known))
    }
}

/// The value of a known field, held in the form that most cases need: a JSON value is three times as large.
enum Raw {
    Null,
    Number(Number),
    Text(String),
    /// The strings of a list up to its first item that is none, and the type of that item, in words.
    List(Vec<String>, Option<&'static str>),
    /// Any other type, in words.
    Other(&'static str),
}

impl Raw {
    fn type_in_words(&self) -> &'static str {
        match self {
            Self::Null => NULL,
            Self::Number(_) => NUMBER,
            Self::Text(_) => STRING,
            Self::List(..) => LIST,
            Self::Other(found) => found,
        }
    }
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Raw;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Raw, E> {
        Ok(Raw::Text(text.to_owned()))
    }

    fn visit_string<E: de::Error>(self, text: String) -> Result<Raw, E> {
        Ok(Raw::Text(text))
    }

    fn visit_unit<E: de::Error>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_bool<E: de::Error>(self, _: bool) -> Result<Raw, E> {
        Ok(Raw::Other(BOOL))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Raw, E> {
        Ok(Raw::Number(number.into()))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Raw, E> {
        Ok(Raw::Number(number.into()))
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Raw, E> {
        Ok(Number::from_f64(number).map_or(Raw::Null, Raw::Number))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Raw, A::Error> {
        while map.next_entry::<String, Value>()?.is_some() {}
        Ok(Raw::Other(OBJECT))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Raw, A::Error> {
        let mut strings = Vec::new();
        while let Some(item) = items.next_element()? {
            match item {
                Raw::Text(string) => strings.push(string),
                other => {
                    while items.next_element::<Value>()?.is_some() {}
                    return Ok(Raw::List(strings, Some(other.type_in_words())));
                }
            }
        }
        Ok(Raw::List(strings, None))
    }
}

fn required(value: Option<Raw>, field: &'static str) -> Result<String, RecordFault> {
    if value.is_none() {
        return Err(RecordFault::Missing(field));
    }
    text(value, field)?.ok_or(RecordFault::Empty(field))
}

/// A text field; absent, null and blank are all `None`. A number is taken as its digits, since exports write
/// serial numbers and identifiers either way.
fn text(value: Option<Raw>, field: &'static str) -> Result<Option<String>, RecordFault> {
    let string = match value {
        None | Some(Raw::Null) => return Ok(None),
        Some(Raw::Text(string)) => string,
        Some(Raw::Number(number)) if matches!(field, "id" | "serial") => number.to_string(),
        Some(other) => return Err(wrong_type(field, "a string", other.type_in_words())),
    };
    within_limit(&string, field)?;
    Ok(Some(string).filter(|string| !string.trim().is_empty()))
}

/// A list of strings; a single string counts as a list of one.
fn list(value: Option<Raw>, field: &'static str) -> Result<Vec<String>, RecordFault> {
    const EXPECTED: &str = "a list of strings";
    let (mut strings, wrong) = match value {
        None | Some(Raw::Null) => return Ok(Vec::new()),
        Some(Raw::Text(string)) => (vec![string], None),
        Some(Raw::List(strings, wrong)) => (strings, wrong),
        Some(other) => return Err(wrong_type(field, EXPECTED, other.type_in_words())),
    };
    let mut chars = 0;
    for string in &strings {
        chars += within_limit(string, field)?;
    }
    if let Some(found) = wrong {
        return Err(wrong_type(field, EXPECTED, found));
    }
    if chars > MAX_FIELD_CHARS {
        return Err(RecordFault::TooLong { field, chars, limit: MAX_FIELD_CHARS });
    }
    strings.retain(|string| !string.trim().is_empty());
    Ok(strings)
}

fn number(value: Option<Raw>, field: &'static str) -> Result<Option<f64>, RecordFault> {
    match value {
        None | Some(Raw::Null) => Ok(None),
        Some(Raw::Number(number)) => Ok(number.as_f64()),
        Some(other) => Err(wrong_type(field, "a number", other.type_in_words())),
    }
}

fn within_limit(string: &str, field: &'static str) -> Result<usize, RecordFault> {
    let chars = string.chars().count();
    if chars > MAX_FIELD_CHARS {
        return Err(RecordFault::TooLong { field, chars, limit: MAX_FIELD_CHARS });
    }
    Ok(chars)
}

fn wrong_type(field: &'static str, expected: &'static str, found: &'static str) -> RecordFault {
    RecordFault::WrongType { field, expected, found }
}

const NULL: &str = "null";
const BOOL: &str = "true or false";
const NUMBER: &str = "a number";
const STRING: &str = "a string";
const LIST: &str = "a list";
const OBJECT: &str = "an object";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_prototypes_record() {
        let json = r#"{"equipment": "Caterpillar 320 Excavator", "symptom": "Engine starts but loses power under load",
            "error_codes": ["P0087", "SPN 157"], "diagnostic_steps": ["Check fuel pressure"],
            "probable_cause": "Clogged fuel filter", "solution": "Replace the fuel filter"}"#;
        let case = parse_case(json).unwrap();
        assert_eq!(case.error_codes, ["P0087", "SPN 157"]);
        assert!(case.has_target());
        assert_eq!(parse_case(&serde_json::to_string(&case).unwrap()).unwrap(), case);
    }

    #[test]
    fn names_the_field_that_is_wrong() {
        let fault = |json: &str| parse_case(json).unwrap_err().to_string();
        assert_eq!(fault(r#"{"symptom": "x"}"#), "`equipment` is missing");
        assert_eq!(fault(r#"{"equipment": "  ", "symptom": "x"}"#), "`equipment` is empty");
        assert_eq!(
            fault(r#"{"equipment": "a", "symptom": "x", "error_codes": 87}"#),
            "`error_codes` must be a list of strings, found a number"
        );
        assert_eq!(
            fault(r#"{"equipment": "a", "symptom": "x", "error_codes": [87]}"#),
            "`error_codes` must be a list of strings, found a number"
        );
        assert_eq!(
            fault(r#"{"equipment": "a", "symptom": "x", "error_codes": ["P0087", {"spn": [1]}, 3]}"#),
            "`error_codes` must be a list of strings, found an object"
        );
        assert_eq!(fault("[1]"), "a case must be a JSON object, found a list");
        let long = format!(r#"{{"equipment": "a", "symptom": "{}"}}"#, "x".repeat(100_000));
        assert_eq!(fault(&long), "`symptom` has 100000 characters, at most 8000 are taken");
    }

    #[test]
    fn the_last_of_two_fields_counts() {
        let case = parse_case(
            r#"{"equipment": 1, "symptom": "b", "site": "x", "area": 1, "site": "y", "equipm\u0065nt": "a"}"#,
        )
        .unwrap();
        assert_eq!((case.equipment.as_str(), case.symptom.as_str()), ("a", "b"));
        assert_eq!(case.extra.keys().collect::<Vec<_>>(), ["site", "area"]);
        assert_eq!(case.extra["site"], "y");
    }

    #[test]
    fn a_fault_of_json_goes_before_a_fault_of_type_and_fields_keep_their_order() {
        let fault = |json: &str| parse_case(json).unwrap_err().to_string();
        assert!(fault(r#"{"equipment": 3, "symptom": }"#).starts_with("not valid JSON: "));
        assert!(fault("[1, 2").starts_with("not valid JSON: "));
        assert!(fault(r#"{"a": 1e999}"#).contains("number out of range"));
        assert!(fault(&"[".repeat(200)).contains("recursion limit"));
        assert_eq!(fault(r#"{"hours": "x", "symptom": 3}"#), "`equipment` is missing");
        assert_eq!(
            fault(r#"{"hours": "x", "equipment": "a", "symptom": "b"}"#),
            "`hours` must be a number, found a string"
        );
        for (json, found) in [
            ("null", "null"),
            ("true", "true or false"),
            ("3", "a number"),
            ("-3", "a number"),
            ("0.5", "a number"),
            ("\"a\"", "a string"),
        ] {
            assert_eq!(fault(json), format!("a case must be a JSON object, found {found}"));
        }
    }

    proptest::proptest! {
        /// What serde_json makes of the text as a whole decides what is JSON and which of two fields counts.
        #[test]
        fn it_takes_what_serde_json_takes(
            keys in proptest::collection::vec("equipment|symptom|error_codes|id|hours|site|[a-c]", 0..6),
            values in proptest::collection::vec(
                r#""x"|" "|null|3|-0|1e400|true|\["a"\]|\["a",1\]|\[|\{"k":1\}|"\\u00e9""#, 6),
        ) {
            let fields = keys.iter().zip(&values).map(|(key, value)| format!("\"{key}\":{value}"));
            let json = format!("{{{}}}", fields.collect::<Vec<_>>().join(","));
            match (serde_json::from_str::<Value>(&json), parse_case(&json)) {
                (Err(error), found) => {
                    proptest::prop_assert_eq!(found.unwrap_err(), RecordFault::Json(error.to_string()));
                }
                (Ok(value), Ok(case)) => {
                    proptest::prop_assert_eq!(value["equipment"].as_str(), Some(case.equipment.as_str()));
                    for (key, value) in value.as_object().unwrap() {
                        proptest::prop_assert!(FIELDS.contains(&key.as_str()) || case.extra[key] == *value);
                    }
                }
                (Ok(_), Err(fault)) => proptest::prop_assert!(!matches!(fault, RecordFault::Json(_))),
            }
        }
    }

    #[test]
    fn keeps_fields_it_does_not_know() {
        let case =
            parse_case(r#"{"equipment": "a", "symptom": "b", "site": "North", "serial": 77}"#).unwrap();
        assert_eq!(case.extra["site"], "North");
        assert_eq!(case.serial.as_deref(), Some("77"));
    }
}
