//! A tokenizer to tables.

use std::collections::HashMap;

use serde_json::Value;

use super::{Algorithm, TokenKind, Vocabulary, pre_tokenizer::PreTokenizer};
use crate::{error, tokenizer::Tokenizer};

impl Vocabulary {
    /// The tables of a tokenizer, filled up to the `vocab_size` of its model. `bos` and `eos` are the tokens that begin and end
    /// a text, as the model's configuration says.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Tokenizer`] where llama.cpp has nothing that cuts texts in the same way.
    pub fn of(
        tokenizer: &Tokenizer,
        vocab_size: usize,
        bos: Option<u32>,
        eos: Option<u32>,
    ) -> error::Result<Self> {
        let json: Value = serde_json::from_str(&tokenizer.to_json()?)
            .map_err(|error| tokenizer.fault(error.to_string()))?;
        let (before, behind) = tokenizer.added_around()?;
        let adds = |added: &[u32], marker: Option<u32>, key: &str| match added {
            [] => Ok(false),
            [id] if Some(*id) == marker => Ok(true),
            _ => Err(tokenizer.fault(format!(
                "it puts the tokens {added:?} around a text, while `{key}` of config.json is {marker:?}"
            ))),
        };
        let adds_bos = adds(&before, bos, "bos_token_id")?;
        let adds_eos = adds(&behind, eos, "eos_token_id")?;
        let tables = Tables { json: &json, vocab_size };
        let (tokens, kinds) = tables.tokens().map_err(|reason| tokenizer.fault(reason))?;
        let id_of = |text: Option<&str>| {
            let place = tokens.iter().position(|token| Some(token.as_str()) == text)?;
            Some(place as u32)
        };
        let algorithm = tables.algorithm(&tokens).map_err(|reason| tokenizer.fault(reason))?;
        let unk = id_of(json["model"]["unk_token"].as_str());
        let pad = id_of(Some("<pad>"));
        Ok(Self { tokens, kinds, algorithm, bos, eos, unk, pad, adds_bos, adds_eos })
    }
}

/// The parts of a `tokenizer.json`.
struct Tables<'a> {
    json: &'a Value,
    vocab_size: usize,
}

impl<'a> Tables<'a> {
    fn tokens(&self) -> Result<(Vec<String>, Vec<TokenKind>), String> {
        let model = &self.json["model"];
        if model["type"] != "BPE" {
            return Err(format!(
                "tokenizers of the type {} are not carried in GGUF, only BPE",
                model["type"]
            ));
        }
        let mut tokens: Vec<Option<String>> = vec![None; self.vocab_size];
        let mut kinds = vec![TokenKind::Unused; self.vocab_size];
        let mut put = |id: &Value, text: &str, kind: TokenKind| {
            let place =
                id.as_u64().and_then(|id| usize::try_from(id).ok()).filter(|id| *id < self.vocab_size);
            let place = place.ok_or_else(|| {
                format!("the token {text:?} has the id {id}, but the model has {} tokens", self.vocab_size)
            })?;
            tokens[place] = Some(text.to_owned());
            kinds[place] = kind;
            Ok::<(), String>(())
        };
        let has_bytes = model["byte_fallback"] == true;
        for (text, id) in model["vocab"].as_object().into_iter().flatten() {
            let is_byte = has_bytes && text.len() == 6 && text.starts_with("<0x") && text.ends_with('>');
            put(id, text, if is_byte { TokenKind::Byte } else { TokenKind::Normal })?;
        }
        for added in self.json["added_tokens"].as_array().into_iter().flatten() {
            let text = added["content"].as_str().unwrap_or_default();
            let is_special = added["special"] == true;
            let is_plain = ["single_word", "lstrip", "rstrip"].iter().all(|key| added[key] != true);
            if !is_special && !is_plain {
                return Err(format!(
                    "the added token {text:?} takes what stands around it into account, as nothing in GGUF does"
                ));
            }
            let is_unknown = model["unk_token"] == text;
            put(
                &added["id"],
                text,
                match is_special {
                    _ if is_unknown => TokenKind::Unknown,
                    true => TokenKind::Control,
                    false => TokenKind::UserDefined,
                },
            )?;
        }
        let named = |(id, token): (usize, Option<String>)| token.unwrap_or_else(|| format!("[PAD{id}]"));
        Ok((tokens.into_iter().enumerate().map(named).collect(), kinds))
    }

    fn algorithm(&self, tokens: &[String]) -> Result<Algorithm, String> {
        let model = &self.json["model"];
        let is_set = |key: &str| model[key].as_str().is_some_and(|text| !text.is_empty());
        if let Some(key) =
            ["continuing_subword_prefix", "end_of_word_suffix"].into_iter().find(|key| is_set(key))
        {
            return Err(format!("its `{key}` is not carried in GGUF"));
        }
        let merges = self.merges()?;
        if model["byte_fallback"] != true {
            let ignores_merges = model["ignore_merges"] == true;
            let (cuts, normalizer) = (&self.json["pre_tokenizer"], &self.json["normalizer"]);
            let pre_tokenizer = PreTokenizer::of_json(cuts, normalizer, ignores_merges)?;
            let merges = merges.into_iter().map(|[left, right]| format!("{left} {right}")).collect();
            return Ok(Algorithm::ByteLevel { pre_tokenizer: pre_tokenizer.name().to_owned(), merges });
        }
        let adds_space = self.adds_space()?;
        // The order of merges, as scores. What no merge makes is never asked for its score.
        let mut ranks = HashMap::new();
        for (rank, [left, right]) in merges.iter().enumerate() {
            ranks.entry(format!("{left}{right}")).or_insert(rank);
        }
        let score = |token: &String| ranks.get(token).map_or(0.0, |rank| -(*rank as f32));
        Ok(Algorithm::SentencePiece { scores: tokens.iter().map(score).collect(), adds_space })
    }

    fn merges(&self) -> Result<Vec<[&'a str; 2]>, String> {
        let merges = self.json["model"]["merges"].as_array().map(Vec::as_slice).unwrap_or_default();
        let text = |merge: &'a Value, place: usize| merge.get(place).and_then(Value::as_str);
        let pair = |merge: &'a Value| Some([text(merge, 0)?, text(merge, 1)?]);
        merges
            .iter()
            .map(|merge| pair(merge).ok_or_else(|| format!("its merge {merge} is no pair")))
            .collect()
    }

    /// Whether SentencePiece's way of writing spaces puts one in front of a text.
    fn adds_space(&self) -> Result<bool, String> {
        let (normalizer, pre_tokenizer) = (&self.json["normalizer"], &self.json["pre_tokenizer"]);
        let steps = match normalizer["type"].as_str() {
            None => Vec::new(),
            Some("Sequence") => normalizer["normalizers"].as_array().into_iter().flatten().collect(),
            Some(_) => vec![normalizer],
        };
        let mut adds = false;
        for step in steps {
            let is_space = step["pattern"]["String"] == " " && step["content"] == "\u{2581}";
            match step["type"].as_str() {
                Some("Prepend") if step["prepend"] == "\u{2581}" => adds = true,
                Some("Replace") if is_space => {}
                _ => return Err(format!("llama.cpp has no normalizer like {step} for SentencePiece")),
            }
        }
        match pre_tokenizer["type"].as_str() {
            None => Ok(adds),
            Some("Metaspace") if pre_tokenizer["split"] == false => {
                Ok(adds || pre_tokenizer["prepend_scheme"] != "never")
            }
            _ => Err(format!("llama.cpp has no pre-tokenizer like {pre_tokenizer} for SentencePiece")),
        }
    }
}
