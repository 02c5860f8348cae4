//! Many continuations at once, with one pass over the weights for each token of all of them.

use std::collections::VecDeque;

use burn::tensor::TensorData;
use gearhead_kernels::Kernels;
use gearhead_model::{KvCache, Predictor};
use rayon::prelude::*;

use crate::{
    constraint::Constraint,
    decode::{Continuation, FinishReason, Prefix, check, check_ids},
    error::{Error, Result},
    fault::{caught, contained},
    log_probs::TokenLogProbs,
    sampling::{Sampler, Sampling},
};

/// Tokens of prompts that are read in one pass, so that texts that are being written do not wait long for a new prompt,
/// and a long one needs little memory.
const CHUNK: usize = 512;

/// Continuous batching: a text that is done makes room for the next at once, and a new prompt is read beside the tokens
/// that the others are at.
///
/// ```
/// # use burn::backend::Flex;
/// # use gearhead_infer::{batch::Batcher, sampling::Sampling};
/// # use gearhead_model::{Decoder, ModelConfig, Precision, Predictor};
/// # let config = ModelConfig { d_model: 32, n_layers: 1, d_ff: 32, max_seq_len: 32, ..ModelConfig::new(50) };
/// # let decoder = Decoder::<Flex>::init(&config, 7, &Default::default())?;
/// # let predictor = Predictor::new(&decoder, Precision::default())?;
/// let mut batcher = Batcher::new(&predictor, 2, 16);
/// for prompt in [vec![1, 2, 3], vec![4], vec![5, 6]] {
///     batcher.submit(&prompt, 8, &Sampling::greedy())?;
/// }
/// while !batcher.is_idle() {
///     for (number, text) in batcher.step(&mut |_number, _token| {}) {
///         println!("{number}: {:?}", text?.ids);
///     }
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Batcher<'a, B: Kernels> {
    predictor: &'a Predictor<B>,
    cache: KvCache<B>,
    /// By the sequence of the cache.
    running: Vec<Option<Text<B>>>,
    waiting: VecDeque<Text<B>>,
    submitted: usize,
}

/// A token that was written.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Token {
    /// Its id.
    pub id: u32,
    /// How probable it was, where that was asked for.
    pub log_probs: Option<TokenLogProbs>,
}

/// A text that is written or waits for it.
#[derive(Debug)]
struct Text<B: Kernels> {
    number: usize,
    /// What was read before it has a place.
    read: Option<KvCache<B>>,
    /// Tokens that the model has not seen yet.
    input: Vec<u32>,
    ids: Vec<u32>,
    limit: usize,
    sampler: Sampler,
    /// A grammar to keep to.
    constraint: Option<Box<Constraint>>,
    /// Whether log-probabilities are told, and for how many of the most probable tokens beside the one that is taken.
    log_probs: Option<usize>,
}

impl<'a, B: Kernels> Batcher<'a, B> {
    /// Room for so many texts at once, of at most `capacity` tokens each with their prompts.
    pub fn new(predictor: &'a Predictor<B>, texts: usize, capacity: usize) -> Self {
        Self::with_cache(predictor, predictor.cache(texts, capacity))
    }

    /// The same for texts that all go on after a prompt that was read. What is submitted then stands behind it.
    pub fn after(predictor: &'a Predictor<B>, prefix: &Prefix<B>, texts: usize, capacity: usize) -> Self {
        Self::with_cache(predictor, prefix.cache().fork(texts, capacity))
    }

    fn with_cache(predictor: &'a Predictor<B>, cache: KvCache<B>) -> Self {
        let running = (0..cache.sequences()).map(|_| None).collect();
        Self { predictor, cache, running, waiting: VecDeque::new(), submitted: 0 }
    }

    /// Asks for a continuation of at most `max_new_tokens` tokens; returns its number, counted from 0.
    ///
    /// # Errors
    ///
    /// The prompt is empty, too long, or has an id that the model lacks; an option is out of its range.
    pub fn submit(&mut self, prompt: &[u32], max_new_tokens: usize, sampling: &Sampling) -> Result<usize> {
        check(self.predictor.config(), prompt)?;
        let room = self.capacity().checked_sub(self.cache.shared_len() + prompt.len());
        let room = room.ok_or(Error::TooLong { tokens: prompt.len(), max_seq_len: self.capacity() })?;
        let text = Text::new(prompt, max_new_tokens.min(room), sampling)?;
        Ok(self.wait(text))
    }

