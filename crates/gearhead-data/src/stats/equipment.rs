//! The machines: which kinds, and which descriptions name none.

use std::collections::BTreeMap;

use serde::Serialize;
use xxhash_rust::xxh3::xxh3_64;

use super::Distinct;
use crate::{
    knowledge::KnowledgeBase,
    sample::{Counted, Sample},
};

/// Descriptions that are counted exactly.
const MAX_EXACT: usize = 1 << 16;

/// Descriptions that are listed.
const LISTED: usize = 5;

/// Something with a name, and on how many rows it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Named {
    /// The name.
    pub name: String,
    /// Rows.
    pub rows: u64,
}

impl Named {
    /// The `count` with the most rows, most first.
    pub(super) fn most<'a>(named: impl Iterator<Item = &'a Self>, count: usize) -> Vec<Self> {
        let mut named: Vec<&Self> = named.collect();
        named.sort_unstable_by(|a, b| b.rows.cmp(&a.rows).then_with(|| a.name.cmp(&b.name)));
        named.into_iter().take(count).cloned().collect()
    }
}

impl Counted for Named {
    fn rows(&self) -> u64 {
        self.rows
    }
}

/// The machines.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Equipment {
    /// Distinct descriptions, as written.
    pub distinct: Distinct,
    /// Rows for each kind of machine that the knowledge base knows, most first.
    pub kinds: Vec<Named>,
    /// Rows whose description names no known kind.
    pub unrecognised_rows: u64,
    /// The most frequent of these descriptions.
    pub unrecognised: Vec<Named>,
}

pub(super) struct Counter {
    knowledge: &'static KnowledgeBase,
    kinds: BTreeMap<&'static str, u64>,
    unrecognised_rows: u64,
    descriptions: Sample<Description>,
}

struct Description {
    kind: Option<&'static str>,
    named: Named,
}

impl Counted for Description {
    fn rows(&self) -> u64 {
        self.named.rows
    }
}

impl Counter {
    pub(super) fn new() -> Self {
        Self {
            knowledge: KnowledgeBase::builtin(),
            kinds: BTreeMap::new(),
            unrecognised_rows: 0,
            descriptions: Sample::new(MAX_EXACT),
        }
    }

    pub(super) fn add(&mut self, equipment: &str) {
        let kind_of = |equipment| self.knowledge.machine(equipment).map(|machine| machine.kind.as_str());
        let kept = self.descriptions.at(xxh3_64(equipment.as_bytes()), || Description {
            kind: kind_of(equipment),
            named: Named { name: equipment.to_owned(), rows: 0 },
        });
        let kind = match kept {
            Some(kept) => {
                kept.named.rows += 1;
                kept.kind
            }
            None => kind_of(equipment),
        };
        match kind {
            Some(kind) => *self.kinds.entry(kind).or_default() += 1,
            None => self.unrecognised_rows += 1,
        }
    }

    pub(super) fn finish(self) -> Equipment {
        let kinds: Vec<Named> =
            self.kinds.iter().map(|(kind, rows)| Named { name: (*kind).to_owned(), rows: *rows }).collect();
        let unrecognised = self
            .descriptions
            .values()
            .filter(|description| description.kind.is_none())
            .map(|description| &description.named);
        Equipment {
            distinct: Distinct::of(&self.descriptions),
            kinds: Named::most(kinds.iter(), kinds.len()),
            unrecognised_rows: self.unrecognised_rows,
            unrecognised: Named::most(unrecognised, LISTED),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_counted_and_the_unknown_listed() {
        let mut counter = Counter::new();
        for equipment in ["Caterpillar 320 Excavator", "Komatsu PC210LC-11", "Truck 7", "Unit Q", "Unit Q"] {
            counter.add(equipment);
        }
        let equipment = counter.finish();
        assert_eq!(equipment.distinct, Distinct { count: 4, exact: true });
        assert_eq!(equipment.kinds[0], Named { name: "excavator".into(), rows: 2 });
        assert_eq!(equipment.unrecognised[0], Named { name: "Unit Q".into(), rows: 2 });
        let rows: u64 = equipment.kinds.iter().map(|kind| kind.rows).sum();
        assert_eq!(rows + equipment.unrecognised_rows, 5);
    }
}
