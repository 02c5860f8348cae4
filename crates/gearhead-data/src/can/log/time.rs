//! Points in time, as logs and telematics files write them.

use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// From here on a number of seconds is a date: 1973 and later. No log runs for three years.
const FIRST_DATE_S: f64 = 1e8;

/// Seconds: a decimal number, or a date with a time, counted from 1970.
pub(crate) fn seconds(text: &str) -> Option<f64> {
    let text = text.trim();
    if text.starts_with(|c: char| c.is_ascii_digit()) && text.bytes().all(|b| b.is_ascii_digit() || b == b'.')
    {
        return text.parse().ok();
    }
    date(text)
}

/// Seconds from 1970 to a date in ISO 8601 form. A date without a time zone is taken as UTC.
pub(crate) fn date(text: &str) -> Option<f64> {
    let text = text.trim();
    let mut iso = text.get(..10)?.to_owned();
    let clock = text.get(10..)?.strip_prefix(['T', 't', ' '])?;
    iso.push('T');
    iso.push_str(clock);
    let zoned = clock.ends_with(['Z', 'z']) || clock.contains(['+', '-']);
    if !zoned {
        iso.push('Z');
    }
    let date = OffsetDateTime::parse(&iso, &Rfc3339).ok()?;
    Some(date.unix_timestamp() as f64 + f64::from(date.nanosecond()) / 1e9)
}

/// Whether seconds count from 1970.
pub(crate) fn is_date(time_s: f64) -> bool {
    time_s >= FIRST_DATE_S
}

/// A date in ISO 8601 form, to the second; `None` past the years that it can write.
pub(crate) fn format_date(time_s: f64) -> Option<String> {
    OffsetDateTime::from_unix_timestamp(time_s as i64).ok()?.format(&Rfc3339).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_and_seconds_are_read() {
        for (text, expected) in [
            ("1436509052.249713", Some(1_436_509_052.249_713)),
            (" 0.5 ", Some(0.5)),
            ("2015-07-10 06:17:32.25", Some(1_436_509_052.25)),
            ("2015-07-10T06:17:32Z", Some(1_436_509_052.0)),
            ("2015-07-10T08:17:32+02:00", Some(1_436_509_052.0)),
            ("2015-07-10T06:17:32", Some(1_436_509_052.0)),
            ("10.07.2015", None),
            ("1.2.3", None),
            ("-1", None),
            ("2015-07-10é06:17:32", None),
            ("", None),
        ] {
            assert_eq!(seconds(text), expected, "{text:?}");
        }
        assert_eq!(format_date(1_436_509_052.9).as_deref(), Some("2015-07-10T06:17:32Z"));
        assert_eq!(format_date(1e300), None);
    }
}
