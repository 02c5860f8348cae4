//! Arguments of `gearhead data split`.

use std::path::PathBuf;

use clap::Args;
use gearhead::data::split::{By, DateOrder};

#[derive(Debug, Args)]
pub(crate) struct DataSplitArgs {
    /// Case files, JSONL or a JSON list
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// What stays together: wording, machine, fault, time (the newest are held out) or group=COLUMN
    #[arg(long, value_name = "KEY", default_value = "wording")]
    pub(crate) by: By,
    /// Folder for train.jsonl, validation.jsonl, test.jsonl and removed.jsonl
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// Share of the rows for validation; 0 for none
    #[arg(long, value_name = "SHARE", default_value_t = 0.1)]
    pub(crate) validation: f64,
    /// Share of the rows for test; 0 for none
    #[arg(long, value_name = "SHARE", default_value_t = 0.1)]
    pub(crate) test: f64,
    /// The same seed gives the same files
    #[arg(long, default_value_t = 0)]
    pub(crate) seed: u64,
    /// Keep rows in training whose complaint is a near copy of a held-out one
    #[arg(long)]
    pub(crate) keep_near_duplicates: bool,
    /// Report faulty records and go on, instead of stopping at the first
    #[arg(long)]
    pub(crate) skip_faulty: bool,
    /// What 03/04/2026 means: dmy or mdy
    #[arg(long, value_name = "ORDER")]
    pub(crate) date_format: Option<DateOrder>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}
