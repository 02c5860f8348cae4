//! Arguments of `gearhead export` and `gearhead import`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use gearhead::{
    device::Wanted,
    model::{Dtype, gguf::GgufDtype},
};

/// Forms in which a model is written.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum ModelFormat {
    /// The one file of llama.cpp and Ollama
    Gguf,
}

#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// Model directory, or the output folder of a training [default: the bundled model]
    #[arg(long, value_name = "DIR")]
    pub(crate) model: Option<PathBuf>,
    /// What to write
    #[arg(long, value_enum, default_value = "gguf")]
    pub(crate) format: ModelFormat,
    /// The file to write; a `Modelfile` for Ollama is written beside it
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// How weights are stored
    #[arg(long, value_enum, default_value_t)]
    pub(crate) dtype: ExportDtype,
    /// Read the file back and compare weights, tokens and probabilities with the model's
    #[arg(long)]
    pub(crate) verify: bool,
    /// Where to compute what is compared: auto, cpu, cuda:N, rocm:N, metal, vulkan:N, wgpu:N, tch-cuda:N, tch-mps, tch-cpu
    #[arg(long, default_value = "auto", requires = "verify")]
    pub(crate) device: Wanted,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// How the weights of a file are stored.
#[derive(Debug, Clone, Copy, Default, ValueEnum)]
pub(crate) enum ExportDtype {
    /// 32 bit
    #[default]
    F32,
    /// 16 bit
    F16,
    /// 8 bit, with a scale for each 32 weights
    #[value(name = "q8_0")]
    Q8_0,
    /// 4 bit, with a scale for each 32 weights; embedding and output layer in 8
    #[value(name = "q4_0")]
    Q4_0,
}

impl From<ExportDtype> for GgufDtype {
    fn from(dtype: ExportDtype) -> Self {
        match dtype {
            ExportDtype::F32 => Self::F32,
            ExportDtype::F16 => Self::F16,
            ExportDtype::Q8_0 => Self::Q8_0,
            ExportDtype::Q4_0 => Self::Q4_0,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct ImportModelArgs {
    /// GGUF file, a model directory in the Hugging Face form, hf:ORGANISATION/NAME[@REVISION] of the Hugging Face Hub, or
    /// `bundled` for the model of this program
    #[arg(value_name = "MODEL")]
    pub(crate) model: String,
    /// The model directory to write
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// How weights are stored [default: as in the file, those in few bits as f32]
    #[arg(long, value_enum)]
    pub(crate) dtype: Option<ImportDtype>,
    /// Give the model the tokens that mark the sections of a case, which it needs to be trained on cases
    #[arg(long)]
    pub(crate) case_markers: bool,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// How the weights of a model directory are stored.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum ImportDtype {
    /// 32 bit
    F32,
    /// 16 bit, IEEE 754
    F16,
    /// 16 bit, the upper half of an f32
    Bf16,
}

impl From<ImportDtype> for Dtype {
    fn from(dtype: ImportDtype) -> Self {
        match dtype {
            ImportDtype::F32 => Self::F32,
            ImportDtype::F16 => Self::F16,
            ImportDtype::Bf16 => Self::Bf16,
        }
    }
}
