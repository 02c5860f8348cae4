//! `gearhead generate`: plain continuation.

use gearhead::infer::sampling::Sampling;
use serde_json::json;

use super::{engine, score::ids_of};
use crate::{args::GenerateArgs, failure::Failure, output};

pub(crate) fn run(args: &GenerateArgs) -> Result<(), Failure> {
    let mut sampling = Sampling::greedy();
    if !args.greedy {
        sampling.temperature = args.temperature;
        sampling.top_k = args.top_k;
        sampling.top_p = args.top_p;
        sampling.min_p = args.min_p;
        sampling.seed = args.seed;
    }
    sampling.validate()?;
    let engine = engine(&args.model)?;
    let engine = engine.as_diagnose();
    let tokenizer = engine.tokenizer();
    let prompt_ids = ids_of(tokenizer, args.input.prompt.as_deref(), args.input.ids.as_deref())?;
    let mut shown = (Vec::new(), String::new());
    let mut closed = None;
    let continuation = engine.generate(&prompt_ids, args.max_new_tokens, &sampling, &mut |id| {
        if !args.json && closed.is_none() {
            closed = show(tokenizer, &mut shown, id).err();
        }
    })?;
    if let Some(failure) = closed {
        return Err(failure);
    }
    if !args.json {
        return output::text("");
    }
    output::json(&json!({
        "prompt_ids": prompt_ids,
        "ids": continuation.ids,
        "text": tokenizer.decode(&continuation.ids)?,
        "finish_reason": continuation.finish_reason,
    }))
}

/// Prints what a token adds to the text. A token that ends inside a character adds nothing until it is whole.
fn show(
    tokenizer: &gearhead::data::tokenizer::Tokenizer,
    shown: &mut (Vec<u32>, String),
    id: u32,
) -> Result<(), Failure> {
    shown.0.push(id);
    let text = tokenizer.decode(&shown.0)?;
    if text.ends_with('\u{fffd}') {
        return Ok(());
    }
    if let Some(new) = text.strip_prefix(shown.1.as_str()) {
        output::raw(new)?;
    }
    shown.1 = text;
    Ok(())
}
