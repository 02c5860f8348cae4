//! JSON records to cases: as they are where they are cases, by their keys where they are not.

use std::{
    collections::{HashMap, VecDeque},
    path::Path,
};

use serde_json::{Map, Value};

use super::{
    draft::Draft,
    field::Field,
    mapping::Mapping,
    records::{JsonRecords, Record},
    rows::{Next, Place},
    sink::Sink,
};
use crate::{case::parse_case, error::Result};

/// Records that are looked at before keys are guessed.
const SAMPLE_RECORDS: usize = 200;
/// The same, in bytes.
const SAMPLE_BYTES: usize = 1 << 22;
/// Records whose values are looked at.
const SAMPLE_VALUES: usize = 20;
/// Keys among which fields are looked for; further ones are kept as they are.
const MAX_KEYS: usize = 2_000;

/// Takes every record. Keys of nested objects are joined with a dot (`machine.serial`); a key that the first 200 records
/// do not have is kept as it is.
pub(crate) fn import_records(path: &Path, records: &mut JsonRecords, sink: &mut Sink<'_>) -> Result<()> {
    let mut first: VecDeque<(Record, Next)> = VecDeque::new();
    let mut n_bytes = 0;
    while first.len() < SAMPLE_RECORDS && n_bytes < SAMPLE_BYTES {
        let mut record = Record::default();
        let next = records.next_record(&mut record)?;
        n_bytes += record.text.len();
        let is_at_end = next == Next::End;
        first.push_back((record, next));
        if is_at_end {
            break;
        }
    }
    let texts = first.iter().filter(|(_, next)| *next == Next::Row).map(|(record, _)| record.text.as_str());
    let mapping = find_mapping(path, texts, sink)?;
    let is_line = records.is_lines();
    let mut draft = Draft::default();
    let mut record = Record::default();
    loop {
        let next = match first.pop_front() {
            Some((early, next)) => {
                record = early;
                next
            }
            None => records.next_record(&mut record)?,
        };
        let place = Place::Line(record.line);
        match next {
            Next::End => return Ok(()),
            Next::Faulty(reason) => {
                sink.count_row();
                sink.reject(&place, &reason, &record.text)?;
            }
            Next::Row => {
                sink.count_row();
                match &mapping {
                    Some(mapping) => take_mapped(&record, &place, mapping, &mut draft, sink)?,
                    None => take_case(&record, &place, is_line, sink)?,
                }
            }
        }
    }
}

/// The mapping of the keys, or `None` where the records are cases already (or no JSON objects, so that each is reported).
fn find_mapping<'a>(
    path: &Path,
    texts: impl Iterator<Item = &'a str>,
    sink: &mut Sink<'_>,
) -> Result<Option<Mapping>> {
    let mut header: Vec<String> = Vec::new();
    let mut columns: HashMap<String, usize> = HashMap::new();
    let mut samples: Vec<Vec<String>> = Vec::new();
    for text in texts {
        let Ok(Value::Object(object)) = serde_json::from_str(text) else { continue };
        let mut sample = vec![String::new(); header.len()];
        for_each_leaf(&object, &mut |key, value| {
            if header.len() >= MAX_KEYS && !columns.contains_key(key) {
                return;
            }
            let index = *columns.entry(key.to_owned()).or_insert_with(|| {
                header.push(key.to_owned());
                header.len() - 1
            });
            if samples.len() < SAMPLE_VALUES {
                sample.resize(header.len(), String::new());
                sample[index] = as_text(value);
            }
        });
        if samples.len() < SAMPLE_VALUES {
            samples.push(sample);
        }
    }
    if header.is_empty() {
        return Ok(None);
    }
    let options = &sink.options.mapping;
    let has = |field: Field| header.iter().any(|key| key == field.as_str());
    let is_plain = options.map.is_empty() && options.set.is_empty() && !options.drops_extra;
    if is_plain && Field::REQUIRED.into_iter().all(has) {
        // Cases: nothing is guessed beside them.
        return Ok(None);
    }
    let mapping = Mapping::new(path, &header, &samples, options)?;
    sink.agree(&mapping)?;
    Ok((!mapping.is_identity()).then_some(mapping))
}

