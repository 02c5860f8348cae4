//! Answers that are simpler than the engine's.

use std::cmp::Reverse;

use gearhead_data::{
    case::Case,
    knowledge::{Card, KnowledgeBase},
    manifest::{Manifest, Ranking},
};

use crate::engine::Scored;

/// A simpler way to rank faults.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Baseline {
    /// The faults in the order of their frequency in training, whatever the case says.
    Majority,
    /// The faults whose cards list the most of the case's codes, common ones first; none without a code.
    CodeLookup,
    /// The engine without its language model: likeness to the cards, and codes.
    CardsAlone,
    /// The language model alone.
    ModelAlone,
}

/// A case and what the simpler ways know of it.
pub(super) struct Simpler<'a> {
    pub(super) case: &'a Case,
    pub(super) scored: Vec<Scored>,
    pub(super) manifest: Option<&'a Manifest>,
    pub(super) knowledge: &'a KnowledgeBase,
}

impl Baseline {
    /// Every baseline.
    pub const ALL: [Self; 4] = [Self::Majority, Self::CodeLookup, Self::CardsAlone, Self::ModelAlone];

    /// Its name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Majority => "majority",
            Self::CodeLookup => "code_lookup",
            Self::CardsAlone => "cards_alone",
            Self::ModelAlone => "model_alone",
        }
    }
}

impl Simpler<'_> {
    /// Ids of faults, the best first.
    pub(super) fn rank(&self, baseline: Baseline) -> Vec<String> {
        match baseline {
            Baseline::Majority => {
                let candidates = self.manifest.map_or(&[][..], |manifest| &manifest.candidates);
                candidates.iter().filter_map(|candidate| candidate.fault.clone()).collect()
            }
            Baseline::CodeLookup => {
                let codes = self.case.codes();
                let listed = |card: &Card| codes.iter().filter(|code| card.lists(code)).count();
                let mut cards: Vec<_> =
                    self.knowledge.cards().iter().filter(|card| listed(card) > 0).collect();
                cards.sort_by_key(|card| (Reverse(listed(card)), Reverse(card.occurrence), card.id.clone()));
                cards.into_iter().map(|card| card.id.clone()).collect()
            }
            Baseline::CardsAlone => self.by_score(|ranking| Ranking { model: 0.0, ..ranking }),
            Baseline::ModelAlone => self.by_score(|ranking| Ranking { cards: 0.0, codes: 0.0, ..ranking }),
        }
    }

    /// The engine's own ranking, with nothing left out.
    pub(super) fn full(&self) -> Vec<String> {
        self.by_score(|ranking| ranking)
    }

    fn by_score(&self, change: impl FnOnce(Ranking) -> Ranking) -> Vec<String> {
        let Some(manifest) = self.manifest else { return Vec::new() };
        let ranking = change(manifest.ranking);
        let mut order: Vec<&Scored> = self.scored.iter().collect();
        order.sort_by(|a, b| b.score(&ranking).total_cmp(&a.score(&ranking)).then(a.index.cmp(&b.index)));
        order.iter().filter_map(|scored| manifest.candidates[scored.index].fault.clone()).collect()
    }
}
