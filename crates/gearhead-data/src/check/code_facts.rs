//! What the checks need to know of a code, looked up once for each spelling.

use xxhash_rust::xxh3::xxh3_64;

use crate::sample::Keyed;
use crate::{
    code::{CodeTable, NamedPart, parse_list},
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
    /// The gear or the cylinder that the code names.
    pub(super) part: Option<NamedPart>,
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
            part: NamedPart::of(&fault.code),
        }
    });
    facts.collect()
}
