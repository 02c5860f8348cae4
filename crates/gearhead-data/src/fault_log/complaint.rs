//! A complaint made from codes, for a diagnosis that was given nothing else.

use super::DecodedLogCode;

/// The most codes that are put into words; a machine that lists more has one root, and the first say it.
const MAX_CODES: usize = 6;

/// The codes in words, as a complaint: what each names and how it failed, active codes first.
///
/// The rule: `fault codes active:` and, for each active code, its meaning without what stands in parentheses and a word or
/// two for its failure mode; then `previously active:` and the others alike. A code whose meaning is not known stands by
/// its name. Each wording stands once, and past six the number of the rest is given. `None` where there is no code.
///
/// ```text
/// fault codes active: injector metering rail pressure low; previously active: battery voltage low voltage
/// ```
pub fn complaint(codes: &[DecodedLogCode]) -> Option<String> {
    let mut parts = Vec::new();
    for (label, active) in [("fault codes active", true), ("previously active", false)] {
        let mut words: Vec<String> = Vec::new();
        for code in codes.iter().filter(|code| code.active == active) {
            let text = in_words(code);
            if !words.contains(&text) {
                words.push(text);
            }
        }
        if words.is_empty() {
            continue;
        }
        let n_more = words.len().saturating_sub(MAX_CODES);
        words.truncate(MAX_CODES);
        let rest = if n_more > 0 { format!(" and {n_more} more") } else { String::new() };
        parts.push(format!("{label}: {}{rest}", words.join(", ")));
    }
    let text = parts.join("; ");
    let text = text
        .strip_prefix("previously active")
        .map_or(text.clone(), |rest| format!("no fault code active, previously active{rest}"));
    (!text.is_empty()).then_some(text)
}

fn in_words(code: &DecodedLogCode) -> String {
    let decoded = &code.decoded;
    let meaning = decoded.meaning.as_deref().or(code.description.as_deref()).map(without_parentheses);
    let name = meaning.filter(|meaning| !meaning.is_empty()).unwrap_or_else(|| decoded.code.clone());
    match decoded.fmi.and_then(failure_in_short).filter(|_| decoded.meaning.is_some()) {
        Some(failure) => format!("{name} {failure}"),
        None => name,
    }
}

fn without_parentheses(text: &str) -> String {
    let mut depth = 0_u32;
    let mut kept = String::new();
    for c in text.chars() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ if depth == 0 => kept.push(c),
            _ => {}
        }
    }
    kept.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A failure mode in a word or two.
///
/// **Source**: SAE J1939-73, failure modes; reworded.
fn failure_in_short(fmi: u8) -> Option<&'static str> {
    Some(match fmi {
        0 | 15 | 16 => "high",
        1 | 17 | 18 => "low",
        2 => "erratic",
        3 => "voltage high",
        4 => "voltage low",
        5 => "open circuit",
        6 => "short to ground",
        7 => "not responding",
        8 => "signal frequency wrong",
        9 => "not updating",
        10 => "changing too fast",
        12 => "failed",
        13 => "out of calibration",
        19 => "network data in error",
        20 => "drifted high",
        21 => "drifted low",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use crate::fault_log::FaultLog;

    use super::*;
    use crate::code::CodeTable;

    fn words(log: &str) -> Option<String> {
        let log = FaultLog::from_reader("log", log.as_bytes()).unwrap();
        complaint(&log.decode(CodeTable::builtin()))
    }

    #[test]
    fn codes_are_put_into_words() {
        let rail_low = "(1.0) can0 18FECA00#04FF9D001203FFFF\n";
        let coolant_hot_before = "(1.0) can0 18FECB00#00FF6E000001FFFF\n";
        let unknown = "(1.0) can0 18FECA00#04FFE0FFE301FFFF\n";
        assert_eq!(words(rail_low).unwrap(), "fault codes active: injector metering rail pressure low");
        assert_eq!(
            words(&[rail_low, coolant_hot_before].concat()).unwrap(),
            "fault codes active: injector metering rail pressure low; previously active: engine coolant temperature high"
        );
        assert_eq!(
            words(coolant_hot_before).unwrap(),
            "no fault code active, previously active: engine coolant temperature high"
        );
        assert_eq!(words(unknown).unwrap(), "fault codes active: SPN 524256 FMI 3");
        assert_eq!(words("(1.0) can0 18FECA00#00FF00000000FFFF\n"), None);
    }

    #[test]
    fn a_long_list_is_cut_and_said_to_be() {
        let frames = (1..=9).map(|spn: u32| format!("(1.0) can0 18FECA00#04FF{spn:02X}00E301FFFF\n"));
        let text = words(&frames.collect::<String>()).unwrap();
        assert!(text.ends_with(" and 3 more"), "{text}");
    }
}
