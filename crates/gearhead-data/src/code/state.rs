//! What stands beside a code on a display or a report: whether it is active, and how often it was seen.

use std::sync::LazyLock;

use regex::Regex;

/// Whether a code is active, and how often it was seen, as far as its spelling says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct CodeState {
    /// Active now (`true`), or only stored (`false`).
    pub active: Option<bool>,
    /// Occurrences.
    pub count: Option<u32>,
}

impl CodeState {
    /// What the text around a code says, such as `SPN 100 FMI 1 OC 12 stored`.
    pub fn of(text: &str) -> Self {
        static STORED: LazyLock<Regex> = LazyLock::new(|| {
            Regex::new(r"(?i)\b(inactive|not active|previously active|stored|logged|history|historic|passive|past)\b")
                .expect("the pattern is part of the program and tested")
        });
        static ACTIVE: LazyLock<Regex> = LazyLock::new(|| {
            Regex::new(r"(?i)\b(active|current|present|live)\b")
                .expect("the pattern is part of the program and tested")
        });
        static COUNT: LazyLock<Regex> = LazyLock::new(|| {
            Regex::new(r"(?i)\b(?:oc|count|occ|occurrences?|times|x)\s*[:=]?\s*([0-9]{1,5})\b|\b([0-9]{1,5})\s*(?:x|times)\b")
                .expect("the pattern is part of the program and tested")
        });
        let active = if STORED.is_match(text) { Some(false) } else { ACTIVE.is_match(text).then_some(true) };
        let count = COUNT.captures(text).and_then(|it| it.get(1).or(it.get(2))?.as_str().parse().ok());
        Self { active, count }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_and_counts_are_read() {
        for (text, active, count) in [
            ("SPN 100 FMI 1 OC 12", None, Some(12)),
            ("P0087 stored", Some(false), None),
            ("spn 97 fmi 15 ACTIVE count: 3", Some(true), Some(3)),
            ("SPN 97 FMI 3 not active 14x", Some(false), Some(14)),
            ("SPN 97 FMI 3", None, None),
        ] {
            assert_eq!(CodeState::of(text), CodeState { active, count }, "{text}");
        }
    }
}
