//! Training of Gearhead models: packed batches, AdamW, checkpoints, metrics.
//!
//! The crate takes cases and a configuration and leaves a model directory. It refuses to know how answers are
//! ranked or printed, and it never prints: progress goes to the caller's function as [`Event`]s.
//!
//! In reading order:
//!
//! - [`config`]: the configuration file, with unknown keys refused;
//! - `builder`: the same made in code;
//! - [`provenance`]: where each of its values comes from;
//! - [`data`]: cases or text as tokenised documents, and batches of them;
//! - [`show_batch`]: the first batch as text, with what the loss is taken on;
//! - [`schedule`]: the learning rate of each step;
//! - [`precision`]: in which numbers is computed, and the loss scale of f16;
//! - [`gradients`]: gradients of a step, layer by layer;
//! - [`flops`]: how much a step computes;
//! - [`optimizer`]: clipping and AdamW;
//! - [`plan`]: what memory a training will need, and settings with which it fits;
//! - [`divergence`]: whether a step shows that a training goes wrong;
//! - `checkpoint`: whole states on disk, from which a training goes on to the last bit;
//! - [`trainer`]: the loop;
//! - `event`: what it tells;
//! - `samples`: what the model writes for some validation cases;
//! - `journal`: what is written of a training while it runs;
//! - [`tensorboard`]: event files for TensorBoard;
//! - [`report`]: the page that says how a training went.

mod builder;
mod checkpoint;
pub mod config;
pub mod data;
pub mod divergence;
mod error;
mod event;
pub mod flops;
pub mod gradients;
mod journal;
pub mod optimizer;
pub mod plan;
pub mod precision;
pub mod provenance;
pub mod report;
mod samples;
pub mod schedule;
pub mod show_batch;
pub mod tensorboard;
mod text;
pub mod trainer;

pub use builder::ConfigBuilder;
pub use config::Config;
pub use error::{Error, Result};
pub use event::{Event, SampleText, Summary};
pub use plan::Plan;
pub use provenance::Provenance;
pub use trainer::{Control, Start, train};
