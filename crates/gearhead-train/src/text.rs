//! Text as documents to train on.

use std::path::Path;

use gearhead_data::{corpus::read_texts, prompt::Document, tokenizer::Tokenizer};
use gearhead_model::ModelConfig;

use crate::error::Result;

/// The texts of a file in pieces of at most `max_seq_len` tokens. Each text begins and ends with the tokens that say so, and
/// a piece begins with the token that the one before ends with, so that every token is predicted once.
///
/// # Errors
///
/// Names the file and line that is wrong.
pub(crate) fn pieces(tokenizer: &Tokenizer, path: &Path, model: &ModelConfig) -> Result<Vec<Document>> {
    let markers = tokenizer.markers();
    let bos = markers.map(|markers| markers.bos).or(model.bos_id);
    let eos = markers.map(|markers| markers.eos).or(model.eos_ids.first().copied());
    let mut pieces = Vec::new();
    for text in read_texts(path)? {
        let ids: Vec<u32> = bos.into_iter().chain(tokenizer.encode(&text)?).chain(eos).collect();
        let mut start = 0;
        while start + 1 < ids.len() {
            let end = (start + model.max_seq_len).min(ids.len());
            pieces.push(Document::text(ids[start..end].to_vec()));
            start = end - 1;
        }
    }
    Ok(pieces)
}