    /// The same within a grammar, if one is given, and with log-probabilities of so many alternatives, if they are asked
    /// for.
    pub(crate) fn submit_within(
        &mut self,
        prompt: &[u32],
        max_new_tokens: usize,
        sampling: &Sampling,
        constraint: Option<Constraint>,
        log_probs: Option<usize>,
    ) -> Result<usize> {
        let number = self.submit(prompt, max_new_tokens, sampling)?;
        if let Some(text) = self.waiting.back_mut() {
            text.constraint = constraint.map(Box::new);
            text.log_probs = log_probs;
        }
        Ok(number)
    }

    /// Asks for what the model finds most probable of what a grammar allows, after a prompt that was read and what the
    /// text begins with, which is not part of the result.
    pub(crate) fn submit_constrained(
        &mut self,
        prefix: Prefix<B>,
        begun: &[u32],
        constraint: Constraint,
    ) -> Result<usize> {
        check_ids(self.predictor.config(), begun)?;
        let read = prefix.into_cache();
        let room = self.capacity().saturating_sub(read.len(0) + begun.len());
        let mut text = Text::new(begun, room, &Sampling::greedy())?;
        text.read = Some(read);
        text.constraint = Some(Box::new(constraint));
        Ok(self.wait(text))
    }

    /// Stops a text that is written or waits: its place is free from the next step on.
    pub fn cancel(&mut self, number: usize) {
        self.waiting.retain(|text| text.number != number);
        for text in &mut self.running {
            text.take_if(|text| text.number == number);
        }
    }

    /// How many tokens the texts hold in the cache, and how many it has room for.
    pub fn cache_use(&self) -> (usize, usize) {
        let running = self.running.iter().enumerate().filter(|(_, text)| text.is_some());
        let held = running.map(|(sequence, _)| self.cache.len(sequence)).sum();
        (held, self.cache.sequences() * self.cache.capacity())
    }

    /// Whether nothing is left to write.
    pub fn is_idle(&self) -> bool {
        self.waiting.is_empty() && self.running.iter().all(Option::is_none)
    }

    /// Writes the next token of every text that has a place; `on_token` sees each with the number of its text. Returns
    /// those that are done: one on which the program fails has an error, and where it fails on the tokens of all, so have
    /// all that have a place.
    pub fn step(&mut self, on_token: &mut dyn FnMut(usize, Token)) -> Vec<(usize, Result<Continuation>)> {
        let mut done = Vec::new();
        self.fill(on_token, &mut done);
        // What each text is given in this pass: all that it has not seen, or of a long prompt the next part.
        let mut left = CHUNK;
        let mut new: Vec<(usize, Vec<u32>)> = Vec::new();
        for (sequence, text) in self.running.iter_mut().enumerate() {
            let Some(text) = text else { continue };
            let part = if text.input.len() == 1 { 1 } else { text.input.len().min(left) };
            if part > 0 {
                left -= part.min(left);
                new.push((sequence, text.input.drain(..part).collect()));
            }
        }
        if new.is_empty() {
            return done;
        }
        let slices: Vec<(usize, &[u32])> = new.iter().map(|(sequence, ids)| (*sequence, &ids[..])).collect();
        let logits = match caught(|| self.predictor.next_logits(&slices, &mut self.cache).into_data()) {
            Ok(logits) => logits,
            Err(message) => {
                self.fail(&message, &mut done);
                return done;
            }
        };
        let given: Vec<usize> = new.iter().map(|(sequence, _)| *sequence).collect();
        for (sequence, chosen) in self.chosen(&given, logits) {
            let Some(text) = &mut self.running[sequence] else { continue };
            let eos_ids = &self.predictor.config().eos_ids;
            if let Some(end) = contained(|| text.go_on(chosen, eos_ids, on_token).transpose()).transpose() {
                self.finish(sequence, end, &mut done);
            }
        }
        done
    }

