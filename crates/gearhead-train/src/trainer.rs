//! The loop: epochs of steps, evaluations, checkpoints, metrics.

use std::{
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use burn::{
    module::{Module, ModuleVisitor, Param},
    tensor::{DType, Tensor, backend::Backend},
};
use gearhead_data::manifest::{MANIFEST, PAST_CASES};
use gearhead_kernels::{AutodiffKernels, Kernels};
use gearhead_model::{
    Decoder, Dtype, ModelConfig, ModelDirectory, directory, lora,
    storage::{check_holds_few_bits, check_stores},
};

use crate::{
    checkpoint::{self, Checkpoint, MadeFrom, State},
    config::Config,
    data::{TrainData, epoch_batches},
    divergence::{MOST_SKIPPED, OnDivergence, leap_from, remember},
    error::{Error, Result},
    event::{Event, Summary},
    flops::{self, ModelFlops, Pace},
    gradients::{StepGradients, mean_loss, shared_step_gradients, without_gradients},
    journal::{Journal, resident_bytes},
    optimizer::{AdamW, MomentDtype},
    plan::Plan,
    precision::LossScale,
    provenance::Provenance,
    samples::samples,
    schedule::learning_rate,
};

/// From where a training begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Start {
    /// From new weights; an unfinished training in the output folder is an error.
    #[default]
    New,
    /// From new weights, and an unfinished training in the output folder is forgotten.
    Over,
    /// From the newest whole checkpoint in the output folder.
    Resume,
}

/// How a training is begun and ended from outside.
#[derive(Debug, Clone, Copy, Default)]
pub struct Control<'a> {
    /// From where it begins.
    pub start: Start,
    /// When this becomes true, the step that is under way is finished, a checkpoint is written and the training returns.
    pub stop: Option<&'a AtomicBool>,
    /// What is told beside the values of the stored configuration: where they come from.
    pub provenance: Option<&'a Provenance>,
    /// What the report compares the memory of the training with.
    pub plan: Option<&'a Plan>,
}

/// Trains a model on the first of some devices, with a share of each step's documents for each of the others, and leaves `best` and `last` model directories, `metrics.jsonl`, `report.html`, `tensorboard`, the resolved
/// `config.toml` and `checkpoints` in the configuration's output folder.
///
/// # Errors
///
/// Files that cannot be written, sizes that do not fit, numbers of a type that the device cannot hold, a loss that leaps or
/// is not a number any more, or a checkpoint that does not belong to the configuration and the data. The best model and the
/// last checkpoints stay.
///
/// # Panics
///
/// Where there is no device, or one fails.
pub fn train<B: AutodiffKernels>(
    config: &Config,
    data: &TrainData,
    control: Control<'_>,
    devices: &[B::Device],
    on_event: &mut dyn FnMut(&Event),
) -> Result<Summary> {
    let summary = Training::<B>::begin(config, data, control, devices, on_event)?.run(control.stop);
    // Whoever goes on with the model needs other sizes.
    for device in devices {
        B::release_memory(device);
    }
    summary
}

/// A training that is under way.
struct Training<'a, B: AutodiffKernels> {
    config: &'a Config,
    data: &'a TrainData,
    decoder: Option<Decoder<B>>,
    /// Devices that compute a share of each step, beside that of the decoder.
    others: &'a [B::Device],
    optimizer: AdamW<B>,
    flops: ModelFlops,
    /// Of the steps of this process; where there are more, without the first, which is also the time of getting going.
    pace: Pace,
    steps_here: usize,
    peak_flops: f64,
    state: State,
    journal: Journal,
    on_event: &'a mut dyn FnMut(&Event),
    /// When this process began to train.
    start: Instant,
    /// Seconds that a training took before it was resumed.
    before: f64,
    last_checkpoint: Instant,
}

