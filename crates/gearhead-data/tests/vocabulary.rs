//! Tables and tokenizers against llama.cpp: `fixtures/gguf/make.py` made `tokens.json`.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

use std::path::Path;

use gearhead_data::{
    tokenizer::Tokenizer,
    vocabulary::{Algorithm, TokenKind, Vocabulary},
};
use serde::Deserialize;

const TEXTS: [&str; 3] =
    ["Engine loses power under load", "SPN 157 FMI 18, P0087", "boost leak at the charge-air cooler"];

#[derive(Deserialize)]
struct Cut {
    model: String,
    pre: String,
    tokens: Vec<String>,
    kinds: Vec<i64>,
    merges: Option<Vec<String>>,
    scores: Option<Vec<f32>>,
    texts: Vec<String>,
    ids: Vec<Vec<u32>>,
}

impl Cut {
    fn all() -> Vec<Self> {
        #[derive(Deserialize)]
        struct File {
            vocabularies: Vec<Cut>,
        }
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/gguf/tokens.json");
        let file: File = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        file.vocabularies
    }

    fn vocabulary(&self) -> Vocabulary {
        let algorithm = match (&self.merges, &self.scores) {
            (Some(merges), _) => {
                Algorithm::ByteLevel { pre_tokenizer: self.pre.clone(), merges: merges.clone() }
            }
            (_, Some(scores)) => Algorithm::SentencePiece { scores: scores.clone(), adds_space: true },
            _ => panic!("{} has neither", self.model),
        };
        let bos = self.tokens.iter().position(|token| token == "<s>").map(|id| id as u32);
        Vocabulary {
            tokens: self.tokens.clone(),
            kinds: self.kinds.iter().map(|kind| TokenKind::from_number(*kind).unwrap()).collect(),
            algorithm,
            bos,
            eos: bos.map(|id| id + 1),
            unk: self.scores.is_some().then_some(0),
            pad: None,
            adds_bos: self.scores.is_some(),
            adds_eos: false,
        }
    }
}

#[test]
fn a_rebuilt_tokenizer_cuts_texts_as_llama_cpp_does() {
    for cut in Cut::all() {
        let tokenizer = cut.vocabulary().to_tokenizer(Path::new("x.gguf")).unwrap();
        for (text, ids) in cut.texts.iter().zip(&cut.ids) {
            assert_eq!(&tokenizer.encode(text).unwrap(), ids, "{}: {text:?}", cut.model);
        }
    }
}

#[test]
fn tables_of_a_rebuilt_tokenizer_cut_texts_as_the_first_did() {
    for cut in Cut::all() {
        let tables = cut.vocabulary();
        let tokenizer = tables.to_tokenizer(Path::new("x.gguf")).unwrap();
        let again = Vocabulary::of(&tokenizer, tables.tokens.len(), tables.bos, tables.eos).unwrap();
        assert_eq!((&again.tokens, &again.kinds), (&tables.tokens, &tables.kinds), "{}", cut.model);
        assert_eq!((again.adds_bos, again.adds_eos), (tables.adds_bos, tables.adds_eos), "{}", cut.model);
        let again = again.to_tokenizer(Path::new("y.gguf")).unwrap();
        for (text, ids) in cut.texts.iter().zip(&cut.ids) {
            assert_eq!(&again.encode(text).unwrap(), ids, "{}: {text:?}", cut.model);
        }
    }
}

#[test]
fn gearheads_own_tokenizer_goes_there_and_back_unchanged() {
    let tokenizer = Tokenizer::train(TEXTS.iter().cycle().take(40), 320, 2).unwrap();
    let tables = Vocabulary::of(&tokenizer, tokenizer.vocab_size(), Some(1), Some(2)).unwrap();
    assert!(
        matches!(&tables.algorithm, Algorithm::ByteLevel { pre_tokenizer, .. } if pre_tokenizer == "smollm")
    );
    assert!(tables.kinds[..9].iter().all(|kind| *kind == TokenKind::Control));
    let again = tables.to_tokenizer(Path::new("x.gguf")).unwrap();
    assert_eq!(again.to_json().unwrap(), tokenizer.to_json().unwrap());
}

#[test]
fn a_vocabulary_is_filled_up_to_the_model_and_no_further() {
    let tokenizer = Tokenizer::train(TEXTS.iter().cycle().take(40), 300, 2).unwrap();
    let size = tokenizer.vocab_size();
    let tables = Vocabulary::of(&tokenizer, size + 2, Some(1), Some(2)).unwrap();
    assert_eq!(tables.tokens[size..], [format!("[PAD{size}]"), format!("[PAD{}]", size + 1)]);
    let fault = Vocabulary::of(&tokenizer, size - 1, None, None).unwrap_err().to_string();
    assert!(fault.contains("but the model has"), "{fault}");
}

#[test]
fn what_llama_cpp_cannot_do_is_refused() {
    let tokenizer = Tokenizer::train(TEXTS.iter().cycle().take(40), 300, 2).unwrap();
    let changed = |from: &str, to: &str| {
        let json = tokenizer.to_json().unwrap();
        assert!(json.contains(from), "{from}");
        let changed = Tokenizer::from_bytes(json.replacen(from, to, 1).as_bytes(), "t.json").unwrap();
        Vocabulary::of(&changed, tokenizer.vocab_size(), Some(1), Some(2)).unwrap_err().to_string()
    };
    let digits = changed("\"individual_digits\": true", "\"individual_digits\": false");
    assert!(digits.starts_with("t.json: ") && digits.contains("no pre-tokenizer like"), "{digits}");
    let case = changed("\"normalizer\": null", "\"normalizer\": {\"type\": \"Lowercase\"}");
    assert!(case.contains("no normalizer \"Lowercase\""), "{case}");
}

#[test]
fn tables_that_contradict_each_other_are_refused() {
    let [byte_level, sentence_piece] = &Cut::all()[..] else { panic!("there are two") };
    let fault =
        |vocabulary: Vocabulary| vocabulary.to_tokenizer(Path::new("x.gguf")).unwrap_err().to_string();
    let mut tables = byte_level.vocabulary();
    tables.tokens[5] = tables.tokens[4].clone();
    assert!(fault(tables).contains("two of its tokens are"));
    let mut tables = byte_level.vocabulary();
    tables.algorithm = Algorithm::ByteLevel { pre_tokenizer: "smollm".into(), merges: vec!["one".into()] };
    assert!(fault(tables).contains("is no pair"));
    let mut tables = sentence_piece.vocabulary();
    tables.algorithm = Algorithm::SentencePiece { scores: Vec::new(), adds_space: true };
    assert!(fault(tables).contains("scores"));
    let mut tables = sentence_piece.vocabulary();
    tables.kinds.pop();
    assert!(fault(tables).contains("kinds"));
}
