//! Arguments of `gearhead data`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{CheckArgs, DataSplitArgs, DataStatsArgs, ImportArgs, KnowledgeArgs};

#[derive(Debug, Subcommand)]
pub(crate) enum DataCommand {
    /// Make cases from the fault cards: train.jsonl, validation.jsonl and test.jsonl.
    #[command(after_help = "Example:\n  gearhead data generate --count 1000 --seed 7 --out data")]
    Generate(GenerateArgs),
    /// Find what is wrong with records, and whether something gives their label away.
    #[command(
        after_help = "Example:\n  gearhead data check data/train.jsonl --validation data/validation.jsonl --test data/test.jsonl --html report.html"
    )]
    Check(CheckArgs),
    /// Split cases into training, validation and test files without a near copy across.
    #[command(
        after_help = "Example:\n  gearhead data split records.jsonl --by machine --out data --validation 0.1 --test 0.1 --seed 7"
    )]
    Split(DataSplitArgs),
    /// Say how varied cases are, and how much of the answer a simple lookup knows.
    #[command(after_help = "Example:\n  gearhead data stats data/train.jsonl")]
    Stats(DataStatsArgs),
    /// Bring in your own records: tables, JSON, notes and conversations become cases, raw text a corpus.
    #[command(
        after_help = "Example:\n  gearhead data import export.csv --map symptom=PROBLEM --map solution=ACTION --out data/mine.jsonl --rejected rejected.jsonl"
    )]
    Import(Box<ImportArgs>),
}

impl DataCommand {
    /// Whether errors are to be JSON.
    pub(crate) fn wants_json(&self) -> bool {
        match self {
            Self::Generate(args) => args.json,
            Self::Check(args) => args.json,
            Self::Split(args) => args.json,
            Self::Stats(args) => args.json,
            Self::Import(args) => args.json,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct GenerateArgs {
    /// Cases over all three files
    #[arg(long, default_value_t = 1000)]
    pub(crate) count: usize,
    /// The same seed gives the same cases
    #[arg(long, default_value_t = 0)]
    pub(crate) seed: u64,
    #[command(flatten)]
    pub(crate) knowledge: KnowledgeArgs,
    /// Folder for the three files
    #[arg(long, value_name = "DIR", default_value = "data")]
    pub(crate) out: PathBuf,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}
