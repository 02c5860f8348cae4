//! Continuing a prompt, and the log-probabilities of given tokens.

use burn::tensor::{Int, Tensor, TensorData, activation::log_softmax};
use gearhead_kernels::{Kernels, log_probs as log_probs_of};
use gearhead_model::{KvCache, ModelConfig, Predictor};
use serde::Serialize;

use crate::{
    batch::Batcher,
    error::{Error, Result},
    sampling::Sampling,
};

/// Why a continuation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FinishReason {
    /// The model ended it.
    #[default]
    Stop,
    /// It reached the most tokens that were asked for, or that the model can take.
    Length,
}

/// A continuation.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
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
    pub fn read(predictor: &Predictor<B>, prompt: &[u32]) -> Result<Self> {
        check(predictor.config(), prompt)?;
        let mut cache = predictor.cache(1, prompt.len());
        let logits = predictor.next_logits(&[(0, prompt)], &mut cache);
        Ok(Self { cache, next_log_probs: to_vec(log_softmax(logits, 1)) })
    }

    pub(crate) fn cache(&self) -> &KvCache<B> {
        &self.cache
    }

    pub(crate) fn into_cache(self) -> KvCache<B> {
        self.cache
    }

    /// The log-probability of each continuation, summed over its tokens, in nats. All continuations are computed
    /// together.
    ///
    /// # Errors
    ///
    /// A continuation has an id that the model lacks, or does not fit.
    pub fn score(&self, predictor: &Predictor<B>, continuations: &[Vec<u32>]) -> Result<Vec<f64>> {
        let mut scores = Vec::with_capacity(continuations.len());
        // Bounded, so that a company with hundreds of causes needs no more memory than one with dozens.
        for some in continuations.chunks(128) {
            scores.extend(self.score_together(predictor, some)?);
        }
        Ok(scores)
    }

    fn score_together(&self, predictor: &Predictor<B>, continuations: &[Vec<u32>]) -> Result<Vec<f64>> {
        let config = predictor.config();
        let longest = continuations.iter().map(Vec::len).max().unwrap_or(0);
        for continuation in continuations {
            check_ids(config, continuation)?;
        }
        let tokens = self.cache.len(0) + longest;
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
        // Each is read without its last token; one of a single token not at all.
        let longer = continuations.iter().enumerate().filter(|(_, ids)| ids.len() > 1);
        let (mut new, mut targets, mut owners) = (Vec::new(), Vec::new(), Vec::new());
        for (row, (owner, ids)) in longer.enumerate() {
            new.push((row, &ids[..ids.len() - 1]));
            targets.extend(ids[1..].iter().map(|id| i64::from(*id)));
            owners.resize(targets.len(), owner);
        }
        let mut cache = self.cache.fork(new.len(), tokens);
        let chosen = chosen_log_probs(predictor, predictor.forward(&new, &mut cache), targets);
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
    predictor: &Predictor<B>,
    prompt: &[u32],
    max_new_tokens: usize,
    sampling: &Sampling,
    on_token: &mut dyn FnMut(u32),
) -> Result<Continuation> {
    check(predictor.config(), prompt)?;
    let room = predictor.config().max_seq_len - prompt.len();
    let mut batcher = Batcher::new(predictor, 1, prompt.len() + max_new_tokens.min(room));
    batcher.submit(prompt, max_new_tokens, sampling)?;
    only_text(batcher, on_token)
}

/// Continues each prompt by at most `max_new_tokens` tokens, `at_once` of them at a time; `on_token` sees each token with
/// the number of its prompt. What all prompts begin with is read once. The texts are those that [`generate`] gives, but
/// for what rounding decides. A prompt that the model cannot take has an error in its place.
///
/// # Errors
///
/// An option is out of its range.
pub fn generate_many<B: Kernels>(
    predictor: &Predictor<B>,
    prompts: &[Vec<u32>],
    max_new_tokens: usize,
    sampling: &Sampling,
    at_once: usize,
    on_token: &mut dyn FnMut(usize, u32),
) -> Result<Vec<Result<Continuation>>> {
    sampling.validate()?;
    let mut texts: Vec<Result<Continuation>> = Vec::with_capacity(prompts.len());
    // Which prompts the model takes, by the numbers that the batch gives them.
    let (mut taken, mut numbers) = (Vec::new(), Vec::new());
    for (number, prompt) in prompts.iter().enumerate() {
        texts.push(check(predictor.config(), prompt).map(|()| Continuation::default()));
        if texts[number].is_ok() {
            taken.push(&prompt[..]);
            numbers.push(number);
        }
    }
    let longest = taken.iter().map(|prompt| prompt.len()).max().unwrap_or(0);
    let capacity = longest + max_new_tokens.min(predictor.config().max_seq_len - longest);
    let places = at_once.clamp(1, taken.len().max(1));
    let common = common_prefix(&taken);
    let (mut batcher, own) = if common < WORTH_SHARING {
        (Batcher::new(predictor, places, capacity), 0)
    } else {
        let prefix = Prefix::read(predictor, &taken[0][..common])?;
        (Batcher::after(predictor, &prefix, places, capacity), common)
    };
    for prompt in taken {
        batcher.submit(&prompt[own..], max_new_tokens, sampling)?;
    }
    while !batcher.is_idle() {
        for (number, text) in batcher.step(&mut |number, token| on_token(numbers[number], token.id)) {
            texts[numbers[number]] = text;
        }
    }
    Ok(texts)
}

