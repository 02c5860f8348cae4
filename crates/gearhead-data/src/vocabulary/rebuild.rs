//! Tables to a tokenizer.

use std::{collections::HashMap, path::Path};

use serde_json::{Map, Value, json};

use super::{Algorithm, TokenKind, Vocabulary, pre_tokenizer::PreTokenizer};
use crate::{
    error::{self, Error},
    tokenizer::Tokenizer,
};

/// How SentencePiece writes a space.
const SPACE: &str = "\u{2581}";

impl Vocabulary {
    /// The tokenizer of the tables; `path` is what error messages call it.
    ///
    /// # Errors
    ///
    /// [`Error::Tokenizer`] where the tables contradict each other, or texts are cut in a way that is not known.
    pub fn to_tokenizer(&self, path: &Path) -> error::Result<Tokenizer> {
        let json = self.to_json().map_err(|reason| Error::Tokenizer { path: path.to_owned(), reason })?;
        Tokenizer::from_bytes(json.to_string().as_bytes(), path)
    }

    /// As a `tokenizer.json`.
    fn to_json(&self) -> Result<Value, String> {
        if self.kinds.len() != self.tokens.len() {
            return Err(format!(
                "it has {} tokens and {} kinds of them",
                self.tokens.len(),
                self.kinds.len()
            ));
        }
        let (mut vocab, mut added) = (Map::new(), Vec::new());
        for (id, (text, kind)) in self.tokens.iter().zip(&self.kinds).enumerate() {
            if *kind == TokenKind::Unused {
                continue;
            }
            if vocab.insert(text.clone(), json!(id)).is_some() {
                return Err(format!("two of its tokens are {text:?}"));
            }
            if matches!(kind, TokenKind::Control | TokenKind::Unknown | TokenKind::UserDefined) {
                added.push(json!({
                    "id": id, "content": text, "single_word": false, "lstrip": false, "rstrip": false,
                    "normalized": false, "special": *kind != TokenKind::UserDefined,
                }));
            }
        }
        let parts = match &self.algorithm {
            Algorithm::ByteLevel { pre_tokenizer, merges } => byte_level(pre_tokenizer, merges)?,
            Algorithm::SentencePiece { scores, adds_space } => {
                if scores.len() != self.tokens.len() {
                    return Err(format!("it has {} tokens and {} scores", self.tokens.len(), scores.len()));
                }
                sentence_piece(self.scored_merges(scores), *adds_space)
            }
        };
        let unk_token = self.unk.and_then(|id| self.tokens.get(id as usize));
        Ok(json!({
            "version": "1.0",
            "truncation": null,
            "padding": null,
            "added_tokens": added,
            "normalizer": parts.normalizer,
            "pre_tokenizer": parts.pre_tokenizer,
            "post_processor": self.post_processor()?,
            "decoder": parts.decoder,
            "model": {
                "type": "BPE",
                "dropout": null,
                "unk_token": unk_token,
                "continuing_subword_prefix": null,
                "end_of_word_suffix": null,
                "fuse_unk": parts.byte_fallback,
                "byte_fallback": parts.byte_fallback,
                "ignore_merges": parts.ignores_merges,
                "vocab": vocab,
                "merges": parts.merges,
            },
        }))
    }

    /// What puts the first and the last token around a text.
    fn post_processor(&self) -> Result<Value, String> {
        let text = |id: Option<u32>, key: &str| {
            let token = id.and_then(|id| self.tokens.get(id as usize));
            token.ok_or_else(|| format!("it puts a token around a text, but `{key}` names none"))
        };
        let mut single = vec![json!({"Sequence": {"id": "A", "type_id": 0}})];
        let mut special = Map::new();
        let mut add = |place: usize, id: Option<u32>, key: &str| {
            let text = text(id, key)?;
            single.insert(place, json!({"SpecialToken": {"id": text, "type_id": 0}}));
            special.insert(text.clone(), json!({"id": text, "ids": [id], "tokens": [text]}));
            Ok::<(), String>(())
        };
        if self.adds_eos {
            add(1, self.eos, "eos_token_id")?;
        }
        if self.adds_bos {
            add(0, self.bos, "bos_token_id")?;
        }
        if special.is_empty() {
            return Ok(Value::Null);
        }
        let second = json!({"Sequence": {"id": "B", "type_id": 1}});
        let pair: Vec<Value> = single.iter().cloned().chain([second]).collect();
        Ok(json!({"type": "TemplateProcessing", "single": single, "pair": pair, "special_tokens": special}))
    }

    /// Every way to make a token of two others, best first: SentencePiece merges the neighbours whose union has the highest
    /// score.
    fn scored_merges(&self, scores: &[f32]) -> Vec<[&str; 2]> {
        let normal = |id: usize| self.kinds[id] == TokenKind::Normal;
        let ids: HashMap<&str, usize> =
            self.tokens.iter().enumerate().map(|(id, token)| (token.as_str(), id)).collect();
        let mut merges = Vec::new();
        for (id, token) in self.tokens.iter().enumerate().filter(|(id, _)| normal(*id)) {
            for (middle, _) in token.char_indices().skip(1) {
                let (left, right) = token.split_at(middle);
                if let (Some(left_id), Some(right_id)) = (ids.get(left), ids.get(right))
                    && normal(*left_id)
                    && normal(*right_id)
                {
                    merges.push((scores[id], id, *left_id, [left, right]));
                }
            }
        }
        merges.sort_by(|(one, id, left, _), (other, other_id, other_left, _)| {
            other.total_cmp(one).then(id.cmp(other_id)).then(left.cmp(other_left))
        });
        merges.into_iter().map(|(.., pair)| pair).collect()
    }
}

/// What of a `tokenizer.json` depends on the algorithm.
struct Parts<'a> {
    normalizer: Value,
    pre_tokenizer: Value,
    decoder: Value,
    byte_fallback: bool,
    ignores_merges: bool,
    merges: Vec<[&'a str; 2]>,
}

fn byte_level<'a>(pre_tokenizer: &str, merges: &'a [String]) -> Result<Parts<'a>, String> {
    let pre_tokenizer = PreTokenizer::named(pre_tokenizer)?;
    let pair = |merge: &'a String| {
        merge
            .split_once(' ')
            .map(|(left, right)| [left, right])
            .ok_or_else(|| format!("its merge {merge:?} is no pair"))
    };
    Ok(Parts {
        normalizer: if pre_tokenizer.composes { json!({"type": "NFC"}) } else { Value::Null },
        pre_tokenizer: pre_tokenizer.to_json(),
        decoder: json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true}),
        byte_fallback: false,
        ignores_merges: pre_tokenizer.ignores_merges,
        merges: merges.iter().map(pair).collect::<Result<_, _>>()?,
    })
}

fn sentence_piece(merges: Vec<[&str; 2]>, adds_space: bool) -> Parts<'_> {
    let replace =
        |from: &str, to: &str| json!({"type": "Replace", "pattern": {"String": from}, "content": to});
    let mut normalizers = vec![replace(" ", SPACE)];
    let mut decoders = vec![replace(SPACE, " "), json!({"type": "ByteFallback"}), json!({"type": "Fuse"})];
    if adds_space {
        normalizers.insert(0, json!({"type": "Prepend", "prepend": SPACE}));
        decoders.push(json!({"type": "Strip", "content": " ", "start": 1, "stop": 0}));
    }
    Parts {
        normalizer: json!({"type": "Sequence", "normalizers": normalizers}),
        pre_tokenizer: Value::Null,
        decoder: json!({"type": "Sequence", "decoders": decoders}),
        byte_fallback: true,
        ignores_merges: false,
        merges,
    }
}
