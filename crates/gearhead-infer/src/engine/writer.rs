//! Many texts at once for someone who does not know the backend.

use gearhead_kernels::Kernels;
use serde_json::Value;

use super::Engine;
use crate::{
    batch::{Batcher, Token},
    decode::Continuation,
    error::Result,
    sampling::Sampling,
};

/// A text that is asked for.
#[derive(Debug, Clone)]
pub struct Order {
    /// What it goes on from.
    pub prompt: Vec<u32>,
    /// At most so many tokens; what the model has no room for is left out.
    pub max_new_tokens: usize,
    /// How each token is chosen.
    pub sampling: Sampling,
    /// For how many of the most probable tokens, beside the one that is taken, log-probabilities are told; `None` for no
    /// log-probabilities at all.
    pub top_log_probs: Option<usize>,
    /// Only JSON that this JSON schema allows.
    pub json_schema: Option<Value>,
}

/// Texts that are written at once: see [`Batcher`].
pub trait Writer {
    /// Asks for a text; returns its number, counted from 0.
    ///
    /// # Errors
    ///
    /// The model cannot take the prompt, an option is out of its range, or the schema is none that can be kept to.
    fn submit(&mut self, order: &Order) -> Result<usize>;

    /// Stops a text: its place is free from the next step on.
    fn cancel(&mut self, number: usize);

    /// Writes the next token of every text that has a place; returns those that are done.
    fn step(&mut self, on_token: &mut dyn FnMut(usize, Token)) -> Vec<(usize, Result<Continuation>)>;

    /// Whether nothing is left to write.
    fn is_idle(&self) -> bool;

    /// How many tokens the texts hold in the cache, and how many it has room for.
    fn cache_use(&self) -> (usize, usize);
}

/// The texts of an engine.
pub(super) struct EngineWriter<'a, B: Kernels> {
    engine: &'a Engine<B>,
    batcher: Batcher<'a, B>,
}

impl<'a, B: Kernels> EngineWriter<'a, B> {
    pub(super) fn new(engine: &'a Engine<B>, texts: usize, capacity: usize) -> Self {
        let capacity = capacity.min(engine.predictor.config().max_seq_len);
        Self { engine, batcher: Batcher::new(&engine.predictor, texts, capacity) }
    }
}

impl<B: Kernels> Writer for EngineWriter<'_, B> {
    fn submit(&mut self, order: &Order) -> Result<usize> {
        let Order { prompt, max_new_tokens, sampling, top_log_probs, json_schema } = order;
        let constraint = match json_schema {
            Some(schema) => Some(self.engine.grammars()?.json_schema(schema.clone())?),
            None => None,
        };
        self.batcher.submit_within(prompt, *max_new_tokens, sampling, constraint, *top_log_probs)
    }

    fn cancel(&mut self, number: usize) {
        self.batcher.cancel(number);
    }

    fn step(&mut self, on_token: &mut dyn FnMut(usize, Token)) -> Vec<(usize, Result<Continuation>)> {
        self.batcher.step(on_token)
    }

    fn is_idle(&self) -> bool {
        self.batcher.is_idle()
    }

    fn cache_use(&self) -> (usize, usize) {
        self.batcher.cache_use()
    }
}
