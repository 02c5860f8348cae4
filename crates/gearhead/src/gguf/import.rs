//! A file to a model directory.

use std::path::{Path, PathBuf};

use gearhead_model::{Dtype, gguf::GgufModel};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{source::TOKENIZER_CONFIG, tokenizer};
use crate::{Error, Result};

/// What was brought in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Imported {
    /// The model directory.
    pub path: PathBuf,
    /// Numbers that were learned.
    pub parameters: usize,
    /// Tokens.
    pub vocab_size: usize,
    /// The longest sequence.
    pub max_seq_len: usize,
}

/// Writes the model of a GGUF file as a new model directory, with its tokenizer and its template of a conversation. Without
/// a `dtype` no number changes: weights of 16 bits stay, those in fewer become f32.
///
/// # Errors
///
/// The file is damaged or of a kind that is not read, or the directory exists.
pub fn import(file: &Path, dtype: Option<Dtype>, out: &Path) -> Result<Imported> {
    if out.exists() {
        return Err(Error::InTheWay { path: out.to_owned() });
    }
    let model = GgufModel::open(file)?;
    let config = model.config();
    let gguf = model.contents()?;
    let vocabulary = tokenizer::read(&gguf, config.bos_id, config.eos_ids.first().copied())?;
    let tokenizer = vocabulary.to_tokenizer(file)?.to_json()?;
    let mut texts = Map::from_iter([("tokenizer_class".to_owned(), json!("PreTrainedTokenizerFast"))]);
    for (key, id) in [
        ("bos_token", vocabulary.bos),
        ("eos_token", vocabulary.eos),
        ("unk_token", vocabulary.unk),
        ("pad_token", vocabulary.pad),
    ] {
        if let Some(id) = id {
            texts.insert(key.to_owned(), json!(vocabulary.tokens[id as usize]));
        }
    }
    texts.insert("clean_up_tokenization_spaces".to_owned(), json!(false));
    if let Some(template) = gguf.string(tokenizer::CHAT_TEMPLATE)? {
        texts.insert("chat_template".to_owned(), json!(template));
    }
    let texts = format!("{:#}\n", Value::Object(texts));
    let beside = [("tokenizer.json", tokenizer.as_bytes()), (TOKENIZER_CONFIG, texts.as_bytes())];
    model.save(dtype, &beside, out)?;
    Ok(Imported {
        path: out.to_owned(),
        parameters: config.parameter_count(),
        vocab_size: config.vocab_size,
        max_seq_len: config.max_seq_len,
    })
}
