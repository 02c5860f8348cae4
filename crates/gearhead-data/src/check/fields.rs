//! Fields that say nothing, or say the same twice.

use super::{
    finding::{Findings, Severity, Tally, number_of, percent},
    row::Row,
};
use crate::{
    duplicates::{normalise, normalise_into},
    error::RecordFault,
};

use super::finding::Place;

/// A complaint with fewer letters than this says nothing.
const MIN_LETTERS: usize = 3;

/// What people write where they have nothing to write, normalised.
const PLACEHOLDERS: [&str; 22] = [
    "n a",
    "na",
    "none",
    "nil",
    "null",
    "nan",
    "tba",
    "tbd",
    "tbc",
    "unknown",
    "unk",
    "same",
    "same as above",
    "as above",
    "see above",
    "see below",
    "see notes",
    "see attached",
    "not stated",
    "not recorded",
    "no comment",
    "ditto",
];

#[derive(Default)]
pub(super) struct Fields {
    faulty: Tally,
    placeholder: Tally,
    short: Tally,
    repeats: Tally,
    missing_target: Tally,
    buffer: String,
}

impl Fields {
    /// A record that is not a case.
    pub(super) fn faulty(&mut self, place: Place, fault: &RecordFault) {
        self.faulty.add_with(place, || Some(fault.to_string()));
    }

    pub(super) fn row(&mut self, row: &Row) {
        if PLACEHOLDERS.contains(&row.symptom) {
            self.placeholder.add_with(row.place, || Some(format!("`symptom` is {:?}", row.case.symptom)));
        } else if row.symptom.len() < 64 && letters(row.symptom) < MIN_LETTERS {
            self.short.add_with(row.place, || Some(format!("`symptom` is {:?}", row.case.symptom)));
        }
        let targets = [("probable_cause", &row.case.probable_cause), ("solution", &row.case.solution)];
        for (field, target) in targets {
            let Some(target) = target else { continue };
            if is_placeholder(target) {
                self.placeholder.add_with(row.place, || Some(format!("`{field}` is {target:?}")));
                break;
            }
        }
        for (field, target) in targets {
            let Some(target) = target else { continue };
            if self.repeats_symptom(row, target) {
                self.repeats.add_with(row.place, || Some(format!("`{field}` is the complaint again")));
                break;
            }
        }
        if !row.case.has_target() {
            self.missing_target.add(row.place);
        }
    }

    fn repeats_symptom(&mut self, row: &Row, target: &str) -> bool {
        // Texts that begin with different letters are different, which spares nearly every comparison.
        let first =
            |text: &str| text.bytes().find(u8::is_ascii_alphanumeric).map(|byte| byte.to_ascii_lowercase());
        if row.symptom.is_empty() || first(&row.case.symptom) != first(target) {
            return false;
        }
        normalise_into(target, &mut self.buffer);
        self.buffer == row.symptom
    }

    pub(super) fn finish(self, findings: &mut Findings) {
        let records = findings.records;
        let share = |tally: &Tally| percent(tally.count as f64 / records.max(1) as f64);
        let text = format!("{} cannot be read", number_of(self.faulty.count, "record"));
        findings.add(
            "schema-fault",
            Severity::Error,
            self.faulty,
            text,
            "Mend these lines: each is lost to training.",
        );
        let text = format!(
            "a placeholder such as \"n/a\" stands where a text belongs in {}",
            number_of(self.placeholder.count, "record")
        );
        findings.add(
            "placeholder-text",
            Severity::Warning,
            self.placeholder,
            text,
            "Fill the field in, or leave it out, so that a model does not learn to write the placeholder.",
        );
        let text = format!(
            "the complaint has fewer than {MIN_LETTERS} letters in {}",
            number_of(self.short.count, "record")
        );
        findings.add(
            "short-symptom",
            Severity::Warning,
            self.short,
            text,
            "Write the complaint out, or drop the record.",
        );
        let text = format!(
            "in {} the cause or solution only repeats the complaint",
            number_of(self.repeats.count, "record")
        );
        findings.add(
            "target-repeats-symptom",
            Severity::Warning,
            self.repeats,
            text,
            "Write what was found and done; a model learns nothing from an echo.",
        );
        let text =
            format!("{} of the records have neither a cause nor a solution", share(&self.missing_target));
        findings.add(
            "missing-target",
            Severity::Warning,
            self.missing_target,
            text,
            "Add `probable_cause` or `solution`; without them a record cannot be trained or measured on.",
        );
    }
}

fn letters(text: &str) -> usize {
    text.chars().filter(|c| c.is_alphabetic()).count()
}

fn is_placeholder(text: &str) -> bool {
    text.len() <= 20 && PLACEHOLDERS.contains(&normalise(text).as_str())
}
