//! One module for each command.

pub(crate) mod codes;
pub(crate) mod data;
pub(crate) mod devices;
pub(crate) mod diagnose;
pub(crate) mod eval;
mod fault_log;
pub(crate) mod generate;
mod interactive;
pub(crate) mod score;
pub(crate) mod serve;
pub(crate) mod tokenizer;
pub(crate) mod train;

use gearhead::Engine;

use crate::{args::ModelArgs, failure::Failure};

/// The engine that the arguments ask for.
fn engine(args: &ModelArgs) -> Result<Engine, Failure> {
    Ok(match &args.model {
        Some(path) => Engine::open(path, &args.device)?,
        None => Engine::bundled_on(&args.device)?,
    })
}
