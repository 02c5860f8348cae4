//! What copies of one text differ in, taken away.

/// The text in lower case, every number as `0`, and every run of white space and punctuation as one space.
///
/// ```
/// # use gearhead_data::duplicates::normalise;
/// assert_eq!(normalise("  LOW oil-press.,\tSPN 100 FMI 18!"), "low oil press spn 0 fmi 0");
/// ```
pub fn normalise(text: &str) -> String {
    let mut output = String::new();
    normalise_into(text, &mut output);
    output
}

/// As [`normalise`], into a buffer that is used again.
pub fn normalise_into(text: &str, output: &mut String) {
    output.clear();
    output.reserve(text.len());
    let mut before = Kind::Gap;
    for c in text.chars() {
        let kind = Kind::of(c);
        if kind == Kind::Gap || (kind == Kind::Digit && before == Kind::Digit) {
            before = kind;
            continue;
        }
        if before == Kind::Gap && !output.is_empty() {
            output.push(' ');
        }
        match kind {
            Kind::Digit => output.push('0'),
            _ if c.is_ascii() => output.push(c.to_ascii_lowercase()),
            _ => output.extend(c.to_lowercase()),
        }
        before = kind;
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Gap,
    Digit,
    Letter,
}

impl Kind {
    fn of(c: char) -> Self {
        if c.is_ascii() {
            match c {
                '0'..='9' => Self::Digit,
                'a'..='z' | 'A'..='Z' => Self::Letter,
                _ => Self::Gap,
            }
        } else if c.is_numeric() {
            Self::Digit
        } else if c.is_alphabetic() {
            Self::Letter
        } else {
            Self::Gap
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_copies_differ_in_is_taken_away() {
        assert_eq!(normalise("Oil  press. 2.5 bar"), "oil press 0 0 bar");
        assert_eq!(normalise("P0087"), normalise("p0191"));
        assert_eq!(normalise("ÖL läuft aus"), "öl läuft aus");
        assert_eq!(normalise(" ?! "), "");
        assert_ne!(normalise("no smoke"), normalise("smoke"));
    }

    proptest::proptest! {
        #[test]
        fn it_is_idempotent(text in "\\PC{0,60}") {
            // A capital with a combining mark may become two characters, of which the mark is a gap the second time.
            let once = normalise(&text);
            let twice = normalise(&once);
            proptest::prop_assert_eq!(normalise(&twice), twice);
        }
    }
}
