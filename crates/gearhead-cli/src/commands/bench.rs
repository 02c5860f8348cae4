//! `gearhead bench`: how fast this machine is.

use gearhead::{
    bench::{self, Generation, Measured, Model},
    device::{Depth, System, probe::Prober, survey},
    model::{Precision, WeightDtype},
    train::{config::TrainConfig, optimizer::MomentDtype, precision::ActivationDtype},
};
use serde_json::json;

use super::device;
use crate::{
    args::{Activations, BenchArgs, OptimizerDtype, Work},
    failure::Failure,
    output,
};

pub(crate) fn run(args: &BenchArgs) -> Result<(), Failure> {
    let model = args.model.model.as_deref().map_or(Model::Bundled, Model::Directory);
    let (device, precision) =
        (&device::for_model(args.model.device, args.model.model.as_deref())?, args.model.precision());
    let runs = args.runs as usize;
    check_sizes(args, model.config()?.max_seq_len)?;
    let mut all = Vec::new();
    let mut show = |measured: Measured| -> Result<(), Failure> {
        if !args.json {
            output::text(line(&measured))?;
        }
        all.push(measured);
        Ok(())
    };
    for work in &args.work {
        match work {
            Work::Training => {
                let (documents, tokens) = (args.documents as usize, args.tokens as usize);
                show(bench::training(device, model, documents, tokens, &train_config(args), runs)?)?;
            }
            Work::Generation => {
                for batch in &args.batch {
                    let work = Generation {
                        batch: *batch as usize,
                        prompt_tokens: args.prompt_tokens as usize,
                        new_tokens: args.new_tokens as usize,
                        precision,
                    };
                    for measured in bench::generation(device, model, work, runs)? {
                        show(measured)?;
                    }
                }
            }
            Work::Diagnosis => {
                for measured in bench::diagnosis(device, args.model.model.as_deref(), precision, runs)? {
                    show(measured)?;
                }
            }
        }
    }
    if args.json {
        // The processor comes first, and nobody has to be asked for it.
        let machine = survey(&System::read(), &Prober::files_only(), Depth::List).backends;
        let machine = machine.into_iter().flat_map(|backend| backend.adapters).next();
        let machine = machine.map(|adapter| adapter.name);
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        return output::json(&json!({
            "version": env!("CARGO_PKG_VERSION"), "machine": machine, "cores": threads,
            "device": device.to_string(), "precision": described(precision), "measured": all,
        }));
    }
    Ok(())
}

/// As the schema has it, which had no name for f32 from the start.
fn described(Precision { weights, cache }: Precision) -> serde_json::Value {
    let weights = (weights != WeightDtype::F32).then_some(weights);
    json!({ "weights": weights, "cache": cache })
}

fn train_config(args: &BenchArgs) -> TrainConfig {
    let mut config = TrainConfig::default();
    config.accumulation = args.accumulation as usize;
    config.recompute_every = args.recompute_every as usize;
    config.precision = match args.activations {
        Activations::F32 => ActivationDtype::F32,
        Activations::Bf16 => ActivationDtype::Bf16,
        Activations::F16 => ActivationDtype::F16,
    };
    config.optimizer_dtype = match args.optimizer_dtype {
        OptimizerDtype::F32 => MomentDtype::F32,
        OptimizerDtype::Bits8 => MomentDtype::Bits8,
    };
    config
}

/// Whether the model can take what is asked for; seen before anything is measured.
fn check_sizes(args: &BenchArgs, max_seq_len: usize) -> Result<(), Failure> {
    let generated = args.prompt_tokens.saturating_add(args.new_tokens);
    for (work, option, tokens) in [
        (Work::Training, "--tokens", args.tokens),
        (Work::Generation, "--prompt-tokens and --new-tokens", generated),
    ] {
        if args.work.contains(&work) && tokens as usize > max_seq_len {
            let message = format!("{option}: {tokens} tokens, but the model takes at most {max_seq_len}");
            return Err(Failure::bad_input("usage", message));
        }
    }
    Ok(())
}

/// The median, with the slowest and the fastest run: tokens a second, or milliseconds where there are no tokens to
/// count.
fn line(measured: &Measured) -> String {
    if measured.tokens == 0 {
        let [median, fastest, slowest] = measured.median_and_extremes().map(|time| time.as_secs_f64() * 1e3);
        return format!("{:<40} {median:>10.1} ms        ({fastest:.1} to {slowest:.1})", measured.work);
    }
    let [median, slowest, fastest] = measured.tokens_per_second();
    format!("{:<40} {median:>10.0} tokens/s  ({slowest:.0} to {fastest:.0})", measured.work)
}
