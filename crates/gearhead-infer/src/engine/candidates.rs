//! The causes that an engine ranks, what speaks for each, and the ranking.

use gearhead_data::{
    case::Case,
    knowledge::KnowledgeBase,
    manifest::{FollowedBy, Manifest, Ranking},
    prompt::encode_field,
    reading::Reading,
    tokenizer::{Markers, Tokenizer},
};
use gearhead_kernels::Kernels;
use gearhead_model::Predictor;

use super::cards::CardIndex;
use crate::{
    decode::Prefix,
    error::{Error, Result},
};

/// The names of the causes as tokens, and their cards.
#[derive(Debug)]
pub(super) struct Candidates {
    tokens: Vec<Vec<u32>>,
    faults: Vec<Option<String>>,
    /// How many of them the model was trained on; the rest stand behind them.
    trained: usize,
}

/// What speaks for a candidate. Of a cause without a card the card's parts are 0.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Scored {
    /// Its position in the manifest's list.
    pub index: usize,
    /// What speaks for it, part by part, as what a [`Ranking`] weighs: the log-probability of its name given the case, in
    /// nats; likeness to its card; shared codes; past cases; the log-probability by
    /// single words, in nats. A cause that the model was not trained on gets the mean probability of those that
    /// it was: the model then speaks neither for nor against it.
    pub evidence: Ranking,
}

impl Scored {
    /// The weighted sum.
    pub fn score(&self, ranking: &Ranking) -> f64 {
        let parts = self.evidence.to_array().into_iter().zip(ranking.to_array());
        parts.map(|(evidence, weight)| evidence * weight).sum()
    }
}

/// A candidate with its probability among the candidates that the machine can have.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Ranked {
    pub(crate) index: usize,
    pub(crate) probability: f64,
}

impl Candidates {
    /// The candidates of a manifest, of which the first `trained` are from the model's training.
    pub(super) fn new(
        manifest: &Manifest,
        trained: usize,
        tokenizer: &Tokenizer,
        markers: Markers,
    ) -> Result<Self> {
        let mut tokens = Vec::with_capacity(manifest.candidates.len());
        for candidate in &manifest.candidates {
            let (stop, marker) = match candidate.followed_by {
                FollowedBy::Solution => ("", Some(markers.solution)),
                FollowedBy::Step => ("", Some(markers.step)),
                FollowedBy::End => ("", Some(markers.eos)),
                _ => (".", None),
            };
            let mut ids = encode_field(tokenizer, &format!("{}{stop}", candidate.cause))?;
            ids.extend(marker);
            tokens.push(ids);
        }
        let faults = manifest.candidates.iter().map(|candidate| candidate.fault.clone()).collect();
        Ok(Self { tokens, faults, trained })
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

    /// Every candidate that the machine can have, in the manifest's order, with what the cards say of it; all of them where
    /// the machine can have none. What the knowledge disables is never among them.
    pub(super) fn possible(
        &self,
        knowledge: &KnowledgeBase,
        cards: &CardIndex,
        case: &Case,
        reading: &Reading,
    ) -> Result<Vec<Scored>> {
        let machine = knowledge.machine(&case.equipment);
        let is_disabled =
            |fault: &Option<String>| fault.as_deref().is_some_and(|id| knowledge.is_disabled(id));
        let can_have = |fault: &Option<String>| {
            let card = fault.as_deref().and_then(|id| knowledge.card(id));
            !is_disabled(fault) && card.zip(machine).is_none_or(|(card, machine)| machine.can_have(card))
        };
        let mut possible: Vec<usize> =
            (0..self.tokens.len()).filter(|index| can_have(&self.faults[*index])).collect();
        if possible.is_empty() {
            possible = (0..self.tokens.len()).filter(|index| !is_disabled(&self.faults[*index])).collect();
        }
        if possible.is_empty() {
            return Err(Error::AllDisabled);
        }
        let evidence = cards.evidence(case, reading);
        let scored = possible.into_iter().map(|index| {
            let number = self.faults[index].as_deref().and_then(|id| cards.number(id));
            let of_card = |scores: &[f32]| number.map_or(0.0, |number| f64::from(scores[number]));
            let (cards, codes) = (of_card(&evidence.likeness), of_card(&evidence.codes));
            Scored { index, evidence: Ranking { model: 0.0, cards, codes, cases: 0.0, linear: 0.0 } }
        });
        Ok(scored.collect())
    }

    /// Adds what the network says of candidates after a prompt that it has read.
    pub(super) fn weigh<B: Kernels>(
        &self,
        scored: &mut [Scored],
        prefix: &Prefix<B>,
        predictor: &Predictor<B>,
    ) -> Result<()> {
        let known = scored.iter().filter(|scored| scored.index < self.trained);
        let tokens: Vec<Vec<u32>> = known.map(|scored| self.tokens[scored.index].clone()).collect();
        let mut log_probs = prefix.score(predictor, &tokens)?;
        log_probs.resize(scored.len(), log_mean_prob(&log_probs));
        for (scored, log_prob) in scored.iter_mut().zip(log_probs) {
            scored.evidence.model = log_prob;
        }
        Ok(())
    }
}

/// The logarithm of the mean probability; 0 of none.
pub(super) fn log_mean_prob(log_probs: &[f64]) -> f64 {
    if log_probs.is_empty() {
        return 0.0;
    }
    let largest = log_probs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let total: f64 = log_probs.iter().map(|log_prob| (log_prob - largest).exp()).sum();
    largest + (total / log_probs.len() as f64).ln()
}

/// Probabilities by the softmax of the scores, the most probable first; of equals the more frequent cause.
pub(crate) fn rank(scored: &[Scored], ranking: &Ranking) -> Vec<Ranked> {
    let mut ranked: Vec<Ranked> = scored
        .iter()
        .zip(softmax(scored, ranking))
        .map(|(scored, probability)| Ranked { index: scored.index, probability })
        .collect();
    ranked.sort_by(|a, b| b.probability.total_cmp(&a.probability).then(a.index.cmp(&b.index)));
    ranked
}

pub(super) fn softmax(scored: &[Scored], ranking: &Ranking) -> Vec<f64> {
    let scores: Vec<f64> = scored.iter().map(|scored| scored.score(ranking)).collect();
    let largest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let weights: Vec<f64> = scores.iter().map(|score| (score - largest).exp()).collect();
    let total: f64 = weights.iter().sum();
    weights.into_iter().map(|weight| weight / total).collect()
}
