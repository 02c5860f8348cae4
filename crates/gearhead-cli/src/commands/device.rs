//! The device that a command computes on.

use std::{env, path::Path, process::Command};

use gearhead::{
    Device,
    device::{Choice, System, Wanted, amd, choose, probe::Prober},
    infer::engine::model_directory,
    model::ModelDirectory,
    plan_on,
    train::{Config, data::TrainData},
};

use crate::{failure::Failure, output};

/// The device that is asked for, for work that takes `memory_bytes`. What went otherwise than expected is told.
pub(super) fn chosen(wanted: Wanted, memory_bytes: impl FnOnce() -> Option<u64>) -> Result<Device, Failure> {
    let system = System::read();
    let Choice { device, fell_back, .. } = choose(wanted, memory_bytes, &system, &prober(&system))?;
    if let Some(sentence) = fell_back {
        output::note(sentence);
    }
    Ok(device)
}

/// The device that is asked for, for running a model: the bundled one, or that of a directory.
pub(super) fn for_model(wanted: Wanted, model: Option<&Path>) -> Result<Device, Failure> {
    chosen(wanted, || weight_bytes(model?))
}

/// What the weights of a model take in memory, at most: they are 32 bits wide there, and mostly 16 or 32 in files. A directory
/// that cannot be read is complained of by whoever opens it to use it.
fn weight_bytes(model: &Path) -> Option<u64> {
    let directory = ModelDirectory::open(model_directory(model)).ok()?;
    let bytes = |file: &Path| Some(file.metadata().ok()?.len());
    Some(2 * directory.weight_files().filter_map(bytes).sum::<u64>())
}

/// What a training takes, as it would on the CPU, where that can be planned.
pub(super) fn for_training(config: &Config, data: &TrainData) -> Option<u64> {
    Some(plan_on(&Device::cpu().ok()?, config, data, None).peak_bytes)
}

/// Drivers are asked by this program in another process; by none where the system does not tell where the program is.
pub(super) fn prober(system: &System) -> Prober {
    let Ok(this_program) = env::current_exe() else { return Prober::files_only() };
    let prober = Prober::child(move |question| {
        let mut command = Command::new(&this_program);
        command.args(["probe", question]);
        command
    });
    prober.for_system(system)
}

/// Puts what AMD's runtime needs into the environment: the program starts itself again with it. The environment of a running
/// program cannot be changed safely, since other threads may read it, and the runtime reads it but once.
///
/// Returns where nothing is to be set, which is so in the program that was started with it.
#[cfg(unix)]
pub(crate) fn set_up(devices: &[Wanted]) {
    use std::os::unix::process::CommandExt;

    if !devices.iter().any(Wanted::may_be_amd) {
        return;
    }
    let settings = amd::settings(&System::read(), |name| env::var_os(name).is_some());
    let Ok(this_program) = env::current_exe() else { return };
    if settings.is_empty() {
        return;
    }
    for setting in &settings {
        let (name, value, reason) = (&setting.name, &setting.value, &setting.reason);
        output::note(format_args!(
            "{name} is set to {value}: {reason}. Set it yourself to have it otherwise."
        ));
    }
    let variables = settings.iter().map(|setting| (&setting.name, &setting.value));
    let error = Command::new(this_program).args(env::args_os().skip(1)).envs(variables).exec();
    output::note(format_args!("the program could not be started with these settings: {error}"));
}

/// AMD's compute driver is one of Linux.
#[cfg(not(unix))]
pub(crate) fn set_up(_: &[Wanted]) {}
