//! `gearhead data`: one module for each of its commands.

mod generate;
// Called by `gearhead data import`.
#[allow(dead_code)]
mod review;

use crate::{args::DataCommand, failure::Failure};

pub(crate) fn run(command: &DataCommand) -> Result<(), Failure> {
    match command {
        DataCommand::Generate(args) => generate::run(args),
    }
}
