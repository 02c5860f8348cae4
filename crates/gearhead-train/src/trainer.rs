//! The loop: epochs of steps, evaluations, checkpoints, metrics.

use std::{
    fs::File,
    io::{BufWriter, Write},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use gearhead_data::manifest::{MANIFEST, PAST_CASES};
use gearhead_kernels::AutodiffKernels;
use gearhead_model::{Decoder, ModelConfig, directory};
use serde::Serialize;

use crate::{
    config::Config,
    data::{TrainData, epoch_batches},
    error::{Error, Result},
    gradients::{mean_loss, step_gradients, without_gradients},
    optimizer::AdamW,
    schedule::learning_rate,
};

/// Something that happened in a training; also a line of `metrics.jsonl`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Event {
    /// The training begins.
    Start {
        /// Numbers that are learned.
        parameters: usize,
        /// Optimizer steps over all epochs.
        steps: usize,
        /// Cases to learn from.
        train_cases: usize,
        /// Cases to choose by.
        validation_cases: usize,
        /// Tokens cut off the ends of cases that are longer than the model.
        cut_tokens: usize,
    },
    /// One optimizer step was done.
    Step {
        /// From 1.
        step: usize,
        /// From 1.
        epoch: usize,
        /// Mean loss per target token before the step, in nats.
        loss: f64,
        /// Norm of the gradient before clipping.
        grad_norm: f64,
        /// Of this step.
        learning_rate: f64,
        /// Input tokens of this step.
        tokens: usize,
        /// Target tokens of this step.
        target_tokens: usize,
        /// Seconds since the training began.
        seconds: f64,
    },
    /// The validation cases were evaluated.
    Evaluation {
        /// After which step.
        step: usize,
        /// Mean loss per target token, in nats.
        validation_loss: f64,
        /// Whether it is the lowest so far, in which case the model was saved as `best`.
        is_best: bool,
        /// Seconds since the training began.
        seconds: f64,
    },
}

/// What a training came to.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Summary {
    /// The model directory of the lowest validation loss.
    pub best: PathBuf,
    /// Its validation loss per target token, in nats.
    pub best_validation_loss: f64,
    /// After which step it was.
    pub best_step: usize,
    /// Optimizer steps.
    pub steps: usize,
    /// Input tokens over all steps.
    pub tokens: usize,
    /// Wall time.
    pub duration: Duration,
}

/// Trains a model and leaves `best` and `last` model directories, `metrics.jsonl` and the resolved `config.toml` in
/// the configuration's output folder.
///
/// # Errors
///
/// Files that cannot be written, sizes that do not fit, or a loss that is not a number any more; the best model so
/// far is kept.
pub fn train<B: AutodiffKernels>(
    config: &Config,
    data: &TrainData,
    device: &B::Device,
    on_event: &mut dyn FnMut(&Event),
) -> Result<Summary> {
    let start = Instant::now();
    let markers = data.tokenizer.case_markers()?;
    let model_config = ModelConfig {
        vocab_size: data.tokenizer.vocab_size(),
        bos_id: Some(markers.bos),
        eos_ids: vec![markers.eos],
        ..config.model.clone()
    };
    let mut decoder = Decoder::<B>::init(&model_config, config.seed, device)?;
    let mut run = Run::create(config, data, model_config)?;
    let steps_per_epoch = data.train.len().div_ceil(config.train.batch_size);
    let steps = steps_per_epoch * config.train.epochs;
    let eval_every = match config.train.eval_every_steps {
        0 => steps_per_epoch,
        every => every,
    };
    let parameters = run.model_config.parameter_count();
    let mut record = |run: &mut Run<'_>, event: Event| -> Result<()> {
        on_event(&event);
        run.log(&event)
    };
    record(
        &mut run,
        Event::Start {
            parameters,
            steps,
            train_cases: data.train.len(),
            validation_cases: data.validation.len(),
            cut_tokens: data.cut_tokens,
        },
    )?;
    let mut optimizer = AdamW::<B>::default();
    let mut best = (f64::INFINITY, 0);
    let (mut step, mut tokens) = (0, 0);
    for epoch in 0..config.train.epochs {
        for batch in epoch_batches(data.train.len(), config.train.batch_size, config.seed, epoch) {
            let documents: Vec<_> = batch.iter().map(|index| &data.train[*index]).collect();
            let gradients = step_gradients(&decoder, &documents, &config.train);
            for (what, value) in [("loss", gradients.loss), ("gradient norm", gradients.grad_norm)] {
                if !value.is_finite() {
                    return Err(Error::Diverged { step: step + 1, what, value });
                }
            }
            let rate = learning_rate(&config.train, step, steps);
            step += 1;
            tokens += gradients.token_count;
            let event = Event::Step {
                step,
                epoch: epoch + 1,
                loss: gradients.loss,
                grad_norm: gradients.grad_norm,
                learning_rate: rate,
                tokens: gradients.token_count,
                target_tokens: gradients.target_count,
                seconds: start.elapsed().as_secs_f64(),
            };
            decoder = optimizer.step(decoder, gradients, rate, &config.train);
            record(&mut run, event)?;
            if step.is_multiple_of(eval_every) || step == steps {
                let evaluated = without_gradients(&decoder);
                let validation_loss = mean_loss(&evaluated, &data.validation, config.train.batch_size);
                let is_best = validation_loss < best.0;
                if is_best {
                    best = (validation_loss, step);
                    run.save(&evaluated, "best")?;
                }
                run.save(&evaluated, "last")?;
                let seconds = start.elapsed().as_secs_f64();
                record(&mut run, Event::Evaluation { step, validation_loss, is_best, seconds })?;
            }
        }
    }
    if best.1 == 0 {
        return Err(Error::Diverged { step, what: "validation loss", value: f64::NAN });
    }
    Ok(Summary {
        best: config.output.join("best"),
        best_validation_loss: best.0,
        best_step: best.1,
        steps,
        tokens,
        duration: start.elapsed(),
    })
}

