//! A case in the making: texts from any source, put together, checked and written as JSON.

use serde_json::{Map, Value, json};

use super::field::Field;
use crate::{
    case::MAX_FIELD_CHARS,
    code::{MAX_FMI, MAX_SPN, parse_list},
    error::RecordFault,
    system::System,
};

/// The fields of one record. Its buffers are used again for the next.
#[derive(Debug, Default)]
pub(crate) struct Draft {
    texts: [String; Field::ALL.len()],
    codes: Vec<String>,
    steps: Vec<String>,
    hours: Option<f64>,
    /// Keys that are no fields.
    extra: Map<String, Value>,
}

impl Draft {
    /// Forgets the record.
    pub(crate) fn clear(&mut self) {
        self.texts.iter_mut().for_each(String::clear);
        self.codes.clear();
        self.steps.clear();
        self.extra.clear();
        self.hours = None;
    }

    /// Whether nothing stands in the field.
    pub(crate) fn is_empty(&self, field: Field) -> bool {
        match field {
            Field::ErrorCodes => self.codes.is_empty(),
            Field::DiagnosticSteps => self.steps.is_empty(),
            _ => self.texts[field as usize].is_empty(),
        }
    }

    /// Puts a text into a field. A second text for one field follows the first as a sentence of its own; a list of
    /// codes gives its codes, and every line of steps is a step.
    pub(crate) fn add(&mut self, field: Field, text: &str) {
        let text = text.trim();
        if text.is_empty() {
            return;
        }
        match field {
            Field::ErrorCodes => self.codes.extend(parse_list(text).into_iter().map(|code| code.original)),
            Field::DiagnosticSteps => self.steps.extend(steps(text).map(str::to_owned)),
            _ => {
                let whole = &mut self.texts[field as usize];
                if !whole.is_empty() {
                    whole.push_str(if whole.ends_with(['.', '!', '?', ':', ';']) { " " } else { ". " });
                }
                whole.push_str(text);
            }
        }
    }

    /// Puts one step as it is.
    pub(crate) fn add_step(&mut self, step: &str) {
        if !step.trim().is_empty() {
            self.steps.push(step.trim().to_owned());
        }
    }

    /// Keeps a key that is no field.
    pub(crate) fn add_extra(&mut self, key: &str, value: Value) {
        let mut key = extra_name(key);
        while self.extra.contains_key(&key) {
            key.push('_');
        }
        self.extra.insert(key, value);
    }

    /// Makes a case of it, as far as it is one. An hour meter that is no number and a system that Gearhead does not
    /// know are kept beside the fields, as written.
    ///
    /// # Errors
    ///
    /// A required field is empty, or one is too long.
    pub(crate) fn check(&mut self) -> Result<(), RecordFault> {
        for field in Field::REQUIRED {
            if self.is_empty(field) {
                return Err(RecordFault::Empty(field.as_str()));
            }
        }
        self.join_spn_and_fmi();
        for field in Field::ALL {
            let chars = match field {
                Field::ErrorCodes => chars_of(&self.codes),
                Field::DiagnosticSteps => chars_of(&self.steps),
                _ => {
                    let text = &self.texts[field as usize];
                    // Characters are counted only where there can be too many.
                    if text.len() > MAX_FIELD_CHARS { text.chars().count() } else { 0 }
                }
            };
            if chars > MAX_FIELD_CHARS {
                return Err(RecordFault::TooLong { field: field.as_str(), chars, limit: MAX_FIELD_CHARS });
            }
        }
        if !self.is_empty(Field::Hours) {
            self.hours = hours(&self.texts[Field::Hours as usize]);
            if self.hours.is_none() {
                let as_written = std::mem::take(&mut self.texts[Field::Hours as usize]);
                self.add_extra("hours_as_written", json!(as_written));
            }
        }
        if !self.is_empty(Field::System) {
            let word = std::mem::take(&mut self.texts[Field::System as usize]);
            match system(&word) {
                Some(system) => self.texts[Field::System as usize].push_str(system.as_str()),
                None => self.add_extra("system_as_written", json!(word)),
            }
        }
        Ok(())
    }

