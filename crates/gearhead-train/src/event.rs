//! What a training tells while it runs, and at its end.

use std::{path::PathBuf, time::Duration};

use serde::{Deserialize, Serialize};

use crate::flops::Pace;

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
        /// Floating-point operations a second of the fastest product of matrices that was measured on the devices, all
        /// together.
        peak_flops: f64,
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
        /// Floating-point operations that the model asks for in this step, as [`ModelFlops`](crate::flops::ModelFlops) counts them.
        flops: f64,
        /// Seconds that the step took.
        step_seconds: f64,
        /// Seconds since the training began.
        seconds: f64,
        /// Memory of the process in use, where the system tells it.
        resident_bytes: Option<u64>,
        /// The loss scale of this step, in f16.
        #[serde(skip_serializing_if = "Option::is_none")]
        loss_scale: Option<f64>,
    },
    /// In f16, the loss scale was halved, since gradients overflowed and the step was left out, or doubled after many steps
    /// in which they did not.
    LossScale {
        /// After which step.
        step: usize,
        /// From now on.
        loss_scale: f64,
        /// Whether gradients overflowed.
        overflow: bool,
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
    /// The training goes on from a checkpoint.
    Resume {
        /// Steps that were done before.
        step: usize,
        /// Newer checkpoints that are not whole, and why.
        damaged: Vec<String>,
    },
    /// A step was left out, since its loss leapt up or was no number.
    Skip {
        /// From 1.
        step: usize,
        /// Loss or gradient norm.
        what: &'static str,
        /// Its value; `None` in JSON where it is no number.
        value: f64,
        /// The training cases of the step, from 1 in their file.
        cases: Vec<usize>,
    },
    /// The model continued some validation cases: before the first step, and whenever it was the best so far.
    Samples {
        /// After which step.
        step: usize,
        /// What it wrote.
        samples: Vec<SampleText>,
    },
    /// A checkpoint was written.
    Checkpoint {
        /// After which step.
        step: usize,
        /// Seconds since the training began.
        seconds: f64,
    },
}

/// What a model wrote for a case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SampleText {
    /// What it was given.
    pub prompt: String,
    /// What the case says.
    pub expected: String,
    /// What it wrote.
    pub written: String,
}

/// What a training came to.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Summary {
    /// The model directory of the lowest validation loss; of a training that was stopped before its first evaluation, what
    /// will be.
    pub best: PathBuf,
    /// Its validation loss per target token, in nats.
    pub best_validation_loss: Option<f64>,
    /// After which step it was.
    pub best_step: usize,
    /// Optimizer steps that were done.
    pub step: usize,
    /// Optimizer steps over all epochs.
    pub steps: usize,
    /// Input tokens over all steps that were done.
    pub tokens: usize,
    /// Wall time, that before a resumption included.
    pub duration: Duration,
    /// Of the steps of this process, without evaluations; where there are more, without the first.
    pub pace: Pace,
    /// Floating-point operations a second of the fastest product of matrices that was measured on the devices.
    pub peak_flops: f64,
}

impl Summary {
    /// Whether all steps were done.
    pub fn is_finished(&self) -> bool {
        self.step == self.steps
    }
}
