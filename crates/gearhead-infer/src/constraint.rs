//! What a model may write next: a grammar over the tokens of its vocabulary.
//!
//! The grammar is enforced by `llguidance`; this module only tells it the vocabulary.

use std::sync::Arc;

use gearhead_data::tokenizer::Tokenizer;
use llguidance::{
    Matcher, ParserFactory,
    api::TopLevelGrammar,
    toktrie::{InferenceCapabilities, TokRxInfo, TokTrie, TokenizerEnv},
};

use crate::error::{Error, Result};

/// A vocabulary that grammars can be compiled for.
pub(crate) struct Grammars {
    factory: ParserFactory,
}

/// A grammar, and how far a text has come in it.
pub(crate) struct Constraint {
    matcher: Matcher,
}

/// The vocabulary as the library wants it.
struct Vocabulary {
    tokenizer: Tokenizer,
    trie: TokTrie,
}

impl TokenizerEnv for Vocabulary {
    fn tok_trie(&self) -> &TokTrie {
        &self.trie
    }

    fn tokenize_bytes(&self, bytes: &[u8]) -> Vec<u32> {
        let exactly = |text: &str| {
            let ids = self.tokenizer.encode(text).ok()?;
            let made = ids.iter().map(|id| self.tokenizer.token_bytes(*id)).collect::<Option<Vec<_>>>()?;
            (made.concat() == bytes).then_some(ids)
        };
        let text = std::str::from_utf8(bytes).ok();
        // Some tokenizers put a space before a text by themselves.
        let encoded = text.and_then(|text| exactly(text).or_else(|| exactly(text.strip_prefix(' ')?)));
        encoded.unwrap_or_else(|| self.trie.greedy_tokenize(bytes))
    }
}

impl Grammars {
    /// For a tokenizer whose texts end with `eos`.
    ///
    /// # Errors
    ///
    /// The library cannot make sense of the vocabulary.
    pub(crate) fn new(tokenizer: &Tokenizer, eos: u32) -> Result<Self> {
        let n_tokens = tokenizer.vocab_size() as u32;
        let word = |id| {
            // A special token stands for no text; a grammar calls it by its name.
            let name = || tokenizer.token(id).unwrap_or_default();
            let special = || [&[TokTrie::SPECIAL_TOKEN_MARKER], name().as_bytes()].concat();
            tokenizer.token_bytes(id).unwrap_or_else(special)
        };
        let words: Vec<Vec<u8>> = (0..n_tokens).map(word).collect();
        let trie = TokTrie::from(&TokRxInfo::new(n_tokens, eos), &words);
        let vocabulary: llguidance::toktrie::TokEnv =
            Arc::new(Vocabulary { tokenizer: tokenizer.clone(), trie });
        let mut factory = ParserFactory::new(&vocabulary, InferenceCapabilities::default(), &[])
            .map_err(|error| Error::Grammar(error.to_string()))?;
        factory.quiet();
        Ok(Self { factory })
    }

    /// A grammar in the library's variant of the Lark syntax.
    ///
    /// # Errors
    ///
    /// It is not one.
    pub(crate) fn lark(&self, grammar: String) -> Result<Constraint> {
        self.compile(TopLevelGrammar::from_lark(grammar))
    }

    /// JSON that a JSON schema allows.
    ///
    /// # Errors
    ///
    /// It is no schema, or has a keyword that the library does not know.
    pub(crate) fn json_schema(&self, schema: serde_json::Value) -> Result<Constraint> {
        self.compile(TopLevelGrammar::from_json_schema(schema))
    }

    fn compile(&self, grammar: TopLevelGrammar) -> Result<Constraint> {
        let parser = self.factory.create_parser(grammar);
        let matcher = Matcher::new(parser);
        match matcher.get_error() {
            Some(error) => Err(Error::Grammar(error)),
            None => Ok(Constraint { matcher }),
        }
    }
}

impl std::fmt::Debug for Constraint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Constraint").finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Grammars {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Grammars").finish_non_exhaustive()
    }
}

impl Constraint {
    /// Tokens that must come next whatever the model thinks; they count as written.
    pub(crate) fn take_forced(&mut self) -> Vec<u32> {
        self.matcher.consume_ff_tokens()
    }

