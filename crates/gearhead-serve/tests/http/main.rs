//! The service, asked route by route without a network, and over connections that behave badly.
#![cfg(feature = "flex")]
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod diagnose;
mod faults;
mod knowledge;
mod limits;
mod outsiders;
mod records;
mod service;
mod slow;
mod sockets;
mod texts;
