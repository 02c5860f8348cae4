//! Models as the one file of llama.cpp and Ollama: weights and texts together.
//!
//! In reading order: `source`, what a file is made of; `tokenizer`, the vocabulary as metadata and back; [`export()`];
//! its way back, which [`import`](crate::import_model) takes; [`verify()`], what a file computes against what its model does.

mod export;
mod import;
mod source;
mod tokenizer;
mod verify;

pub use export::{Exported, export};
pub(crate) use import::import;
pub(crate) use source::{TEMPLATE_FILE, TOKENIZER, TOKENIZER_CONFIG, optional};
pub use verify::{Verified, verify};
