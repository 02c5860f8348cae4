//! Days and ticks since 1970 as ISO 8601.

/// Ticks in a second.
#[derive(Debug, Clone, Copy)]
pub(super) enum Tick {
    Milli = 1_000,
    Micro = 1_000_000,
    Nano = 1_000_000_000,
}

/// Days since 1970-01-01 as a date of the Gregorian calendar.
///
/// **Source**: the day count is cut into cycles of 400 years (146,097 days) that begin on the first of March, so that
/// the leap day is the last of its year.
pub(super) fn date(days: i64) -> String {
    const DAYS_TO_1970: i64 = 719_468;
    let days = days + DAYS_TO_1970;
    let (cycle, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    // Days without the leap days before them: every 4 years but not every 100.
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (365 * year + year / 4 - year / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = cycle * 400 + year + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

/// Ticks since midnight.
pub(super) fn time(ticks: i64, tick: Tick) -> String {
    let seconds = ticks.div_euclid(tick as i64);
    let mut text = format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    let rest = ticks.rem_euclid(tick as i64);
    if rest > 0 {
        let digits = (tick as i64).ilog10() as usize;
        let fraction = format!("{rest:0digits$}");
        text.push('.');
        text.push_str(fraction.trim_end_matches('0'));
    }
    text
}

/// Ticks since 1970; a date alone at midnight.
pub(super) fn timestamp(ticks: i64, tick: Tick, is_utc: bool) -> String {
    let ticks_in_day = 86_400 * tick as i64;
    let day = date(ticks.div_euclid(ticks_in_day));
    match ticks.rem_euclid(ticks_in_day) {
        0 => day,
        ticks => format!("{day}T{}{}", time(ticks, tick), if is_utc { "Z" } else { "" }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_dates() {
        for (days, expected) in [
            (0, "1970-01-01"),
            (-1, "1969-12-31"),
            (11_016, "2000-02-29"),
            (20_513, "2026-03-01"),
            (47_541, "2100-03-01"),
            (-719_162, "0001-01-01"),
        ] {
            assert_eq!(date(days), expected);
        }
    }

    #[test]
    fn any_count_of_ticks_is_a_timestamp() {
        assert_eq!(timestamp(1_772_375_400_250, Tick::Milli, true), "2026-03-01T14:30:00.25Z");
        assert_eq!(timestamp(-1, Tick::Nano, false), "1969-12-31T23:59:59.999999999");
        for ticks in [i64::MIN, i64::MAX] {
            for tick in [Tick::Milli, Tick::Micro, Tick::Nano] {
                assert!(timestamp(ticks, tick, false).contains('-'));
            }
        }
    }
}