    /// The next token of each sequence that was given new tokens, `given` in their order, and has seen all that it has.
    fn chosen(&mut self, given: &[usize], logits: TensorData) -> Vec<(usize, Result<Token>)> {
        // Not as a `Vec`, for which Burn's CPU backend would copy them.
        let mut logits = logits.convert::<f32>();
        let logits = logits.as_mut_slice::<f32>().expect("the numbers were converted to f32");
        let mut rows = logits.chunks_exact_mut(self.predictor.config().vocab_size);
        let mut given = given.iter().peekable();
        let mut asked = Vec::with_capacity(given.len());
        for (sequence, text) in self.running.iter_mut().enumerate() {
            if given.next_if_eq(&&sequence).is_some()
                && let (Some(text), Some(logits)) = (text, rows.next())
                && text.input.is_empty()
            {
                asked.push((sequence, text, logits));
            }
        }
        // To draw from a large vocabulary, or within a grammar, takes as long as some layers.
        let choose = |(sequence, text, logits): (usize, &mut Text<B>, &mut [f32])| {
            (sequence, contained(|| text.choose(logits)))
        };
        asked.into_par_iter().map(choose).collect()
    }

    fn capacity(&self) -> usize {
        self.cache.capacity().min(self.predictor.config().max_seq_len)
    }

    fn wait(&mut self, text: Text<B>) -> usize {
        let number = self.submitted;
        self.waiting.push_back(Text { number, ..text });
        self.submitted += 1;
        number
    }

    /// Gives free places to those that wait, and takes out those that are done without the model.
    fn fill(
        &mut self,
        on_token: &mut dyn FnMut(usize, Token),
        done: &mut Vec<(usize, Result<Continuation>)>,
    ) {
        for sequence in 0..self.running.len() {
            loop {
                if self.running[sequence].is_none() {
                    self.cache.truncate(sequence, 0);
                    self.running[sequence] = self.waiting.pop_front();
                }
                let Some(text) = &mut self.running[sequence] else { break };
                let prepared = contained(|| {
                    if let Some(read) = text.read.take() {
                        self.cache.adopt(sequence, &read);
                    }
                    text.prepare(on_token)
                });
                match prepared.transpose() {
                    None => break,
                    Some(end) => self.finish(sequence, end, done),
                }
            }
        }
    }

    /// Ends all texts that have a place: their cache may be in any state. Those that wait get a new one, but for what all
    /// prompts begin with, which is lost with it.
    fn fail(&mut self, message: &str, done: &mut Vec<(usize, Result<Continuation>)>) {
        for sequence in 0..self.running.len() {
            self.finish(sequence, Err(Error::Fault(message.to_owned())), done);
        }
        if self.cache.shared_len() > 0 {
            let waiting = self.waiting.drain(..);
            done.extend(waiting.map(|text| (text.number, Err(Error::Fault(message.to_owned())))));
        } else {
            self.cache = self.predictor.cache(self.cache.sequences(), self.cache.capacity());
        }
    }

    fn finish(
        &mut self,
        sequence: usize,
        end: Result<FinishReason>,
        done: &mut Vec<(usize, Result<Continuation>)>,
    ) {
        if let Some(Text { number, ids, .. }) = self.running[sequence].take() {
            done.push((number, end.map(|finish_reason| Continuation { ids, finish_reason })));
        }
    }
}

impl<B: Kernels> Text<B> {
    fn new(prompt: &[u32], limit: usize, sampling: &Sampling) -> Result<Self> {
        let sampler = Sampler::new(sampling)?;
        Ok(Self {
            number: 0,
            read: None,
            input: prompt.to_vec(),
            ids: Vec::new(),
            limit,
            sampler,
            constraint: None,
            log_probs: None,
        })
    }

