//! What stands beside a code on a display or a report: whether it is active, and how often it was seen.

use std::sync::LazyLock;

use regex::Regex;

use super::describe::is_balanced;

/// The count behind a word for it: `OC 4`, `OC:4`, `OC (4)`, `count = 3`, `x3`.
const LABELLED: &str = r"(?: (?:\b(?:oc|o\.c\.|occ|occurr?ences?|count(?:s|er)?|cnt|times|x) | \u{d7})
    (?:\s+count)? \s* [:=\#.(-]? \s* ([0-9]{1,5})\b )";
/// The count before a word for it: `3x`, `3 times`.
const COUNTED: &str = r"(?: (?:\b(?:occurred|logged|stored|recorded|seen)\s+)? \b([0-9]{1,5}) \s*
    (?: (?:x|times|occurr?ences|hits)\b | \u{d7}) )";
/// The count behind a verb: `logged 12`.
const OF_VERB: &str = r"(?: \b(?:occurred|logged|stored|recorded|seen) \s* [:=\#(-]? \s* ([0-9]{1,5})\b )";
/// What says that a code is not active, though `active` stands in it.
const NOT_ACTIVE: &str = r"(?: \b(?: in-?active | inact | deactivated
    | (?: not | no\s+longer | non | isn.?t | was | were | last | formerly | prev(?:ious(?:ly)?)?\.? )
      [\s-]+ (?:currently\s+|now\s+)? (?: active | present )
    | active \s* [:=] \s* (?: no | false | 0 )
    )\b )";

/// A word that says whether a code is active, or how sure the controller is of it, with words that bend it; and the
/// conversion method of SAE J1939-73, which some displays show (`CM 0`).
const STATUS: &str = r"(?: (?: \b(?:currently|still|now|is|and|but|status|state) \b [\s:=]* )*
    \b(?: active | logged | stored | recorded | pending | intermittent | permanent | confirmed | present | current
      | history | historic(?:al)? | cleared | passive | past | live | sporadic | cm \s* [:=]? \s* [01]
    )\b (?: \s+ (?:codes?|faults?|now)\b | \s* [:=] \s* (?:yes|true|1)\b )? )";
/// What may stand before a state.
const LEAD: &str = r"[\s,;:=(\[\u{2010}-\u{2015}\u{2212}-]";
/// What may stand between two statements of a state, and behind the last.
const MARK: &str = r"[\s,;:=()\[\]\u{2010}-\u{2015}\u{2212}-]";

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
    /// What the text around a code says, such as `SPN 100 FMI 1 OC 12 stored`. That a code was also logged does not make
    /// an active one inactive.
    pub fn of(text: &str) -> Self {
        Self { active: active(text), count: count(text) }
    }

    /// What two reports of one code say together: active where one of them says so, and the larger count.
    #[must_use]
    pub fn merged(self, other: Self) -> Self {
        let active = match (self.active, other.active) {
            (Some(a), Some(b)) => Some(a || b),
            (a, b) => a.or(b),
        };
        Self { active, count: self.count.max(other.count) }
    }
}