    /// Makes impossible what may not come next.
    ///
    /// # Errors
    ///
    /// The library fails.
    pub(crate) fn mask(&mut self, logits: &mut [f32]) -> Result<()> {
        let allowed =
            self.matcher.compute_mask_or_eos().map_err(|error| Error::Grammar(error.to_string()))?;
        for (id, logit) in (0..).zip(logits) {
            if id >= allowed.len() as u32 || !allowed.is_allowed(id) {
                *logit = f32::NEG_INFINITY;
            }
        }
        Ok(())
    }

    /// The model wrote a token.
    ///
    /// # Errors
    ///
    /// It was not allowed.
    pub(crate) fn take(&mut self, id: u32) -> Result<()> {
        self.matcher.consume_token(id).map_err(|error| Error::Grammar(error.to_string()))
    }

    /// Whether the text is over.
    ///
    /// # Errors
    ///
    /// The library failed on the way.
    pub(crate) fn is_over(&self) -> Result<bool> {
        self.matcher.get_error().map_or(Ok(self.matcher.is_stopped()), |error| Err(Error::Grammar(error)))
    }
}

/// A text as a literal of the Lark syntax.
pub(crate) fn literal(text: &str) -> String {
    // Lark's strings are escaped as JSON's are.
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_forced_comes_at_once_and_only_what_is_allowed_has_a_chance() {
        let texts = ["restricted filter \"A\"", "replace it. It was 24 bar", "worn pump"];
        let tokenizer = Tokenizer::train(texts.iter().cycle().take(60), 300, 2).unwrap();
        let mut json: serde_json::Value = serde_json::from_str(&tokenizer.to_json().unwrap()).unwrap();
        // As those of SentencePiece do.
        json["normalizer"] = serde_json::json!({"type": "Prepend", "prepend": " "});
        let adds_space = Tokenizer::from_bytes(json.to_string().as_bytes(), "tokenizer.json").unwrap();
        forced_and_allowed(&tokenizer);
        forced_and_allowed(&adds_space);
    }

    fn forced_and_allowed(tokenizer: &Tokenizer) {
        let markers = tokenizer.case_markers().unwrap();
        let grammars = Grammars::new(tokenizer, markers.eos).unwrap();
        let (first, second) = (literal(" filter \"A\" is dirty."), literal(" pump is worn."));
        let grammar = format!("start: ({first} | {second}) <solution> {}", literal(" replace it"));
        let mut constraint = grammars.lark(grammar).unwrap();
        let (mut ids, mut chosen) = (Vec::new(), 0);
        for _ in 0..60 {
            ids.extend(constraint.take_forced());
            if constraint.is_over().unwrap() {
                break;
            }
            // A model that likes the later token ids better.
            let mut logits: Vec<f32> = (0..tokenizer.vocab_size()).map(|id| id as f32).collect();
            constraint.mask(&mut logits).unwrap();
            let best = crate::sampling::argmax(&logits);
            if best == markers.eos {
                break;
            }
            constraint.take(best).unwrap();
            ids.push(best);
            chosen += 1;
        }
        let at = ids.iter().position(|id| *id == markers.solution).unwrap();
        let cause = tokenizer.decode(&ids[..at]).unwrap();
        assert!([" filter \"A\" is dirty.", " pump is worn."].contains(&cause.as_str()), "{cause}");
        assert_eq!(tokenizer.decode(&ids[at + 1..]).unwrap(), " replace it");
        assert!(chosen < 8, "{chosen} tokens were left to the model");
        assert!(grammars.lark("start: (".to_owned()).is_err());
    }

    #[test]
    fn numbers_outside_the_evidence_cannot_be_written() {
        let tokenizer = Tokenizer::train(["set to 24 bar or 35 bar"; 40].iter(), 300, 2).unwrap();
        let grammars = Grammars::new(&tokenizer, tokenizer.case_markers().unwrap().eos).unwrap();
        let mut constraint = grammars
            .lark(format!("start: TEXT\nTEXT: /{}/", crate::engine::supported_text(["at 24 bar"])))
            .unwrap();
        let accepts = |constraint: &mut Constraint, text: &str| {
            tokenizer.encode(text).unwrap().into_iter().all(|id| {
                let mut logits = vec![0.0; tokenizer.vocab_size()];
                constraint.mask(&mut logits).unwrap();
                logits[id as usize] == 0.0 && constraint.take(id).is_ok()
            })
        };
        assert!(accepts(&mut constraint, " set to 24 bar"));
        let mut constraint = grammars
            .lark(format!("start: TEXT\nTEXT: /{}/", crate::engine::supported_text(["at 24 bar"])))
            .unwrap();
        assert!(!accepts(&mut constraint, " set to 35 bar"));
    }
}
