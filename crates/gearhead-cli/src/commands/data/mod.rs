//! `gearhead data`: one module for each of its commands.

mod check;
mod generate;
mod split;
mod stats;

use crate::{args::DataCommand, failure::Failure};

pub(crate) fn run(command: &DataCommand) -> Result<(), Failure> {
    match command {
        DataCommand::Generate(args) => generate::run(args),
        DataCommand::Check(args) => check::run(args),
        DataCommand::Split(args) => split::run(args),
        DataCommand::Stats(args) => stats::run(args),
    }
}
