//! Arguments of `gearhead eval`.

use std::path::PathBuf;

use clap::Args;
use gearhead::infer::eval::Floor;

use super::EngineArgs;

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub(crate) struct EvalArgs {
    #[command(flatten)]
    pub(crate) engine: EngineArgs,
    /// Cases whose cause is known [default: generated test cases, and the suites]
    #[arg(long, value_name = "FILE")]
    pub(crate) data: Option<PathBuf>,
    /// Cases for the baselines that learn; give those that the model was trained on [default: with generated test cases the
    /// generated training cases, else none]
    #[arg(long, value_name = "FILE")]
    pub(crate) train: Option<PathBuf>,
    /// Run the suites too: work orders, paraphrases, inversions, other topics, dangerous requests
    #[arg(long)]
    pub(crate) suites: bool,
    /// How many test cases to generate; 0 for the suites alone
    #[arg(long, value_name = "N", default_value_t = 1000, conflicts_with = "data")]
    pub(crate) cases: usize,
    /// Seed of the generated cases, of the intervals and of the baselines
    #[arg(long, value_name = "S", default_value_t = 11)]
    pub(crate) seed: u64,
    /// Ask again without the codes and without the complaint; takes three times as long
    #[arg(long)]
    pub(crate) ablations: bool,
    /// Another model for the same rows; a worse model than that fails with exit code 1
    #[arg(long, value_name = "DIR")]
    pub(crate) before: Option<PathBuf>,
    /// Fail with exit code 1 where a measure of all rows is lower, such as top1=0.9; may be given again
    #[arg(long = "fail-below", value_name = "MEASURE=VALUE")]
    pub(crate) floors: Vec<Floor>,
    /// Show the simple baselines beside the model
    #[arg(long)]
    pub(crate) baselines: bool,
    /// Write a page with plots, tables and the worst mistakes
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}
