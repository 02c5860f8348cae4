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
    output.reserve(text.len() + 1);
    let mut before = Kind::Gap;
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if c.is_ascii() {
            let n_ascii = rest.bytes().take_while(u8::is_ascii).count();
            for byte in rest[..n_ascii].bytes() {
                take(byte.to_ascii_lowercase().into(), ASCII[usize::from(byte)], &mut before, output);
            }
            rest = &rest[n_ascii..];
        } else {
            let kind = Kind::of(c);
            let mut lower = c.to_lowercase();
            take(lower.next().unwrap_or(c), kind, &mut before, output);
            if kind == Kind::Letter {
                output.extend(lower);
            }
            rest = &rest[c.len_utf8()..];
        }
    }
}

#[inline]
fn take(lower: char, kind: Kind, before: &mut Kind, output: &mut String) {
    if kind != Kind::Gap && !(kind == Kind::Digit && *before == Kind::Digit) {
        if *before == Kind::Gap && !output.is_empty() {
            output.push(' ');
        }
        output.push(if kind == Kind::Digit { '0' } else { lower });
    }
    *before = kind;
}

/// The kinds of the ASCII characters.
static ASCII: [Kind; 128] = {
    let mut kinds = [Kind::Gap; 128];
    let mut byte = 0;
    while byte < 128 {
        if (byte as u8).is_ascii_digit() {
            kinds[byte] = Kind::Digit;
        } else if (byte as u8).is_ascii_alphabetic() {
            kinds[byte] = Kind::Letter;
        }
        byte += 1;
    }
    kinds
};

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Gap,
    Digit,
    Letter,
}

impl Kind {
    /// The kind of a character outside ASCII.
    fn of(c: char) -> Self {
        if c.is_numeric() {
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
