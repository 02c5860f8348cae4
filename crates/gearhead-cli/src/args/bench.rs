//! `gearhead bench`, as it is typed.

use clap::{Args, ValueEnum};

use super::ModelArgs;

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Work {
    /// Optimizer steps.
    Training,
    /// Reading prompts and continuing them.
    Generation,
    /// Loading a model and diagnosing one case.
    Diagnosis,
}

/// How AdamW's moments are stored.
#[derive(Debug, Clone, Copy, Default, ValueEnum)]
pub(crate) enum OptimizerDtype {
    /// 32 bit
    #[default]
    F32,
    /// 8 bit, with a scale for each 256 numbers
    #[value(name = "8bit")]
    Bits8,
}

/// The numbers of activations.
#[derive(Debug, Clone, Copy, Default, ValueEnum)]
pub(crate) enum Activations {
    /// 32 bit
    #[default]
    F32,
    /// 16 bit, the upper half of an f32
    Bf16,
    /// 16 bit, IEEE 754
    F16,
}

#[derive(Debug, Args)]
pub(crate) struct BenchArgs {
    #[command(flatten)]
    pub(crate) model: ModelArgs,
    /// What to measure
    #[arg(long, value_delimiter = ',', default_value = "training,generation,diagnosis")]
    pub(crate) work: Vec<Work>,
    /// How often each is done, after once that is not counted
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) runs: u32,
    /// Training: documents in a step
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub(crate) documents: u32,
    /// Training: tokens of a document
    #[arg(long, default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) tokens: u32,
    /// Training: parts into which a step is cut
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub(crate) accumulation: u32,
    /// Training: keep the input of every K-th layer and run K layers again at a time; 0 keeps all
    #[arg(long, value_name = "K", default_value_t = 0)]
    pub(crate) recompute_every: u32,
    /// Training: the numbers of activations
    #[arg(long, value_enum, default_value_t)]
    pub(crate) activations: Activations,
    /// Training: how AdamW's moments are stored
    #[arg(long, value_enum, default_value_t)]
    pub(crate) optimizer_dtype: OptimizerDtype,
    /// Generation: tokens of a prompt
    #[arg(long, default_value_t = 128, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) prompt_tokens: u32,
    /// Generation: tokens that a prompt is continued by
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) new_tokens: u32,
    /// Generation: sequences at a time, one figure for each number
    #[arg(long, value_delimiter = ',', default_value = "1,8,32", value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub(crate) batch: Vec<u32>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}
