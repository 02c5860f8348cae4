//! The `gearhead` command as a user runs it: what it prints, what it leaves, and how it fails.
#![cfg(feature = "flex")]
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod bad_input;
mod configs;
mod help;
mod interactive;
mod journey;
mod prototype;
mod split;
mod workspace;
