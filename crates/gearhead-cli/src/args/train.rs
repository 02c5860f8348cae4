//! Arguments of `gearhead train`, `gearhead pretrain` and `gearhead merge`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use gearhead::device::Wanted;

/// How a training begins, or that it does not.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub(crate) struct BeginArgs {
    /// Go on from the newest whole checkpoint in the output folder
    #[arg(long)]
    pub(crate) resume: bool,
    /// Begin anew, though the output folder holds a training that is not finished
    #[arg(long)]
    pub(crate) start_over: bool,
    /// Show the cases of the first step with what the loss is taken on, and do not train
    #[arg(long, conflicts_with = "json")]
    pub(crate) show_batch: bool,
}

#[derive(Debug, Args)]
pub(crate) struct TrainArgs {
    /// Configuration file
    #[arg(long, value_name = "FILE")]
    pub(crate) config: PathBuf,
    /// Override a value of the configuration
    #[arg(long = "set", value_name = "SECTION.KEY=VALUE")]
    pub(crate) overrides: Vec<String>,
    #[command(flatten)]
    pub(crate) begin: BeginArgs,
    /// Where to compute: auto, cpu, cuda:N, rocm:N, metal, vulkan:N, wgpu:N, tch-cuda:N, tch-mps, tch-cpu; several
    /// of one backend, with commas, share each step
    #[arg(long, value_name = "DEVICE", value_delimiter = ',', default_value = "auto")]
    pub(crate) device: Vec<Wanted>,
    /// Print the summary as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct PretrainArgs {
    /// Plain text, each file one text, or JSONL with the field `text`
    #[arg(required = true, value_name = "CORPUS")]
    pub(crate) corpus: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) train: TrainArgs,
}

#[derive(Debug, Args)]
pub(crate) struct MergeArgs {
    /// Directory of adapters, or the output folder of a training of adapters
    #[arg(long, value_name = "DIR")]
    pub(crate) model: PathBuf,
    /// The model directory to write
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// The type of the numbers in it
    #[arg(long, value_enum, default_value = "f32")]
    pub(crate) dtype: SavedDtype,
    /// Where to compute: auto, cpu, cuda:N, rocm:N, metal, vulkan:N, wgpu:N, tch-cuda:N, tch-mps, tch-cpu
    #[arg(long, default_value = "auto")]
    pub(crate) device: Wanted,
}

/// The type of the numbers in a weight file.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum SavedDtype {
    F32,
    F16,
    Bf16,
}

impl From<SavedDtype> for gearhead::model::Dtype {
    fn from(dtype: SavedDtype) -> Self {
        match dtype {
            SavedDtype::F32 => Self::F32,
            SavedDtype::F16 => Self::F16,
            SavedDtype::Bf16 => Self::Bf16,
        }
    }
}
