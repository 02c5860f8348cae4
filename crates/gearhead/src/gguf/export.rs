//! A model directory to a file, with what Ollama needs beside it.

use std::path::{Path, PathBuf};

use gearhead_data::{
    case::{write_whole, write_whole_with},
    prompt::OLLAMA_TEMPLATE,
    vocabulary::Vocabulary,
};
use gearhead_model::gguf::{GgufDtype, Metadata, write_model};
use serde::Serialize;

use super::{source::Source, tokenizer};
use crate::{Error, Result};

/// What Ollama makes a model from.
const MODELFILE: &str = "Modelfile";
/// The first line of one that may be replaced.
const WRITTEN_BY: &str = "# Written by gearhead export.\n";

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Exported {
    /// The file.
    pub path: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// What Ollama makes a model from: `ollama create NAME` in the folder of the file.
    pub modelfile: PathBuf,
}

/// Writes a model as a GGUF file, and a `Modelfile` beside it. `model` is a model directory or the output folder of a training;
/// without one it is the bundled model. `done` hears how many weights are written of how many.
///
/// # Errors
///
/// Names the file of the model that is missing or wrong, or what GGUF cannot carry. Nothing is written then.
pub fn export(
    model: Option<&Path>,
    dtype: GgufDtype,
    out: &Path,
    done: &mut dyn FnMut(usize, usize),
) -> Result<Exported> {
    let source = Source::open(model)?;
    let folder = out.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let modelfile = folder.join(MODELFILE);
    if std::fs::read(&modelfile).is_ok_and(|text| !text.starts_with(WRITTEN_BY.as_bytes())) {
        return Err(Error::InTheWay { path: modelfile });
    }
    let metadata = metadata(&source)?;
    write_whole_with(out, |output| {
        Ok::<_, Error>(write_model(&source.model, dtype, metadata, out, output, done)?)
    })?;
    let text = modelfile_text(&source, out);
    write_whole(&modelfile, |output| output.write_all(text.as_bytes()))?;
    let bytes = std::fs::metadata(out).map_err(|error| gearhead_data::Error::io(out, error))?.len();
    Ok(Exported { path: out.to_owned(), bytes, modelfile })
}

/// Names and texts.
fn metadata(source: &Source) -> Result<Metadata> {
    let config = source.model.config();
    let eos = config.eos_ids.first().copied();
    let mut vocabulary = Vocabulary::of(&source.tokenizer, config.vocab_size, config.bos_id, eos)?;
    if let Some(pad) = &source.pad_token {
        let place = vocabulary.tokens.iter().position(|token| token == pad);
        vocabulary.pad = place.map(|id| id as u32);
    }
    let mut metadata = Metadata::default();
    metadata.string("general.type", "model");
    metadata.string("general.name", &source.name);
    tokenizer::add(&vocabulary, &mut metadata);
    if let Some(template) = &source.chat_template {
        metadata.string(tokenizer::CHAT_TEMPLATE, template);
    }
    Ok(metadata)
}

/// A conversation that is a case has a template of its own; that of another model Ollama takes from the file.
fn modelfile_text(source: &Source, out: &Path) -> String {
    let file = out.file_name().unwrap_or_default().to_string_lossy();
    let of_case = if source.is_of_cases() {
        format!("PARAMETER temperature 0\nPARAMETER stop \"</s>\"\nTEMPLATE \"\"\"{OLLAMA_TEMPLATE}\"\"\"\n")
    } else {
        String::new()
    };
    format!("{WRITTEN_BY}FROM ./{file}\nPARAMETER num_ctx {}\n{of_case}", source.model.config().max_seq_len)
}
