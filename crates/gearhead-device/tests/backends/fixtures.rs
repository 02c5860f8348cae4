//! What PyTorch and transformers computed, as `fixtures/README.md` describes it.

use std::path::PathBuf;

use serde::de::DeserializeOwned;

/// Every family and every way of heads that is read.
pub(crate) const MODELS: [&str; 9] = [
    "llama_tied",
    "llama_untied",
    "llama_gqa",
    "llama_gqa_tied_head_dim",
    "llama_rope_scaled",
    "llama_biased_split_bf16",
    "mistral",
    "qwen2",
    "qwen3",
];

/// The directory of a model.
pub(crate) fn model(name: &str) -> PathBuf {
    folder().join("transformers").join(name)
}

/// A file of JSON.
pub(crate) fn read<T: DeserializeOwned>(path: &str) -> T {
    let text = std::fs::read(folder().join(path)).expect("the fixture is there");
    serde_json::from_slice(&text).expect("the fixture has the fields of README.md")
}

/// The folder of all fixtures.
pub(crate) fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures"))
}
