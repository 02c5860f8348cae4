//! What can stop an inference.

use std::path::PathBuf;

use crate::engine::Finding;

/// The result of this crate's fallible functions.
pub type Result<T> = std::result::Result<T, Error>;

/// A reason why there is no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A model and its tokenizer do not belong together.
    #[error(
        "{}: the tokenizer has {tokenizer} tokens, the model {model}: they do not belong together",
        path.display()
    )]
    TokenizerMismatch {
        /// The model directory.
        path: PathBuf,
        /// Size of the tokenizer's vocabulary.
        tokenizer: usize,
        /// Size of the model's.
        model: usize,
    },
    /// Token ids that the model does not have.
    #[error("the token id {id} is not below the model's vocabulary of {vocab_size}")]
    UnknownToken {
        /// The id.
        id: u32,
        /// The model's vocabulary.
        vocab_size: usize,
    },
    /// There is nothing to continue or to score.
    #[error("the prompt is empty")]
    EmptyPrompt,
    /// The prompt does not fit.
    #[error("the prompt has {tokens} tokens, but the model takes {max_seq_len} in all")]
    TooLong {
        /// Tokens of the prompt.
        tokens: usize,
        /// What the model can take.
        max_seq_len: usize,
    },
    /// A case does not leave room for an answer.
    #[error(
        "the case has {tokens} tokens, but the model takes {room} before its answer: shorten the symptom"
    )]
    CaseTooLong {
        /// Tokens of the case.
        tokens: usize,
        /// What leaves room for the answer.
        room: usize,
    },
    /// An option is out of its range.
    #[error("{option} is {value}, but must be {expected}")]
    Option {
        /// The option.
        option: &'static str,
        /// Its value.
        value: f64,
        /// What it may be.
        expected: &'static str,
    },
    /// The model ranks no causes: its `gearhead.json` lists none.
    #[error("{}: the model ranks no causes: its gearhead.json lists none", path.display())]
    NoCandidates {
        /// The model directory.
        path: PathBuf,
    },
    /// The knowledge disables every cause that the model ranks.
    #[error(
        "the knowledge disables every cause that the model ranks: shorten `disabled` in its knowledge.toml"
    )]
    AllDisabled,
    /// What the model may write cannot be put into a grammar.
    #[error("the grammar of the answer: {0}")]
    Grammar(String),
    /// A file of weights of words is damaged.
    #[error("linear.gearhead: {0}")]
    Linear(String),
    /// A result of a test that the knowledge does not have.
    #[error("{}: no test {} with a result {}", .0.fault, .0.test, .0.outcome)]
    UnknownFinding(Finding),
    /// The program itself failed on a case, and on that case only.
    #[error("the program failed on this case, which is a fault of the program: {0}")]
    Fault(String),
    /// There is nothing to measure a model by.
    #[error("no case has a `fault`, a `probable_cause` or a `solution` to compare with")]
    NothingToCompare,
    /// One case of several cannot be diagnosed.
    #[error("case {row}: {source}")]
    Row {
        /// Its number, from 1.
        row: usize,
        /// Why.
        source: Box<Error>,
    },
    /// A case file, a tokenizer or a prompt.
    #[error(transparent)]
    Case(#[from] gearhead_data::Error),
    /// A model's configuration or files.
    #[error(transparent)]
    Model(#[from] gearhead_model::Error),
}
