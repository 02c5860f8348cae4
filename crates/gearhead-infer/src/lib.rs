//! Cached decoding, sampling, the diagnostic engine and its evaluation.
//!
//! The crate turns a case into a report with a model that is already on a device. It refuses to know how models are
//! trained, which devices exist, or how a report reaches a person beyond its text and its JSON.
//!
//! In reading order:
//!
//! - [`sampling`]: one token from logits;
//! - [`decode`]: continuing a prompt, and the log-probabilities of given tokens and continuations;
//! - [`batch`]: many continuations at once;
//! - [`text_stream`]: the text of tokens as they come;
//! - [`engine`]: from case to report, of one case or of many at once;
//! - [`report`]: the report, its JSON and its text;
//! - [`eval`]: how good a model is, beside simple baselines.

pub mod batch;
mod bm25;
mod constraint;
pub mod decode;
mod document;
pub mod engine;
mod error;
pub mod eval;
mod fault;
mod log_probs;
pub mod report;
pub mod sampling;
pub mod text_stream;

pub use engine::{Diagnose, Engine};
pub use error::{Error, Result};
pub use log_probs::TokenLogProbs;
pub use report::Report;
