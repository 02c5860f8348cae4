//! One cell as text.

use calamine::{CellErrorType, Data, DataRef, ExcelDateTime};

/// A cell that is not empty.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Cell {
    /// From 0.
    pub(super) column: u32,
    pub(super) text: String,
    /// Whether it holds words, as a header does, not a number or a date.
    pub(super) is_words: bool,
    /// Whether it shows an error in place of its value.
    pub(super) is_broken: bool,
}

impl Cell {
    pub(super) fn new(column: u32, value: &DataRef<'_>) -> Self {
        let is_words = matches!(value, DataRef::String(_) | DataRef::SharedString(_));
        let is_broken = matches!(value, DataRef::Error(error) if *error != CellErrorType::NA);
        Self { column, text: text(value), is_words, is_broken }
    }

    pub(super) fn of_data(column: u32, value: &Data) -> Self {
        let value = match value {
            Data::Empty => DataRef::Empty,
            Data::Int(number) => DataRef::Int(*number),
            Data::Float(number) => DataRef::Float(*number),
            Data::String(text) => DataRef::SharedString(text),
            Data::Bool(truth) => DataRef::Bool(*truth),
            Data::DateTime(date) => DataRef::DateTime(*date),
            Data::DateTimeIso(text) => DataRef::DateTimeIso(text.clone()),
            Data::DurationIso(text) => DataRef::DurationIso(text.clone()),
            Data::Error(error) => DataRef::Error(error.clone()),
        };
        Self::new(column, &value)
    }
}

fn text(value: &DataRef<'_>) -> String {
    match value {
        DataRef::Empty | DataRef::Error(CellErrorType::NA) => String::new(),
        DataRef::String(text) => text.trim().to_owned(),
        DataRef::SharedString(text) => text.trim().to_owned(),
        DataRef::Int(number) => number.to_string(),
        DataRef::Float(number) => number.to_string(),
        DataRef::Bool(truth) => truth.to_string(),
        DataRef::DateTime(date) => date_text(*date),
        DataRef::DateTimeIso(text) => text.strip_suffix("T00:00:00").unwrap_or(text).to_owned(),
        DataRef::DurationIso(text) => text.clone(),
        DataRef::Error(error) => error.to_string(),
    }
}

/// ISO 8601; a date alone where the time is midnight, a time alone where there is no day.
fn date_text(date: ExcelDateTime) -> String {
    let days = date.as_f64();
    if date.is_duration() {
        let seconds = (days * 86_400.0).round() as i64;
        let sign = if seconds < 0 { "-" } else { "" };
        let seconds = seconds.unsigned_abs();
        return format!("{sign}{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    }
    let (year, month, day, hour, minute, second, milli) = date.to_ymd_hms_milli();
    let fraction = if milli == 0 { String::new() } else { format!(".{milli:03}") };
    let time = format!("{hour:02}:{minute:02}:{second:02}{fraction}");
    if (0.0..1.0).contains(&days) {
        return time;
    }
    let day = format!("{year:04}-{month:02}-{day:02}");
    if time == "00:00:00" { day } else { format!("{day}T{time}") }
}

#[cfg(test)]
mod tests {
    use calamine::ExcelDateTimeType;

    use super::*;

    fn date(days: f64, is_1904: bool) -> String {
        date_text(ExcelDateTime::new(days, ExcelDateTimeType::DateTime, is_1904))
    }

    #[test]
    fn dates_of_both_systems_are_iso_8601() {
        assert_eq!(date(46_082.0, false), "2026-03-01");
        assert_eq!(date(46_082.0 - 1462.0, true), "2026-03-01");
        assert_eq!(date(46_082.604_166_666_7, false), "2026-03-01T14:30:00");
        assert_eq!(date(0.5, false), "12:00:00");
    }

    #[test]
    fn numbers_stand_as_they_are_shown() {
        for (number, shown) in [(4120.0, "4120"), (0.1, "0.1"), (-3.0, "-3"), (1e15, "1000000000000000")] {
            assert_eq!(text(&DataRef::Float(number)), shown);
        }
    }

    #[test]
    fn a_duration_is_hours_minutes_seconds() {
        let duration = ExcelDateTime::new(1.5, ExcelDateTimeType::TimeDelta, false);
        assert_eq!(date_text(duration), "36:00:00");
    }
}
