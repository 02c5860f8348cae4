//! How much of the answer a lookup without the complaint knows.
//!
//! A lookup is learned on half of the rows and asked about the other half: what is the most frequent label of this
//! set of codes, or of this machine? Which half a row belongs to depends on its number alone.

use std::collections::HashMap;

use serde::Serialize;
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use super::{labels::Names, share};
use crate::{
    case::Case,
    code::FaultCode,
    knowledge::KnowledgeBase,
    sample::{Counted, Sample},
};

/// Distinct keys that a lookup knows; of more, an even sample is learned and asked.
const MAX_KEYS: usize = 1 << 14;

/// Labels that are counted for a key.
const MAX_LABELS: usize = 256;

/// What lookups without the complaint know.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Lookups {
    /// The share of the rows with a label in one half that the most frequent label of the other half solves: chance.
    pub most_frequent: f64,
    /// The share that the first fault card with one of the row's codes solves, of all rows whose `fault` is a card.
    pub codes_by_cards: Lookup,
    /// Learned by the row's set of codes, or, where that set is new, by each of its codes.
    pub codes_learned: Lookup,
    /// Learned by the description of the machine.
    pub equipment_learned: Lookup,
}

/// What one lookup knows.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Lookup {
    /// Rows that were asked about.
    pub rows: u64,
    /// The share of them for which it had an answer.
    pub answered: f64,
    /// The share of them for which the answer was right.
    pub solved: f64,
    /// Whether every row was asked about; otherwise an even sample of the keys was.
    pub exact: bool,
}

pub(super) struct Counter {
    knowledge: &'static KnowledgeBase,
    /// Rows by half and label.
    labels: [HashMap<u32, u64>; 2],
    cards: Tally,
    first_card: HashMap<FaultCode, Option<&'static str>>,
    code_sets: Sample<CodeSet>,
    codes: Sample<Votes>,
    equipment: Sample<Halves>,
}

/// Rows by label.
type Counts = HashMap<u32, u64>;

/// What the learned half says about one code.
#[derive(Default)]
struct Votes {
    rows: u64,
    counts: Counts,
}

#[derive(Default)]
struct Halves {
    /// Rows of both halves.
    rows: u64,
    learned: Counts,
    asked: Counts,
    /// Rows of the asked half, those of labels that were not counted among them.
    asked_rows: u64,
}

#[derive(Default)]
struct CodeSet {
    codes: Vec<u64>,
    halves: Halves,
}

impl Counted for Votes {
    fn rows(&self) -> u64 {
        self.rows
    }
}

impl Counted for Halves {
    fn rows(&self) -> u64 {
        self.rows
    }
}

impl Counted for CodeSet {
    fn rows(&self) -> u64 {
        self.halves.rows
    }
}

#[derive(Default)]
struct Tally {
    rows: f64,
    answered: f64,
    solved: f64,
}

impl Tally {
    /// Asks about the rows of a key, which stands for `weight` keys.
    fn ask(&mut self, answer: Option<u32>, halves: &Halves, weight: f64) {
        let rows = weight * halves.asked_rows as f64;
        self.rows += rows;
        if let Some(label) = answer {
            self.answered += rows;
            self.solved += weight * halves.asked.get(&label).copied().unwrap_or(0) as f64;
        }
    }

    fn finish(&self, exact: bool) -> Lookup {
        let share = |part| if self.rows > 0.0 { part / self.rows } else { 0.0 };
        Lookup {
            rows: self.rows.round() as u64,
            answered: share(self.answered),
            solved: share(self.solved),
            exact,
        }
    }
}

impl Halves {
    fn add(&mut self, is_asked: bool, label: u32) {
        self.rows += 1;
        if is_asked {
            self.asked_rows += 1;
            count(&mut self.asked, label);
        } else {
            count(&mut self.learned, label);
        }
    }
}

fn count(counts: &mut Counts, label: u32) {
    if label != Names::REST && (counts.len() < MAX_LABELS || counts.contains_key(&label)) {
        *counts.entry(label).or_default() += 1;
    }
}

/// The most frequent label, the first to have appeared among equals.
fn most_frequent(counts: &Counts) -> Option<u32> {
    counts.iter().max_by_key(|(label, rows)| (**rows, std::cmp::Reverse(**label))).map(|(label, _)| *label)
}

impl Counter {
    pub(super) fn new() -> Self {
        Self {
            knowledge: KnowledgeBase::builtin(),
            labels: [HashMap::new(), HashMap::new()],
            cards: Tally::default(),
            first_card: HashMap::new(),
            code_sets: Sample::new(MAX_KEYS),
            codes: Sample::new(MAX_KEYS),
            equipment: Sample::new(MAX_KEYS),
        }
    }

    pub(super) fn add(&mut self, row: u64, case: &Case, codes: &[FaultCode], label: Option<u32>) {
        let Some(label) = label else { return };
        if let Some(card) = case.fault.as_deref().and_then(|fault| self.knowledge.card(fault)) {
            let answer = codes.iter().find_map(|code| self.first_card(code));
            self.cards.rows += 1.0;
            self.cards.answered += f64::from(u8::from(answer.is_some()));
            self.cards.solved += f64::from(u8::from(answer == Some(card.id.as_str())));
        }
        let is_asked = xxh3_64(&row.to_le_bytes()) & 1 == 1;
        *self.labels[usize::from(is_asked)].entry(label).or_default() += 1;
        let machine = xxh3_64(case.equipment.as_bytes());
        if let Some(halves) = self.equipment.at(machine, Halves::default) {
            halves.add(is_asked, label);
        }
        let mut hashes: Vec<u64> = codes.iter().map(|code| xxh3_64(code.to_string().as_bytes())).collect();
        hashes.sort_unstable();
        let set = hashes.iter().fold(0, |set, code| xxh3_64_with_seed(&code.to_le_bytes(), set));
        if !is_asked {
            for code in &hashes {
                if let Some(votes) = self.codes.at(*code, Votes::default) {
                    votes.rows += 1;
                    count(&mut votes.counts, label);
                }
            }
        }
        let new = || CodeSet { codes: hashes, halves: Halves::default() };
        if let Some(set) = self.code_sets.at(set, new) {
            set.halves.add(is_asked, label);
        }
    }

