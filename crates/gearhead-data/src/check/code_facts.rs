//! What the checks need to know of a code, looked up once for each spelling.

use xxhash_rust::xxh3::xxh3_64;

use crate::sample::Keyed;
use crate::{
    code::{Code, CodeTable, parse_list},
    system::System,
};

/// The prefixes of a code that are tried as an oracle, in characters of the canonical spelling.
pub(super) const PREFIX_CHARS: [usize; 2] = [2, 4];

/// The most spellings that are remembered; a file with more is looked up anew from time to time.
const MAX_SPELLINGS: usize = 1 << 16;

#[derive(Debug, Clone, Copy)]
pub(super) struct CodeFacts {
    /// The hash of the canonical spelling.
    pub(super) hash: u64,
    /// Hashes of its first characters.
    pub(super) prefixes: [u64; PREFIX_CHARS.len()],
    pub(super) is_opaque: bool,
    pub(super) is_known: bool,
    pub(super) system: Option<System>,
    pub(super) gear: Option<Gear>,
    /// The engine cylinder that the code names, from 1.
    pub(super) cylinder: Option<u8>,
}

/// A gear of a transmission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gear {
    Reverse,
    Forward(u8),
}

/// The spellings met so far.
pub(super) struct KnownCodes<'a> {
    table: &'a CodeTable,
    spellings: Keyed<Vec<CodeFacts>>,
}

impl<'a> KnownCodes<'a> {
    pub(super) fn new(table: &'a CodeTable) -> Self {
        Self { table, spellings: Keyed::default() }
    }

    /// The codes that an entry of `error_codes` lists.
    pub(super) fn of(&mut self, text: &str) -> &[CodeFacts] {
        let key = xxh3_64(text.as_bytes());
        if self.spellings.len() >= MAX_SPELLINGS && !self.spellings.contains_key(&key) {
            self.spellings.clear();
        }
        let table = self.table;
        self.spellings.entry(key).or_insert_with(|| facts(table, text))
    }
}

fn facts(table: &CodeTable, text: &str) -> Vec<CodeFacts> {
    let facts = parse_list(text).into_iter().map(|fault| {
        let canonical = fault.code.to_string();
        let decoded = table.decode(&fault);
        CodeFacts {
            hash: xxh3_64(canonical.as_bytes()),
            prefixes: PREFIX_CHARS.map(|chars| {
                let end = canonical.char_indices().nth(chars).map_or(canonical.len(), |(end, _)| end);
                xxh3_64(&canonical.as_bytes()[..end])
            }),
            is_opaque: fault.code.is_opaque(),
            is_known: decoded.known,
            system: decoded.system,
            gear: gear(&fault.code),
            cylinder: cylinder(&fault.code),
        }
    });
    facts.collect()
}

fn power_train_number(code: &Code) -> Option<u16> {
    let Code::Obd(text) = code else { return None };
    text.strip_prefix('P')?.parse().ok()
}

/// The gear whose ratio a code calls wrong.
///
/// **Source**: SAE J2012, P0729 and P0731 to P0736.
fn gear(code: &Code) -> Option<Gear> {
    match power_train_number(code)? {
        number @ 731..=735 => Some(Gear::Forward((number - 730) as u8)),
        729 => Some(Gear::Forward(6)),
        736 => Some(Gear::Reverse),
        _ => None,
    }
}

/// The engine cylinder that a code names.
///
/// **Source**: SAE J2012, P0201 to P0212 (injector circuit), P0261 to P0296 (injector, three codes for each
/// cylinder), P0301 to P0312 (misfire); SAE J1939-71, SPN 651 to 656 (injector) and 1323 to 1328 (misfire).
fn cylinder(code: &Code) -> Option<u8> {
    if let Code::J1939 { spn, .. } = code {
        return match spn {
            651..=656 => Some((spn - 650) as u8),
            1323..=1328 => Some((spn - 1322) as u8),
            _ => None,
        };
    }
    match power_train_number(code)? {
        number @ 201..=212 => Some((number - 200) as u8),
        number @ 261..=296 => Some(((number - 261) / 3 + 1) as u8),
        number @ 301..=312 => Some((number - 300) as u8),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gears_and_cylinders_are_those_of_the_standard() {
        let code = |text: &str| crate::code::FaultCode::parse(text).code;
        assert_eq!(gear(&code("P0735")), Some(Gear::Forward(5)));
        assert_eq!(gear(&code("p0736")), Some(Gear::Reverse));
        assert_eq!(gear(&code("P0729")), Some(Gear::Forward(6)));
        assert_eq!(gear(&code("P0730")), None);
        assert_eq!(gear(&code("SPN 735")), None);
        for (text, expected) in [
            ("P0203", 3),
            ("P0261", 1),
            ("P0263", 1),
            ("P0264", 2),
            ("P0284", 8),
            ("P0304", 4),
            ("SPN 652 FMI 5", 2),
            ("SPN 1328", 6),
        ] {
            assert_eq!(cylinder(&code(text)), Some(expected), "{text}");
        }
        for text in ["P0300", "P0200", "P0260", "SPN 650", "P0297", "C0203", "P020A"] {
            assert_eq!(cylinder(&code(text)), None, "{text}");
        }
    }
}
