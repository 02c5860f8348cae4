//! How fast a machine trains and generates: the work that `gearhead bench` and the criterion suites time, and that
//! `benches/peers` gives to other engines.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use gearhead_data::prompt::Document;
use gearhead_device::{Device, Job, run};
use gearhead_infer::{decode::to_vec, engine::model_directory, sampling::argmax};
use gearhead_kernels::{AutodiffKernels, Kernels};
use gearhead_model::{Decoder, KvCache, ModelConfig, ModelDirectory, Precision, Predictor};
use gearhead_train::{config::TrainConfig, gradients::step_gradients, optimizer::AdamW};
use serde::Serialize;

use crate::{Case, Engine, Result, engine::bundled_directory};

/// The model that is run: its shape is what counts for speed.
#[derive(Debug, Clone, Copy)]
pub enum Model<'a> {
    /// The model inside the program.
    Bundled,
    /// A model directory.
    Directory(&'a Path),
    /// Random weights of a shape.
    Random(&'a ModelConfig),
}

impl Model<'_> {
    /// The shape.
    ///
    /// # Errors
    ///
    /// The model cannot be opened.
    pub fn config(self) -> Result<ModelConfig> {
        Ok(match self {
            Self::Bundled => bundled_directory()?.config().clone(),
            Self::Directory(path) => ModelDirectory::open(model_directory(path))?.config().clone(),
            Self::Random(config) => config.clone(),
        })
    }

    fn predictor<B: Kernels>(self, precision: Precision, device: &B::Device) -> Result<Predictor<B>> {
        Ok(match self {
            Self::Bundled => bundled_directory()?.predictor(precision, device)?,
            Self::Directory(path) => {
                ModelDirectory::open(model_directory(path))?.predictor(precision, device)?
            }
            Self::Random(_) => Predictor::new(&self.decoder(device)?, precision)?,
        })
    }

    fn decoder<B: Kernels>(self, device: &B::Device) -> Result<Decoder<B>> {
        Ok(match self {
            Self::Bundled => bundled_directory()?.decoder(device)?,
            Self::Directory(path) => ModelDirectory::open(model_directory(path))?.decoder(device)?,
            Self::Random(config) => Decoder::init(config, 1, device)?,
        })
    }
}

/// The shape that engines are compared on: 16.9 million parameters.
pub fn reference_shape() -> ModelConfig {
    ModelConfig {
        d_model: 384,
        n_layers: 6,
        n_heads: 6,
        n_kv_heads: 6,
        d_ff: 1024,
        tie_embeddings: false,
        ..ModelConfig::new(8192)
    }
}

/// One kind of work, done several times.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Measured {
    /// What was done.
    pub work: String,
    /// Tokens in one run; 0 where the work is not measured by them.
    pub tokens: usize,
    /// Wall time of each run.
    #[serde(serialize_with = "seconds")]
    pub seconds: Vec<Duration>,
    /// For training: the mean loss per target token before each step, in nats, the warm-up's first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub losses: Vec<f64>,
}

fn seconds<S: serde::Serializer>(
    durations: &[Duration],
    serializer: S,
) -> std::result::Result<S::Ok, S::Error> {
    serializer.collect_seq(durations.iter().map(Duration::as_secs_f64))
}

impl Measured {
    /// Of the time of each run but the first, which is not counted.
    fn after_warm_up(work: String, tokens: usize, mut seconds: Vec<Duration>) -> Self {
        seconds.remove(0);
        Self { work, tokens, seconds, losses: Vec::new() }
    }

    /// The median run, the fastest and the slowest.
    ///
    /// # Panics
    ///
    /// Where there was no run.
    pub fn median_and_extremes(&self) -> [Duration; 3] {
        let mut sorted = self.seconds.clone();
        sorted.sort_unstable();
        [sorted[sorted.len() / 2], sorted[0], sorted[sorted.len() - 1]]
    }

    /// Tokens in a second: in the median run, the slowest and the fastest.
    ///
    /// # Panics
    ///
    /// Where there was no run.
    pub fn tokens_per_second(&self) -> [f64; 3] {
        let [median, fastest, slowest] = self.median_and_extremes();
        [median, slowest, fastest].map(|time| self.tokens as f64 / time.as_secs_f64().max(1e-12))
    }
}

/// `count` documents of `tokens` tokens that are predicted, whose ids look random and are the same everywhere: the
/// token at place `i` over all documents is `(7919 i + 12345) mod 104729 mod vocab_size`.
pub fn documents(vocab_size: usize, count: usize, tokens: usize) -> Vec<Document> {
    let id = |place: usize| ((7919 * place + 12345) % 104_729 % vocab_size) as u32;
    let len = tokens + 1;
    (0..count).map(|index| Document::text((index * len..(index + 1) * len).map(id).collect())).collect()
}

/// One optimizer step on `documents` documents of `tokens` tokens each, cut up and stored as the configuration says, `runs`
/// times after one that is not counted.
///
/// # Errors
///
/// The model cannot be opened, its shape is not possible, or the device does not compute in the precision.
pub fn training(
    device: &Device,
    model: Model<'_>,
    documents: usize,
    tokens: usize,
    config: &TrainConfig,
    runs: usize,
) -> Result<Measured> {
    run(device, Training { model, documents, tokens, config, runs })
}