impl<'a, B: AutodiffKernels> Training<'a, B> {
    fn begin(
        config: &'a Config,
        data: &'a TrainData,
        control: Control<'_>,
        devices: &'a [B::Device],
        on_event: &'a mut dyn FnMut(&Event),
    ) -> Result<Self> {
        let (device, others) = devices.split_first().expect("a training has a device");
        if config.train.optimizer_dtype == MomentDtype::Bits8 {
            let option = || "train.optimizer_dtype = \"8bit\"".to_owned();
            check_holds_few_bits::<B>(device, option)?;
            check_stores::<B>(device, DType::U8, option)?;
        }
        let precision = config.train.precision;
        for device in devices {
            precision.check::<B>(device)?;
        }
        let folder = &config.output;
        std::fs::create_dir_all(folder).map_err(io(folder))?;
        let (found, damaged) = Checkpoint::newest(folder)?;
        let made_from = MadeFrom::new(config, data, format!("{devices:?}"));
        let found = match (control.start, found) {
            (Start::Resume, None) => {
                let reason = match damaged.first() {
                    None => "there is no checkpoint to go on from".to_owned(),
                    Some(damage) => format!("no checkpoint is whole ({damage})"),
                };
                return Err(Error::Resume { path: folder.join(checkpoint::FOLDER), reason });
            }
            (Start::Resume, Some(found)) => {
                found.check(&made_from)?;
                Some(found)
            }
            (Start::New, Some(found)) if found.state.step < found.state.steps => {
                let (step, steps) = (found.state.step, found.state.steps);
                return Err(Error::Unfinished { path: folder.clone(), step, steps });
            }
            _ => None,
        };
        directory::remove_left_over(folder)?;
        let resolved = folder.join("config.toml");
        let journal = Journal::open(folder, found.as_ref().map(|found| &found.state), control.plan.cloned())?;
        let steps = data.train.len().div_ceil(config.train.batch_size) * config.train.epochs;
        let resumed = found.is_some();
        let (decoder, optimizer, state) = if let Some(found) = found {
            let (decoder, optimizer) = found.load::<B>(config, device)?;
            (decoder, optimizer, State { made_from, ..found.state })
        } else {
            let checkpoints = folder.join(checkpoint::FOLDER);
            if checkpoints.exists() {
                std::fs::remove_dir_all(&checkpoints).map_err(io(&checkpoints))?;
            }
            gearhead_data::case::write_whole(&resolved, |output| {
                let text = control.provenance.map_or_else(|| config.resolved(), |it| it.annotated(config));
                output.write_all(text.as_bytes())
            })?;
            let state = State {
                step: 0,
                steps,
                optimizer_steps: 0,
                tokens: 0,
                seconds: 0.0,
                best: None,
                losses: Vec::new(),
                skipped: 0,
                loss_scale: LossScale::first(precision),
                metrics_bytes: 0,
                made_from,
            };
            (first_weights(config, data, device)?, AdamW::default(), state)
        };
        let peak_flops = devices.iter().map(|it| flops::peak::<B::InnerBackend>(it, precision)).sum();
        let now = Instant::now();
        let before = state.seconds;
        let parameters = trained_parameters(&decoder);
        let flops = ModelFlops::new(decoder.config(), config.lora.as_ref());
        let mut training = Self {
            config,
            data,
            decoder: Some(decoder),
            others,
            optimizer,
            flops,
            pace: Pace::default(),
            steps_here: 0,
            peak_flops,
            state,
            journal,
            on_event,
            start: now,
            before,
            last_checkpoint: now,
        };
        training.record(&Event::Start {
            parameters,
            steps,
            train_cases: data.train.len(),
            validation_cases: data.validation.len(),
            cut_tokens: data.cut_tokens,
            peak_flops,
        })?;
        if resumed {
            training.record(&Event::Resume { step: training.state.step, damaged })?;
        } else {
            training.sample(&without_gradients(training.decoder()))?;
        }
        Ok(training)
    }

