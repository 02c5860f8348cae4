//! Arguments of `gearhead devices`, `gearhead doctor` and their probes.

use bytesize::ByteSize;
use clap::Args;

#[derive(Debug, Args)]
pub(crate) struct DevicesArgs {
    /// Measure how fast each multiplies matrices and copies memory
    #[arg(long)]
    pub(crate) measure: bool,
    /// Say which device `--device auto` takes, and why
    #[arg(long)]
    pub(crate) explain: bool,
    /// What the work takes there, such as 8GB or 7.5GiB: `auto` leaves out what has less
    #[arg(long, value_name = "SIZE", requires = "explain")]
    pub(crate) memory: Option<ByteSize>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ProbeArgs {
    /// What to ask, such as "list vulkan"
    #[arg(value_name = "QUESTION")]
    pub(crate) question: String,
}
