//! Continuing a prompt, and the log-probabilities of given tokens.

use burn::tensor::{Int, Tensor, TensorData, activation::log_softmax};
use gearhead_kernels::{Documents, Kernels};
use gearhead_model::{Decoder, KvCache};
use serde::Serialize;

use crate::{
    constraint::Constraint,
    error::{Error, Result},
    sampling::{Sampler, Sampling, argmax},
};

/// Why a continuation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FinishReason {
    /// The model ended it.
    Stop,
    /// It reached the most tokens that were asked for, or that the model can take.
    Length,
}

/// A continuation.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Continuation {
    /// New token ids, without the one that ended it.
    pub ids: Vec<u32>,
    /// Why it ended.
    pub finish_reason: FinishReason,
}

/// A prompt that was read: its cache, and the scores of what may come next.
#[derive(Debug, Clone)]
pub struct Prefix<B: Kernels> {
    cache: KvCache<B>,
    /// Log-probabilities of the next token, `[vocab_size]`.
    next_log_probs: Vec<f32>,
}

impl<B: Kernels> Prefix<B> {
    /// Reads a prompt once; continuations of it share its cache.
    ///
    /// # Errors
    ///
    /// The prompt is empty, too long, or has an id that the model lacks.
    pub fn read(decoder: &Decoder<B>, prompt: &[u32]) -> Result<Self> {
        check(decoder, prompt)?;
        let mut cache = KvCache::new(decoder.config(), 1, prompt.len(), &decoder.device());
        let hidden = decoder.forward_cached(prompt, &mut cache);
        let [n, d_model] = hidden.dims();
        let last = hidden.slice([n - 1..n, 0..d_model]);
        let next_log_probs = to_vec(log_softmax(decoder.logits(last), 1));
        Ok(Self { cache, next_log_probs })
    }

    /// The log-probability of each continuation, summed over its tokens, in nats. All continuations are computed
    /// together.
    ///
    /// # Errors
    ///
    /// A continuation has an id that the model lacks, or does not fit.
    pub fn score(&self, decoder: &Decoder<B>, continuations: &[Vec<u32>]) -> Result<Vec<f64>> {
        let mut scores = Vec::with_capacity(continuations.len());
        // Bounded, so that a company with hundreds of causes needs no more memory than one with dozens.
        for some in continuations.chunks(128) {
            scores.extend(self.score_together(decoder, some)?);
        }
        Ok(scores)
    }

    /// Continues the prompt with `begun` and then with what the model finds most probable of what `constraint` allows.
    /// Tokens that are forced are read together, not one by one. The continuation is without `begun`.
    ///
    /// # Errors
    ///
    /// An id that the model lacks, or the grammar fails.
    pub(crate) fn write(
        &self,
        decoder: &Decoder<B>,
        begun: &[u32],
        constraint: &mut Constraint,
    ) -> Result<Continuation> {
        check_ids(decoder, begun)?;
        let config = decoder.config();
        let room = config.max_seq_len.saturating_sub(self.cache.len() + begun.len());
        let mut cache = self.cache.fork(1, config.max_seq_len);
        let (mut ids, mut input) = (Vec::new(), begun.to_vec());
        loop {
            let forced = constraint.take_forced();
            ids.extend_from_slice(&forced);
            input.extend(forced);
            if constraint.is_over()? {
                return Ok(Continuation { ids, finish_reason: FinishReason::Stop });
            }
            if ids.len() >= room {
                ids.truncate(room);
                return Ok(Continuation { ids, finish_reason: FinishReason::Length });
            }
            let hidden = decoder.forward_cached(&input, &mut cache);
            let [n, d_model] = hidden.dims();
            let mut logits = to_vec(decoder.logits(hidden.slice([n - 1..n, 0..d_model])));
            constraint.mask(&mut logits)?;
            let id = argmax(&logits);
            if config.eos_ids.contains(&id) {
                return Ok(Continuation { ids, finish_reason: FinishReason::Stop });
            }
            constraint.take(id)?;
            ids.push(id);
            input = vec![id];
        }
    }