    fn run(mut self, stop: Option<&AtomicBool>) -> Result<Summary> {
        let (config, steps) = (&self.config.train, self.state.steps);
        let steps_per_epoch = self.data.train.len().div_ceil(config.batch_size);
        let eval_every = if config.eval_every_steps == 0 { steps_per_epoch } else { config.eval_every_steps };
        let minutes = Duration::from_secs_f64(60.0 * config.checkpoint_every_minutes);
        let mut order = (usize::MAX, Vec::new());
        while self.state.step < steps {
            let epoch = self.state.step / steps_per_epoch;
            if order.0 != epoch {
                let batches =
                    epoch_batches(self.data.train.len(), config.batch_size, self.config.seed, epoch);
                order = (epoch, batches);
            }
            self.step(epoch, &order.1[self.state.step % steps_per_epoch])?;
            let step = self.state.step;
            let evaluated = step.is_multiple_of(eval_every) || step == steps;
            if evaluated {
                self.evaluate()?;
            }
            let stopped = stop.is_some_and(|stop| stop.load(Ordering::Relaxed));
            let by_steps =
                config.checkpoint_every_steps > 0 && step.is_multiple_of(config.checkpoint_every_steps);
            if evaluated || stopped || by_steps || self.last_checkpoint.elapsed() >= minutes {
                self.checkpoint()?;
            }
            if stopped {
                if !evaluated {
                    self.journal.report(&self.state, self.config)?;
                }
                break;
            }
        }
        if self.state.best.is_none() && self.state.step == steps {
            return Err(Error::Diverged { step: steps, what: "validation loss", value: f64::NAN });
        }
        Ok(Summary {
            best: self.config.output.join("best"),
            best_validation_loss: self.state.best.map(|(loss, _)| loss),
            best_step: self.state.best.map_or(0, |(_, step)| step),
            step: self.state.step,
            steps,
            tokens: self.state.tokens,
            duration: Duration::from_secs_f64(self.seconds()),
            pace: self.pace,
            peak_flops: self.peak_flops,
        })
    }

    fn step(&mut self, epoch: usize, batch: &[usize]) -> Result<()> {
        let began = self.seconds();
        let config = &self.config.train;
        let documents: Vec<_> = batch.iter().map(|index| &self.data.train[*index]).collect();
        let loss_scale = self.state.loss_scale.map(LossScale::value);
        let gradients = shared_step_gradients(self.decoder(), &documents, config, loss_scale, self.others);
        let step = self.state.step + 1;
        if let Some(lowered) = self.lowered_scale(&gradients) {
            self.state.loss_scale = Some(lowered);
            self.state.step = step;
            self.state.tokens += gradients.token_count;
            return self.record(&Event::LossScale { step, loss_scale: lowered.value(), overflow: true });
        }
        if let Some(wrong) = self.judge(&gradients) {
            let cases: Vec<usize> = batch.iter().map(|index| index + 1).collect();
            let skips = config.on_divergence == OnDivergence::Skip;
            if !skips || self.state.skipped == MOST_SKIPPED {
                return self.diverged(step, wrong, &cases);
            }
            self.state.skipped += 1;
            self.state.step = step;
            self.state.tokens += gradients.token_count;
            let (what, value) = wrong.what();
            return self.record(&Event::Skip { step, what, value, cases });
        }
        let rate = learning_rate(config, self.state.step, self.state.steps);
        remember(&mut self.state.losses, gradients.loss);
        self.state.skipped = 0;
        self.state.step = step;
        self.state.tokens += gradients.token_count;
        let StepGradients { loss, grad_norm, token_count, target_count, .. } = gradients;
        let (flops, resident_bytes) = (self.flops.of(&gradients), resident_bytes());
        // Taken out, so that the weights are held once and changed in place.
        let decoder = self.decoder.take().expect("the decoder is away only while a step is taken");
        self.decoder = Some(self.optimizer.step(decoder, gradients, rate, config));
        let seconds = self.seconds();
        let step_seconds = seconds - began;
        if self.steps_here == 1 {
            self.pace = Pace::default();
        }
        self.steps_here += 1;
        self.pace.add(token_count, flops, step_seconds);
        self.record(&Event::Step {
            step,
            epoch: epoch + 1,
            loss,
            grad_norm,
            learning_rate: rate,
            tokens: token_count,
            target_tokens: target_count,
            flops,
            step_seconds,
            seconds,
            resident_bytes,
            loss_scale,
        })?;
        let Some(scale) = &mut self.state.loss_scale else { return Ok(()) };
        *scale = scale.after_step();
        match scale.value() {
            value if Some(value) == loss_scale => Ok(()),
            value => self.record(&Event::LossScale { step, loss_scale: value, overflow: false }),
        }
    }