/// Takes a record that is a case, as it stands.
fn take_case(record: &Record, place: &Place, is_line: bool, sink: &mut Sink<'_>) -> Result<()> {
    match parse_case(&record.text) {
        Ok(_) if is_line => {
            sink.take(place, |buffer| buffer.extend_from_slice(record.text.trim().as_bytes()))
        }
        Ok(case) => sink.take(place, |buffer| super::draft::push_json(buffer, &case)),
        Err(fault) => sink.reject(place, &fault.to_string(), &record.text),
    }
}

fn take_mapped(
    record: &Record,
    place: &Place,
    mapping: &Mapping,
    draft: &mut Draft,
    sink: &mut Sink<'_>,
) -> Result<()> {
    let mut object = match serde_json::from_str(&record.text) {
        Ok(Value::Object(object)) => object,
        Ok(_) => return sink.reject(place, "a record must be a JSON object", &record.text),
        Err(error) => return sink.reject(place, &format!("not valid JSON: {error}"), &record.text),
    };
    draft.clear();
    for mapped in &mapping.fields {
        for key in &mapped.columns {
            if let Some(value) = leaf(&object, key) {
                add_value(draft, mapped.field, value);
            }
        }
    }
    if !mapping.drops_extra {
        let is_mapped =
            |key: &str| mapping.fields.iter().any(|mapped| mapped.columns.iter().any(|name| name == key));
        if object.values().any(Value::is_object) {
            for_each_leaf(&object, &mut |key, value| {
                if !is_mapped(key) {
                    draft.add_extra(key, value.clone());
                }
            });
        } else {
            let rest = std::mem::take(&mut object);
            for (key, value) in rest.into_iter().filter(|(key, value)| !value.is_null() && !is_mapped(key)) {
                draft.add_extra(&key, value);
            }
        }
    }
    sink.take_draft(draft, place, || record.text.clone())
}

/// Puts a value into a field: a list gives its elements, anything that is no text its JSON.
pub(crate) fn add_value(draft: &mut Draft, field: Field, value: &Value) {
    match value {
        Value::Null => {}
        Value::String(text) => draft.add(field, text),
        Value::Array(items) => {
            for item in items {
                match item {
                    Value::String(step) if field == Field::DiagnosticSteps => draft.add_step(step),
                    item => draft.add(field, &as_text(item)),
                }
            }
        }
        other => draft.add(field, &as_text(other)),
    }
}

fn as_text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) if items.iter().all(|item| !item.is_array() && !item.is_object()) => {
            items.iter().map(as_text).collect::<Vec<_>>().join("; ")
        }
        other => other.to_string(),
    }
}

/// Calls `visit` with every value that is neither null nor an object, and its key: those of nested objects joined with
/// dots.
fn for_each_leaf(object: &Map<String, Value>, visit: &mut impl FnMut(&str, &Value)) {
    fn walk(prefix: &str, object: &Map<String, Value>, visit: &mut impl FnMut(&str, &Value)) {
        for (key, value) in object {
            let key = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
            match value {
                Value::Null => {}
                Value::Object(inner) => walk(&key, inner, visit),
                value => visit(&key, value),
            }
        }
    }
    walk("", object, visit);
}

/// The value that [`for_each_leaf`] gives under this key.
fn leaf<'a>(object: &'a Map<String, Value>, key: &str) -> Option<&'a Value> {
    if let Some(value) = object.get(key).filter(|value| !value.is_object()) {
        return Some(value);
    }
    let mut dots = key.match_indices('.').map(|(at, _)| at);
    dots.find_map(|at| object.get(&key[..at])?.as_object().and_then(|inner| leaf(inner, &key[at + 1..])))
}
