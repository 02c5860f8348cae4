//! The report of a training: one page that says how it went, and how to do it again.
//!
//! [`html`] makes the page from a [`Report`]. A report can be made at any time, also before the first step.

mod axis;
mod history;
mod html;
mod plot;
mod series;
mod summary;
#[cfg(test)]
mod tests;
mod words;

pub use html::html;
pub use words::flop_rate;
pub(crate) use words::size as bytes_in_words;

/// What the page tells.
#[derive(Debug, Clone, Copy)]
pub struct Report<'a> {
    /// The heading, such as the folder that the training writes to.
    pub title: &'a str,
    /// The command line that does the training again.
    pub command: &'a str,
    /// What it ran on, such as `flex (CPU)`.
    pub device: &'a str,
    /// When it began.
    pub date: &'a str,
    /// The version of Gearhead.
    pub gearhead: &'a str,
    /// The version of Burn.
    pub burn: &'a str,
    /// Of the order of cases and of the weights at the beginning.
    pub seed: u64,
    /// Steps that the configuration asks for.
    pub planned_steps: usize,
    /// Floating-point operations a second that the devices do at best; not a number where that is not known.
    pub peak_flops: f64,
    /// The configuration with every default filled in, as TOML.
    pub config: &'a str,
    /// The files that were learned from and chosen by.
    pub data_files: &'a [DataFile],
    /// Every step, in the order in which they were done. Where a step stands twice, as after a resumption from an earlier
    /// checkpoint, the later record counts.
    pub steps: &'a [StepRecord],
    /// Every evaluation, in order.
    pub evaluations: &'a [EvaluationRecord],
    /// What memory was expected to be used, if there was a plan.
    pub memory: Option<&'a MemoryPlan>,
    /// Answers of the model before and after.
    pub samples: &'a [Sample],
    /// What else happened, in order.
    pub incidents: &'a [Incident],
}

/// A file of cases.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataFile {
    /// Its path, or what else it goes by.
    pub name: String,
    /// The XXH3 of its bytes, in hexadecimal digits.
    pub xxh3: String,
}

/// One optimizer step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StepRecord {
    /// From 1.
    pub step: usize,
    /// From 1.
    pub epoch: usize,
    /// Mean loss per target token before the step, in nats.
    pub loss: f64,
    /// Norm of the gradient before clipping.
    pub grad_norm: f64,
    /// Of this step.
    pub learning_rate: f64,
    /// Input tokens of this step.
    pub tokens: usize,
    /// Target tokens of this step.
    pub target_tokens: usize,
    /// Floating-point operations that the model asks for in this step; not a number where that is not known.
    pub flops: f64,
    /// What the step took; not a number where that is not known.
    pub step_seconds: f64,
    /// Seconds since the training began, or since it was taken up again.
    pub seconds: f64,
    /// Memory of the process after the step, where the system tells it.
    pub resident_bytes: Option<u64>,
}

/// One evaluation on the validation cases.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EvaluationRecord {
    /// After which step.
    pub step: usize,
    /// Mean loss per target token, in nats.
    pub validation_loss: f64,
    /// Whether it was the lowest so far.
    pub is_best: bool,
    /// Seconds since the training began, or since it was taken up again, at the end of the evaluation.
    pub seconds: f64,
}

/// The plan of memory, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemoryPlan {
    /// What memory goes to at the peak, with the bytes of each.
    pub parts: Vec<(String, u64)>,
    /// The peak that was predicted.
    pub predicted_peak_bytes: u64,
    /// The peak that was measured, where the system tells it.
    pub measured_peak_bytes: Option<u64>,
}

/// The model's answer to one case, before and after the training.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// What the model was given.
    pub prompt: String,
    /// What the case says.
    pub expected: String,
    /// What the model wrote before the training, if it was asked.
    pub before: Option<String>,
    /// What it wrote after the training, if it was asked.
    pub after: Option<String>,
}

/// Something out of the ordinary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incident {
    /// At which step.
    pub step: usize,
    /// Of which kind.
    pub kind: IncidentKind,
    /// One sentence.
    pub text: String,
}

/// Kinds of incidents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IncidentKind {
    /// The training was taken up again from a checkpoint.
    Resumed,
    /// A batch was left out, for instance as its gradient was not finite.
    SkippedBatch,
    /// The loss ran away.
    Diverged,
}
