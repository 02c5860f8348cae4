//! The words by which manuals label a complaint, its cause and its remedy.

/// What a labelled text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Role {
    Equipment,
    Symptom,
    Codes,
    Cause,
    Solution,
}

impl Role {
    pub(super) fn in_words(self) -> &'static str {
        match self {
            Self::Equipment => "machine",
            Self::Symptom => "symptom",
            Self::Codes => "fault code",
            Self::Cause => "cause",
            Self::Solution => "remedy",
        }
    }
}

/// In the singular; a plural is found too.
const LABELS: [(Role, &[&str]); 5] = [
    (Role::Equipment, &["machine", "equipment", "machine model", "vehicle"]),
    (
        Role::Symptom,
        &[
            "problem",
            "symptom",
            "complaint",
            "trouble",
            "fault",
            "malfunction",
            "failure",
            "problem description",
            "fault description",
            "observed symptom",
            "fault symptom",
            "trouble symptom",
            "phenomenon",
            "defect",
            "customer complaint",
            "what happens",
            "issue",
            "concern",
        ],
    ),
    (
        Role::Codes,
        &[
            "code",
            "fault code",
            "error code",
            "trouble code",
            "diagnostic code",
            "diagnostic trouble code",
            "dtc",
            "event code",
            "alarm code",
            "failure code",
            "display code",
            "spn/fmi",
            "spn fmi",
            "spn",
            "flash code",
        ],
    ),
    (
        Role::Cause,
        &[
            "cause",
            "possible cause",
            "probable cause",
            "likely cause",
            "potential cause",
            "root cause",
            "presumed cause",
            "main cause",
            "reason",
            "possible reason",
            "probable reason",
            "cause of trouble",
            "cause of failure",
            "suspected cause",
        ],
    ),
    (
        Role::Solution,
        &[
            "correction",
            "corrective action",
            "remedy",
            "action",
            "solution",
            "countermeasure",
            "repair",
            "possible solution",
            "recommended action",
            "remedial action",
            "suggested action",
            "action required",
            "required action",
            "what to do",
            "rectification",
            "fix",
            "possible correction",
            "possible remedy",
            "suggested remedy",
            "suggested correction",
            "corrective measure",
            "remedial measure",
            "action to take",
            "action to be taken",
        ],
    ),
];

/// What a label says that follows; `None` if the text is no label.
pub(super) fn role(text: &str) -> Option<Role> {
    if let Some(role) = exact(&plain(text)?) {
        return Some(role);
    }
    // "Problem / symptom", "Remedy or action": one role under two names.
    let (one, other) = ["/", " or ", " and ", " & "].iter().find_map(|between| text.split_once(between))?;
    let role = exact(&plain(one)?)?;
    (exact(&plain(other)?) == Some(role)).then_some(role)
}

/// The label without case, punctuation, a number at either end and "(continued)"; `None` if it is too long for one.
fn plain(text: &str) -> Option<String> {
    if text.len() > 60 {
        return None;
    }
    let lower = text.to_lowercase().replace("(s)", "").replace("(es)", "");
    let lower = without_continued(&lower);
    let mut words: Vec<&str> = lower
        .split_whitespace()
        .map(|word| word.trim_matches(|char: char| !char.is_alphanumeric()))
        .collect();
    let is_number = |word: &&str| word.chars().all(|char| char.is_ascii_digit() || char == '.');
    words.retain(|word| !word.is_empty());
    if words.len() > 1 && words.first().is_some_and(is_number) {
        words.remove(0);
    }
    if words.len() > 1 && words.last().is_some_and(is_number) {
        words.pop();
    }
    let label = words.join(" ");
    (!label.is_empty() && words.len() <= 5).then_some(label)
}

fn exact(label: &str) -> Option<Role> {
    let label = label.trim();
    let find = |label: &str| LABELS.iter().find(|(_, labels)| labels.contains(&label)).map(|(role, _)| *role);
    find(label)
        .or_else(|| find(label.strip_suffix('s')?))
        .or_else(|| find(&format!("{}y", label.strip_suffix("ies")?)))
        .or_else(|| {
            // "causes of trouble": the plural stands inside.
            let (first, rest) = label.split_once(' ')?;
            find(&format!("{} {rest}", first.strip_suffix('s')?))
        })
}

