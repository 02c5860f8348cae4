//! Numbers, times and sizes as the page writes them.

/// Four significant digits.
pub(super) fn significant(value: f64) -> String {
    if value == 0.0 {
        return "0".into();
    }
    let power = value.abs().log10().floor();
    if !(-3.0..7.0).contains(&power) {
        return exponent(format!("{value:.3e}"));
    }
    let decimals = (3.0 - power).max(0.0) as usize;
    if decimals == 0 { grouped(value) } else { format!("{value:.decimals$}") }
}

/// `3.000e-4` is `3e-4`.
pub(super) fn exponent(number: String) -> String {
    match number.split_once('e') {
        Some((mantissa, power)) if mantissa.contains('.') => {
            format!("{}e{power}", mantissa.trim_end_matches('0').trim_end_matches('.'))
        }
        _ => number,
    }
}

/// A whole number with a comma before every three digits.
pub(super) fn grouped(number: f64) -> String {
    let digits = format!("{:.0}", number.abs());
    let mut text = String::with_capacity(digits.len() + digits.len() / 3 + 1);
    if number <= -0.5 {
        text.push('-');
    }
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Four digits, also of what is not a number.
pub(super) fn number(value: f64) -> String {
    if value.is_finite() { significant(value) } else { value.to_string() }
}

/// `1 step`, `2,000 steps`.
pub(super) fn of(n: usize, what: &str) -> String {
    format!("{} {what}{}", grouped(n as f64), if n == 1 { "" } else { "s" })
}

/// A time in two units.
pub(super) fn duration(seconds: f64) -> String {
    if !seconds.is_finite() {
        return "an unknown time".into();
    }
    let whole = seconds.round().max(0.0) as u64;
    match whole {
        0..10 => format!("{:.1} s", seconds.max(0.0)),
        10..60 => format!("{whole} s"),
        60..3600 => format!("{} min {:02} s", whole / 60, whole % 60),
        3600..86_400 => format!("{} h {:02} min", whole / 3600, whole % 3600 / 60),
        _ => format!("{} d {:02} h", whole / 86_400, whole % 86_400 / 3600),
    }
}

/// The unit that gives so many bytes one to four digits, and its name.
pub(super) fn unit(bytes: u64) -> (f64, &'static str) {
    match bytes {
        0..1_048_576 => (1024.0, "KiB"),
        1_048_576..1_073_741_824 => (1_048_576.0, "MiB"),
        _ => (1_073_741_824.0, "GiB"),
    }
}

/// Bytes in the unit that fits.
pub(crate) fn size(bytes: u64) -> String {
    let (unit, name) = unit(bytes);
    let value = bytes as f64 / unit;
    let decimals = match value {
        ..10.0 => 2,
        10.0..100.0 => 1,
        _ => 0,
    };
    format!("{value:.decimals$} {name}")
}

/// Floating-point operations a second in the unit that fits.
pub fn flop_rate(flops_per_second: f64) -> String {
    let (unit, name) = if flops_per_second < 1e12 { (1e9, "GFLOP/s") } else { (1e12, "TFLOP/s") };
    let value = flops_per_second / unit;
    format!("{value:.*} {name}", usize::from(value < 100.0))
}

/// How far `value` is above `reference`, in percent of it.
pub(super) fn error_percent(value: u64, reference: u64) -> f64 {
    100.0 * (value as f64 / reference.max(1) as f64 - 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_words() {
        assert_eq!(
            [0.0, 7.0, 1234.0, 1_234_567.4, -1000.0].map(grouped),
            ["0", "7", "1,234", "1,234,567", "-1,000"]
        );
        assert_eq!(
            [0.0, 1.23456, 0.01234, 3e-4, 4812.3, 2e9].map(significant),
            ["0", "1.235", "0.01234", "3e-4", "4,812", "2e9"]
        );
    }

    #[test]
    fn times_and_sizes_in_words() {
        assert_eq!(
            [0.0, 9.4, 59.4, 59.6, 3599.0, 7384.0, 90_000.0].map(duration),
            ["0.0 s", "9.4 s", "59 s", "1 min 00 s", "59 min 59 s", "2 h 03 min", "1 d 01 h"]
        );
        assert_eq!(duration(f64::NAN), "an unknown time");
        assert_eq!(
            [0, 1536, 20 << 20, 300 << 20, 5 << 30].map(size),
            ["0.00 KiB", "1.50 KiB", "20.0 MiB", "300 MiB", "5.00 GiB"]
        );
        assert_eq!([of(1, "step"), of(2000, "step")], ["1 step", "2,000 steps"]);
        assert!((error_percent(90, 100) + 10.0).abs() < 1e-9);
        assert_eq!(
            [2.34e9, 241.2e9, 45.67e12].map(flop_rate),
            ["2.3 GFLOP/s", "241 GFLOP/s", "45.7 TFLOP/s"]
        );
    }
}
