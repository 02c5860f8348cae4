//! What can stop a training.

use std::path::PathBuf;

/// The result of this crate's fallible functions.
pub type Result<T> = std::result::Result<T, Error>;

/// A reason not to train, or not to go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The configuration is not valid.
    #[error("{}{}: {reason}", path.display(), line.map_or_else(String::new, |line| format!(":{line}")))]
    Config {
        /// The file.
        path: PathBuf,
        /// The line at fault, from 1, where one line is.
        line: Option<u64>,
        /// What is wrong with it.
        reason: String,
    },
    /// An override of the configuration is not valid.
    #[error("--set {given}: {reason}")]
    Override {
        /// The override as given.
        given: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A file could not be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The data cannot be trained on.
    #[error("{}: {reason}", path.display())]
    Data {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The loss is not a number any more.
    #[error(
        "the training diverged at step {step}: the {what} is {value}; a lower train.learning_rate or more train.warmup_steps may help"
    )]
    Diverged {
        /// The step.
        step: usize,
        /// Loss or gradient norm.
        what: &'static str,
        /// Its value.
        value: f64,
    },
    /// The loss leapt up.
    #[error(
        "the loss of step {step} leaps to {loss:.3} from {usual:.3} and the step was not taken: look at cases {cases} of {}, lower train.learning_rate, or leave such steps out with train.on_divergence = \"skip\" and go on with --resume",
        path.display()
    )]
    Leap {
        /// The step.
        step: usize,
        /// Its loss.
        loss: f64,
        /// The median of the losses before.
        usual: f64,
        /// The training cases.
        path: PathBuf,
        /// Numbers of the first cases of the step, from 1.
        cases: String,
    },
    /// A training needs more memory than there is.
    #[error("the training needs {needed} of memory, but there is {budget}: {advice}")]
    Memory {
        /// What it needs, with its unit.
        needed: String,
        /// What there is, with its unit.
        budget: String,
        /// What would fit.
        advice: String,
    },
    /// A training cannot go on.
    #[error("{}: {reason}", path.display())]
    Resume {
        /// The checkpoint, or the folder of checkpoints.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// A new training would take the place of one that is not finished.
    #[error(
        "{} holds a training that stopped at step {step} of {steps}: go on with --resume, or forget it with --start-over",
        path.display()
    )]
    Unfinished {
        /// The output folder.
        path: PathBuf,
        /// Steps that were done.
        step: usize,
        /// Steps over all epochs.
        steps: usize,
    },
    /// A case file, a tokenizer or a prompt.
    #[error(transparent)]
    Case(#[from] gearhead_data::Error),
    /// A model's configuration or files.
    #[error(transparent)]
    Model(#[from] gearhead_model::Error),
}