fn active(text: &str) -> Option<bool> {
    /// Kinds of regeneration, which say nothing about the code.
    static REGENERATION: LazyLock<Regex> =
        LazyLock::new(|| pattern(&[r"\b(?:active|passive) \s+ (?:\w+\s+)? regen"]));
    static INACTIVE: LazyLock<Regex> = LazyLock::new(|| pattern(&[NOT_ACTIVE]));
    static ACTIVE: LazyLock<Regex> = LazyLock::new(|| pattern(&[r"\bactive\b"]));
    static STORED: LazyLock<Regex> =
        LazyLock::new(|| pattern(&[r"\b(?: stored | logged | history | historic(?:al)? )\b"]));
    /// Words that are a state only where nothing but code and count stands beside them: not `current below normal`.
    static ALONE: LazyLock<Regex> = LazyLock::new(|| {
        pattern(&[r"(?: ^ | [,;:=()\[\]-] | \S*[0-9]\S* | \b(?:is|still|now|currently|status|state) )
        \s* \b(?: (present | current | live) | past | passive )\b
        \s* (?: $ | [,;:()\[\].-] | [0-9] | x\s*[0-9] | (?: oc | occ | count | and | codes? | faults? )\b )"])
    });
    let text = REGENERATION.replace_all(text, " ");
    let rest = INACTIVE.replace_all(&text, " ");
    if ACTIVE.is_match(&rest) {
        return Some(true);
    }
    if INACTIVE.is_match(&text) || STORED.is_match(&rest) {
        return Some(false);
    }
    ALONE.captures(&rest).map(|found| found.get(1).is_some())
}

fn count(text: &str) -> Option<u32> {
    /// Numbers that belong to the code.
    static OF_CODE: LazyLock<Regex> = LazyLock::new(|| {
        pattern(&[
            r"\b(?: spn | fmi | cid | mid | eid | p?pid | p?sid | fc | sa ) \s* [:=\#.-]? \s* [0-9]+ (?:/[0-9]+)*",
        ])
    });
    /// A count behind which no date, time or fraction goes on.
    static BEHIND: LazyLock<Regex> =
        LazyLock::new(|| pattern(&[LABELLED, r"(?: $ | [^0-9.:/-] | [.:/-] (?: $ | [^0-9] ) )"]));
    static BEFORE: LazyLock<Regex> = LazyLock::new(|| pattern(&[COUNTED]));
    /// `logged 12`, but not `logged 12 h ago`.
    static BARE: LazyLock<Regex> = LazyLock::new(|| {
        pattern(&[OF_VERB, r"\s* (?: $ | [,;)\]] | (?: and | not | (?:in)?active | stored | logged )\b )"])
    });
    let text = OF_CODE.replace_all(text, " ");
    [&*BEHIND, &BEFORE, &BARE].into_iter().find_map(|pattern| pattern.captures(&text)?[1].parse().ok())
}

/// Whether a text says nothing but whether a code is active and how often it was seen: `active x3`, `(OC 3, inactive)`.
pub(super) fn is_state(text: &str) -> bool {
    static WHOLE: LazyLock<Regex> = LazyLock::new(|| statements("^", "*"));
    WHOLE.is_match(text) && is_balanced(text)
}

/// A code and the state with which the text ends, together with what separates the two.
pub(super) fn split_state(text: &str) -> Option<(&str, &str)> {
    static TAIL: LazyLock<Regex> = LazyLock::new(|| statements("", "+"));
    let (code, state) = text.split_at(TAIL.find(text)?.start());
    (!code.is_empty() && is_balanced(state)).then_some((code, state))
}

/// Statements of a state up to the end of the text, behind as many marks as `repeated` allows.
fn statements(start: &str, repeated: &str) -> Regex {
    pattern(&[
        start, LEAD, repeated, "(?: (?:", NOT_ACTIVE, "|", OF_VERB, "|", LABELLED, "|", COUNTED, "|", STATUS,
        ")", MARK, "* )+ $",
    ])
}

fn pattern(parts: &[&str]) -> Regex {
    Regex::new(&format!("(?xi){}", parts.concat())).expect("the pattern is part of the program and tested")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_and_counts_are_read() {
        for (text, active, count) in [
            ("SPN 100 FMI 1 OC 12", None, Some(12)),
            ("SPN 100 FMI 1 OC:4", None, Some(4)),
            ("SPN 100 FMI 1 (OC=4)", None, Some(4)),
            ("SPN 100 FMI 1 OC (4)", None, Some(4)),
            ("SPN 100 FMI 1 OC4", None, Some(4)),
            ("SPN 157 FMI 18 x 3", None, Some(3)),
            ("SPN 157 FMI 18 \u{d7}3", None, Some(3)),
            ("157-18 3x", None, Some(3)),
            ("P0087 occurred 3 times", None, Some(3)),
            ("P0087 occurrence count: 7", None, Some(7)),
            ("P0087 stored", Some(false), None),
            ("spn 97 fmi 15 ACTIVE count: 3", Some(true), Some(3)),
            ("SPN 97 FMI 3 not active 14x", Some(false), Some(14)),
            ("SPN 97 FMI 3 logged 14, not active", Some(false), Some(14)),
            ("P0087 seen 5", None, Some(5)),
            ("P0087 present, OC 2", Some(true), Some(2)),
            ("P20EE current", Some(true), None),
            ("P0087 past", Some(false), None),
            ("SPN 97 FMI 3", None, None),
        ] {
            assert_eq!(CodeState::of(text), CodeState { active, count }, "{text}");
        }
    }

    #[test]
    fn an_active_code_that_was_also_logged_is_active() {
        for text in ["active, logged 12", "P0087 stored 12, active", "history and active, OC 12"] {
            let count = CodeState::of(text).count;
            assert_eq!((CodeState::of(text).active, count), (Some(true), Some(12)), "{text}");
        }
        for text in [
            "previously active",
            "prev. active",
            "Not Active",
            "non-active",
            "in-active",
            "inactive, logged 12",
            "was active, logged",
            "no longer active",
            "active: no",
        ] {
            assert_eq!(CodeState::of(text).active, Some(false), "{text}");
        }
    }

    #[test]
    fn a_description_is_no_state_and_a_date_no_count() {
        for text in [
            "SPN 651 FMI 5 injector current below normal",
            "P0087 fuel leaks past the seal",
            "SPN 3703 FMI 31 active regeneration inhibited",
            "SPN 97 FMI 15 water present in fuel",
            "SPN 3719 FMI 16 passive regen too slow",
        ] {
            assert_eq!(CodeState::of(text).active, None, "{text}");
        }
        for text in [
            "logged 12 h ago",
            "logged 12:30",
            "stored 12.10.2025",
            "occurred 3/5",
            "seen 3 days",
            "count 2.5",
        ] {
            assert_eq!(CodeState::of(text).count, None, "{text}");
        }
    }

    #[test]
    fn two_reports_of_one_code_are_one() {
        let state = |active, count| CodeState { active, count };
        for (a, b, both) in [
            (state(Some(false), Some(3)), state(Some(true), None), state(Some(true), Some(3))),
            (state(Some(false), Some(3)), state(None, Some(5)), state(Some(false), Some(5))),
            (state(Some(false), None), state(Some(false), None), state(Some(false), None)),
            (CodeState::default(), CodeState::default(), CodeState::default()),
        ] {
            assert_eq!((a.merged(b), b.merged(a)), (both, both));
        }
    }
}
