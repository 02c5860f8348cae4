//! The vocabulary as metadata, and back.

use gearhead_data::vocabulary::{Algorithm, TokenKind, Vocabulary};
use gearhead_model::gguf::{Gguf, Metadata};

use crate::Result;

const MODEL: &str = "tokenizer.ggml.model";
const PRE: &str = "tokenizer.ggml.pre";
const TOKENS: &str = "tokenizer.ggml.tokens";
const KINDS: &str = "tokenizer.ggml.token_type";
const MERGES: &str = "tokenizer.ggml.merges";
const SCORES: &str = "tokenizer.ggml.scores";
const UNK: &str = "tokenizer.ggml.unknown_token_id";
const PAD: &str = "tokenizer.ggml.padding_token_id";
const ADD_BOS: &str = "tokenizer.ggml.add_bos_token";
const ADD_EOS: &str = "tokenizer.ggml.add_eos_token";
const ADD_SPACE: &str = "tokenizer.ggml.add_space_prefix";

/// Template of a conversation.
pub(super) const CHAT_TEMPLATE: &str = "tokenizer.chat_template";

/// llama.cpp's names for the two algorithms.
const BYTE_LEVEL: &str = "gpt2";
const SENTENCE_PIECE: &str = "llama";

/// Adds a vocabulary. Which tokens begin and end a text is said with the shape of the model.
pub(super) fn add(vocabulary: &Vocabulary, metadata: &mut Metadata) {
    let Vocabulary { tokens, kinds, algorithm, unk, pad, adds_bos, adds_eos, .. } = vocabulary;
    match algorithm {
        Algorithm::ByteLevel { pre_tokenizer, merges } => {
            metadata.string(MODEL, BYTE_LEVEL);
            metadata.string(PRE, pre_tokenizer);
            metadata.strings(MERGES, merges.iter().map(String::as_str));
        }
        Algorithm::SentencePiece { scores, adds_space } => {
            metadata.string(MODEL, SENTENCE_PIECE);
            metadata.string(PRE, "default");
            metadata.f32s(SCORES, scores.iter().copied());
            metadata.bool(ADD_SPACE, *adds_space);
        }
    }
    metadata.strings(TOKENS, tokens.iter().map(String::as_str));
    metadata.i32s(KINDS, kinds.iter().map(|kind| *kind as i32));
    for (key, id) in [(UNK, unk), (PAD, pad)] {
        if let Some(id) = id {
            metadata.u32(key, *id);
        }
    }
    metadata.bool(ADD_BOS, *adds_bos);
    metadata.bool(ADD_EOS, *adds_eos);
}

/// Reads the vocabulary of a file whose model begins and ends texts with `bos` and `eos`.
pub(super) fn read(gguf: &Gguf<'_>, bos: Option<u32>, eos: Option<u32>) -> Result<Vocabulary> {
    let missing = |key: &str| gguf.fault(format!("`{key}` is missing: the file holds no whole tokenizer"));
    let model = gguf.string(MODEL)?.ok_or_else(|| missing(MODEL))?;
    let tokens: Vec<String> =
        gguf.strings(TOKENS)?.ok_or_else(|| missing(TOKENS))?.into_iter().map(str::to_owned).collect();
    let is_byte_level = model == BYTE_LEVEL;
    let (algorithm, adds_bos) = match model {
        BYTE_LEVEL => {
            let pre_tokenizer = gguf.string(PRE)?.unwrap_or("default").to_owned();
            let merges = gguf.strings(MERGES)?.ok_or_else(|| missing(MERGES))?;
            let merges = merges.into_iter().map(str::to_owned).collect();
            // What llama.cpp does where such a file does not say it.
            let adds_bos = matches!(pre_tokenizer.as_str(), "llama-bpe" | "llama3" | "llama-v3" | "tekken");
            (Algorithm::ByteLevel { pre_tokenizer, merges }, adds_bos)
        }
        SENTENCE_PIECE => {
            let scores = gguf.numbers(SCORES)?.ok_or_else(|| missing(SCORES))?;
            let adds_space = gguf.bool(ADD_SPACE)?.unwrap_or(true);
            (Algorithm::SentencePiece { scores, adds_space }, true)
        }
        other => {
            let what = format!("the tokenizer {other:?} (only {BYTE_LEVEL} and {SENTENCE_PIECE} are)");
            return Err(gearhead_model::Error::Unsupported { path: gguf.path().to_owned(), what }.into());
        }
    };
    let kinds = match gguf.numbers(KINDS)? {
        None => vec![TokenKind::Normal; tokens.len()],
        Some(numbers) => numbers
            .into_iter()
            .map(|number| TokenKind::from_number(number as i64))
            .collect::<Option<Vec<_>>>()
            .ok_or_else(|| gguf.fault(format!("`{KINDS}` has a number that means no kind of token")))?,
    };
    let id = |key: &str| -> Result<Option<u32>> { Ok(gguf.size(key)?.map(|id| id as u32)) };
    let in_range = |id: &Option<u32>| id.is_none_or(|id| (id as usize) < tokens.len());
    let (unk, pad) = (id(UNK)?, id(PAD)?);
    if ![bos, eos, unk, pad].iter().all(in_range) {
        return Err(gguf.fault("a token that steers the model is past the end of the vocabulary").into());
    }
    let unk = unk.filter(|_| !is_byte_level);
    Ok(Vocabulary {
        tokens,
        kinds,
        algorithm,
        bos,
        eos,
        unk,
        pad,
        adds_bos: gguf.bool(ADD_BOS)?.unwrap_or(adds_bos),
        adds_eos: gguf.bool(ADD_EOS)?.unwrap_or(false),
    })
}
