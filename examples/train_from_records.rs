//! From a file of cases to a trained model and a diagnosis with it:
//!
//! ```text
//! cargo run --release --example train_from_records -- cases.jsonl
//! ```
//!
//! Without a file a few dozen cases are generated and trained on for a moment, to show the way.
#![allow(clippy::print_stdout, reason = "an example shows what it found")]

use std::path::PathBuf;

use gearhead::{
    Case, Device, Engine,
    data::{
        case::{read_cases, write_cases},
        generate::{GenerateConfig, generate},
        knowledge::KnowledgeBase,
        prompt::texts,
        tokenizer::Tokenizer,
    },
    train::{Config, Control, Event, Start, data::TrainData},
    train_on,
};

fn main() -> anyhow::Result<()> {
    let folder = std::env::temp_dir().join("gearhead-train-from-records");
    let (cases, epochs) = match std::env::args().nth(1) {
        Some(path) => (read_cases(PathBuf::from(path))?, 15),
        None => (generate(KnowledgeBase::builtin(), &GenerateConfig::new(100, 1))?.train, 1),
    };
    // Every tenth case is held out to choose the best model by.
    let (validation, train): (Vec<_>, Vec<_>) =
        cases.into_iter().enumerate().partition(|(row, _)| row % 10 == 0);
    for (name, part) in [("train", &train), ("validation", &validation)] {
        write_cases(folder.join(format!("{name}.jsonl")), part.iter().map(|(_, case)| case))?;
    }
    let all_texts: Vec<String> = train.iter().flat_map(|(_, case)| texts(case).collect::<Vec<_>>()).collect();
    Tokenizer::train(all_texts.iter(), 1024, 2)?.save(folder.join("tokenizer.json"))?;

    let config = Config::builder(folder.join("model"))
        .tokenizer(folder.join("tokenizer.json"))
        .cases(folder.join("train.jsonl"), folder.join("validation.jsonl"))
        .model(|model| (model.d_model, model.n_layers, model.d_ff) = (128, 2, 352))
        .train(|train| train.epochs = epochs)
        .build()?;
    let data = TrainData::load(&config)?;
    let device: Device = "auto".parse()?;
    let control = Control { start: Start::Over, ..Control::default() };
    let summary = train_on(&[device], &config, &data, control, &mut |event| {
        if let Event::Evaluation { step, validation_loss, .. } = event {
            println!("step {step}: validation loss {validation_loss:.3}");
        }
    })?;

    let engine = Engine::open(&summary.best, &device)?;
    println!("{}", engine.diagnose(&Case::new("Caterpillar 320 Excavator", "engine overheats"))?);
    Ok(())
}
