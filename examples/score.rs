//! How probable a model finds each token of a text:
//!
//! ```text
//! cargo run --release --example score -- "Restricted fuel filter"
//! ```
#![allow(clippy::print_stdout, reason = "an example shows what it found")]

use gearhead::Engine;

fn main() -> anyhow::Result<()> {
    let text = std::env::args().nth(1).unwrap_or_else(|| "Restricted fuel filter".into());
    let engine = Engine::bundled()?;
    let engine = engine.as_diagnose();
    let ids = engine.tokenizer().encode(&text)?;
    for (id, log_prob) in ids.iter().zip(engine.log_probs(&ids)?) {
        let token = engine.tokenizer().token(*id).unwrap_or_default();
        println!("{token:>12}  {}", log_prob.map_or_else(|| "-".into(), |value| format!("{value:.3}")));
    }
    Ok(())
}