    fn score_together(&self, decoder: &Decoder<B>, continuations: &[Vec<u32>]) -> Result<Vec<f64>> {
        let config = decoder.config();
        let longest = continuations.iter().map(Vec::len).max().unwrap_or(0);
        for continuation in continuations {
            check_ids(decoder, continuation)?;
        }
        let tokens = self.cache.len() + longest;
        if tokens > config.max_seq_len {
            return Err(Error::TooLong { tokens, max_seq_len: config.max_seq_len });
        }
        let first = |continuation: &Vec<u32>| {
            continuation.first().map_or(0.0, |id| f64::from(self.next_log_probs[*id as usize]))
        };
        let mut scores: Vec<f64> = continuations.iter().map(first).collect();
        if longest < 2 {
            return Ok(scores);
        }
        // Each row holds a continuation without its last token, padded at the end, where nothing looks back at it.
        let inputs = longest - 1;
        let mut ids = vec![0; continuations.len() * inputs];
        let (mut rows, mut targets, mut owners) = (Vec::new(), Vec::new(), Vec::new());
        for (row, continuation) in continuations.iter().enumerate() {
            for (column, pair) in continuation.windows(2).enumerate() {
                ids[row * inputs + column] = pair[0];
                rows.push((row * inputs + column) as i64);
                targets.push(i64::from(pair[1]));
                owners.push(row);
            }
        }
        let mut cache = self.cache.fork(continuations.len(), tokens);
        let hidden = decoder.forward_cached(&ids, &mut cache);
        let device = decoder.device();
        let count = rows.len();
        let int = |values| Tensor::<B, 1, Int>::from_data(TensorData::new(values, [count]), &device);
        let log_probs = log_softmax(decoder.logits(hidden.select(0, int(rows))), 1);
        let chosen = to_vec(log_probs.gather(1, int(targets).unsqueeze_dim::<2>(1)));
        for (owner, log_prob) in owners.into_iter().zip(chosen) {
            scores[owner] += f64::from(log_prob);
        }
        Ok(scores)
    }
}

/// Continues a prompt by at most `max_new_tokens` tokens; `on_token` sees each as it comes.
///
/// # Errors
///
/// The prompt is empty, too long, or has an id that the model lacks; an option is out of its range.
pub fn generate<B: Kernels>(
    decoder: &Decoder<B>,
    prompt: &[u32],
    max_new_tokens: usize,
    sampling: &Sampling,
    on_token: &mut dyn FnMut(u32),
) -> Result<Continuation> {
    check(decoder, prompt)?;
    let config = decoder.config();
    let mut sampler = Sampler::new(sampling)?;
    let room = config.max_seq_len - prompt.len();
    let limit = max_new_tokens.min(room);
    let mut cache = KvCache::new(config, 1, prompt.len() + limit, &decoder.device());
    let mut ids = Vec::with_capacity(limit);
    let mut input = prompt.to_vec();
    while ids.len() < limit {
        let hidden = decoder.forward_cached(&input, &mut cache);
        let [n, d_model] = hidden.dims();
        let logits = to_vec(decoder.logits(hidden.slice([n - 1..n, 0..d_model])));
        let id = sampler.next(&logits);
        if config.eos_ids.contains(&id) {
            return Ok(Continuation { ids, finish_reason: FinishReason::Stop });
        }
        on_token(id);
        ids.push(id);
        input = vec![id];
    }
    Ok(Continuation { ids, finish_reason: FinishReason::Length })
}

/// The log-probability of every token given those before it, in nats: one for each id, `None` for the first.
///
/// # Errors
///
/// The ids are none, too many, or not the model's.
pub fn log_probs<B: Kernels>(decoder: &Decoder<B>, ids: &[u32]) -> Result<Vec<Option<f32>>> {
    check(decoder, ids)?;
    let mut log_probs = vec![None];
    if ids.len() == 1 {
        return Ok(log_probs);
    }
    let inputs = &ids[..ids.len() - 1];
    let hidden = decoder.forward_packed(inputs, &Documents::new(&[0, inputs.len()]));
    let targets: Vec<i64> = ids[1..].iter().map(|id| i64::from(*id)).collect();
    let targets = Tensor::<B, 1, Int>::from_data(TensorData::new(targets, [inputs.len()]), &decoder.device());
    let chosen = log_softmax(decoder.logits(hidden), 1).gather(1, targets.unsqueeze_dim::<2>(1));
    log_probs.extend(to_vec(chosen).into_iter().map(Some));
    Ok(log_probs)
}

