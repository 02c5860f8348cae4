//! One diagnosis with the bundled model, without any set-up:
//!
//! ```text
//! cargo run --release --example diagnose
//! cargo run --release --example diagnose -- --equipment "Komatsu WA380-8" --symptom "slow steering" --codes "SPN 97"
//! ```
#![allow(clippy::print_stdout, reason = "an example shows what it found")]

use clap::Parser;
use gearhead::{Case, Engine};

/// Diagnose one case with the bundled model.
#[derive(Parser)]
struct Args {
    /// The machine
    #[arg(long, default_value = "Caterpillar 320 Excavator")]
    equipment: String,
    /// The complaint
    #[arg(long, default_value = "Loses power under load, runs fine at idle")]
    symptom: String,
    /// Fault codes, separated by commas
    #[arg(long)]
    codes: Option<String>,
}

fn main() -> anyhow::Result<()> {
    let given = std::env::args().len() > 1;
    let args = Args::parse();
    let codes =
        args.codes.unwrap_or_else(|| if given { String::new() } else { "P0087, SPN 157 FMI 18".into() });

    let engine = Engine::bundled()?;
    let case = Case::new(args.equipment, args.symptom).with_codes(&codes);
    let report = engine.diagnose(&case)?;
    println!("{report}");
    Ok(())
}