    /// The loss scale after gradients that overflowed, where a lower one may mend that.
    fn lowered_scale(&self, gradients: &StepGradients) -> Option<LossScale> {
        let has_overflowed = gradients.loss.is_finite() && !gradients.grad_norm.is_finite();
        self.state.loss_scale.filter(|_| has_overflowed)?.lowered()
    }

    /// What is wrong with a step that was not taken yet.
    fn judge(&self, gradients: &StepGradients) -> Option<Wrong> {
        let values = [("loss", gradients.loss), ("gradient norm", gradients.grad_norm)];
        if let Some((what, value)) = values.into_iter().find(|(_, value)| !value.is_finite()) {
            return Some(Wrong::NoNumber { what, value });
        }
        if self.config.train.on_divergence == OnDivergence::Ignore {
            return None;
        }
        leap_from(&self.state.losses, gradients.loss).map(|usual| Wrong::Leap { loss: gradients.loss, usual })
    }

    fn diverged(&mut self, step: usize, wrong: Wrong, cases: &[usize]) -> Result<()> {
        match wrong {
            Wrong::NoNumber { what, value } => Err(Error::Diverged { step, what, value }),
            Wrong::Leap { loss, usual } => {
                // The weights are those of before the leap.
                self.checkpoint()?;
                let cases = cases.iter().take(8).map(ToString::to_string).collect::<Vec<_>>().join(", ");
                let data = &self.config.data;
                let path = data.train.iter().chain(&data.text).next().cloned().unwrap_or_default();
                Err(Error::Leap { step, loss, usual, path, cases })
            }
        }
    }

    fn evaluate(&mut self) -> Result<()> {
        let evaluated = without_gradients(self.decoder());
        let validation_loss = mean_loss(&evaluated, &self.data.validation, self.config.train.batch_size);
        let step = self.state.step;
        let is_best = validation_loss < self.state.best.map_or(f64::INFINITY, |(loss, _)| loss);
        if is_best {
            self.state.best = Some((validation_loss, step));
            self.save(&evaluated, "best")?;
            self.sample(&evaluated)?;
        }
        self.save(&evaluated, "last")?;
        let seconds = self.seconds();
        self.record(&Event::Evaluation { step, validation_loss, is_best, seconds })?;
        self.journal.report(&self.state, self.config)
    }

    fn sample(&mut self, decoder: &Decoder<B::InnerBackend>) -> Result<()> {
        let samples = samples(decoder, self.data, self.config)?;
        self.record(&Event::Samples { step: self.state.step, samples })
    }

    fn checkpoint(&mut self) -> Result<()> {
        let (step, seconds) = (self.state.step, self.seconds());
        self.state.seconds = seconds;
        self.state.optimizer_steps = self.optimizer.steps();
        self.state.metrics_bytes = self.journal.sync()?;
        checkpoint::write(self.config, &self.state, self.decoder(), &self.optimizer)?;
        self.last_checkpoint = Instant::now();
        self.record(&Event::Checkpoint { step, seconds })
    }

    fn decoder(&self) -> &Decoder<B> {
        self.decoder.as_ref().expect("the decoder is away only while a step is taken")
    }

    fn seconds(&self) -> f64 {
        self.before + self.start.elapsed().as_secs_f64()
    }

    fn record(&mut self, event: &Event) -> Result<()> {
        (self.on_event)(event);
        self.journal.write(event)
    }

