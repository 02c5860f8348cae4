//! The `gearhead` command: parses arguments, picks the device, calls a library, prints.

mod args;
mod commands;
mod failure;
mod output;
mod progress;

use std::process::ExitCode;

use clap::Parser;

use args::{Cli, Command, TokenizerCommand};
use failure::Failure;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return unusable(&error),
    };
    commands::device::set_up(&cli.command.devices());
    output::log_to_stderr();
    let wants_json = cli.command.wants_json();
    match run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        // A reader that has seen enough, such as `head`, is no fault of anyone.
        Err(failure) if failure.is_closed_pipe() => ExitCode::SUCCESS,
        Err(failure) => {
            output::failure(&failure, wants_json);
            failure.exit_code()
        }
    }
}

/// Says what is wrong with the arguments, or shows the help or version that they ask for.
fn unusable(error: &clap::Error) -> ExitCode {
    // What was asked for cannot be known for sure where the arguments are wrong.
    if error.use_stderr() && std::env::args_os().any(|arg| arg == "--json") {
        let message = error.to_string();
        let sentence = message.lines().next().unwrap_or_default();
        let failure = Failure::bad_input("usage", sentence.trim_start_matches("error: "));
        output::failure(&failure, true);
        return failure.exit_code();
    }
    // Nobody can be told that the output is closed.
    let _ = error.print();
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(1))
}

fn run(cli: Cli) -> Result<(), Failure> {
    match cli.command {
        Command::Diagnose(args) => commands::diagnose::run(&args),
        Command::Codes(args) => commands::codes::run(&args),
        Command::Data(command) => commands::data::run(&command),
        Command::Knowledge(command) => commands::knowledge::run(&command),
        Command::Tokenizer(TokenizerCommand::Train(args)) => commands::tokenizer::train(&args),
        Command::Train(args) => commands::train::run(&args),
        Command::Pretrain(args) => commands::train::pretrain(&args),
        Command::Merge(args) => commands::merge::run(&args),
        Command::Plan(args) => commands::plan::run(&args),
        Command::Fit(args) => commands::fit::run(&args),
        Command::Eval(args) => commands::eval::run(&args),
        Command::Score(args) => commands::score::run(&args),
        Command::Generate(args) => commands::generate::run(&args),
        Command::Export(args) => commands::export::export(&args),
        Command::Import(args) => commands::export::import(&args),
        Command::Serve(args) => commands::serve::run(&args),
        Command::Devices(args) => commands::devices::run(&args),
        Command::Doctor(args) => commands::doctor::run(&args),
        Command::Probe(args) => commands::devices::probe(&args),
        Command::Bench(args) => commands::bench::run(&args),
    }
}
