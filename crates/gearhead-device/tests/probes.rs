//! Probes that crash, hang, panic or talk nonsense. Run with `--nocapture` to see the verdicts.
#![cfg(unix)]
#![allow(clippy::print_stdout, reason = "helpers of tests are tests")]

use std::{
    process::Command,
    time::{Duration, Instant},
};

use gearhead_device::probe::{End, Outcome, run_limited};

fn shell(script: &str) -> Outcome {
    let mut command = Command::new("sh");
    command.args(["-c", script]);
    let outcome = run_limited(command, Duration::from_secs(2));
    println!("{script}\n    {outcome}");
    outcome
}

#[test]
fn a_crash_is_told_with_its_signal() {
    let outcome = shell("echo 'loading the driver' >&2; kill -SEGV $$");
    assert_eq!(outcome.end, End::Signal(11));
    assert_eq!(
        outcome.to_string(),
        "the probe crashed with signal 11 (SIGSEGV); it said: loading the driver"
    );
    assert_eq!(shell("kill -ABRT $$").to_string(), "the probe crashed with signal 6 (SIGABRT)");
}

#[test]
fn a_hang_is_stopped() {
    let start = Instant::now();
    let outcome = shell("echo 'waiting for the GPU' >&2; exec sleep 60");
    assert_eq!(outcome.end, End::TimedOut(Duration::from_secs(2)));
    assert!(outcome.to_string().starts_with("the probe gave no answer in 2 s and was stopped"));
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
}

#[test]
fn a_program_that_leaves_another_behind_does_not_keep_anyone_waiting() {
    let start = Instant::now();
    // The second program holds both streams.
    let outcome = shell("sleep 60 & echo started >&2");
    assert_eq!(outcome.end, End::Exit(0));
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
}

#[test]
fn the_reason_of_a_panic_is_told_and_not_what_rust_says_behind_it() {
    let outcome = shell(
        "printf \"thread 'main' panicked at driver.rs:1:1:\nno adapter\nnote: run with \\`RUST_BACKTRACE=1\\`\n\" >&2; exit 101",
    );
    assert_eq!(outcome.to_string(), "the probe ended with exit code 101; it said: no adapter");
}

#[test]
fn a_flood_of_output_is_read_and_only_its_end_kept() {
    let outcome = shell("yes nonsense | head -c 8000000; echo the end");
    assert_eq!(outcome.end, End::Exit(0));
    assert!(outcome.output.ends_with("the end\n") && outcome.output.len() < 3 << 20);
}

#[test]
fn a_program_that_is_not_there_is_told() {
    let outcome = run_limited(Command::new("/nonexistent/program"), Duration::from_secs(1));
    assert!(outcome.to_string().starts_with("the probe could not be started: "), "{outcome}");
}
