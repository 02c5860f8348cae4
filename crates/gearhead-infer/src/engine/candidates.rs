//! The causes that a model ranks, and the ranking: the probability of each cause's name after the prompt.

use gearhead_data::{
    case::Case,
    knowledge::KnowledgeBase,
    manifest::Manifest,
    prompt::encode_field,
    tokenizer::{Markers, Tokenizer},
};
use gearhead_kernels::Kernels;
use gearhead_model::Decoder;

use crate::{decode::Prefix, error::Result};

/// The names of the causes as tokens.
#[derive(Debug)]
pub(super) struct Candidates {
    tokens: Vec<Vec<u32>>,
    faults: Vec<Option<String>>,
}

/// A candidate with its probability among the candidates that the machine can have.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Ranked {
    pub(super) index: usize,
    pub(super) probability: f64,
}

impl Candidates {
    pub(super) fn new(manifest: &Manifest, tokenizer: &Tokenizer, markers: Markers) -> Result<Self> {
        let mut tokens = Vec::with_capacity(manifest.candidates.len());
        for candidate in &manifest.candidates {
            let mut ids = encode_field(tokenizer, &candidate.cause)?;
            // What ends the name belongs to it: without it, a name that begins another would win too often.
            if candidate.goes_on {
                ids.extend(tokenizer.encode(".")?);
            } else {
                ids.push(markers.solution);
            }
            tokens.push(ids);
        }
        let faults = manifest.candidates.iter().map(|candidate| candidate.fault.clone()).collect();
        Ok(Self { tokens, faults })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.tokens.is_empty()
    }

    pub(super) fn tokens(&self, index: usize) -> &[u32] {
        &self.tokens[index]
    }

    pub(super) fn longest(&self) -> usize {
        self.tokens.iter().map(Vec::len).max().unwrap_or(0)
    }

    /// Every candidate that the machine can have, the most probable first; all of them where the machine can have
    /// none.
    pub(super) fn rank<B: Kernels>(
        &self,
        prefix: &Prefix<B>,
        decoder: &Decoder<B>,
        knowledge: &KnowledgeBase,
        case: &Case,
    ) -> Result<Vec<Ranked>> {
        let machine = knowledge.machine(&case.equipment);
        let can_have = |fault: &Option<String>| {
            let card = fault.as_deref().and_then(|id| knowledge.card(id));
            card.zip(machine).is_none_or(|(card, machine)| machine.can_have(card))
        };
        let mut possible: Vec<usize> = (0..self.tokens.len()).filter(|index| can_have(&self.faults[*index])).collect();
        if possible.is_empty() {
            possible = (0..self.tokens.len()).collect();
        }
        let tokens: Vec<Vec<u32>> = possible.iter().map(|index| self.tokens[*index].clone()).collect();
        let scores = prefix.score(decoder, &tokens)?;
        let largest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let total: f64 = scores.iter().map(|score| (score - largest).exp()).sum();
        let mut ranked: Vec<Ranked> = possible
            .into_iter()
            .zip(scores)
            .map(|(index, score)| Ranked { index, probability: (score - largest).exp() / total })
            .collect();
        ranked.sort_by(|a, b| b.probability.total_cmp(&a.probability).then(a.index.cmp(&b.index)));
        Ok(ranked)
    }
}
