//! Adapters (LoRA) for the bundled model, trained on a company's few records, and what the model says before and after:
//!
//! ```text
//! cargo run --release --example finetune_lora -- records.jsonl
//! ```
//!
//! Without a file `examples/records.jsonl` is learned. What the model learns is which of the causes of these records it
//! is: to keep the others too, put generated cases among the records.
#![allow(clippy::print_stdout, reason = "an example shows what it found")]

use gearhead::{
    Case, Device, Engine,
    data::case::{read_cases, write_cases},
    train::{Config, Control, Event, Start, data::TrainData},
    train_on, write_bundled,
};

fn main() -> anyhow::Result<()> {
    let given = std::env::args().nth(1);
    let records = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/records.jsonl");
    let cases = read_cases(given.as_deref().unwrap_or(records))?;
    let folder = std::env::temp_dir().join("gearhead-finetune-lora");

    // Every fourth case is held out to choose the best model by.
    let (validation, train): (Vec<_>, Vec<_>) = cases.iter().enumerate().partition(|(row, _)| row % 4 == 3);
    let (train_file, validation_file) = (folder.join("train.jsonl"), folder.join("validation.jsonl"));
    write_cases(&train_file, train.iter().map(|(_, case)| *case))?;
    write_cases(&validation_file, validation.iter().map(|(_, case)| *case))?;
    write_bundled(folder.join("bundled"))?;

    let config = Config::builder(folder.join("lora"))
        .from(folder.join("bundled"))
        .cases(train_file, validation_file)
        .lora(|lora| lora.rank = 8)
        .train(|train| {
            (train.epochs, train.batch_size) = (12, 4);
            (train.learning_rate, train.warmup_steps, train.weight_decay) = (5e-3, 5, 0.0);
        })
        .build()?;
    let device: Device = "auto".parse()?;
    let data = TrainData::load(&config)?;
    let control = Control { start: Start::Over, ..Control::default() };
    let summary = train_on(&[device], &config, &data, control, &mut |event| match event {
        Event::Start { parameters, steps, .. } => println!("{parameters} parameters, {steps} steps"),
        Event::Evaluation { step, validation_loss, is_best: true, .. } => {
            println!("step {step}: validation loss {validation_loss:.3}");
        }
        _ => {}
    })?;
    println!("\nadapters, which PEFT opens too: {}", summary.best.display());

    let case = Case::new("Caterpillar 320 Excavator", "coupler lock will not hold, alarm in the cab");
    println!("\nBefore\n{}", Engine::bundled()?.as_diagnose().answer_alone(&case)?);
    println!("After\n{}", Engine::open(&summary.best, &device)?.as_diagnose().answer_alone(&case)?);
    Ok(())
}
