//! GGUF, the one file of llama.cpp and Ollama: read and written.
//!
//! A file is metadata (names and values), the names and shapes of tensors, and their numbers. Of the metadata this crate
//! knows what says the shape of a model; those of the tokenizer are texts, and whoever knows texts adds and reads them.
//!
//! In reading order:
//!
//! - [`value`]: values of the metadata;
//! - [`mod@file`]: a file to its metadata and tensors, with every length checked;
//! - [`writer`]: the reverse;
//! - [`blocks`]: numbers in few bits to f32 and back;
//! - `names`: which weight is called what, and which rows stand in another order;
//! - `shape`: metadata to a model's configuration and back;
//! - [`model`]: a file as a model, and a model directory as a file.
//!
//! **Source**: the specification in ggml's `docs/gguf.md`, version 3, and llama.cpp's `convert_hf_to_gguf.py`.

pub mod blocks;
pub mod file;
pub mod model;
mod names;
mod shape;
pub mod value;
pub mod writer;

pub use blocks::GgmlType;
pub use file::{Gguf, GgufFile, GgufTensor};
pub use model::{Difference, GgufDtype, GgufModel, write_model};
pub use value::{Array, Value};
pub use writer::Metadata;

/// The first bytes of a file.
const MAGIC: &[u8; 4] = b"GGUF";

/// The version that is written.
const VERSION: u32 = 3;

/// Where tensors begin is a multiple of this, unless the metadata say another one.
const ALIGNMENT: usize = 32;