struct Training<'a> {
    model: Model<'a>,
    documents: usize,
    tokens: usize,
    config: &'a TrainConfig,
    runs: usize,
}

impl Job for Training<'_> {
    type Output = Result<Measured>;

    fn run<B: AutodiffKernels>(self, device: &B::Device) -> Self::Output {
        self.config.precision.check::<B>(device)?;
        let mut decoder = self.model.decoder::<B>(device)?;
        let documents = self::documents(decoder.config().vocab_size, self.documents, self.tokens);
        let documents: Vec<_> = documents.iter().collect();
        let mut optimizer = AdamW::<B>::default();
        let (mut losses, mut seconds) = (Vec::new(), Vec::new());
        for _ in 0..=self.runs {
            let start = Instant::now();
            let gradients = step_gradients(&decoder, &documents, self.config);
            losses.push(gradients.loss);
            decoder = optimizer.step(decoder, gradients, 1e-3, self.config);
            // What a GPU still computes belongs to the step.
            B::sync(device).expect("the device computes what it was given");
            seconds.push(start.elapsed());
        }
        let work = format!("training step of {} x {} tokens", self.documents, self.tokens);
        Ok(Measured { losses, ..Measured::after_warm_up(work, self.documents * self.tokens, seconds) })
    }
}

/// Loading a model (the bundled one where none is named), and diagnosing one case with it, `runs` times after one that
/// is not counted: first what loading took, then what the diagnosis took.
///
/// # Errors
///
/// The model cannot be opened, or is none that diagnoses.
pub fn diagnosis(
    device: &Device,
    model: Option<&Path>,
    precision: Precision,
    runs: usize,
) -> Result<[Measured; 2]> {
    let case =
        Case::new("Caterpillar 320 Excavator", "Loses power under load").with_codes("P0087, SPN 157 FMI 18");
    let (mut loading, mut diagnosing) = (Vec::new(), Vec::new());
    for _ in 0..=runs {
        let start = Instant::now();
        let engine = match model {
            Some(path) => Engine::open_in(path, precision, device)?,
            None => Engine::bundled_in(precision, device)?,
        };
        loading.push(start.elapsed());
        let start = Instant::now();
        engine.diagnose(&case)?;
        diagnosing.push(start.elapsed());
    }
    let measured = |work: &str, seconds| Measured::after_warm_up(work.to_owned(), 0, seconds);
    Ok([measured("loading a model", loading), measured("one diagnosis", diagnosing)])
}

/// What sequences of a batch are generated from.
#[derive(Debug, Clone, Copy)]
pub struct Generation {
    /// Sequences that are generated together.
    pub batch: usize,
    /// Tokens of each prompt.
    pub prompt_tokens: usize,
    /// Tokens that each prompt is continued by.
    pub new_tokens: usize,
    /// How the model's numbers are stored.
    pub precision: Precision,
}

/// Reading prompts, and continuing them by the most probable token each time, `runs` times after one that is not
/// counted: first what reading took, then what continuing took.
///
/// # Errors
///
/// The model cannot be opened or its shape is not possible.
///
/// # Panics
///
/// Where there is no prompt, or the model cannot take as many tokens.
pub fn generation(device: &Device, model: Model<'_>, work: Generation, runs: usize) -> Result<[Measured; 2]> {
    run(device, Generating { model, work, runs })
}

struct Generating<'a> {
    model: Model<'a>,
    work: Generation,
    runs: usize,
}

impl Job for Generating<'_> {
    type Output = Result<[Measured; 2]>;

    fn run<B: AutodiffKernels>(self, device: &B::Device) -> Self::Output {
        let Generation { batch, prompt_tokens, new_tokens, precision } = self.work;
        let predictor = self.model.predictor::<B::InnerBackend>(precision, device)?;
        let prompts = documents(predictor.config().vocab_size, batch, prompt_tokens);
        let prompts: Vec<_> = prompts.iter().map(|prompt| prompt.ids[..prompt_tokens].to_vec()).collect();
        let (mut reading, mut continuing) = (Vec::new(), Vec::new());
        for _ in 0..=self.runs {
            let mut cache = predictor.cache(batch, prompt_tokens + new_tokens);
            let start = Instant::now();
            let mut ids = next_ids(&predictor, &prompts, &mut cache);
            reading.push(start.elapsed());
            let start = Instant::now();
            for _ in 0..new_tokens {
                ids = next_ids(&predictor, &ids, &mut cache);
            }
            continuing.push(start.elapsed());
        }
        let measured = |what: &str, tokens: usize, seconds| {
            Measured::after_warm_up(format!("{what}, {batch} at a time"), batch * tokens, seconds)
        };
        let read = measured(&format!("reading {prompt_tokens} tokens"), prompt_tokens, reading);
        let continued =
            measured(&format!("{new_tokens} tokens after {prompt_tokens}"), new_tokens, continuing);
        Ok([read, continued])
    }
}

/// The most probable next token of each sequence, after it was given its new tokens.
fn next_ids<B: Kernels>(predictor: &Predictor<B>, new: &[Vec<u32>], cache: &mut KvCache<B>) -> Vec<Vec<u32>> {
    let new: Vec<_> = new.iter().map(|ids| &ids[..]).enumerate().collect();
    let logits = to_vec(predictor.next_logits(&new, cache));
    logits.chunks_exact(predictor.config().vocab_size).map(|logits| vec![argmax(logits)]).collect()
}
