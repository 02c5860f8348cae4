//! Training on whatever device was chosen.

use std::path::Path;

use gearhead_data::{
    case::{Case, read_cases, write_whole},
    likeness::Linear,
    manifest::{self, LINEAR, MANIFEST, PAST_CASES},
};
use gearhead_device::{Device, Job, SharedJob, resident_memory, run, run_on_all};
use gearhead_infer::engine::{self, Fitted, PastCasesAre};
use gearhead_kernels::{AutodiffKernels, cpu_has_matrix_unit};
use gearhead_model::{Dtype, ModelDirectory, directory::read_file};
use gearhead_train::{
    Config, Control, Event, Plan, Summary,
    data::TrainData,
    plan::{Operations, Place},
    precision::ActivationDtype,
};

use crate::{Engine, Result};

/// The most validation cases that the ranking is fitted on: a few weights and a threshold need no more.
const FIT_CASES: usize = 2000;
/// The most training cases that stand for the past cases of whoever will use the model: about what a company has, and
/// searched in a few milliseconds.
const FIT_PAST_CASES: usize = 20_000;

/// What memory a training will need on a device: that of the program and the data as they are in memory now, and what the
/// training adds. `budget_bytes` is what all may take; without it, it is what the device still has.
pub fn plan_on(device: &Device, config: &Config, data: &TrainData, budget_bytes: Option<u64>) -> Plan {
    let by_hand = || Operations::Cpu { matrix_unit: cpu_has_matrix_unit() };
    let operations = if device.is_cpu() { by_hand() } else { Operations::Portable };
    // On a GPU, the program is in other memory.
    let program_bytes = if device.shares_memory() { resident_memory().unwrap_or_default() } else { 0 };
    let budget_bytes =
        budget_bytes.or_else(|| Some(device.available_memory()?.saturating_add(program_bytes)));
    let computes_bf16 = run(device, ComputesBf16);
    Plan::new(config, data, Place { operations, program_bytes, budget_bytes, computes_bf16 })
}

struct ComputesBf16;

impl Job for ComputesBf16 {
    type Output = bool;

    fn run<B: AutodiffKernels>(self, device: &B::Device) -> bool {
        ActivationDtype::Bf16.is_computed_by::<B>(device)
    }
}

/// Trains as the configuration says (see [`gearhead_train::train()`]) on devices of one backend; when all steps of a training
/// on cases are done, fits the best model with [`fit_on`] and the same cases.
///
/// # Errors
///
/// As those functions, or the devices are of different backends.
///
/// # Panics
///
/// Where there is no device.
pub fn train_on(
    devices: &[Device],
    config: &Config,
    data: &TrainData,
    control: Control<'_>,
    on_event: &mut (dyn FnMut(&Event) + Send),
) -> Result<Summary> {
    // Read before the training: what stands in the files hours later is another matter.
    let cases = match (&config.data.train, &config.data.validation) {
        (Some(train), Some(validation)) => Some((read_cases(train)?, read_cases(validation)?)),
        _ => None,
    };
    let summary = run_on_all(devices, Train { config, data, control, on_event })??;
    if let Some((train, validation)) = cases.filter(|_| summary.is_finished()) {
        fit_on(&devices[0], &summary.best, &train, &validation, config.seed)?;
    }
    Ok(summary)
}

/// Puts the adapters of a model directory into its weights: `out` becomes a model directory that needs no other, with
/// whatever else stood beside the adapters.
///
/// # Errors
///
/// The directory has no adapters, or one of its files is missing or wrong; `out` cannot be written.
pub fn merge_adapters(device: &Device, model: &Path, out: &Path, dtype: Dtype) -> Result<()> {
    let model = ModelDirectory::open(engine::model_directory(model))?;
    run(device, Merge { model, out, dtype })
}

struct Merge<'a> {
    model: ModelDirectory,
    out: &'a Path,
    dtype: Dtype,
}

impl Job for Merge<'_> {
    type Output = Result<()>;

    fn run<B: AutodiffKernels>(self, device: &B::Device) -> Result<()> {
        Ok(self.model.save_merged::<B::InnerBackend>(self.dtype, self.out, device)?)
    }
}

/// Learns from training cases what single words and codes tell, fits on validation cases how much each kind of evidence
/// counts and from when on an answer is given, and stores both in the model's directory. The language model stays as it
/// is, so this takes a minute, where a training takes an hour.
///
/// # Errors
///
/// The model cannot be opened, or its directory not be written.
///
/// # Panics
///
/// Never: every manifest can be written as JSON.
pub fn fit_on(
    device: &Device,
    model: &Path,
    train: &[Case],
    validation: &[Case],
    seed: u64,
) -> Result<Option<Fitted>> {
    let model = &engine::model_directory(model);
    let mut engine = Engine::open_to_fit(model, device)?.into_diagnose();
    let Some(mut manifest) = engine.manifest().cloned() else { return Ok(None) };
    // Where no training case says anything of the causes, the one that is there stays.
    let linear = match engine::learn_linear(&manifest, train, engine.knowledge(), seed) {
        Some(linear) => Some(linear.to_bytes()?),
        None => match read_file(model, LINEAR) {
            Ok(bytes) => Some(bytes),
            Err(gearhead_model::Error::MissingFile { .. }) => None,
            Err(error) => return Err(error.into()),
        },
    };
    if let Some(bytes) = &linear {
        // As it is stored, in one byte for each weight: that is what the weights of the ranking are for.
        engine.set_linear(Linear::from_bytes(bytes)?)?;
        manifest.linear = Some(manifest::hash(bytes));
    }
    let past_cases = if model.join(PAST_CASES).exists() {
        PastCasesAre::Kept
    } else {
        engine.set_past_cases(spread(train, FIT_PAST_CASES));
        PastCasesAre::Given
    };
    let validation = &validation[..validation.len().min(FIT_CASES)];
    let Some(fitted) = engine::fit(engine.as_ref(), validation, past_cases) else { return Ok(None) };
    (manifest.ranking, manifest.thresholds) = (fitted.ranking, fitted.thresholds);
    // The manifest last: it names the linear model that it goes with, so an interruption in between is told.
    if let Some(bytes) = &linear {
        write_whole(&model.join(LINEAR), |output| output.write_all(bytes))?;
    }
    let json = serde_json::to_vec_pretty(&manifest).expect("a manifest is JSON");
    write_whole(&model.join(MANIFEST), |output| output.write_all(&json))?;
    Ok(Some(fitted))
}

/// At most `limit` of the cases, from the whole file evenly.
fn spread(cases: &[Case], limit: usize) -> Vec<Case> {
    cases.iter().step_by(cases.len().div_ceil(limit).max(1)).cloned().collect()
}

struct Train<'a> {
    config: &'a Config,
    data: &'a TrainData,
    control: Control<'a>,
    on_event: &'a mut (dyn FnMut(&Event) + Send),
}

impl SharedJob for Train<'_> {
    type Output = Result<Summary>;

    fn run<B: AutodiffKernels>(self, devices: &[B::Device]) -> Result<Summary> {
        Ok(gearhead_train::train::<B>(self.config, self.data, self.control, devices, self.on_event)?)
    }
}