    /// Writes the case as one JSON object without a line end; `columns` are further keys, each already quoted, with
    /// their texts.
    pub(crate) fn write<'a>(&self, out: &mut Vec<u8>, columns: impl Iterator<Item = (&'a [u8], &'a str)>) {
        let before = |out: &mut Vec<u8>, key: &str| {
            out.extend_from_slice(b",\"");
            out.extend_from_slice(key.as_bytes());
            out.extend_from_slice(b"\":");
        };
        let start = out.len();
        for field in Field::ALL {
            match field {
                Field::ErrorCodes if !self.codes.is_empty() => {
                    before(out, field.as_str());
                    push_json(out, &self.codes);
                }
                Field::DiagnosticSteps if !self.steps.is_empty() => {
                    before(out, field.as_str());
                    push_json(out, &self.steps);
                }
                Field::Hours => {
                    if let Some(hours) = self.hours {
                        before(out, field.as_str());
                        push_json(out, &hours);
                    }
                }
                _ if field.is_key() && !self.texts[field as usize].is_empty() => {
                    before(out, field.as_str());
                    push_json(out, &self.texts[field as usize]);
                }
                _ => {}
            }
        }
        for (key, text) in columns {
            out.push(b',');
            out.extend_from_slice(key);
            out.push(b':');
            push_json(out, text);
        }
        for (key, value) in &self.extra {
            out.push(b',');
            push_json(out, key);
            out.push(b':');
            push_json(out, value);
        }
        // The comma before the first key.
        out[start] = b'{';
        out.push(b'}');
    }

    /// An SPN and an FMI from columns of their own are one code; several of each, in order, are several.
    fn join_spn_and_fmi(&mut self) {
        let numbers = |text: &str| -> Vec<String> {
            text.split([',', ';', '/', '\n', ' '])
                .map(str::trim)
                .filter(|part| !part.is_empty())
                .map(str::to_owned)
                .collect()
        };
        let spns = numbers(&self.texts[Field::Spn as usize]);
        let fmis = numbers(&self.texts[Field::Fmi as usize]);
        let within = |text: &str, limit: u32| text.parse::<u32>().is_ok_and(|number| number <= limit);
        let pairs_up = fmis.is_empty() || spns.len() == fmis.len();
        if pairs_up
            && spns.iter().all(|spn| within(spn, MAX_SPN))
            && fmis.iter().all(|fmi| within(fmi, u32::from(MAX_FMI)))
        {
            for (index, spn) in spns.iter().enumerate() {
                self.codes.push(match fmis.get(index) {
                    Some(fmi) => format!("SPN {spn} FMI {fmi}"),
                    None => format!("SPN {spn}"),
                });
            }
        } else {
            for field in [Field::Spn, Field::Fmi] {
                let as_written = std::mem::take(&mut self.texts[field as usize]);
                if !as_written.is_empty() {
                    self.add_extra(field.as_str(), json!(as_written));
                }
            }
        }
    }
}

/// The key under which a column is kept that bears the name of a field but is not that field.
pub(crate) fn extra_name(name: &str) -> String {
    match Field::from_name(name) {
        Some(field) if field.is_key() => format!("{name}_column"),
        _ => name.to_owned(),
    }
}

pub(crate) fn push_json(out: &mut Vec<u8>, value: &(impl serde::Serialize + ?Sized)) {
    // A vector takes every byte, and strings, numbers and lists of them have a JSON form.
    let _ = serde_json::to_writer(out, value);
}

fn chars_of(items: &[String]) -> usize {
    items.iter().map(|item| item.chars().count()).sum()
}

/// The lines of a text, without the numbers or dashes in front of them.
fn steps(text: &str) -> impl Iterator<Item = &str> {
    text.lines()
        .map(|line| {
            let line = line.trim();
            let digits = line.bytes().take_while(u8::is_ascii_digit).count();
            let numbered = line[digits..].strip_prefix(['.', ')']).filter(|_| (1..=2).contains(&digits));
            let marked = || line.strip_prefix(['-', '*', '•']);
            // `1.5 bar` begins with no number of a step.
            numbered.or_else(marked).filter(|rest| rest.starts_with(' ')).map_or(line, str::trim)
        })
        .filter(|step| !step.is_empty())
}

/// Hours as people write them: `4120`, `4,120.5`, `4120 h`, `4.120,5`. A comma with three digits after it sets off
/// thousands.
pub(crate) fn hours(text: &str) -> Option<f64> {
    let number = text.trim().trim_end_matches(|c: char| c.is_alphabetic() || c == '.').trim();
    let number: String = number.chars().filter(|c| !c.is_whitespace() && *c != '\'').collect();
    let is_plain = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_digit() || c == '.');
    let (whole, part) = number.split_once(',').unwrap_or((&number, ""));
    let has_thousands = number.split(',').skip(1).all(|group| {
        let digits = group.split('.').next().unwrap_or_default();
        digits.len() == 3
    });
    let plain = if !number.contains(',') {
        number.clone()
    } else if has_thousands && !whole.contains('.') {
        number.replace(',', "")
    } else if part.contains([',', '.']) {
        return None;
    } else {
        format!("{}.{part}", whole.replace('.', ""))
    };
    if !is_plain(&plain) {
        return None;
    }
    plain.parse().ok().filter(|hours: &f64| hours.is_finite())
}