/// The text without a "(continued)" at its end.
pub(super) fn without_continued(text: &str) -> &str {
    let text = text.trim();
    let Some(at) = text.rfind('(') else { return text };
    let inside = text[at + 1..].trim_end_matches(')').to_lowercase();
    if matches!(inside.as_str(), "continued" | "cont'd" | "cont’d" | "cont." | "contd" | "cont") {
        text[..at].trim_end()
    } else {
        text
    }
}

/// A line that begins with a label: its role and the rest of the line.
///
/// The label is followed by a colon or a dash; alone on its line it needs neither.
pub(super) fn leading(line: &str) -> Option<(Role, &str)> {
    let line = line.trim_start_matches(|char: char| char.is_whitespace() || "•●▪■◆*".contains(char));
    // The last word of a paragraph may stand alone on a line too.
    if !line.starts_with(char::is_lowercase)
        && !line.ends_with('.')
        && let Some(role) = role(line)
    {
        return Some((role, ""));
    }
    let at_colon = line.find(':').map(|at| (at, 1));
    let at_dash = [" - ", " – ", " — "].iter().filter_map(|dash| Some((line.find(dash)?, dash.len()))).min();
    [at_colon, at_dash]
        .into_iter()
        .flatten()
        .find_map(|(at, len)| Some((role(&line[..at])?, line[at + len..].trim_start())))
}

/// Running text cut at labels that stand in it after the end of a sentence.
pub(super) fn split_inline(text: &str) -> Vec<(Option<Role>, &str)> {
    let mut parts = Vec::new();
    let (mut start, mut current) = (0, None);
    for (colon, _) in text.match_indices(':') {
        let before = &text[start..colon];
        // A label starts after the end of a sentence; of several ends before the colon, the last is it.
        let Some(end) = before.rfind(['.', ';', '!', '?', '\n']) else { continue };
        let label = before[end + 1..].trim_start();
        if !label.starts_with(char::is_uppercase) {
            continue;
        }
        if let Some(role) = role(label) {
            parts.push((current, text[start..=start + end].trim()));
            (start, current) = (colon + 1, Some(role));
        }
    }
    parts.push((current, text[start..].trim()));
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_known_in_their_usual_dress() {
        for (text, expected) in [
            ("Problem:", Role::Symptom),
            ("POSSIBLE CAUSE(S)", Role::Cause),
            ("Probable Causes", Role::Cause),
            ("Remedies", Role::Solution),
            ("Corrective actions:", Role::Solution),
            ("1. Symptom", Role::Symptom),
            ("Problem 3", Role::Symptom),
            ("Symptom (continued)", Role::Symptom),
            ("Problem / Symptom", Role::Symptom),
            ("Remedy or Action", Role::Solution),
            ("SPN/FMI", Role::Codes),
        ] {
            assert_eq!(role(text), Some(expected), "{text}");
        }
        for text in
            ["", "Cause/Remedy", "The cause", "Problem solving guide", "Hydraulic oil", "12", "::", "/"]
        {
            assert_eq!(role(text), None, "{text}");
        }
    }

    #[test]
    fn a_leading_label_is_told_from_prose() {
        assert_eq!(leading("Cause: worn seal"), Some((Role::Cause, "worn seal")));
        assert_eq!(leading("• Remedy – Replace it: now"), Some((Role::Solution, "Replace it: now")));
        assert_eq!(leading("SYMPTOM"), Some((Role::Symptom, "")));
        assert_eq!(leading("Cause of the delay was: weather"), None);
        assert_eq!(leading("Action must be taken"), None);
        assert_eq!(leading("repair."), None);
    }

    #[test]
    fn labels_inside_a_paragraph_cut_it() {
        let text = "Boom drifts. Cause: leaking seal; see note: 3. Remedy: Replace the seal.";
        assert_eq!(
            split_inline(text),
            [
                (None, "Boom drifts."),
                (Some(Role::Cause), "leaking seal; see note: 3."),
                (Some(Role::Solution), "Replace the seal."),
            ]
        );
    }
}
