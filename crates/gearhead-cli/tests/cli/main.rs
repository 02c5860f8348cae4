//! The `gearhead` command as a user runs it: what it prints, what it leaves, and how it fails.
#![cfg(feature = "flex")]
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod bad_input;
mod bench;
mod configs;
mod devices;
mod evaluation;
mod export;
mod fault_logs;
mod fit;
mod foreign;
mod help;
mod hub;
mod import;
mod interactive;
mod journey;
mod knowledge;
mod model_only;
mod past_cases;
mod plan;
mod prototype;
mod reports;
mod resume;
mod split;
mod workspace;
