//! `gearhead plan`: what memory a training will need.

use std::fmt::Write;

use bytesize::ByteSize;
use gearhead::{
    plan_on,
    train::{Config, Plan, Provenance, data::TrainData},
};
use serde_json::json;

use super::device;
use crate::{args::PlanArgs, failure::Failure, output};

pub(crate) fn run(args: &PlanArgs) -> Result<(), Failure> {
    let config = Config::load(&args.config, &args.overrides)?;
    let provenance = Provenance::read(&args.config, &args.overrides)?;
    let data = TrainData::load(&config)?;
    let budget = args.memory.map(|memory| memory.as_u64());
    let device = device::chosen(args.device, || device::for_training(&config, &data))?;
    let plan = plan_on(&device, &config, &data, budget);
    if args.json {
        let mut json = json!(plan);
        json["configuration"] = json!(provenance.sourced(&config));
        return output::json(&json);
    }
    output::text(format_args!("{}\n{}", table(&plan), provenance.annotated(&config).trim_end()))
}

/// The plan for people.
fn table(plan: &Plan) -> String {
    let mut text = format!("{}\n", sentence(plan));
    for (name, bytes) in plan.parts.named() {
        let share = 100.0 * bytes as f64 / plan.peak_bytes.max(1) as f64;
        let _ = writeln!(text, "  {name:<12} {:>10}  {share:>4.1} %", size(bytes));
    }
    let tokens = plan.tokens;
    let _ = writeln!(
        text,
        "{} tokens in the largest part of a step, {} in an epoch, {} in the training",
        tokens.largest_part, tokens.epoch, tokens.training
    );
    text
}

/// What is needed, what there is, and what to do where that is less.
pub(super) fn sentence(plan: &Plan) -> String {
    let budget = plan.budget_bytes.map_or_else(
        || "; how much there is, is not known".to_owned(),
        |budget| format!(" of {}", size(budget)),
    );
    let changes = plan.chosen.changes(&plan.configured.settings);
    let [needed, configured] = [plan.peak_bytes, plan.configured.peak_bytes].map(size);
    match (plan.configured.fits, plan.fits) {
        (Some(false), Some(true)) => {
            format!("memory: {configured}{budget}, which does not fit; {needed} with {changes}:")
        }
        (Some(false), _) if changes.is_empty() => format!("memory: {needed}{budget}, which does not fit:"),
        (Some(false), _) => {
            format!("memory: {configured}{budget}, which does not fit, nor does {needed} with {changes}:")
        }
        _ => format!("memory: {needed}{budget}:"),
    }
}

/// Bytes in the unit that fits.
pub(super) fn size(bytes: u64) -> String {
    ByteSize(bytes).display().iec().to_string()
}
