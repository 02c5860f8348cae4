//! Answers that need no language model.

use std::cmp::Reverse;

use gearhead_data::{case::Case, knowledge::KnowledgeBase, manifest::Manifest};

/// A simple way to rank faults.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Baseline {
    /// The faults in the order of their frequency in training, whatever the case says.
    Majority,
    /// The faults whose cards list the most of the case's codes, common ones first; none without a code.
    CodeLookup,
}

impl Baseline {
    /// Every baseline.
    pub const ALL: [Self; 2] = [Self::Majority, Self::CodeLookup];

    /// Its name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Majority => "majority",
            Self::CodeLookup => "code_lookup",
        }
    }

    /// Ids of faults, the best first.
    pub fn rank(self, case: &Case, manifest: Option<&Manifest>, knowledge: &KnowledgeBase) -> Vec<String> {
        match self {
            Self::Majority => {
                let candidates = manifest.map_or(&[][..], |manifest| &manifest.candidates);
                candidates.iter().filter_map(|candidate| candidate.fault.clone()).collect()
            }
            Self::CodeLookup => {
                let codes = case.codes();
                let listed = |card: &gearhead_data::knowledge::Card| codes.iter().filter(|code| card.lists(code)).count();
                let mut cards: Vec<_> = knowledge.cards().iter().filter(|card| listed(card) > 0).collect();
                cards.sort_by_key(|card| (Reverse(listed(card)), Reverse(card.occurrence), card.id.clone()));
                cards.into_iter().map(|card| card.id.clone()).collect()
            }
        }
    }
}
