//! What an engine goes by besides its network: the words, the causes, the knowledge, past cases.

use std::{collections::HashSet, sync::Arc};

use gearhead_data::{
    case::Case,
    knowledge::KnowledgeBase,
    likeness::Linear,
    manifest::{Candidate, Manifest},
    reading::Reading,
    tokenizer::{Markers, Tokenizer},
};

use super::{
    candidates::{Candidates, log_mean_prob},
    cards::{CardIndex, FAMILIAR_FROM},
    past_cases::PastCases,
};
use crate::{
    document::of_case,
    error::{Error, Result},
};

/// All of an engine that any thread may use while the network is at work.
#[derive(Debug)]
pub(super) struct Background {
    pub(super) tokenizer: Tokenizer,
    pub(super) diagnosis: Option<Diagnosis>,
    pub(super) knowledge: Arc<KnowledgeBase>,
    pub(super) cards: Arc<CardIndex>,
    pub(super) past: PastCases,
    /// The name of the model.
    pub(super) name: String,
    /// The most tokens that the network takes.
    pub(super) max_seq_len: usize,
}

impl Background {
    /// What a model has that ranks causes.
    pub(super) fn diagnosis(&self) -> Result<&Diagnosis> {
        let diagnosis = self.diagnosis.as_ref().filter(|diagnosis| !diagnosis.candidates.is_empty());
        diagnosis.ok_or_else(|| self.no_candidates())
    }

    pub(super) fn no_candidates(&self) -> Error {
        Error::NoCandidates { path: self.name.clone().into() }
    }

    /// Whether a case is the business of a model that knows faults of heavy equipment.
    pub(super) fn is_familiar(&self, diagnosis: &Diagnosis, case: &Case, reading: &Reading) -> bool {
        !diagnosis.goes_by_cards(&self.knowledge) || self.cards.familiarity(case, reading) >= FAMILIAR_FROM
    }
}

/// What only a model that was trained for diagnosis has.
#[derive(Debug)]
pub(super) struct Diagnosis {
    pub(super) manifest: Manifest,
    pub(super) markers: Markers,
    pub(super) candidates: Candidates,
    /// How many of the manifest's candidates are from the training.
    pub(super) trained: usize,
    /// What single words and codes tell, where the model has it.
    pub(super) linear: Option<Linear>,
}

impl Diagnosis {
    pub(super) fn new(manifest: Manifest, tokenizer: &Tokenizer) -> Result<Self> {
        let markers = tokenizer.case_markers()?;
        let trained = manifest.candidates.len();
        let candidates = Candidates::new(&manifest, trained, tokenizer, markers)?;
        Ok(Self { manifest, markers, candidates, trained, linear: None })
    }

    /// Whether most of the causes are those of cards, so that what no card is about is not the model's business either.
    fn goes_by_cards(&self, knowledge: &KnowledgeBase) -> bool {
        let has_card = |it: &&Candidate| it.fault.as_deref().is_some_and(|id| knowledge.card(id).is_some());
        2 * self.manifest.candidates.iter().filter(has_card).count() > self.manifest.candidates.len()
    }

    /// The log-probability of each candidate by single words and codes; of one that was not learned, as
    /// [`Candidates::weigh`] has it for the language model, that of the mean probability.
    pub(super) fn by_words(&self, case: &Case, knowledge: &KnowledgeBase) -> Vec<f64> {
        let n = self.manifest.candidates.len();
        let Some(linear) = &self.linear else { return vec![0.0; n] };
        let logits = linear.scores(&of_case(case, knowledge));
        let total = log_mean_prob(&logits) + (logits.len() as f64).ln();
        let mut log_probs: Vec<f64> = logits.into_iter().map(|logit| logit - total).collect();
        log_probs.resize(n, log_mean_prob(&log_probs));
        log_probs
    }

    /// Puts the company's own cards behind the causes of the training.
    pub(super) fn rank_own_cards(&mut self, knowledge: &KnowledgeBase, tokenizer: &Tokenizer) -> Result<()> {
        self.manifest.candidates.truncate(self.trained);
        let trained: HashSet<String> =
            self.manifest.candidates.iter().filter_map(|candidate| candidate.fault.clone()).collect();
        let own = knowledge.cards().iter().filter(|card| knowledge.is_own(&card.id));
        let new = own.filter(|card| !trained.contains(&card.id)).map(Candidate::of_card);
        self.manifest.candidates.extend(new);
        self.candidates = Candidates::new(&self.manifest, self.trained, tokenizer, self.markers)?;
        Ok(())
    }
}
