//! The wordings of one split, sorted out once, so that making a case only draws from them.

use super::{
    vocabulary::{Reading, Vocabulary},
    wording::{Split, by_hash, of_split},
};
use crate::knowledge::{Card, KnowledgeBase, Machine};

/// What may be said of a fault, in wordings of one split.
pub(super) struct CardPool<'a> {
    pub(super) card: &'a Card,
    /// For each sign its wordings, and those of them that are notes.
    pub(super) signs: Vec<SignPool<'a>>,
    /// For each observation of the card its wordings.
    pub(super) evidence: Vec<Vec<&'a str>>,
    /// Statements that something is so.
    pub(super) present: Vec<Vec<&'static str>>,
    /// Statements that something is not so.
    pub(super) absent: Vec<Vec<&'static str>>,
    /// What instruments show.
    pub(super) readings: Vec<ReadingPool>,
    /// Complaints that only name the system.
    pub(super) vague: Vec<&'static str>,
    /// The machines that can have the fault and stand in training cases with it.
    pub(super) machines: Vec<&'a Machine>,
    /// The machines that can have it and stand with it in test cases only.
    pub(super) held_out_machines: Vec<&'a Machine>,
}

pub(super) struct SignPool<'a> {
    pub(super) all: Vec<&'a str>,
    pub(super) notes: Vec<&'a str>,
}

pub(super) struct ReadingPool {
    pub(super) reading: &'static Reading,
    pub(super) names: Vec<&'static str>,
    pub(super) range: [f64; 2],
}

/// The pools of every card.
pub(super) struct Pools<'a> {
    pub(super) cards: Vec<CardPool<'a>>,
    pub(super) code_only: Vec<&'static str>,
    pub(super) vocabulary: &'static Vocabulary,
}

impl<'a> Pools<'a> {
    pub(super) fn new(knowledge: &'a KnowledgeBase, split: Split) -> Self {
        let vocabulary = Vocabulary::builtin();
        Self {
            cards: knowledge.cards().iter().map(|card| CardPool::new(card, knowledge, split)).collect(),
            code_only: of_split(&vocabulary.code_only.wordings, split),
            vocabulary,
        }
    }
}

impl<'a> CardPool<'a> {
    fn new(card: &'a Card, knowledge: &'a KnowledgeBase, split: Split) -> Self {
        let vocabulary = Vocabulary::builtin();
        let signs = card.signs.iter().map(|sign| {
            let all = of_split(sign.wordings(), split);
            let is_note = |wording: &&&str| sign.shorthand.iter().any(|note| note == **wording);
            SignPool { notes: all.iter().filter(is_note).copied().collect(), all }
        });
        let observed = |in_card: fn(&super::vocabulary::Observation) -> (&Vec<String>, &Vec<String>)| {
            let named = vocabulary.observations.iter().map(in_card).filter(|(ids, _)| ids.contains(&card.id));
            named.map(|(_, wordings)| of_split(wordings, split)).collect::<Vec<_>>()
        };
        let readings = vocabulary.readings.iter().filter_map(|reading| {
            let range = reading.range_in(&card.id)?;
            Some(ReadingPool { reading, names: of_split(&reading.names, split), range })
        });
        let (held_out_machines, machines) = machines(card, knowledge);
        let vague = vocabulary.vague.iter().filter(|vague| vague.system == card.system);
        Self {
            card,
            signs: signs.collect(),
            evidence: card.evidence.iter().map(|evidence| of_split(&evidence.wording, split)).collect(),
            present: observed(|observation| (&observation.present_in, &observation.present)),
            absent: observed(|observation| (&observation.absent_in, &observation.absent)),
            readings: readings.collect(),
            vague: vague.flat_map(|vague| of_split(&vague.wordings, split)).collect(),
            machines,
            held_out_machines,
        }
    }
}

/// The machines that can have a fault: about a tenth that are held out with it, and the others.
fn machines<'a>(card: &Card, knowledge: &'a KnowledgeBase) -> (Vec<&'a Machine>, Vec<&'a Machine>) {
    let able = knowledge.machines().iter().filter(|machine| machine.can_have(card));
    let mut able = by_hash(able, |machine| format!("{}/{}", card.id, machine.kind));
    let held_out = if able.len() < 4 { 0 } else { (able.len() / 10).max(1) };
    let others = able.split_off(held_out);
    (able, others)
}

/// The names of a machine: about a seventh that only test cases use, and the others.
pub(super) fn names(machine: &Machine) -> (Vec<&String>, Vec<&String>) {
    let mut names = by_hash(&machine.names, |name| (*name).clone());
    let held_out = if names.len() < 3 { 0 } else { (names.len() / 7).max(1) };
    let others = names.split_off(held_out);
    (names, others)
}
