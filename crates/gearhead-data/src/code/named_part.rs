//! The gear or the cylinder that a code names, and texts that name another.

use std::sync::LazyLock;

use regex::Regex;

use super::Code;

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

/// One of several like parts of a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NamedPart {
    /// Reverse gear of a transmission.
    ReverseGear,
    /// A forward gear of a transmission, from 1.
    Gear(u8),
    /// A cylinder of an engine, from 1.
    Cylinder(u8),
}

impl NamedPart {
    /// The part that a code names.
    ///
    /// **Source**: SAE J2012, P0729 and P0731 to P0736 (gear ratio), P0201 to P0212 (injector circuit), P0261 to P0296
    /// (injector, three codes for each cylinder), P0301 to P0312 (misfire); SAE J1939-71, SPN 651 to 656 (injector) and
    /// 1323 to 1328 (misfire).
    pub(crate) fn of(code: &Code) -> Option<Self> {
        let number: u16 = match code {
            Code::J1939 { spn, .. } => {
                return match spn {
                    651..=656 => Some(Self::Cylinder((spn - 650) as u8)),
                    1323..=1328 => Some(Self::Cylinder((spn - 1322) as u8)),
                    _ => None,
                };
            }
            Code::Obd(text) => text.strip_prefix('P')?.parse().ok()?,
            _ => return None,
        };
        match number {
            731..=735 => Some(Self::Gear((number - 730) as u8)),
            729 => Some(Self::Gear(6)),
            736 => Some(Self::ReverseGear),
            201..=212 => Some(Self::Cylinder((number - 200) as u8)),
            261..=296 => Some(Self::Cylinder(((number - 261) / 3 + 1) as u8)),
            301..=312 => Some(Self::Cylinder((number - 300) as u8)),
            _ => None,
        }
    }

    /// What the texts say instead, in their own words, where they name such parts and this is none of them.
    pub(crate) fn contradicted_by<'a>(self, texts: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
        let pattern = match self {
            Self::ReverseGear | Self::Gear(_) => &GEAR,
            Self::Cylinder(_) => &CYLINDER,
        };
        let mut named = None;
        for text in texts {
            for captures in pattern.captures_iter(text) {
                let which = number(captures.get(1).or(captures.get(2))?.as_str());
                if matches!(self, Self::Gear(own) | Self::Cylinder(own) if which == Some(own)) {
                    return None;
                }
                named = named.or(captures.get(0));
            }
            if self == Self::ReverseGear && text.to_lowercase().contains("revers") {
                return None;
            }
        }
        named.map(|named| named.as_str())
    }
}

impl std::fmt::Display for NamedPart {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::ReverseGear => f.write_str("reverse gear"),
            Self::Gear(number) => write!(f, "gear {number}"),
            Self::Cylinder(number) => write!(f, "cylinder {number}"),
        }
    }
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
    let digits = word.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    if !digits.is_empty() {
        return digits.parse().ok();
    }
    WORDS.iter().position(|words| words.contains(&word.as_str())).map(|index| index as u8 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::code::FaultCode;

    #[test]
    fn parts_are_those_of_the_standard() {
        let part = |text: &str| NamedPart::of(&FaultCode::parse(text).code);
        for (text, expected) in [
            ("P0735", NamedPart::Gear(5)),
            ("p0736", NamedPart::ReverseGear),
            ("P0729", NamedPart::Gear(6)),
            ("P0203", NamedPart::Cylinder(3)),
            ("P0261", NamedPart::Cylinder(1)),
            ("P0263", NamedPart::Cylinder(1)),
            ("P0264", NamedPart::Cylinder(2)),
            ("P0284", NamedPart::Cylinder(8)),
            ("P0304", NamedPart::Cylinder(4)),
            ("SPN 652 FMI 5", NamedPart::Cylinder(2)),
            ("SPN 1328", NamedPart::Cylinder(6)),
        ] {
            assert_eq!(part(text), Some(expected), "{text}");
        }
        for text in ["P0730", "SPN 735", "P0300", "P0200", "P0260", "SPN 650", "P0297", "C0203", "P020A"] {
            assert_eq!(part(text), None, "{text}");
        }
    }

    #[test]
    fn a_text_contradicts_when_it_names_others_only() {
        for (part, text, named) in [
            (NamedPart::Gear(5), "slips in 3rd gear", Some("3rd gear")),
            (NamedPart::Gear(5), "slips in 3rd gear and gear 5", None),
            (NamedPart::Gear(3), "no drive in second gear", Some("second gear")),
            (NamedPart::ReverseGear, "slips in gear 2", Some("gear 2")),
            (NamedPart::ReverseGear, "no reverse, gear 1 is fine", None),
            (NamedPart::Cylinder(2), "misfire on cylinder 4", Some("cylinder 4")),
            (NamedPart::Cylinder(11), "misfire on cyl 11", None),
            (NamedPart::Cylinder(2), "cylinder pressure 24 bar low", None),
            (NamedPart::Gear(5), "the gear lever is stiff", None),
        ] {
            assert_eq!(part.contradicted_by([text]), named, "{part}: {text}");
        }
    }
}
