//! `gearhead export` and `gearhead import`: models for other programs, and theirs.

use std::path::PathBuf;

use gearhead::{
    ImportModelOptions,
    gguf::{self, Verified},
};
use serde_json::json;

use super::device;
use crate::{
    args::{ExportArgs, ImportModelArgs, ModelFormat},
    failure::Failure,
    output, progress,
};

/// What the model of this program is called.
const BUNDLED: &str = "bundled";

pub(crate) fn export(args: &ExportArgs) -> Result<(), Failure> {
    let ModelFormat::Gguf = args.format;
    let bar = progress::bar(0, "weights");
    let exported = gguf::export(args.model.as_deref(), args.dtype.into(), &args.out, &mut |done, all| {
        bar.set_length(all as u64);
        bar.set_position(done as u64);
    });
    bar.finish_and_clear();
    let exported = exported?;
    let verify = || -> Result<_, Failure> {
        let device = device::for_model(args.device, args.model.as_deref())?;
        Ok(gguf::verify(args.model.as_deref(), &args.out, &device)?)
    };
    let verified = args.verify.then(verify).transpose()?;
    if args.json {
        output::json(&json!({ "exported": exported, "verified": verified }))?;
    } else {
        let megabytes = exported.bytes as f64 / 1e6;
        output::text(format_args!(
            "{}: {megabytes:.1} MB; {} for Ollama",
            exported.path.display(),
            exported.modelfile.display()
        ))?;
        verified.as_ref().map_or(Ok(()), show)?;
    }
    match verified {
        Some(verified) if !verified.passed => {
            let message = format!("{}: the file does not compute what the model does", args.out.display());
            Err(Failure::failed("verify", message).at(&args.out))
        }
        _ => Ok(()),
    }
}

fn show(verified: &Verified) -> Result<(), Failure> {
    for (name, error) in &verified.weight_errors {
        output::text(format_args!("weights in {name}: {:.3} % off at most", 100.0 * error))?;
    }
    for text in &verified.texts_that_differ {
        output::text(format_args!("other tokens: {text:?}"))?;
    }
    output::text(format_args!(
        "probabilities after {} tokens: KL {:.2e} nats in the mean, {:.2e} at most; the same best token after {:.1} %",
        verified.tokens,
        verified.mean_kl,
        verified.largest_kl,
        100.0 * verified.same_best
    ))
}

pub(crate) fn import(args: &ImportModelArgs) -> Result<(), Failure> {
    let options =
        ImportModelOptions::default().dtype(args.dtype.map(Into::into)).case_markers(args.case_markers);
    let model = PathBuf::from(&args.model);
    let imported = if let Some(model) = args.model.strip_prefix("hf:") {
        gearhead::import_model(&fetched(model)?, options, &args.out)?
    } else if args.model == BUNDLED && !model.exists() {
        if options != ImportModelOptions::default() {
            let message = "bundled: the model is written as it is, in f32 and with its markers: leave out --dtype and --case-markers";
            return Err(Failure::bad_input("option", message.to_owned()));
        }
        gearhead::import_bundled(&args.out)?
    } else {
        gearhead::import_model(&model, options, &args.out)?
    };
    if args.json {
        return output::json(&imported);
    }
    output::text(format_args!(
        "{}: {:.1} M parameters, {} tokens, sequences of at most {}",
        imported.path.display(),
        imported.parameters as f64 / 1e6,
        imported.vocab_size,
        imported.max_seq_len
    ))?;
    if !imported.added_tokens.is_empty() {
        output::text(format_args!("added: {}", imported.added_tokens.join(" ")))?;
    }
    Ok(())
}

#[cfg(feature = "hub")]
fn fetched(model: &str) -> Result<PathBuf, Failure> {
    use std::io::{IsTerminal, stderr};
    Ok(gearhead::hub::fetch(model, stderr().is_terminal())?)
}

#[cfg(not(feature = "hub"))]
fn fetched(model: &str) -> Result<PathBuf, Failure> {
    let message = format!(
        "hf:{model}: this build does not know the Hugging Face Hub: build Gearhead with `--features hub`"
    );
    Err(Failure::bad_input("hub", message))
}
