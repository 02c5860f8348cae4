//! From a recording of a machine's bus to its fault codes and a diagnosis:
//!
//! ```text
//! cargo run --release --example decode_can_log -- machine.log "Komatsu WA380-8"
//! ```
//!
//! Without arguments a recording of candump from `fixtures` is read.
#![allow(clippy::print_stdout, reason = "an example shows what it found")]

use anyhow::Context;
use gearhead::{
    Case, Engine,
    data::{
        code::CodeTable,
        fault_log::{FaultLog, complaint},
    },
};

fn main() -> anyhow::Result<()> {
    let mut args = std::env::args().skip(1);
    let fixture = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/can/bus.candump");
    let path = args.next().unwrap_or_else(|| fixture.to_owned());
    let equipment = args.next().unwrap_or_else(|| "Caterpillar 320 Excavator".to_owned());

    // candump, PEAK, Vector, CSV, a scan tool's text or a telematics response: told by what is in it.
    let log = FaultLog::read(path)?;
    let codes = log.decode(CodeTable::builtin());
    for code in &codes {
        println!(
            "{:<20} {:<18} {:<7} {}",
            code.source_name.as_deref().unwrap_or("-"),
            code.decoded.code,
            if code.active { "active" } else { "past" },
            code.decoded.meaning.as_deref().unwrap_or("unknown"),
        );
    }
    for note in log.notes() {
        println!("note: {note}");
    }

    // Nobody has complained yet: the codes say what is wrong.
    let symptom = complaint(&codes).with_context(|| log.why_empty())?;
    let case = Case::new(equipment, symptom).with_codes(&log.error_codes().join(", "));
    println!("\n{}", Engine::bundled()?.diagnose(&case)?);
    Ok(())
}
