//! `gearhead score`: log-probabilities.

use gearhead::data::tokenizer::Tokenizer;
use serde_json::json;

use super::engine;
use crate::{args::ScoreArgs, failure::Failure, output};

pub(crate) fn run(args: &ScoreArgs) -> Result<(), Failure> {
    let engine = engine(&args.model)?;
    let engine = engine.as_diagnose();
    let tokenizer = engine.tokenizer();
    let ids = ids_of(tokenizer, args.input.text.as_deref(), args.input.ids.as_deref())?;
    let log_probs = engine.log_probs(&ids)?;
    let tokens: Vec<String> = ids.iter().map(|id| tokenizer.token(*id).unwrap_or_default()).collect();
    if args.json {
        return output::json(&json!({ "ids": ids, "tokens": tokens, "log_probs": log_probs }));
    }
    for ((id, token), log_prob) in ids.iter().zip(&tokens).zip(&log_probs) {
        let log_prob = log_prob.map_or_else(|| "-".to_owned(), |value| format!("{value:.4}"));
        output::text(format_args!("{id:>7}  {log_prob:>10}  {token}"))?;
    }
    Ok(())
}

/// The ids that were given, or those of the text that was.
pub(super) fn ids_of(
    tokenizer: &Tokenizer,
    text: Option<&str>,
    ids: Option<&[u32]>,
) -> Result<Vec<u32>, Failure> {
    Ok(match (text, ids) {
        (Some(text), _) => tokenizer.encode(text)?,
        (None, ids) => ids.unwrap_or_default().to_vec(),
    })
}
