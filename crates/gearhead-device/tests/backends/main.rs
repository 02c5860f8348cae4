//! One suite, every device: each compiled-in backend computes what a reference computes that is not its own.
//!
//! `cargo test -p gearhead-device --features wgpu --test backends` runs it on one device of every backend that is compiled in;
//! `GEARHEAD_DEVICES=wgpu,cuda:1` names devices instead. A device that is not there fails. Each check is a test of its own,
//! named by the device, the check and, where it is not f32, the type of the numbers.
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a test says what it runs on, and panics")]

mod checkpoints;
mod decoding;
mod devices;
mod fixtures;
mod kernels;
mod lora;
mod numbers;
mod optimizer;
mod tolerances;
mod training;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

use devices::Tested;

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // A device is given one thing at a time: it computes on all that it has.
    arguments.test_threads.get_or_insert(1);
    let mut trials = Vec::new();
    for name in devices::names() {
        match devices::open(&name) {
            Ok(tested) => {
                if !arguments.list {
                    eprintln!("{tested}");
                }
                trials.extend(checks(&tested));
            }
            Err(reason) => trials.push(Trial::test(format!("{name}::is there"), move || Err(reason.into()))),
        }
    }
    if trials.is_empty() {
        trials.push(Trial::test("a backend is compiled in", || Err("no backend is compiled in".into())));
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// Everything that is asked of a device.
fn checks(tested: &Tested) -> impl Iterator<Item = Trial> {
    let checks = [
        kernels::trials,
        optimizer::trials,
        training::trials,
        lora::trials,
        decoding::trials,
        checkpoints::trials,
    ];
    checks.into_iter().flat_map(|trials| trials(tested))
}
