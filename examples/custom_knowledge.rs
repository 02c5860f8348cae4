//! A company's own fault cards and codes beside the built-in ones, and what they change:
//!
//! ```text
//! cargo run --release --example custom_knowledge -- acme
//! ```
//!
//! Without a folder `examples/acme` is taken.
#![allow(clippy::print_stdout, reason = "an example shows what it found")]

use std::path::PathBuf;

use gearhead::{
    Case, Engine,
    data::knowledge::{KnowledgeBase, check},
};

fn main() -> anyhow::Result<()> {
    let folder = std::env::args().nth(1).map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/acme")),
        PathBuf::from,
    );
    let case = Case::new("Cat D6 dozer", "grade control cuts too deep on one side").with_codes("TS4");

    let engine = Engine::bundled()?;
    show("With the built-in cards", &engine, &case)?;

    let knowledge = KnowledgeBase::builtin().with_folder(folder)?;
    for finding in check(&knowledge) {
        println!("to mend in {}: {}", finding.subject, finding.sentence);
    }
    let engine = engine.with_knowledge(knowledge)?;
    show("With the company's as well", &engine, &case)
}

fn show(title: &str, engine: &Engine, case: &Case) -> anyhow::Result<()> {
    let report = engine.diagnose(case)?;
    println!("{title} ({})", report.knowledge);
    for code in &report.codes {
        println!("  {}: {}", code.decoded.code, code.decoded.meaning.as_deref().unwrap_or("unknown"));
    }
    for cause in report.causes.iter().take(3) {
        println!("  {:4.0} % {}", 100.0 * cause.probability, cause.cause);
    }
    if let Some(test) = report.tests.first() {
        println!("  first test: {}", test.action);
    }
    Ok(())
}