/// Tokens that prompts must have in common for them to be read once for all.
const WORTH_SHARING: usize = 16;

/// How many tokens several prompts all begin with, each having at least one more.
fn common_prefix(prompts: &[&[u32]]) -> usize {
    let [first, rest @ ..] = prompts else { return 0 };
    let common = |other: &&[u32]| first.iter().zip(*other).take_while(|(a, b)| a == b).count();
    let shortest = prompts.iter().map(|prompt| prompt.len()).min().unwrap_or(0);
    rest.iter().map(common).min().unwrap_or(0).min(shortest.saturating_sub(1))
}

/// Writes the only text of a batch.
fn only_text<B: Kernels>(mut batcher: Batcher<'_, B>, on_token: &mut dyn FnMut(u32)) -> Result<Continuation> {
    loop {
        if let Some((_, text)) = batcher.step(&mut |_, token| on_token(token.id)).pop() {
            return text;
        }
    }
}

/// The log-probability of every token given those before it, in nats: one for each id, `None` for the first.
///
/// # Errors
///
/// The ids are none, too many, or not the model's.
pub fn log_probs<B: Kernels>(predictor: &Predictor<B>, ids: &[u32]) -> Result<Vec<Option<f32>>> {
    check(predictor.config(), ids)?;
    let mut log_probs = vec![None];
    let mut cache = predictor.cache(1, ids.len());
    // Some at a time, since the scores of the whole vocabulary for each would be large together.
    for start in (0..ids.len() - 1).step_by(CHUNK) {
        let end = (start + CHUNK).min(ids.len() - 1);
        let hidden = predictor.forward(&[(0, &ids[start..end])], &mut cache);
        let targets = ids[start + 1..=end].iter().map(|id| i64::from(*id)).collect();
        log_probs.extend(chosen_log_probs(predictor, hidden, targets).into_iter().map(Some));
    }
    Ok(log_probs)
}

/// Tokens whose scores are in memory at once.
const CHUNK: usize = 256;

/// The log-probability of a target after each hidden state.
fn chosen_log_probs<B: Kernels>(
    predictor: &Predictor<B>,
    hidden: Tensor<B, 2>,
    targets: Vec<i64>,
) -> Vec<f32> {
    let count = targets.len();
    let targets = Tensor::<B, 1, Int>::from_data(TensorData::new(targets, [count]), &predictor.device());
    to_vec(log_probs_of(predictor.logits(hidden), targets).unsqueeze())
}

pub(crate) fn check(config: &ModelConfig, ids: &[u32]) -> Result<()> {
    let max_seq_len = config.max_seq_len;
    if ids.is_empty() {
        return Err(Error::EmptyPrompt);
    }
    if ids.len() > max_seq_len {
        return Err(Error::TooLong { tokens: ids.len(), max_seq_len });
    }
    check_ids(config, ids)
}

pub(crate) fn check_ids(config: &ModelConfig, ids: &[u32]) -> Result<()> {
    let vocab_size = config.vocab_size;
    match ids.iter().find(|id| **id as usize >= vocab_size) {
        Some(id) => Err(Error::UnknownToken { id: *id, vocab_size }),
        None => Ok(()),
    }
}

/// The numbers of a tensor, by rows.
#[allow(clippy::missing_panics_doc, reason = "what was converted to a type is of that type")]
pub fn to_vec<B: Kernels>(tensor: Tensor<B, 2>) -> Vec<f32> {
    tensor.into_data().convert::<f32>().into_vec().expect("the numbers were converted to f32")
}

#[cfg(test)]
mod tests {
    use burn::backend::Flex;
    use gearhead_kernels::Documents;
    use gearhead_model::{Decoder, Precision};

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

    fn predictor() -> Predictor<Flex> {
        Predictor::new(&decoder(), Precision::default()).unwrap()
    }

    #[test]
    fn scores_of_continuations_are_those_of_the_whole_text() {
        let predictor = predictor();
        let prompt = [1, 7, 9, 4];
        let continuations = vec![vec![5], vec![6, 8, 11], vec![], vec![12, 13]];
        let scores = Prefix::read(&predictor, &prompt).unwrap().score(&predictor, &continuations).unwrap();
        for (continuation, score) in continuations.iter().zip(scores) {
            let whole: Vec<u32> = prompt.iter().chain(continuation).copied().collect();
            let expected: f32 = log_probs(&predictor, &whole).unwrap()[prompt.len()..].iter().flatten().sum();
            assert!((f64::from(expected) - score).abs() < 1e-4, "{expected} against {score}");
        }
    }

    #[test]
    fn greedy_takes_the_most_probable_each_time() {
        let decoder = decoder();
        let found = generate(&predictor(), &[1, 7], 6, &Sampling::greedy(), &mut |_| {}).unwrap();
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
        let found = generate(&predictor(), &[1; 20], 100, &Sampling::greedy(), &mut |_| {}).unwrap();
        assert!(found.ids.len() <= 4);
    }

    #[test]
    fn what_the_model_cannot_take_is_refused() {
        let predictor = predictor();
        let generate = |ids: &[u32]| generate(&predictor, ids, 1, &Sampling::greedy(), &mut |_| {});
        assert!(matches!(generate(&[]), Err(Error::EmptyPrompt)));
        assert!(matches!(generate(&[50]), Err(Error::UnknownToken { id: 50, vocab_size: 50 })));
        assert!(matches!(generate(&[1; 25]), Err(Error::TooLong { tokens: 25, max_seq_len: 24 })));
    }
}
