//! Dates as people write them.

use std::str::FromStr;

use super::SplitFault;

/// Which comes first in a date with slashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DateOrder {
    /// 31/12/2026.
    DayFirst,
    /// 12/31/2026.
    MonthFirst,
}

impl FromStr for DateOrder {
    type Err = SplitFault;

    fn from_str(text: &str) -> Result<Self, SplitFault> {
        match text {
            "dmy" => Ok(Self::DayFirst),
            "mdy" => Ok(Self::MonthFirst),
            _ => Err(SplitFault::UnknownDateOrder(text.to_owned())),
        }
    }
}

/// What a text says about a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Day {
    /// The day, as a number that grows by one each day.
    Known(i32),
    /// Day and month cannot be told apart.
    Ambiguous,
    /// No date that is understood.
    Unknown,
}

/// Reads a date: year first with hyphens, slashes, dots or nothing between (ISO 8601; a time may follow), day first with
/// dots, or with slashes or hyphens in the given order. Without an order, a date with slashes is understood where only
/// one order gives a date, or both give the same. Two digits of a year count from 2000.
pub(super) fn read_day(text: &str, order: Option<DateOrder>) -> Day {
    let text = text.trim();
    let date = text.split(['T', 't', ' ']).next().unwrap_or_default();
    if date.len() == 8 && date.bytes().all(|byte| byte.is_ascii_digit()) {
        let number = |range: std::ops::Range<usize>| date[range].parse().unwrap_or(0);
        return known(number(0..4), number(4..6), number(6..8));
    }
    let Some(separator) = date.chars().find(|c| !c.is_ascii_digit()) else { return Day::Unknown };
    let parts: Vec<&str> = date.split(separator).collect();
    let is_number =
        |part: &&&str| !part.is_empty() && part.len() <= 4 && part.bytes().all(|byte| byte.is_ascii_digit());
    if !matches!(separator, '-' | '/' | '.')
        || parts.len() != 3
        || parts.iter().filter(is_number).count() != 3
    {
        return Day::Unknown;
    }
    let [a, b, c] = [0, 1, 2].map(|index| parts[index].parse::<i32>().unwrap_or(0));
    if parts[0].len() == 4 {
        return known(a, b, c);
    }
    let year = match parts[2].len() {
        4 => c,
        2 => 2000 + c,
        _ => return Day::Unknown,
    };
    let (day_first, month_first) = (known(year, b, a), known(year, a, b));
    match (order, separator) {
        (None, '.') | (Some(DateOrder::DayFirst), _) => day_first,
        (Some(DateOrder::MonthFirst), _) => month_first,
        (None, _) => match (day_first, month_first) {
            (Day::Known(one), Day::Known(other)) if one != other => Day::Ambiguous,
            (Day::Known(_), _) => day_first,
            _ => month_first,
        },
    }
}

/// The day, if the calendar has it.
///
/// **Source**: the count of days of the proleptic Gregorian calendar, from the lengths of its years and months.
fn known(year: i32, month: i32, day: i32) -> Day {
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let lengths = [31, if is_leap { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let month_exists = (1900..=2199).contains(&year) && (1..=12).contains(&month);
    if !month_exists || day < 1 || day > lengths[month as usize - 1] {
        return Day::Unknown;
    }
    let before = year - 1;
    let years = before * 365 + before / 4 - before / 100 + before / 400;
    let months: i32 = lengths[..month as usize - 1].iter().sum();
    Day::Known(years + months + day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Day {
        read_day(text, None)
    }

    #[test]
    fn one_day_in_every_spelling() {
        let expected = day("2026-03-21");
        assert!(matches!(expected, Day::Known(_)));
        for text in [
            "2026-03-21T08:00:00Z",
            "2026-03-21 08:00",
            "2026/3/21",
            "20260321",
            "21.03.2026",
            "21.3.26",
            "3/21/2026",
            "21/03/2026",
            " 2026-03-21 ",
        ] {
            assert_eq!(day(text), expected, "{text}");
        }
    }

    #[test]
    fn day_and_month_are_never_guessed() {
        assert_eq!(day("03/04/2026"), Day::Ambiguous);
        assert_eq!(day("04/04/2026"), day("2026-04-04"));
        assert_eq!(read_day("03/04/2026", Some(DateOrder::DayFirst)), day("2026-04-03"));
        assert_eq!(read_day("03/04/2026", Some(DateOrder::MonthFirst)), day("2026-03-04"));
        assert_eq!(read_day("21/04/2026", Some(DateOrder::MonthFirst)), Day::Unknown);
    }

    #[test]
    fn days_follow_each_other() {
        let number = |text: &str| match day(text) {
            Day::Known(number) => number,
            other => panic!("{text}: {other:?}"),
        };
        for (one, next) in [
            ("2024-02-28", "2024-02-29"),
            ("2024-02-29", "2024-03-01"),
            ("2100-02-28", "2100-03-01"),
            ("1999-12-31", "2000-01-01"),
        ] {
            assert_eq!(number(one) + 1, number(next), "{one}");
        }
        // From 0001-01-01, which is day 1, 719,163 days pass to the epoch of Unix.
        assert_eq!(number("1970-01-01"), 719_163);
    }

    #[test]
    fn what_is_no_date_is_unknown() {
        for text in [
            "",
            "unknown",
            "2026",
            "2026-13-01",
            "2026-02-30",
            "31.02.2026",
            "1-2",
            "1/2/3/4",
            "2026-0x-01",
            "٢٠٢٦-01-01",
            "0000-01-01",
            "12/2026",
        ] {
            assert_eq!(day(text), Day::Unknown, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,12}", order in 0..3_usize) {
            let order = [None, Some(DateOrder::DayFirst), Some(DateOrder::MonthFirst)][order];
            read_day(&text, order);
        }
    }
}
