//! What can be wrong with a model directory or file.

use std::path::PathBuf;

/// The result of this crate's fallible functions.
pub type Result<T> = std::result::Result<T, Error>;

/// A fault in a model's configuration or files.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file could not be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// A model directory lacks one of its files.
    #[error("{}: not a whole model directory: `{file}` is missing", path.display())]
    MissingFile {
        /// The directory.
        path: PathBuf,
        /// The file that is not there.
        file: &'static str,
    },
    /// A JSON file is not what it should be.
    #[error("{}: {reason}", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The model is of a kind that this version cannot run.
    #[error("{}: {what} is not supported", path.display())]
    Unsupported {
        /// The file that says so.
        path: PathBuf,
        /// What it asks for.
        what: String,
    },
    /// A size of the model is impossible.
    #[error("model.{field} is {value}, {reason}")]
    Config {
        /// The field.
        field: &'static str,
        /// Its value.
        value: usize,
        /// Why it cannot be.
        reason: String,
    },
    /// A number of the model is impossible.
    #[error("model.{field} is {value}, but must be a number above 0")]
    ConfigNumber {
        /// The field.
        field: &'static str,
        /// Its value.
        value: f64,
    },
    /// The weight file is damaged.
    #[error("{}: not a whole safetensors file: {source}", path.display())]
    Safetensors {
        /// The file.
        path: PathBuf,
        /// What the reader said.
        source: safetensors::SafeTensorError,
    },
    /// A GGUF file is damaged, or not such a file.
    #[error("{}: {reason}", path.display())]
    Gguf {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A weight is absent, or of another shape or type than the configuration says.
    #[error("{}: the weight `{name}` {reason}", path.display())]
    Weight {
        /// The file.
        path: PathBuf,
        /// The weight's name.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A device cannot hold numbers of a type that an option asks for.
    #[error("{option} needs numbers of type {dtype}, which {device} cannot hold")]
    NotStored {
        /// The option and its value.
        option: String,
        /// The type.
        dtype: &'static str,
        /// The backend of the device.
        device: String,
    },
    /// A weight is larger than any number of 16 bit, IEEE 754.
    #[error("{what} holds {value}, which f16 cannot: bf16 and f32 can")]
    TooLarge {
        /// The weight.
        what: String,
        /// The number with the largest amount in it, without its sign.
        value: f32,
    },
    /// A device does not compute with numbers of a type that an option asks for.
    #[error("{option} computes with numbers of type {dtype}, which {device} does not")]
    NotComputed {
        /// The option and its value.
        option: String,
        /// The type.
        dtype: &'static str,
        /// The backend of the device.
        device: String,
    },
    /// Adapters cannot be had in this way.
    #[error("lora.{reason}")]
    Lora {
        /// The value and what is wrong with it.
        reason: String,
    },
}
