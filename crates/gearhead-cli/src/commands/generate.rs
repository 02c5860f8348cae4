//! `gearhead generate`: plain continuation.

use std::path::Path;

use gearhead::{
    data::{case::write_whole, tokenizer::Tokenizer},
    infer::{Diagnose, decode::Continuation, sampling::Sampling},
};
use serde::Deserialize;
use serde_json::json;

use super::{engine, score::ids_of};
use crate::{args::GenerateArgs, failure::Failure, output, progress};

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
    if let (Some(batch), Some(out)) = (&args.input.batch, &args.out) {
        return run_batch(engine, args, &sampling, batch, out);
    }
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
    output::json(&answer(tokenizer, &prompt_ids, &continuation)?)
}

fn answer(
    tokenizer: &Tokenizer,
    prompt_ids: &[u32],
    continuation: &Continuation,
) -> Result<serde_json::Value, Failure> {
    Ok(json!({
        "prompt_ids": prompt_ids,
        "ids": continuation.ids,
        "text": tokenizer.decode(&continuation.ids)?,
        "finish_reason": continuation.finish_reason,
    }))
}

/// A line of a batch.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    prompt: Option<String>,
    ids: Option<Vec<u32>>,
}

/// The token ids that a line asks to continue.
fn prompt_of(tokenizer: &Tokenizer, line: &str, place: (&Path, usize)) -> Result<Vec<u32>, Failure> {
    let fault = |reason: String| {
        let message = format!("{}:{}: {reason}", place.0.display(), place.1);
        let mut failure = Failure::bad_input("bad_line", message).at(place.0);
        failure.line = Some(place.1 as u64);
        failure
    };
    let line: Line = serde_json::from_str(line).map_err(|error| fault(error.to_string()))?;
    match (line.prompt, line.ids) {
        (Some(_), Some(_)) | (None, None) => Err(fault("a line has either `prompt` or `ids`".to_owned())),
        (prompt, ids) => ids_of(tokenizer, prompt.as_deref(), ids.as_deref()),
    }
}

/// Continues every prompt of a file. A line that fails gets an object with `error` in its place.
fn run_batch(
    engine: &dyn Diagnose,
    args: &GenerateArgs,
    sampling: &Sampling,
    batch: &Path,
    out: &Path,
) -> Result<(), Failure> {
    let tokenizer = engine.tokenizer();
    let text = std::fs::read_to_string(batch).map_err(|source| gearhead::data::Error::io(batch, source))?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let prompts: Vec<_> = lines.map(|(index, line)| prompt_of(tokenizer, line, (batch, index + 1))).collect();
    if prompts.is_empty() {
        let message = format!("{}: no line has a prompt", batch.display());
        return Err(Failure::bad_input("no_prompts", message));
    }
    // What could not be read stands as an empty prompt, for which nothing is computed.
    let ids: Vec<Vec<u32>> =
        prompts.iter().map(|prompt| prompt.as_ref().cloned().unwrap_or_default()).collect();
    let bar = progress::bar(ids.len() * args.max_new_tokens, "tokens");
    let texts =
        engine.generate_many(&ids, args.max_new_tokens, sampling, args.at_once as usize, &mut |_, _| {
            bar.inc(1);
        })?;
    bar.finish_and_clear();
    let mut failed = 0;
    write_whole(out, |output| {
        for ((prompt, text), ids) in prompts.into_iter().zip(texts).zip(&ids) {
            let answer = prompt.and_then(|_| answer(tokenizer, ids, &text?));
            let line = answer.unwrap_or_else(|failure| {
                failed += 1;
                json!({ "error": failure })
            });
            serde_json::to_writer(&mut *output, &line)?;
            output.write_all(b"\n")?;
        }
        Ok(())
    })?;
    if failed == ids.len() {
        let message = format!("{}: no prompt could be continued", batch.display());
        return Err(Failure::bad_input("bad_prompts", message));
    }
    output::note(format_args!("{} texts, {failed} of them with an error: {}", ids.len(), out.display()));
    Ok(())
}

/// Prints what a token adds to the text. A token that ends inside a character adds nothing until it is whole.
fn show(tokenizer: &Tokenizer, shown: &mut (Vec<u32>, String), id: u32) -> Result<(), Failure> {
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