/// A system by its word, in any case and with spaces.
pub(crate) fn system(text: &str) -> Option<System> {
    System::from_word(text)
        .or_else(|| System::from_word(&text.trim().to_lowercase().replace([' ', '-'], "_")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::{Case, parse_case};

    fn case(draft: &mut Draft) -> Case {
        draft.check().unwrap();
        let mut json = Vec::new();
        draft.write(&mut json, std::iter::empty());
        parse_case(std::str::from_utf8(&json).unwrap()).unwrap()
    }

    fn draft(fields: &[(Field, &str)]) -> Draft {
        let mut draft = Draft::default();
        for (field, text) in fields {
            draft.add(*field, text);
        }
        draft
    }

    #[test]
    fn texts_become_a_case() {
        let mut draft = draft(&[
            (Field::Equipment, " CAT 320 "),
            (Field::Symptom, "No power"),
            (Field::Symptom, "Since \"Monday\""),
            (Field::ErrorCodes, "P0087; none, SPN 157 FMI 18"),
            (Field::DiagnosticSteps, "1. Measure rail pressure\n2) Change the filter\n\n1.5 bar at idle"),
            (Field::Hours, "4,120 h"),
            (Field::System, "Air exhaust"),
        ]);
        draft.add_extra("solution", json!("a column of that name"));
        let case = case(&mut draft);
        assert_eq!(
            (case.equipment.as_str(), case.symptom.as_str()),
            ("CAT 320", "No power. Since \"Monday\"")
        );
        assert_eq!(case.error_codes, ["P0087", "SPN 157 FMI 18"]);
        assert_eq!(case.diagnostic_steps, ["Measure rail pressure", "Change the filter", "1.5 bar at idle"]);
        assert_eq!((case.hours, case.system), (Some(4120.0), Some(System::AirExhaust)));
        assert_eq!(case.solution, None);
        assert_eq!(case.extra["solution_column"], "a column of that name");
    }

    #[test]
    fn what_a_field_cannot_hold_is_kept_beside_it() {
        let base = [(Field::Equipment, "e"), (Field::Symptom, "s")];
        let mut odd = draft(&base);
        odd.add(Field::Hours, "unknown");
        odd.add(Field::System, "Turret");
        odd.add(Field::Spn, "157");
        odd.add(Field::Fmi, "99");
        let case = case(&mut odd);
        assert_eq!(case.extra["hours_as_written"], "unknown");
        assert_eq!(case.extra["system_as_written"], "Turret");
        assert_eq!((&case.extra["spn"], &case.extra["fmi"]), (&json!("157"), &json!("99")));
        assert!(case.error_codes.is_empty());
    }

    #[test]
    fn spn_and_fmi_of_two_columns_are_one_code() {
        let base = [(Field::Equipment, "e"), (Field::Symptom, "s")];
        for (spn, fmi, expected) in [
            ("157", "18", vec!["SPN 157 FMI 18"]),
            ("157", "", vec!["SPN 157"]),
            ("157, 100", "18; 1", vec!["SPN 157 FMI 18", "SPN 100 FMI 1"]),
        ] {
            let mut draft = draft(&base);
            draft.add(Field::Spn, spn);
            draft.add(Field::Fmi, fmi);
            assert_eq!(case(&mut draft).error_codes, expected);
        }
    }

    #[test]
    fn hours_are_read_as_people_write_them() {
        for (text, expected) in [
            ("4120", 4120.0),
            ("4,120", 4120.0),
            ("4,120.5 hrs", 4120.5),
            ("4120,5", 4120.5),
            ("4.120,5", 4120.5),
            ("1,204,120", 1_204_120.0),
            ("12 500 h.", 12_500.0),
            ("0", 0.0),
        ] {
            assert_eq!(hours(text), Some(expected), "{text}");
        }
        for text in ["", "-5", "n/a", "1e9", "4,12,0", "h", "1.2.3"] {
            assert_eq!(hours(text), None, "{text}");
        }
    }

    #[test]
    fn a_record_without_its_required_fields_or_too_long_is_none() {
        assert_eq!(draft(&[(Field::Symptom, "s")]).check(), Err(RecordFault::Empty("equipment")));
        assert_eq!(
            draft(&[(Field::Equipment, "e"), (Field::Symptom, " ")]).check(),
            Err(RecordFault::Empty("symptom"))
        );
        let long = "x".repeat(MAX_FIELD_CHARS + 1);
        let fault =
            draft(&[(Field::Equipment, "e"), (Field::Symptom, "s"), (Field::Solution, &long)]).check();
        assert!(matches!(fault, Err(RecordFault::TooLong { field: "solution", chars: 8001, .. })));
    }
}
