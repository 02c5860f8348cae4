//! Models from elsewhere, made ready for cases.

use std::path::{Path, PathBuf};

use gearhead_data::tokenizer::{NewMarker, Tokenizer};
use gearhead_model::{Dtype, ModelConfig, ModelDirectory, NewToken, directory::read_file};
use serde::Serialize;

use crate::{
    Error, Result,
    engine::write_bundled,
    gguf::{self, TEMPLATE_FILE, TOKENIZER, TOKENIZER_CONFIG, optional},
};

/// How a model is brought in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct ImportModelOptions {
    /// How weights are stored; as they are where it is not given, those in few bits as f32.
    pub dtype: Option<Dtype>,
    /// Whether the model gets tokens for the sections of a case, which it needs to be trained on cases.
    pub case_markers: bool,
}

impl ImportModelOptions {
    /// How weights are stored.
    #[must_use]
    pub fn dtype(mut self, dtype: Option<Dtype>) -> Self {
        self.dtype = dtype;
        self
    }

    /// Whether the model gets tokens for the sections of a case.
    #[must_use]
    pub fn case_markers(mut self, case_markers: bool) -> Self {
        self.case_markers = case_markers;
        self
    }
}

/// What was brought in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ImportedModel {
    /// The model directory.
    pub path: PathBuf,
    /// Numbers that were learned.
    pub parameters: usize,
    /// Tokens.
    pub vocab_size: usize,
    /// The longest sequence.
    pub max_seq_len: usize,
    /// Tokens that were added.
    pub added_tokens: Vec<String>,
}

impl ImportedModel {
    fn new(path: &Path, config: &ModelConfig, added_tokens: Vec<String>) -> Self {
        Self {
            path: path.to_owned(),
            parameters: config.parameter_count(),
            vocab_size: config.vocab_size,
            max_seq_len: config.max_seq_len,
            added_tokens,
        }
    }
}

/// Writes a GGUF file or a Hugging Face model directory as a new model directory, with its tokenizer and its template of a
/// conversation.
///
/// # Errors
///
/// The model is damaged or of a kind that is not read, or something stands at `out`.
pub fn import_model(model: &Path, options: ImportModelOptions, out: &Path) -> Result<ImportedModel> {
    if out.exists() {
        return Err(Error::InTheWay { path: out.to_owned() });
    }
    if model.is_dir() {
        return import_directory(model, options, out);
    }
    if !options.case_markers {
        let config = gguf::import(model, options.dtype, out)?;
        return Ok(ImportedModel::new(out, &config, Vec::new()));
    }
    let parent = out.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let io = |source| gearhead_data::Error::io(parent, source);
    std::fs::create_dir_all(parent).map_err(io)?;
    let whole = tempfile::tempdir_in(parent).map_err(io)?;
    let directory = whole.path().join("model");
    gguf::import(model, options.dtype, &directory)?;
    import_directory(&directory, options, out)
}

/// Writes the bundled model as a new model directory, as it is: to train on, and for programs that open such directories.
///
/// # Errors
///
/// Something stands at `out`, or it cannot be written.
pub fn import_bundled(out: &Path) -> Result<ImportedModel> {
    if out.exists() {
        return Err(Error::InTheWay { path: out.to_owned() });
    }
    write_bundled(out)?;
    Ok(ImportedModel::new(out, ModelDirectory::open(out)?.config(), Vec::new()))
}

fn import_directory(from: &Path, options: ImportModelOptions, out: &Path) -> Result<ImportedModel> {
    let model = ModelDirectory::open(from)?;
    let mut tokenizer = Tokenizer::from_bytes(&read_file(from, TOKENIZER)?, from.join(TOKENIZER))?;
    let ModelConfig { bos_id, eos_ids, .. } = model.config();
    let (mut bos_id, mut eos_ids) = (*bos_id, eos_ids.clone());
    let mut added = Vec::new();
    if options.case_markers {
        (tokenizer, added) = tokenizer.with_case_markers()?;
    }
    let tokens: Vec<NewToken> = added.iter().map(|marker| new_token(marker, bos_id, &eos_ids)).collect();
    if let Some(markers) = tokenizer.markers() {
        bos_id = Some(markers.bos);
        // What ended a text before still does.
        eos_ids.retain(|id| *id != markers.eos);
        eos_ids.insert(0, markers.eos);
    }
    let mut beside = vec![(TOKENIZER, tokenizer.to_json()?.into_bytes())];
    for file in [TOKENIZER_CONFIG, TEMPLATE_FILE] {
        beside.extend(optional(from, file)?.map(|content| (file, content)));
    }
    let beside: Vec<(&str, &[u8])> = beside.iter().map(|(name, content)| (*name, &content[..])).collect();
    model.save_with_tokens(&tokens, bos_id, eos_ids, options.dtype, &beside, out)?;
    let names = added.into_iter().map(|marker| marker.token.to_owned()).collect();
    Ok(ImportedModel::new(out, ModelDirectory::open(out)?.config(), names))
}

/// A marker is like its word; the start and the end of a text like those that the model has.
fn new_token(marker: &NewMarker, bos_id: Option<u32>, eos_ids: &[u32]) -> NewToken {
    let like = match marker.token {
        "<s>" => bos_id.into_iter().collect(),
        "</s>" => eos_ids.first().copied().into_iter().collect(),
        _ => marker.word.clone(),
    };
    NewToken { id: marker.id, like }
}