    fn save(&self, decoder: &Decoder<B::InnerBackend>, name: &str) -> Result<()> {
        let tokenizer = self.data.tokenizer.to_json()?;
        let mut beside: Vec<(&str, &[u8])> = vec![("tokenizer.json", tokenizer.as_bytes())];
        let tokenizer_config = self.tokenizer_config()?;
        beside.push(("tokenizer_config.json", &tokenizer_config));
        let manifest = self.data.manifest.as_ref();
        let manifest =
            manifest.map(|manifest| serde_json::to_vec_pretty(manifest).expect("a manifest is JSON"));
        if let Some(manifest) = &manifest {
            beside.push((MANIFEST, manifest));
        }
        let mut cases = Vec::new();
        for case in &self.data.kept_cases {
            serde_json::to_writer(&mut cases, case).expect("a case is JSON");
            cases.push(b'\n');
        }
        if !cases.is_empty() {
            beside.push((PAST_CASES, &cases));
        }
        let path = self.config.output.join(name);
        let write_beside = |folder: &Path| {
            beside.iter().try_for_each(|(name, content)| std::fs::write(folder.join(name), content))
        };
        save_trained(decoder, self.config, self.config.train.save_dtype, path, write_beside)
    }

    /// What transformers needs to open `tokenizer.json`: what the model that is trained on has, or our own.
    fn tokenizer_config(&self) -> Result<Vec<u8>> {
        let path = self.config.tokenizer_path().with_file_name("tokenizer_config.json");
        if self.config.from.is_some() && path.exists() {
            return std::fs::read(&path).map_err(|source| Error::Io { path, source });
        }
        Ok(TOKENIZER_CONFIG.into())
    }
}

/// The weights that a training begins with: new ones, those of the model that it trains on, or these with new adapters.
fn first_weights<B: AutodiffKernels>(
    config: &Config,
    data: &TrainData,
    device: &B::Device,
) -> Result<Decoder<B>> {
    let Some(from) = &config.from else {
        let markers = data.tokenizer.case_markers()?;
        let shape = ModelConfig {
            vocab_size: data.tokenizer.vocab_size(),
            bos_id: Some(markers.bos),
            eos_ids: vec![markers.eos],
            ..config.model.clone()
        };
        return Ok(Decoder::init(&shape, config.seed, device)?);
    };
    let model = ModelDirectory::open(from)?;
    Ok(match &config.lora {
        Some(lora) => model.with_new_adapters(lora, config.seed, device)?,
        None => model.decoder(device)?,
    })
}

/// Writes what is trained: a model directory, or one of adapters for the model that they belong to.
pub(crate) fn save_trained<B: Kernels>(
    decoder: &Decoder<B>,
    config: &Config,
    dtype: Dtype,
    path: impl AsRef<Path>,
    beside: impl FnOnce(&Path) -> std::io::Result<()>,
) -> Result<()> {
    match (&config.lora, &config.from) {
        (Some(lora), Some(base)) => {
            // The adapters are found from elsewhere too.
            let base = std::fs::canonicalize(base).map_err(io(base))?;
            lora::save_with(decoder, lora, &base, path, beside)?;
        }
        _ => directory::save_with(decoder, decoder.config(), dtype, path, beside)?,
    }
    Ok(())
}

/// How many numbers are trained.
fn trained_parameters<B: AutodiffKernels>(decoder: &Decoder<B>) -> usize {
    struct Count(usize);
    impl<B: Backend> ModuleVisitor<B> for Count {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<B, D>>) {
            if param.is_require_grad() {
                self.0 += param.shape().num_elements();
            }
        }
    }
    let mut count = Count(0);
    decoder.visit(&mut count);
    count.0
}

/// Why a step is not taken.
#[derive(Debug, Clone, Copy)]
enum Wrong {
    NoNumber { what: &'static str, value: f64 },
    Leap { loss: f64, usual: f64 },
}

impl Wrong {
    const fn what(self) -> (&'static str, f64) {
        match self {
            Self::NoNumber { what, value } => (what, value),
            Self::Leap { loss, .. } => ("loss", loss),
        }
    }
}

fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::Io { path, source }
}

/// What transformers needs to open `tokenizer.json`.
const TOKENIZER_CONFIG: &str = r#"{
  "tokenizer_class": "PreTrainedTokenizerFast",
  "bos_token": "<s>",
  "eos_token": "</s>",
  "pad_token": "<pad>",
  "clean_up_tokenization_spaces": false
}
"#;
