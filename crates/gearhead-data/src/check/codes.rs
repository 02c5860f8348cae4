//! Codes that are not understood, and codes that contradict the text beside them.

use std::sync::LazyLock;

use regex::Regex;

use super::{
    code_facts::Gear,
    finding::{Findings, Severity, Tally, number_of},
    row::Row,
};
use crate::{
    code::{CodeTable, parse_list},
    system::System,
};

static GEAR: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?xi)
        \bgear \s* (?:no\.?|number|\#)? \s* ([1-9]|one|two|three|four|five|six|seven|eight)\b
        | \b(1st|2nd|3rd|[4-9]th|first|second|third|fourth|fifth|sixth|seventh|eighth) (?:\s+|-) gear\b",
    )
    .expect("the pattern is part of the program and tested")
});

static CYLINDER: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?xi)
        \b(?:cyl(?:inder)?|injector) \.? \s* (?:no\.?|number|\#)? \s* ([0-9]{1,2})\b
        | (?:\b(?:no\.?|number)|\#) \s* ([0-9]{1,2}) \s+ (?:cyl(?:inder)?|injector)\b",
    )
    .expect("the pattern is part of the program and tested")
});

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
            let contradiction = code
                .gear
                .and_then(|gear| gear_contradiction(row, gear))
                .or_else(|| code.cylinder.and_then(|cylinder| cylinder_contradiction(row, cylinder)));
            if let Some(contradiction) = contradiction {
                self.contradicts.add_with(row.place, || Some(contradiction));
                break;
            }
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

fn gear_contradiction(row: &Row, gear: Gear) -> Option<String> {
    let mut named = None;
    for text in texts(row) {
        for captures in GEAR.captures_iter(text) {
            let word = captures.get(1).or(captures.get(2))?.as_str();
            if number(word).map(Gear::Forward) == Some(gear) {
                return None;
            }
            named = named.or(captures.get(0));
        }
        if gear == Gear::Reverse && text.to_lowercase().contains("revers") {
            return None;
        }
    }
    let code = match gear {
        Gear::Reverse => "a code of reverse gear".to_owned(),
        Gear::Forward(gear) => format!("a code of gear {gear}"),
    };
    named.map(|named| format!("{code}, and the text says {:?}", named.as_str()))
}

fn cylinder_contradiction(row: &Row, cylinder: u8) -> Option<String> {
    let mut named = None;
    for text in texts(row) {
        for captures in CYLINDER.captures_iter(text) {
            let number = captures.get(1).or(captures.get(2))?.as_str();
            if number.parse() == Ok(cylinder) {
                return None;
            }
            named = named.or(captures.get(0));
        }
    }
    named.map(|named| format!("a code of cylinder {cylinder}, and the text says {:?}", named.as_str()))
}

fn number(word: &str) -> Option<u8> {
    const WORDS: [[&str; 2]; 8] = [
        ["one", "first"],
        ["two", "second"],
        ["three", "third"],
        ["four", "fourth"],
        ["five", "fifth"],
        ["six", "sixth"],
        ["seven", "seventh"],
        ["eight", "eighth"],
    ];
    let word = word.to_ascii_lowercase();
    if let Some(digit) = word.chars().next().and_then(|c| c.to_digit(10)) {
        return Some(digit as u8);
    }
    WORDS.iter().position(|words| words.contains(&word.as_str())).map(|index| index as u8 + 1)
}
