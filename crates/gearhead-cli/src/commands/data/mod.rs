//! `gearhead data`: one module for each of its commands.

mod check;
mod generate;

use crate::{args::DataCommand, failure::Failure};

pub(crate) fn run(command: &DataCommand) -> Result<(), Failure> {
    match command {
        DataCommand::Generate(args) => generate::run(args),
        DataCommand::Check(args) => check::run(args),
    }
}