/// The output folder of a training.
struct Run<'a> {
    config: &'a Config,
    data: &'a TrainData,
    model_config: ModelConfig,
    metrics: BufWriter<File>,
}

impl<'a> Run<'a> {
    fn create(config: &'a Config, data: &'a TrainData, model_config: ModelConfig) -> Result<Self> {
        let folder = &config.output;
        let io = |path: &Path| {
            let path = path.to_owned();
            move |source| Error::Io { path, source }
        };
        std::fs::create_dir_all(folder).map_err(io(folder))?;
        let resolved = folder.join("config.toml");
        gearhead_data::case::write_whole(&resolved, |output| output.write_all(config.resolved().as_bytes()))?;
        let metrics = folder.join("metrics.jsonl");
        let metrics = BufWriter::new(File::create(&metrics).map_err(io(&metrics))?);
        Ok(Self { config, data, model_config, metrics })
    }

    fn log(&mut self, event: &Event) -> Result<()> {
        let write = |metrics: &mut BufWriter<File>| -> std::io::Result<()> {
            serde_json::to_writer(&mut *metrics, event)?;
            metrics.write_all(b"\n")?;
            if matches!(event, Event::Step { .. }) { Ok(()) } else { metrics.flush() }
        };
        write(&mut self.metrics)
            .map_err(|source| Error::Io { path: self.config.output.join("metrics.jsonl"), source })
    }

    fn save<B: gearhead_kernels::Kernels>(&self, decoder: &Decoder<B>, name: &str) -> Result<()> {
        let tokenizer = self.data.tokenizer.to_json()?;
        let manifest = serde_json::to_vec_pretty(&self.data.manifest).expect("a manifest is JSON");
        let mut beside: Vec<(&str, &[u8])> = vec![
            ("tokenizer.json", tokenizer.as_bytes()),
            ("tokenizer_config.json", TOKENIZER_CONFIG.as_bytes()),
            (MANIFEST, &manifest),
        ];
        let mut cases = Vec::new();
        for case in &self.data.kept_cases {
            serde_json::to_writer(&mut cases, case).expect("a case is JSON");
            cases.push(b'\n');
        }
        if !cases.is_empty() {
            beside.push((PAST_CASES, &cases));
        }
        let path = self.config.output.join(name);
        directory::save(decoder, &self.model_config, self.config.train.save_dtype, &beside, path)?;
        Ok(())
    }
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
