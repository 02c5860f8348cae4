//! Training on whatever device was chosen.

use std::path::Path;

use gearhead_data::{
    case::{Case, read_cases, write_whole},
    manifest::MANIFEST,
};
use gearhead_device::{Device, Job, run};
use gearhead_infer::engine::fit_ranking;
use gearhead_kernels::AutodiffKernels;
use gearhead_train::{Config, Event, Summary, data::TrainData};

use crate::{Engine, Result};

/// The most validation cases that the ranking is fitted on: three weights need no more.
const FIT_CASES: usize = 500;

/// Trains as the configuration says (see [`gearhead_train::train()`]), then fits on the validation cases how much the
/// model, the fault cards and the codes count, and stores that in the best model's directory.
///
/// # Errors
///
/// As that function's, or the best model cannot be opened again.
pub fn train_on(
    device: &Device,
    config: &Config,
    data: &TrainData,
    on_event: &mut dyn FnMut(&Event),
) -> Result<Summary> {
    // Read before the training: what stands in the file hours later is another matter.
    let mut validation = read_cases(&config.data.validation)?;
    validation.truncate(FIT_CASES);
    let summary = run(device, Train { config, data, on_event })?;
    fit(device, &summary.best, &validation)?;
    Ok(summary)
}

fn fit(device: &Device, model: &Path, validation: &[Case]) -> Result<()> {
    let engine = Engine::open(model, device)?;
    let engine = engine.as_diagnose();
    let Some(manifest) = engine.manifest() else { return Ok(()) };
    let mut manifest = manifest.clone();
    manifest.ranking = fit_ranking(engine, validation, manifest.ranking);
    let json = serde_json::to_vec_pretty(&manifest).expect("a manifest is JSON");
    Ok(write_whole(&model.join(MANIFEST), |output| output.write_all(&json))?)
}

struct Train<'a> {
    config: &'a Config,
    data: &'a TrainData,
    on_event: &'a mut dyn FnMut(&Event),
}

impl Job for Train<'_> {
    type Output = Result<Summary>;

    fn run<B: AutodiffKernels>(self, device: &B::Device) -> Result<Summary> {
        Ok(gearhead_train::train::<B>(self.config, self.data, device, self.on_event)?)
    }
}
