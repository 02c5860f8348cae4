//! A diagnosis as it comes: how the case was understood, the causes as soon as they are ranked, then the text:
//!
//! ```text
//! cargo run --release --example stream -- "Komatsu PC210-11" "slow crank in the morning"
//! ```
#![allow(clippy::print_stdout, reason = "an example shows what it found")]

use std::io::{Write, stdout};

use gearhead::{
    Case, Engine,
    infer::engine::{Part, Stage},
};

fn main() -> anyhow::Result<()> {
    let mut args = std::env::args().skip(1);
    let mut next = |default: &str| args.next().unwrap_or_else(|| default.to_owned());
    let equipment = next("Caterpillar 320 Excavator");
    let symptom = next("Loses power under load, no black smoke");
    let case = Case::new(equipment, symptom).with_codes("SPN 157 FMI 18");

    let engine = Engine::bundled()?;
    let mut writes = None;
    let report = engine.as_diagnose().diagnose_observed(&case, &[], &mut |stage| match stage {
        Stage::Read { reading } => {
            println!("Machine: {}", reading.machine.as_deref().unwrap_or("not recognised"));
        }
        Stage::Ranked { causes } => {
            for cause in causes {
                println!("{:4.0} % {}", 100.0 * cause.probability, cause.cause);
            }
        }
        Stage::Wrote { part, text } => {
            if writes.replace(part) != Some(part) {
                print!("\n{}:", if part == Part::Solution { "Repair" } else { "Cause" });
            }
            print!("{text}");
            // Every token at once, not every line.
            _ = stdout().flush();
        }
        // Later versions may tell more.
        _ => {}
    })?;
    println!("\n\nTests, of which the report has {}:", report.tests.len());
    for test in &report.tests {
        println!("- {}", test.action);
    }
    Ok(())
}
