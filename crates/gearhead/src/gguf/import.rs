//! A file to a model directory.

use std::path::Path;

use gearhead_model::{Dtype, ModelConfig, gguf::GgufModel};
use serde_json::{Map, Value, json};

use super::{
    source::{TOKENIZER, TOKENIZER_CONFIG},
    tokenizer,
};
use crate::Result;

/// Writes the model of a GGUF file as a new model directory, with its tokenizer and its template of a conversation. Without
/// a `dtype` no number changes: weights of 16 bits stay, those in fewer become f32.
///
/// # Errors
///
/// The file is damaged or of a kind that is not read, or the directory cannot be written.
pub(crate) fn import(file: &Path, dtype: Option<Dtype>, out: &Path) -> Result<ModelConfig> {
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
    let beside = [(TOKENIZER, tokenizer.as_bytes()), (TOKENIZER_CONFIG, texts.as_bytes())];
    model.save(dtype, &beside, out)?;
    Ok(config.clone())
}
