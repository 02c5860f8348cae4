//! Arguments of `gearhead data check`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use gearhead::data::check::Severity;

use super::KnowledgeArgs;

#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// Case files, JSONL or a JSON list: the training files, or everything that is not split yet
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// The test file: what gives the label away is learned on the training files and measured on it
    #[arg(long, value_name = "FILE")]
    pub(crate) test: Option<PathBuf>,
    /// The validation file
    #[arg(long, value_name = "FILE")]
    pub(crate) validation: Option<PathBuf>,
    /// A tokenizer.json, to measure lengths in tokens
    #[arg(long, value_name = "FILE")]
    pub(crate) tokenizer: Option<PathBuf>,
    /// The most tokens that the model takes, to find what would be cut off
    #[arg(long, value_name = "N", requires = "tokenizer", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) max_seq_len: Option<u32>,
    #[command(flatten)]
    pub(crate) knowledge: KnowledgeArgs,
    /// Draws the random half that stands for a test file where there is none
    #[arg(long, default_value_t = 0)]
    pub(crate) seed: u64,
    /// Write the report as one HTML page
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
    /// From which severity of a finding the exit code is 2
    #[arg(long, value_name = "SEVERITY", default_value = "error")]
    pub(crate) fail_on: FailOn,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum FailOn {
    Error,
    Warning,
    Never,
}

impl FailOn {
    /// Whether a report whose worst finding is `worst` fails.
    pub(crate) fn fails(self, worst: Option<Severity>) -> bool {
        match self {
            Self::Error => worst >= Some(Severity::Error),
            Self::Warning => worst >= Some(Severity::Warning),
            Self::Never => false,
        }
    }
}