    /// Adds what must come next whatever the model thinks; says why the text is over, where it is.
    fn prepare(&mut self, on_token: &mut dyn FnMut(usize, Token)) -> Result<Option<FinishReason>> {
        if let Some(constraint) = &mut self.constraint {
            // Nobody knows how probable a token is that the model was not asked for.
            let mut forced = if self.log_probs.is_some() { Vec::new() } else { constraint.take_forced() };
            let is_too_long = self.ids.len() + forced.len() > self.limit;
            forced.truncate(self.limit - self.ids.len());
            for id in &forced {
                on_token(self.number, Token { id: *id, log_probs: None });
            }
            self.ids.extend_from_slice(&forced);
            self.input.extend(forced);
            if constraint.is_over()? && !is_too_long {
                return Ok(Some(FinishReason::Stop));
            }
        }
        Ok((self.ids.len() >= self.limit).then_some(FinishReason::Length))
    }

    /// Chooses the next token.
    fn choose(&mut self, logits: &mut [f32]) -> Result<Token> {
        // Those of the model, before a grammar takes anything away.
        let table = self.log_probs.map(|n_top| TokenLogProbs::table(logits, n_top));
        if let Some(constraint) = &mut self.constraint {
            constraint.mask(logits)?;
        }
        let id = self.sampler.next(logits);
        Ok(Token { id, log_probs: table.map(|table| table.of(id)) })
    }

    /// Adds the token that was chosen; says why the text is over, where it is.
    fn go_on(
        &mut self,
        chosen: Result<Token>,
        eos_ids: &[u32],
        on_token: &mut dyn FnMut(usize, Token),
    ) -> Option<Result<FinishReason>> {
        let token = match chosen {
            Ok(token) => token,
            Err(error) => return Some(Err(error)),
        };
        let id = token.id;
        if eos_ids.contains(&id) {
            return Some(Ok(FinishReason::Stop));
        }
        if let Some(constraint) = &mut self.constraint
            && let Err(error) = constraint.take(id)
        {
            return Some(Err(error));
        }
        on_token(self.number, token);
        self.ids.push(id);
        self.input.push(id);
        (self.constraint.is_none() && self.ids.len() >= self.limit).then_some(Ok(FinishReason::Length))
    }
}

#[cfg(test)]
mod tests {
    use burn::backend::Flex;
    use gearhead_data::tokenizer::Tokenizer;
    use gearhead_model::{Decoder, ModelConfig, Precision};

    use super::*;
    use crate::{
        constraint::Grammars,
        decode::{generate, generate_many},
    };

    fn predictor() -> Predictor<Flex> {
        let config = ModelConfig {
            d_model: 32,
            n_layers: 2,
            d_ff: 48,
            max_seq_len: 64,
            eos_ids: vec![2],
            ..ModelConfig::new(50)
        };
        let decoder = Decoder::init(&config, 5, &burn::tensor::Device::<Flex>::default()).unwrap();
        Predictor::new(&decoder, Precision::default()).unwrap()
    }

    fn prompts() -> Vec<Vec<u32>> {
        (1..8_u32)
            .map(|length| (0..5 * length).map(|place| (place * place + 7 * length) % 47 + 3).collect())
            .collect()
    }