fn check<B: Kernels>(decoder: &Decoder<B>, ids: &[u32]) -> Result<()> {
    let max_seq_len = decoder.config().max_seq_len;
    if ids.is_empty() {
        return Err(Error::EmptyPrompt);
    }
    if ids.len() > max_seq_len {
        return Err(Error::TooLong { tokens: ids.len(), max_seq_len });
    }
    check_ids(decoder, ids)
}

fn check_ids<B: Kernels>(decoder: &Decoder<B>, ids: &[u32]) -> Result<()> {
    let vocab_size = decoder.config().vocab_size;
    match ids.iter().find(|id| **id as usize >= vocab_size) {
        Some(id) => Err(Error::UnknownToken { id: *id, vocab_size }),
        None => Ok(()),
    }
}

fn to_vec<B: Kernels>(tensor: Tensor<B, 2>) -> Vec<f32> {
    tensor.into_data().iter::<f32>().collect()
}

#[cfg(test)]
mod tests {
    use burn::backend::Flex;
    use gearhead_model::ModelConfig;

    use super::*;

    fn decoder() -> Decoder<Flex> {
        let config = ModelConfig {
            d_model: 32,
            n_layers: 2,
            d_ff: 48,
            max_seq_len: 24,
            eos_ids: vec![2],
            ..ModelConfig::new(50)
        };
        Decoder::init(&config, 5, &burn::tensor::Device::<Flex>::default()).unwrap()
    }

    #[test]
    fn scores_of_continuations_are_those_of_the_whole_text() {
        let decoder = decoder();
        let prompt = [1, 7, 9, 4];
        let continuations = vec![vec![5], vec![6, 8, 11], vec![], vec![12, 13]];
        let scores = Prefix::read(&decoder, &prompt).unwrap().score(&decoder, &continuations).unwrap();
        for (continuation, score) in continuations.iter().zip(scores) {
            let whole: Vec<u32> = prompt.iter().chain(continuation).copied().collect();
            let expected: f32 = log_probs(&decoder, &whole).unwrap()[prompt.len()..].iter().flatten().sum();
            assert!((f64::from(expected) - score).abs() < 1e-4, "{expected} against {score}");
        }
    }

    #[test]
    fn greedy_takes_the_most_probable_each_time() {
        let decoder = decoder();
        let found = generate(&decoder, &[1, 7], 6, &Sampling::greedy(), &mut |_| {}).unwrap();
        let mut ids = vec![1, 7];
        for id in &found.ids {
            let hidden = decoder.forward_packed(&ids, &Documents::new(&[0, ids.len()]));
            let logits = to_vec(decoder.logits(hidden));
            let last = &logits[logits.len() - 50..];
            assert_eq!(crate::sampling::argmax(last), *id);
            ids.push(*id);
        }
    }

    #[test]
    fn a_continuation_ends_where_the_model_does() {
        let decoder = decoder();
        let found = generate(&decoder, &[1; 20], 100, &Sampling::greedy(), &mut |_| {}).unwrap();
        assert!(found.ids.len() <= 4);
    }

    #[test]
    fn what_the_model_cannot_take_is_refused() {
        let decoder = decoder();
        let generate = |ids: &[u32]| generate(&decoder, ids, 1, &Sampling::greedy(), &mut |_| {});
        assert!(matches!(generate(&[]), Err(Error::EmptyPrompt)));
        assert!(matches!(generate(&[50]), Err(Error::UnknownToken { id: 50, vocab_size: 50 })));
        assert!(matches!(generate(&[1; 25]), Err(Error::TooLong { tokens: 25, max_seq_len: 24 })));
    }
}
