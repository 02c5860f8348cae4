//! Lists inside a cell or a field: "1. Check the pump", "• Check the pump".

/// One entry of a list, or a text that is no list, as its only entry.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Entry {
    /// Its number, if it has one.
    pub(super) number: Option<u32>,
    pub(super) text: String,
}

/// Cuts the mark of a list off a line: its number, if it is one, and the rest.
pub(super) fn cut_mark(line: &str) -> Option<(Option<u32>, &str)> {
    let line = line.trim_start();
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    if (1..=2).contains(&digits) {
        let rest = line[digits..].strip_prefix(['.', ')'])?;
        // "1.5 bar" is no entry.
        return rest.starts_with(' ').then(|| (line[..digits].parse().ok(), rest.trim_start()));
    }
    let rest = line.strip_prefix(['•', '●', '▪', '■', '◆', '‣', '∙', '·', '–', '—', '-', '*', '○', '►'])?;
    rest.starts_with(' ').then(|| (None, rest.trim_start()))
}

/// The entries as one text; numbers stay, since the order of work is in them.
pub(super) fn joined(entries: &[Entry]) -> String {
    let mut text = String::new();
    for entry in entries.iter().filter(|entry| !entry.text.is_empty()) {
        if !text.is_empty() {
            text.push_str(if text.ends_with(['.', ':', ';', '!', '?', ',']) { " " } else { "; " });
        }
        if let Some(number) = entry.number.filter(|_| entries.len() > 1) {
            text.push_str(&number.to_string());
            text.push_str(". ");
        }
        text.push_str(&entry.text);
    }
    text
}

/// Whether two lists are numbered alike, so that their entries belong together one by one.
pub(super) fn are_paired(one: &[Entry], other: &[Entry]) -> bool {
    let numbers = |entries: &[Entry]| entries.iter().map(|entry| entry.number).collect::<Option<Vec<u32>>>();
    one.len() >= 2 && numbers(one).is_some_and(|one| numbers(other) == Some(one))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_cut_and_measures_are_not() {
        assert_eq!(cut_mark("1. Check"), Some((Some(1), "Check")));
        assert_eq!(cut_mark("12) Check"), Some((Some(12), "Check")));
        assert_eq!(cut_mark("• Check"), Some((None, "Check")));
        for text in ["1.5 bar", "Check", "-40 degrees", "2026. x", ""] {
            assert_eq!(cut_mark(text), None, "{text}");
        }
    }

    #[test]
    fn entries_join_with_what_they_lack() {
        let entry = |number, text: &str| Entry { number, text: text.into() };
        assert_eq!(joined(&[entry(Some(1), "Drain."), entry(Some(2), "Fill")]), "1. Drain. 2. Fill");
        assert_eq!(joined(&[entry(None, "worn pump"), entry(None, "low oil")]), "worn pump; low oil");
        assert_eq!(joined(&[entry(Some(3), "Fill")]), "Fill");
    }
}