    /// The first card that lists the code.
    fn first_card(&mut self, code: &FaultCode) -> Option<&'static str> {
        if let Some(card) = self.first_card.get(code) {
            return *card;
        }
        let card = self.knowledge.cards_with_code(code).first().map(|card| card.id.as_str());
        if self.first_card.len() < MAX_KEYS {
            self.first_card.insert(code.clone(), card);
        }
        card
    }

    pub(super) fn finish(self) -> Lookups {
        let of_code: HashMap<u64, &Counts> =
            self.codes.sorted().into_iter().map(|(code, _, votes)| (code, &votes.counts)).collect();
        let mut by_codes = Tally::default();
        for (_, weight, set) in self.code_sets.sorted() {
            let answer = match set.codes.as_slice() {
                [] => None,
                codes => most_frequent(&set.halves.learned).or_else(|| {
                    let mut votes = Counts::new();
                    for (label, rows) in codes.iter().filter_map(|code| of_code.get(code)).copied().flatten()
                    {
                        *votes.entry(*label).or_default() += *rows;
                    }
                    most_frequent(&votes)
                }),
            };
            by_codes.ask(answer, &set.halves, weight);
        }
        let mut by_equipment = Tally::default();
        for (_, weight, halves) in self.equipment.sorted() {
            by_equipment.ask(most_frequent(&halves.learned), halves, weight);
        }
        let [learned, asked] = &self.labels;
        let guess = most_frequent(learned).and_then(|label| asked.get(&label)).copied().unwrap_or(0);
        Lookups {
            most_frequent: share(guess, asked.values().sum()),
            codes_by_cards: self.cards.finish(true),
            codes_learned: by_codes.finish(self.code_sets.is_exact() && self.codes.is_exact()),
            equipment_learned: by_equipment.finish(self.equipment.is_exact()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lookups(rows: impl Iterator<Item = (&'static str, &'static str, &'static str)>) -> Lookups {
        let (mut names, mut counter) = (Names::default(), Counter::new());
        for (row, (equipment, codes, fault)) in rows.enumerate() {
            let case = Case { fault: Some(fault.to_owned()), ..Case::new(equipment, "x").with_codes(codes) };
            let label = names.id(fault);
            counter.add(row as u64, &case, &case.codes(), Some(label));
        }
        counter.finish()
    }

    #[test]
    fn codes_that_name_the_fault_solve_everything_and_the_machine_nothing() {
        let faults = [("P0087", "a"), ("P0191", "b"), ("U0100", "c"), ("P0420", "d")];
        let found = lookups((0..800).map(|row| ("CAT 320", faults[row % 4].0, faults[row % 4].1)));
        assert!((found.codes_learned.solved - 1.0).abs() < 1e-9, "{found:?}");
        assert!((found.equipment_learned.solved - found.most_frequent).abs() < 1e-9, "{found:?}");
        assert!(found.most_frequent < 0.35);
        assert_eq!(found.codes_by_cards.rows, 0);
    }

    #[test]
    fn a_new_set_is_solved_by_its_codes() {
        // Each pair of codes stands on one row only, but P0087 always means a.
        let rows = (0..400).map(|row| {
            let other: &'static str = format!("P0087, P{row:04}").leak();
            ("CAT 320", other, "a")
        });
        let found = lookups(rows);
        assert!((found.codes_learned.solved - 1.0).abs() < 1e-9, "{found:?}");
    }

    #[test]
    fn rows_without_a_code_are_not_answered() {
        let found = lookups((0..400).map(|row| ("CAT 320", if row < 200 { "" } else { "P0087" }, "a")));
        assert!((found.codes_learned.answered - 0.5).abs() < 0.1, "{found:?}");
        assert!((found.codes_learned.solved - found.codes_learned.answered).abs() < 1e-9);
    }

    #[test]
    fn the_machine_is_a_lookup_too() {
        let machines = [("CAT 320", "a"), ("CAT 336", "b"), ("D6", "c")];
        let found = lookups((0..600).map(|row| (machines[row % 3].0, "", machines[row % 3].1)));
        assert!((found.equipment_learned.solved - 1.0).abs() < 1e-9, "{found:?}");
        assert!(found.codes_learned.answered == 0.0);
    }

    #[test]
    fn cards_answer_by_their_codes() {
        let card = KnowledgeBase::builtin().cards().iter().find(|card| !card.codes.is_empty()).unwrap();
        let code = card.codes[0].as_str();
        let first = KnowledgeBase::builtin().cards_with_code(&FaultCode::parse(code))[0].id.as_str();
        let found = lookups([("CAT 320", code, first), ("CAT 320", "", first)].into_iter());
        assert_eq!((found.codes_by_cards.rows, found.codes_by_cards.solved), (2, 0.5));
    }
}
