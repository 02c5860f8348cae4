//! `gearhead train` and `gearhead pretrain`: a model from cases, or from text.

use std::{
    io::IsTerminal,
    sync::atomic::{AtomicBool, Ordering},
};

use gearhead::{
    data::manifest::{MANIFEST, Manifest},
    device::Wanted,
    plan_on,
    train::{
        Config, Control, Event, Plan, Provenance, Start, Summary, data::TrainData, flops::Pace,
        show_batch::first_batch,
    },
    train_on,
};
use indicatif::ProgressBar;

use super::{device, fit, plan, show_batch};
use crate::{
    args::{PretrainArgs, TrainArgs},
    failure::Failure,
    output, progress,
};

pub(crate) fn run(args: &TrainArgs) -> Result<(), Failure> {
    train(args, &args.overrides)
}

/// The corpus stands where the configuration has `data.text`.
pub(crate) fn pretrain(args: &PretrainArgs) -> Result<(), Failure> {
    // A list of strings is written alike in JSON and in TOML.
    let corpus = format!("data.text={}", serde_json::json!(args.corpus));
    train(&args.train, &[args.train.overrides.clone(), vec![corpus]].concat())
}

fn train(args: &TrainArgs, overrides: &[String]) -> Result<(), Failure> {
    let config = Config::load(&args.config, overrides)?;
    let provenance = Provenance::read(&args.config, overrides)?;
    let data = TrainData::load(&config)?;
    if args.begin.show_batch {
        return show_batch::show(&first_batch(&config, &data));
    }
    let choose = |wanted: &Wanted| device::chosen(*wanted, || device::for_training(&config, &data));
    let devices = args.device.iter().map(choose).collect::<Result<Vec<_>, _>>()?;
    let memory = plan_on(&devices[0], &config, &data, None);
    memory.check()?;
    output::note(planned(&memory));
    let start = match (args.begin.resume, args.begin.start_over) {
        (true, _) => Start::Resume,
        (_, true) => Start::Over,
        _ => Start::New,
    };
    let stop = stop_on_interrupt()?;
    let mut view = View { bar: progress::bar(0, "steps"), pace: Pace::default(), peak_flops: f64::NAN };
    let control = Control { start, stop: Some(stop), provenance: Some(&provenance), plan: Some(&memory) };
    let summary = train_on(&devices, &config, &data, control, &mut |event| view.show(event))?;
    view.bar.finish_and_clear();
    if !summary.is_finished() {
        output::note(format!(
            "stopped after step {} of {}, which is saved; go on with the same command and --resume",
            summary.step, summary.steps
        ));
    }
    if args.json {
        return output::json(&summary);
    }
    let Some(loss) = summary.best_validation_loss else { return Ok(()) };
    if let Some(manifest) = manifest_of(&summary).filter(|manifest| !manifest.candidates.is_empty()) {
        output::note(fit::of_answers(&manifest.thresholds));
    }
    output::text(format_args!(
        "{}: validation loss {loss:.4} per target token after step {} of {}; {:.0} s, {}",
        summary.best.display(),
        summary.best_step,
        summary.steps,
        summary.duration.as_secs_f64(),
        summary.pace.in_words(summary.peak_flops),
    ))
}

/// What a finished training says of the causes that its model ranks.
fn manifest_of(summary: &Summary) -> Option<Manifest> {
    let text = std::fs::read(summary.best.join(MANIFEST)).ok().filter(|_| summary.is_finished())?;
    serde_json::from_slice(&text).ok()
}

/// The plan in one line.
fn planned(memory: &Plan) -> String {
    let parts = memory.parts.named().map(|(name, bytes)| format!("{name} {}", plan::size(bytes)));
    format!("{} {}", plan::sentence(memory), parts.join(", "))
}

/// What becomes true with the first Ctrl-C; the second ends the process as it always does.
fn stop_on_interrupt() -> std::io::Result<&'static AtomicBool> {
    static STOP: AtomicBool = AtomicBool::new(false);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    std::thread::spawn(move || {
        runtime.block_on(async {
            if tokio::signal::ctrl_c().await.is_ok() {
                STOP.store(true, Ordering::Relaxed);
                output::note("finishing the step that is under way; once more ends at once".to_owned());
            }
            if tokio::signal::ctrl_c().await.is_ok() {
                std::process::exit(130);
            }
        });
    });
    Ok(&STOP)
}

/// What the training looks like: a bar on a terminal, and a line for each evaluation anywhere.
struct View {
    bar: ProgressBar,
    /// Since the last evaluation.
    pace: Pace,
    peak_flops: f64,
}

impl View {
    fn show(&mut self, event: &Event) {
        match event {
            Event::Start {
                parameters, steps, train_cases, validation_cases, cut_tokens, peak_flops, ..
            } => {
                self.bar.set_length(*steps as u64);
                self.peak_flops = *peak_flops;
                self.say(format!(
                    "{parameters} parameters, {train_cases} training and {validation_cases} validation cases, {steps} steps"
                ));
                if *cut_tokens > 0 {
                    self.say(format!(
                        "{cut_tokens} tokens of long cases do not fit model.max_seq_len and are cut off"
                    ));
                }
            }
            Event::Step { loss, learning_rate, tokens, flops, step_seconds, .. } => {
                self.pace.add(*tokens, *flops, *step_seconds);
                let pace = self.pace.in_words(self.peak_flops);
                self.bar.set_message(format!("loss {loss:.4}, rate {learning_rate:.1e}, {pace}"));
                self.bar.inc(1);
            }
            Event::Evaluation { step, validation_loss, is_best, seconds, .. } => {
                let best = if *is_best { ", the best so far: saved" } else { "" };
                let pace = self.pace.in_words(self.peak_flops);
                self.say(format!(
                    "step {step}: validation loss {validation_loss:.4}{best} ({seconds:.0} s; {pace})"
                ));
                self.pace = Pace::default();
            }
            Event::Resume { step, damaged, .. } => {
                for damage in damaged {
                    self.say(format!("not whole, so passed over: {damage}"));
                }
                self.bar.set_position(*step as u64);
                self.say(format!("going on after step {step}"));
            }
            Event::LossScale { step, loss_scale, overflow, .. } => {
                if *overflow {
                    self.bar.inc(1);
                    self.say(format!(
                        "step {step} left out: gradients overflow in f16; the loss scale is {loss_scale} now"
                    ));
                } else {
                    self.say(format!("step {step}: the loss scale is {loss_scale} now"));
                }
            }
            Event::Skip { step, what, value, cases, .. } => {
                self.bar.inc(1);
                let cases = cases.iter().take(8).map(ToString::to_string).collect::<Vec<_>>().join(", ");
                self.say(format!("step {step} left out: its {what} is {value:.3} (training cases {cases})"));
            }
            _ => {}
        }
    }

    fn say(&self, line: String) {
        if std::io::stderr().is_terminal() {
            self.bar.println(line);
        } else {
            output::note(line);
        }
    }
}
