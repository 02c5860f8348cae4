//! Diagnose heavy equipment offline with a small language model.
//!
//! ```no_run
//! let engine = gearhead::Engine::bundled()?;
//! let case = gearhead::Case::new("Caterpillar 320 Excavator", "Loses power under load").with_codes("P0087");
//! println!("{}", engine.diagnose(&case)?);
//! # Ok::<(), gearhead::Error>(())
//! ```
//!
//! This crate is a facade: it re-exports the others, picks a device, and carries the bundled model. Those who need a
//! part alone depend on that part's crate.

pub mod bench;
mod engine;
pub mod gguf;
#[cfg(feature = "hub")]
pub mod hub;
mod import;
mod training;

pub use gearhead_data as data;
pub use gearhead_device as device;
pub use gearhead_infer as infer;
pub use gearhead_kernels as kernels;
pub use gearhead_model as model;
#[cfg(feature = "serve")]
pub use gearhead_serve as serve;
pub use gearhead_train as train;

pub use engine::{Engine, write_bundled};
pub use gearhead_data::case::Case;
pub use gearhead_device::Device;
pub use gearhead_infer::Report;
pub use import::{ImportModelOptions, ImportedModel, import_bundled, import_model};
pub use training::{fit_on, merge_adapters, plan_on, train_on};

/// The result of the facade's functions.
pub type Result<T> = std::result::Result<T, Error>;

/// Whatever went wrong in one of the crates.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A device that cannot be had.
    #[error(transparent)]
    Device(#[from] gearhead_device::Error),
    /// A case file, a tokenizer or a prompt.
    #[error(transparent)]
    Data(#[from] gearhead_data::Error),
    /// A model's configuration or files.
    #[error(transparent)]
    Model(#[from] gearhead_model::Error),
    /// A diagnosis.
    #[error(transparent)]
    Infer(#[from] gearhead_infer::Error),
    /// A model that could not be had from the Hugging Face Hub.
    #[error("hf:{model}: {reason}")]
    Hub {
        /// What was asked for.
        model: String,
        /// What is in the way.
        reason: String,
    },
    /// Something stands where a result is to be written.
    #[error("{}: something else stands there, which is not overwritten", path.display())]
    InTheWay {
        /// The file or directory.
        path: std::path::PathBuf,
    },
    /// A training.
    #[error(transparent)]
    Train(#[from] gearhead_train::Error),
}

/// The examples of the book's page on embedding, compiled like those of the code.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/embedding.md")]
struct Embedding;
