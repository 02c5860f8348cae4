//! What a text states that can be looked up: numbers, numbers with units, and fault codes.

use std::{collections::BTreeSet, sync::LazyLock};

use regex::Regex;

/// Letters that follow a number without being its unit do not matter: a unit is compared only where it is one of these.
const UNITS: &str = "%|°C|°F|degC|degF|deg|bar|mbar|kPa|MPa|Pa|psi|kg|g|mg|lb|t|Nm|N·m|lb-ft|ft-lb|kN|N|mm|cm|m|km|in|inch|inches|\
                     ft|l/min|L/min|lpm|gpm|l|L|ml|gal|V|mV|kV|A|mA|Ah|W|kW|hp|ohm|ohms|Ω|kΩ|mΩ|Hz|kHz|rpm|r/min|h|hr|hrs|hours|min|\
                     minutes|s|sec|seconds|ms|days|weeks|months|km/h|mph|ppm|dB|cSt";

static QUANTITY: LazyLock<Regex> = LazyLock::new(|| {
    let pattern = format!(r"([0-9]+(?:[.,][0-9]+)*)(?:\s?({UNITS})(?:[^A-Za-z0-9]|$))?");
    Regex::new(&pattern).expect("the pattern is part of the program and tested")
});
static CODE: LazyLock<Regex> = LazyLock::new(|| {
    let pattern = r"(?i)\b(SPN\s*[0-9]+(?:\s*FMI\s*[0-9]+)?|[PCBU][0-9][0-9A-F]{3}(?:-[0-9A-F]{2})?|(?:CID|MID|PID|EID)\s*[0-9]+)\b";
    Regex::new(pattern).expect("the pattern is part of the program and tested")
});

/// What a text states.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Claim {
    /// A fault code, without spaces and in capitals.
    Code(String),
    /// A number, and its unit if it has one.
    Quantity { number: String, unit: Option<String> },
}

impl std::fmt::Display for Claim {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Code(code) => f.write_str(code),
            Self::Quantity { number, unit: Some(unit) } => write!(f, "{number} {unit}"),
            Self::Quantity { number, unit: None } => f.write_str(number),
        }
    }
}

/// Everything that a text states. Numbers inside codes are not told again.
pub(super) fn claims(text: &str) -> Vec<Claim> {
    let mut found: Vec<Claim> = CODE
        .find_iter(text)
        .map(|code| {
            Claim::Code(
                code.as_str().chars().filter(|c| !c.is_whitespace()).collect::<String>().to_uppercase(),
            )
        })
        .collect();
    let rest = CODE.replace_all(text, " ");
    found.extend(QUANTITY.captures_iter(&rest).map(|quantity| Claim::Quantity {
        number: quantity[1].to_owned(),
        unit: quantity.get(2).map(|unit| unit.as_str().to_owned()),
    }));
    found
}

/// What there is to support a claim.
#[derive(Debug, Default)]
pub(super) struct Evidence {
    claims: BTreeSet<Claim>,
    numbers: BTreeSet<String>,
}

impl Evidence {
    pub(super) fn add(&mut self, text: &str) {
        for claim in claims(text) {
            match &claim {
                Claim::Quantity { number, .. } => {
                    self.numbers.insert(number.clone());
                }
                // A code supports its parameter alone too.
                Claim::Code(code) => {
                    let parameter = code.split_once("FMI").map(|(parameter, _)| parameter.to_owned());
                    self.claims.extend(parameter.map(Claim::Code));
                }
            }
            self.claims.insert(claim);
        }
    }

    /// Whether the evidence states the same; a number without a unit is supported by the number in any unit.
    pub(super) fn supports(&self, claim: &Claim) -> bool {
        match claim {
            Claim::Quantity { number, unit: None } => self.numbers.contains(number),
            claim => self.claims.contains(claim),
        }
    }
}

/// The sentences of a text, in a form in which they can be compared.
pub(super) fn sentences(text: &str) -> Vec<String> {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let split = text.replace(". ", ".\n").replace("! ", "!\n").replace("? ", "?\n");
    let bare = |sentence: &str| sentence.trim().trim_end_matches(['.', '!', '?']).to_owned();
    split.lines().map(bare).filter(|sentence| !sentence.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quantity(number: &str, unit: Option<&str>) -> Claim {
        Claim::Quantity { number: number.into(), unit: unit.map(str::to_owned) }
    }

    #[test]
    fn numbers_units_and_codes_are_found() {
        assert_eq!(
            claims("SPN 157 FMI 18 at 24.5 V, 3 bar; 12 bolts, P0087 and 250h"),
            [
                Claim::Code("SPN157FMI18".into()),
                Claim::Code("P0087".into()),
                quantity("24.5", Some("V")),
                quantity("3", Some("bar")),
                quantity("12", None),
                quantity("250", Some("h")),
            ]
        );
        assert_eq!(claims("no number, PC touches a hose"), []);
    }

    #[test]
    fn a_claim_needs_the_same_number_in_the_same_unit() {
        let mut evidence = Evidence::default();
        evidence.add("Cranking below 9.6 V; SPN 168 FMI 1; two of 12 cells");
        let supported = |text: &str| claims(text).iter().all(|claim| evidence.supports(claim));
        for text in ["9.6V", "about 9.6", "SPN 168", "spn 168 fmi 1", "12", "none"] {
            assert!(supported(text), "{text}");
        }
        for text in ["9.6 A", "96", "12 V", "SPN 168 FMI 2", "SPN 16", "P0087"] {
            assert!(!supported(text), "{text}");
        }
    }

    #[test]
    fn sentences_are_compared_without_their_ends() {
        assert_eq!(
            sentences("Battery flat.  It holds 9.6 V. Why? Old"),
            ["Battery flat", "It holds 9.6 V", "Why", "Old"]
        );
        assert_eq!(sentences(" . "), Vec::<String>::new());
    }
}
