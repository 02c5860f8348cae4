//! `gearhead plan`, as it is typed.

use std::path::PathBuf;

use bytesize::ByteSize;
use clap::Args;
use gearhead::device::Wanted;

#[derive(Debug, Args)]
pub(crate) struct PlanArgs {
    /// Configuration file
    #[arg(long, value_name = "FILE")]
    pub(crate) config: PathBuf,
    /// Override a value of the configuration
    #[arg(long = "set", value_name = "SECTION.KEY=VALUE")]
    pub(crate) overrides: Vec<String>,
    /// What the training may take in all, such as 8GB or 7.5GiB [default: what the device still has]
    #[arg(long, value_name = "SIZE")]
    pub(crate) memory: Option<ByteSize>,
    /// Where to compute: auto, cpu, cuda:N, rocm:N, metal, vulkan:N, wgpu:N, tch-cuda:N, tch-mps, tch-cpu
    #[arg(long, default_value = "auto")]
    pub(crate) device: Wanted,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}