    #[test]
    fn texts_are_those_that_each_prompt_gets_alone() {
        let predictor = predictor();
        let drawn = Sampling { temperature: 0.8, seed: 5, ..Sampling::greedy() };
        for sampling in [Sampling::greedy(), drawn] {
            let alone: Vec<_> = prompts()
                .iter()
                .map(|prompt| generate(&predictor, prompt, 20, &sampling, &mut |_| {}).unwrap())
                .collect();
            for at_once in [1, 2, 3, 20] {
                let mut seen = vec![Vec::new(); alone.len()];
                let texts =
                    generate_many(&predictor, &prompts(), 20, &sampling, at_once, &mut |number, id| {
                        seen[number].push(id);
                    });
                let texts: Vec<_> = texts.unwrap().into_iter().map(Result::unwrap).collect();
                assert_eq!(texts, alone, "{at_once} at once");
                assert_eq!(seen, texts.into_iter().map(|text| text.ids).collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn what_all_prompts_begin_with_is_read_once_and_changes_nothing() {
        let predictor = predictor();
        let common: Vec<u32> = (3..33).collect();
        let prompts: Vec<_> = [[5, 6], [5, 9], [11, 4]].map(|end| [&common[..], &end].concat()).to_vec();
        let texts = generate_many(&predictor, &prompts, 20, &Sampling::greedy(), 2, &mut |_, _| {}).unwrap();
        for (prompt, text) in prompts.iter().zip(texts) {
            assert_eq!(
                text.unwrap(),
                generate(&predictor, prompt, 20, &Sampling::greedy(), &mut |_| {}).unwrap()
            );
        }
        // One prompt is the beginning of another.
        let prompts = [common.clone(), [&common[..], &[7]].concat(), vec![50]];
        let texts = generate_many(&predictor, &prompts, 4, &Sampling::greedy(), 2, &mut |_, _| {}).unwrap();
        let alone = generate(&predictor, &common, 4, &Sampling::greedy(), &mut |_| {}).unwrap();
        assert_eq!(texts[0].as_ref().unwrap(), &alone);
        assert!(matches!(texts[2], Err(Error::UnknownToken { id: 50, vocab_size: 50 })));
    }

    #[test]
    fn a_text_that_comes_later_is_written_beside_the_others() {
        let predictor = predictor();
        let mut batcher = Batcher::new(&predictor, 2, 40);
        let [first, second] = [vec![4, 5], vec![6, 7, 8]];
        batcher.submit(&first, 9, &Sampling::greedy()).unwrap();
        let mut texts = vec![None, None];
        let mut order = Vec::new();
        for step in 0.. {
            if step == 3 {
                assert_eq!(batcher.submit(&second, 9, &Sampling::greedy()).unwrap(), 1);
            }
            if step > 3 && batcher.is_idle() {
                break;
            }
            for (number, text) in batcher.step(&mut |number, _| order.push(number)) {
                texts[number] = Some(text.unwrap());
            }
        }
        for (prompt, text) in [first, second].iter().zip(texts) {
            assert_eq!(
                text.unwrap(),
                generate(&predictor, prompt, 9, &Sampling::greedy(), &mut |_| {}).unwrap()
            );
        }
        assert!(order.windows(2).any(|pair| pair == [0, 1]) && order.windows(2).any(|pair| pair == [1, 0]));
    }

    #[test]
    fn a_text_that_is_stopped_makes_room_and_changes_no_other() {
        let predictor = predictor();
        let mut batcher = Batcher::new(&predictor, 2, 40);
        let prompts = [vec![4, 5], vec![6, 7, 8], vec![9, 10]];
        for prompt in &prompts {
            batcher.submit(prompt, 9, &Sampling::greedy()).unwrap();
        }
        let mut texts = vec![None, None, None];
        for step in 0..40 {
            if step == 2 {
                let (held, room) = batcher.cache_use();
                assert_eq!((held, room), (2 + 3 + 2, 80), "two prompts, and what two steps added");
                batcher.cancel(0);
            }
            for (number, text) in batcher.step(&mut |_, _| {}) {
                texts[number] = Some(text.unwrap());
            }
        }
        assert!(batcher.is_idle() && texts[0].is_none());
        assert_eq!(batcher.cache_use().0, 0);
        for (prompt, text) in prompts.iter().zip(texts).skip(1) {
            assert_eq!(
                text.unwrap(),
                generate(&predictor, prompt, 9, &Sampling::greedy(), &mut |_| {}).unwrap()
            );
        }
        batcher.submit(&prompts[0], 9, &Sampling::greedy()).unwrap();
        batcher.cancel(3);
        assert!(batcher.is_idle(), "a text that waits can be stopped too");
    }

    #[test]
    fn log_probabilities_are_those_of_the_whole_text() {
        let predictor = predictor();
        let mut batcher = Batcher::new(&predictor, 1, 40);
        batcher.submit_within(&[4, 5], 6, &Sampling::greedy(), None, Some(3)).unwrap();
        let mut tokens = Vec::new();
        while !batcher.is_idle() {
            batcher.step(&mut |_, token| tokens.push(token));
        }
        let ids: Vec<u32> = [4, 5].into_iter().chain(tokens.iter().map(|token| token.id)).collect();
        let expected = crate::decode::log_probs(&predictor, &ids).unwrap();
        for (token, expected) in tokens.iter().zip(&expected[2..]) {
            let found = token.log_probs.as_ref().unwrap();
            assert!((found.chosen - expected.unwrap()).abs() < 1e-4, "{found:?} against {expected:?}");
            assert_eq!((found.top.len(), found.top[0]), (3, (token.id, found.chosen)));
            assert!(found.top.is_sorted_by(|a, b| a.1 >= b.1));
        }
    }

    #[test]
    fn what_does_not_fit_is_refused_and_nothing_asked_for_is_nothing_written() {
        let predictor = predictor();
        let mut batcher = Batcher::new(&predictor, 1, 8);
        let error = batcher.submit(&[5; 9], 1, &Sampling::greedy()).unwrap_err();
        assert!(matches!(error, Error::TooLong { tokens: 9, max_seq_len: 8 }));
        batcher.submit(&[5; 8], 10, &Sampling::greedy()).unwrap();
        batcher.submit(&[5], 0, &Sampling::greedy()).unwrap();
        let done = batcher.step(&mut |_, _| panic!("no token"));
        let ended: Vec<_> =
            done.into_iter().map(|(number, text)| (number, text.unwrap().ids.len())).collect();
        assert_eq!(ended, [(0, 0), (1, 0)]);
        assert!(batcher.is_idle());
    }

    #[test]
    fn a_fault_with_one_text_takes_no_other_with_it() {
        let predictor = predictor();
        let prompts = prompts();
        let mut batcher = Batcher::new(&predictor, 3, 60);
        for prompt in &prompts {
            batcher.submit(prompt, 20, &Sampling::greedy()).unwrap();
        }
        let mut done = Vec::new();
        while !batcher.is_idle() {
            done.extend(batcher.step(&mut |number, _| assert!(number != 1, "not this one")));
        }
        done.sort_by_key(|(number, _)| *number);
        for (number, text) in done {
            if number == 1 {
                assert!(matches!(text, Err(Error::Fault(message)) if message == "not this one"));
                continue;
            }
            let alone = generate(&predictor, &prompts[number], 20, &Sampling::greedy(), &mut |_| {}).unwrap();
            assert_eq!(text.unwrap(), alone);
        }
    }

    #[test]
    fn after_a_fault_with_all_tokens_those_that_waited_are_written() {
        // Writes tokens that the model does not have.
        let tokenizer = Tokenizer::train(["replace the pump"; 40].iter(), 300, 2).unwrap();
        let grammars = Grammars::new(&tokenizer, 2).unwrap();
        let foreign =
            || grammars.lark("start: \"replace the pump\" (\" now\" | \" soon\")".to_owned()).unwrap();
        let predictor = predictor();
        let prompts = prompts();
        let prefix = || Prefix::read(&predictor, &[4, 5]).unwrap();
        let run = |mut batcher: Batcher<'_, Flex>| {
            let mut done = Vec::new();
            while !batcher.is_idle() {
                done.extend(batcher.step(&mut |_, _| {}));
            }
            done.sort_by_key(|(number, _)| *number);
            done.into_iter().map(|(_, text)| text).collect::<Vec<_>>()
        };

        let mut batcher = Batcher::new(&predictor, 2, 60);
        batcher.submit(&prompts[0], 20, &Sampling::greedy()).unwrap();
        batcher.submit_constrained(prefix(), &[], foreign()).unwrap();
        batcher.submit(&prompts[2], 20, &Sampling::greedy()).unwrap();
        let texts = run(batcher);
        assert!(matches!(texts[..2], [Err(Error::Fault(_)), Err(Error::Fault(_))]), "{texts:?}");
        let alone = generate(&predictor, &prompts[2], 20, &Sampling::greedy(), &mut |_| {}).unwrap();
        assert_eq!(texts[2].as_ref().unwrap(), &alone);

        // What all begin with is lost with the cache.
        let mut batcher = Batcher::after(&predictor, &prefix(), 1, 40);
        batcher
            .submit_within(&prompts[0], 20, &Sampling::greedy(), Some(foreign()), None)
            .and_then(|_| batcher.submit(&prompts[2], 20, &Sampling::greedy()))
            .unwrap();
        let texts = run(batcher);
        assert!(matches!(texts[..], [Err(Error::Fault(_)), Err(Error::Fault(_))]), "{texts:?}");
    }
}
