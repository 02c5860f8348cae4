//! Arguments of `gearhead serve`.

use std::{net::SocketAddr, path::PathBuf};

use clap::Args;

use super::EngineArgs;

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub(crate) struct ServeArgs {
    #[command(flatten)]
    pub(crate) engine: EngineArgs,
    /// Address and port to listen on; beyond this machine only with --keys
    #[arg(long, default_value = "127.0.0.1:8080")]
    pub(crate) addr: SocketAddr,
    /// API keys, one a line, of which every request must have one (`Authorization: Bearer KEY`)
    #[arg(long, value_name = "FILE")]
    pub(crate) keys: Option<PathBuf>,
    /// Let anyone who reaches the address ask, though it is not of this machine alone
    #[arg(long, conflicts_with = "keys")]
    pub(crate) without_keys: bool,
    /// Let pages of another site ask, such as https://workshop.example:8443; may be given several times
    #[arg(long, value_name = "ORIGIN")]
    pub(crate) allow_origin: Vec<String>,
    /// Where feedback and history are kept [default: gearhead/serve.db in the user's data folder]
    #[arg(long, value_name = "FILE")]
    pub(crate) store: Option<PathBuf>,
    /// Keep neither feedback nor history
    #[arg(long, conflicts_with = "store")]
    pub(crate) no_store: bool,
    /// Keep feedback only
    #[arg(long)]
    pub(crate) no_history: bool,
    /// Requests that may be under way or wait; what comes beyond is answered 429
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) queue: u32,
    /// Texts that are written at once, and as many diagnoses beside them
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=1_024))]
    pub(crate) texts_at_once: u32,
    /// The most tokens of a text with its prompt, where the model can take more
    #[arg(long, default_value_t = 4_096, value_parser = clap::value_parser!(u32).range(16..))]
    pub(crate) max_tokens: u32,
    /// The largest request in KiB; a file of cases or a log may have 32 times as much
    #[arg(long, default_value_t = 1_024, value_parser = clap::value_parser!(u32).range(1..=1_048_576))]
    pub(crate) max_body_kib: u32,
    /// Seconds that an answer may take
    #[arg(long, default_value_t = 120, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) time_limit_s: u32,
    /// Write the text of requests to the log as well
    #[arg(long)]
    pub(crate) log_text: bool,
}
