//! Under which conditions something happens, and since when.

use std::sync::LazyLock;

use regex::{Regex, RegexSet};
use serde::Serialize;

use super::Clause;

/// A condition of work that a complaint names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Condition {
    /// Cold machine or cold weather.
    Cold,
    /// Machine at working temperature, or hot weather.
    Hot,
    /// Under load.
    Loaded,
    /// At idle.
    Idle,
    /// Travelling.
    Travelling,
    /// On a slope.
    Grade,
    /// While it is being started.
    Starting,
    /// Rain, washing, mud.
    Wet,
    /// Now and then.
    Intermittent,
    /// All the time.
    Constant,
}

const CONDITIONS: [(Condition, &str); 10] = [
    (Condition::Cold, r"\b(cold|frost|freezing|winter|first thing|overnight|first start)\b"),
    (
        Condition::Hot,
        r"\b(when hot|hot|warm(ed)? up|once warm|when warm|operating temperature|summer|after an hour)\b",
    ),
    (
        Condition::Loaded,
        r"\b(loaded|under load|on load|heavy load|full load|digging|pushing|working hard|lugging)\b",
    ),
    (Condition::Idle, r"\b(idle|idling|tickover|tick over|low revs)\b"),
    (
        Condition::Travelling,
        r"\b(travel(l?ing|s)?|tramming|driving|while moving|on the road|at speed|hauling|roading)\b",
    ),
    (Condition::Grade, r"\b(uphill|downhill|up hill|hill|grade|grades|ramp|slope|incline|climb(ing|s)?)\b"),
    (Condition::Starting, r"\b(crank(s|ing|ed)?|start up|startup|cold start|starting|on start)\b"),
    (Condition::Wet, r"\b(rain(s|ing)?|wet|washed|wash down|washdown|mud|muddy|humid)\b"),
    (
        Condition::Intermittent,
        r"\b(intermittent|intermittently|sometimes|now and then|on and off|comes and goes|at times|randomly|occasional|occasionally)\b",
    ),
    (
        Condition::Constant,
        r"\b(all the time|always|constantly|permanently|at all times|hot or cold|hot and cold)\b",
    ),
];

/// The conditions that a clause in lower case names.
pub(super) fn of_clause(text: &str) -> Vec<Condition> {
    static PATTERNS: LazyLock<RegexSet> = LazyLock::new(|| {
        RegexSet::new(CONDITIONS.map(|(_, pattern)| pattern))
            .expect("the patterns are part of the program and tested")
    });
    let mut found: Vec<Condition> = PATTERNS.matches(text).into_iter().map(|at| CONDITIONS[at].0).collect();
    if found.contains(&Condition::Constant) {
        // "Hot or cold" names neither.
        found.retain(|condition| !matches!(condition, Condition::Hot | Condition::Cold));
    }
    found
}

/// Since when, from the first clause that says it.
pub(super) fn since(clauses: &[Clause]) -> Option<String> {
    static SINCE: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(
            r"(?x)
            \b(?: (?:ever\ )?since\ (?:the\ )?[a-z0-9][a-z0-9\ ]{2,50}
              | for\ (?:the\ )?(?:last\ |past\ )?(?:[0-9]+|a|two|three|four|five|six|ten|a\ few|several)\ (?:minutes|hours|shifts|days|weeks|months)
              | (?:after|following)\ (?:the\ |a\ )?(?:last\ )?[a-z\ ]{0,24}(?:service|repair|rebuild|change|changeout|change\ out|replacement|wash|overhaul)
              | (?:yesterday|this\ morning|last\ night|last\ shift|last\ week|overnight) ) \b",
        )
        .expect("the pattern is part of the program and tested")
    });
    clauses.iter().find_map(|clause| Some(SINCE.find(&clause.text)?.as_str().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_are_found_in_other_words() {
        for (text, expected) in [
            ("only when hot", vec![Condition::Hot]),
            ("hot or cold makes no difference", vec![Condition::Constant]),
            ("tramming up the ramp", vec![Condition::Travelling, Condition::Grade]),
            ("comes and goes in the rain", vec![Condition::Wet, Condition::Intermittent]),
            ("boom slow", vec![]),
        ] {
            assert_eq!(of_clause(text), expected, "{text}");
        }
    }

    #[test]
    fn since_is_what_was_said() {
        let of =
            |text: &str| since(&[Clause { text: text.to_owned(), denied: false, conditions: Vec::new() }]);
        assert_eq!(of("noisy since the pump was changed").as_deref(), Some("since the pump was changed"));
        assert_eq!(of("slow for two days now").as_deref(), Some("for two days"));
        assert_eq!(of("smokes after the last service").as_deref(), Some("after the last service"));
        assert_eq!(of("slow boom"), None);
    }
}
