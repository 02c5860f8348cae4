//! Codes that are not understood, and codes that contradict the text beside them.

use super::{
    finding::{Findings, Severity, Tally, number_of},
    row::Row,
};
use crate::{
    code::{CodeTable, parse_list},
    system::System,
};

pub(super) struct Codes<'a> {
    table: &'a CodeTable,
    opaque: Tally,
    unknown: Tally,
    contradicts: Tally,
    other_system: Tally,
}

impl<'a> Codes<'a> {
    pub(super) fn new(table: &'a CodeTable) -> Self {
        Self {
            table,
            opaque: Tally::default(),
            unknown: Tally::default(),
            contradicts: Tally::default(),
            other_system: Tally::default(),
        }
    }

    pub(super) fn row(&mut self, row: &Row) {
        if row.codes.is_empty() {
            return;
        }
        if row.codes.iter().any(|code| code.is_opaque && !code.is_known) {
            self.opaque.add_with(row.place, || first_code(row, |code| code.code.is_opaque()));
        }
        if row.codes.iter().any(|code| !code.is_opaque && !code.is_known) {
            let table = self.table;
            self.unknown.add_with(row.place, || {
                first_code(row, |code| !code.code.is_opaque() && !table.decode(code).known)
            });
        }
        for code in row.codes {
            let Some(part) = code.part else { continue };
            let Some(named) = part.contradicted_by(texts(row)) else { continue };
            self.contradicts
                .add_with(row.place, || Some(format!("a code of {part}, and the text says {named:?}")));
            break;
        }
        if let Some(system) = row.case.system {
            // A code of the wiring may stand with a fault of any system, and the other way round.
            let may_differ = system == System::Electrical
                || row.codes.iter().any(|code| {
                    code.system.is_none_or(|found| found == system || found == System::Electrical)
                });
            if !may_differ {
                self.other_system.add_with(row.place, || {
                    let codes = row.case.codes();
                    let found = self.table.decode(codes.first()?);
                    Some(format!("{} belongs to {}, the record to {system}", found.code, found.system?))
                });
            }
        }
    }

    pub(super) fn finish(self, findings: &mut Findings) {
        let text = format!("a code of no known format stands in {}", number_of(self.opaque.count, "record"));
        findings.add(
            "opaque-code",
            Severity::Warning,
            self.opaque,
            text,
            "Correct the spelling, or define the maker's codes in the codes.toml of a folder and pass it with --knowledge.",
        );
        let text = format!(
            "a code that the tables do not hold stands in {}",
            number_of(self.unknown.count, "record")
        );
        findings.add(
            "unknown-code",
            Severity::Info,
            self.unknown,
            text,
            "Define the codes in the codes.toml of a folder and pass it with --knowledge, so that their meaning helps.",
        );
        let text = format!(
            "in {} a code contradicts the text beside it",
            number_of(self.contradicts.count, "record")
        );
        findings.add("code-contradicts-text", Severity::Warning, self.contradicts, text, "Correct the code or the text: P0731 to P0735 name gears one to five, P0301 to P0312 cylinders one to twelve.");
        let text = format!(
            "in {} every code belongs to another system than the record",
            number_of(self.other_system.count, "record")
        );
        findings.add(
            "code-of-another-system",
            Severity::Info,
            self.other_system,
            text,
            "Look at some of them: either the `system` is wrong, or the codes are of another fault.",
        );
    }
}

fn first_code(row: &Row, is_meant: impl Fn(&crate::code::FaultCode) -> bool) -> Option<String> {
    let mut codes = row.case.error_codes.iter().flat_map(|text| parse_list(text));
    codes.find(is_meant).map(|code| format!("{:?}", code.original))
}

/// The texts that may name a gear or a cylinder.
fn texts<'a>(row: &'a Row) -> impl Iterator<Item = &'a str> {
    [Some(&row.case.symptom), row.case.probable_cause.as_ref()].into_iter().flatten().map(String::as_str)
}
