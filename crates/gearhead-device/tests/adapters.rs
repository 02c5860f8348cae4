//! The backends of this build on this machine: each adapter is tried in a process of its own, which is this test again. Run with
//! `--nocapture` to see what there is.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

use std::{env, process::Command};

use gearhead_device::{
    Class, Depth, Device, Error, Status, System, Wanted, choose,
    probe::{Prober, answer},
    survey,
};

/// The variable in which this test finds the question where it is the child.
const QUESTION: &str = "GEARHEAD_TEST_QUESTION";

fn prober() -> Prober {
    Prober::child(|question| {
        let mut command = Command::new(env::current_exe().unwrap());
        command.args(["--exact", "the_child_answers", "--nocapture"]).env(QUESTION, question);
        command
    })
}

#[test]
fn the_child_answers() {
    if let Ok(question) = env::var(QUESTION) {
        // The harness has begun a line.
        println!("\n{}", answer(&question).unwrap());
    }
}

#[test]
fn every_adapter_gets_a_verdict_and_the_program_lives() {
    let survey = survey(&System::read(), &prober(), Depth::Measure);
    println!("{survey:#?}");
    for backend in &survey.backends {
        assert!(backend.compiled || backend.adapters.is_empty(), "{backend:?}");
        for adapter in &backend.adapters {
            let computes = matches!(adapter.status, Status::Ready | Status::ReadyWithSetting);
            let is_known = adapter.measured.is_some() && adapter.dtypes.contains(&"f32".to_owned());
            assert!(if computes { is_known } else { adapter.reason.is_some() }, "{adapter:?}");
            assert_eq!(computes, adapter.status != Status::NotUsable, "{adapter:?}");
        }
    }
}

#[test]
#[cfg(feature = "flex")]
fn auto_never_takes_a_program_that_computes_on_the_processor_in_place_of_it() {
    let choice = choose(Wanted::AUTO, || None, &System::read(), &prober()).unwrap();
    println!("{choice:#?}");
    let is_software = |adapter: &gearhead_device::Adapter| adapter.class == Class::Software;
    let backends = survey(&System::read(), &prober(), Depth::List).backends;
    let software = backends.iter().flat_map(|backend| &backend.adapters).filter(|a| is_software(a));
    for adapter in software {
        assert_ne!(adapter.device, choice.device.to_string());
    }
}

#[test]
fn a_number_that_no_adapter_has_is_refused() {
    for backend in survey(&System::read(), &Prober::files_only(), Depth::List).backends {
        let named = format!("{}:99", backend.name);
        match named.parse::<Wanted>() {
            Ok(wanted) => {
                let error = choose(wanted, || None, &System::read(), &prober()).unwrap_err();
                assert!(error.to_string().starts_with(&format!("--device {named}: ")), "{error}");
            }
            Err(Error::NotCompiled { .. }) => assert!(!backend.compiled),
            Err(error) => assert!(matches!(error, Error::NoSuchAdapter { .. }), "{error}"),
        }
    }
    assert!("nothing".parse::<Device>().is_err());
}
