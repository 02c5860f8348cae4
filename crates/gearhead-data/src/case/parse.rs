//! One JSON value to one case, with every type fault named.

use serde_json::{Map, Value};

use super::{Case, MAX_FIELD_CHARS};
use crate::{error::RecordFault, system::System};

/// Reads one case from JSON text.
///
/// # Errors
///
/// Names the field that is missing, empty, too long or of the wrong type. `null` counts as absent.
pub fn parse_case(json: &str) -> Result<Case, RecordFault> {
    let value: Value = serde_json::from_str(json).map_err(|error| RecordFault::Json(error.to_string()))?;
    let Value::Object(mut fields) = value else {
        return Err(RecordFault::NotAnObject(type_in_words(&value)));
    };
    let case = Case {
        equipment: required(&mut fields, "equipment")?,
        symptom: required(&mut fields, "symptom")?,
        error_codes: list(&mut fields, "error_codes")?,
        diagnostic_steps: list(&mut fields, "diagnostic_steps")?,
        probable_cause: text(&mut fields, "probable_cause")?,
        solution: text(&mut fields, "solution")?,
        id: text(&mut fields, "id")?,
        serial: text(&mut fields, "serial")?,
        hours: number(&mut fields, "hours")?,
        date: text(&mut fields, "date")?,
        fault: text(&mut fields, "fault")?,
        system: match text(&mut fields, "system")? {
            Some(word) => Some(System::from_word(&word).ok_or(RecordFault::UnknownSystem(word))?),
            None => None,
        },
        extra: fields,
    };
    Ok(case)
}

fn take(fields: &mut Map<String, Value>, field: &'static str) -> Option<Value> {
    fields.shift_remove(field).filter(|value| !value.is_null())
}

fn required(fields: &mut Map<String, Value>, field: &'static str) -> Result<String, RecordFault> {
    if !fields.contains_key(field) {
        return Err(RecordFault::Missing(field));
    }
    text(fields, field)?.ok_or(RecordFault::Empty(field))
}

/// A text field; absent, null and blank are all `None`. A number is taken as its digits, since exports write
/// serial numbers and identifiers either way.
fn text(fields: &mut Map<String, Value>, field: &'static str) -> Result<Option<String>, RecordFault> {
    let string = match take(fields, field) {
        None => return Ok(None),
        Some(Value::String(string)) => string,
        Some(Value::Number(number)) if matches!(field, "id" | "serial") => number.to_string(),
        Some(other) => return Err(wrong_type(field, "a string", &other)),
    };
    within_limit(&string, field)?;
    Ok(Some(string).filter(|string| !string.trim().is_empty()))
}

/// A list of strings; a single string counts as a list of one.
fn list(fields: &mut Map<String, Value>, field: &'static str) -> Result<Vec<String>, RecordFault> {
    const EXPECTED: &str = "a list of strings";
    let items = match take(fields, field) {
        None => return Ok(Vec::new()),
        Some(Value::String(string)) => vec![Value::String(string)],
        Some(Value::Array(items)) => items,
        Some(other) => return Err(wrong_type(field, EXPECTED, &other)),
    };
    let mut strings = Vec::with_capacity(items.len());
    let mut chars = 0;
    for item in items {
        let Value::String(string) = item else {
            return Err(wrong_type(field, EXPECTED, &item));
        };
        chars += within_limit(&string, field)?;
        if !string.trim().is_empty() {
            strings.push(string);
        }
    }
    if chars > MAX_FIELD_CHARS {
        return Err(RecordFault::TooLong { field, chars, limit: MAX_FIELD_CHARS });
    }
    Ok(strings)
}

fn number(fields: &mut Map<String, Value>, field: &'static str) -> Result<Option<f64>, RecordFault> {
    match take(fields, field) {
        None => Ok(None),
        Some(Value::Number(number)) => Ok(number.as_f64()),
        Some(other) => Err(wrong_type(field, "a number", &other)),
    }
}

fn within_limit(string: &str, field: &'static str) -> Result<usize, RecordFault> {
    let chars = string.chars().count();
    if chars > MAX_FIELD_CHARS {
        return Err(RecordFault::TooLong { field, chars, limit: MAX_FIELD_CHARS });
    }
    Ok(chars)
}

fn wrong_type(field: &'static str, expected: &'static str, found: &Value) -> RecordFault {
    RecordFault::WrongType { field, expected, found: type_in_words(found) }
}

fn type_in_words(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

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
        assert_eq!(fault("[1]"), "a case must be a JSON object, found a list");
        let long = format!(r#"{{"equipment": "a", "symptom": "{}"}}"#, "x".repeat(100_000));
        assert_eq!(fault(&long), "`symptom` has 100000 characters, at most 8000 are taken");
    }

    #[test]
    fn keeps_fields_it_does_not_know() {
        let case =
            parse_case(r#"{"equipment": "a", "symptom": "b", "site": "North", "serial": 77}"#).unwrap();
        assert_eq!(case.extra["site"], "North");
        assert_eq!(case.serial.as_deref(), Some("77"));
    }
}
