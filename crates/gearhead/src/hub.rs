//! Models of the Hugging Face Hub.

use std::path::PathBuf;

use gearhead_model::directory::is_weight_file;
use hf_hub::{
    Repo, RepoType,
    api::sync::{ApiBuilder, ApiError},
};

use crate::{
    Error, Result,
    gguf::{TEMPLATE_FILE, TOKENIZER, TOKENIZER_CONFIG},
};

/// Downloads a model, `organisation/name` or `organisation/name@revision`, and returns its directory in the local cache of the
/// Hub, which other programs use too. What is there already is not loaded again. `HF_HOME`, `HF_ENDPOINT` and the token that
/// `hf auth login` left are taken into account; `progress` shows a bar for each file on the standard error.
///
/// # Errors
///
/// [`Error::Hub`] where the Hub has no such model, cannot be reached, or the cache cannot be written.
pub fn fetch(model: &str, progress: bool) -> Result<PathBuf> {
    let fault = |reason: String| Error::Hub { model: model.to_owned(), reason };
    let failed = |error: ApiError| fault(error.to_string());
    let (name, revision) = model.split_once('@').unwrap_or((model, "main"));
    let is_part = |part: &str| {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        !part.is_empty() && !part.starts_with('.') && part.chars().all(is_plain)
    };
    if !name.split_once('/').is_some_and(|(owner, name)| is_part(owner) && is_part(name)) {
        return Err(fault("a model is called `organisation/name`".into()));
    }
    let api = ApiBuilder::from_env().with_progress(progress).build().map_err(failed)?;
    let repo = Repo::with_revision(name.to_owned(), RepoType::Model, revision.to_owned());
    let repo = api.repo(repo);
    let files = repo.info().map_err(failed)?.siblings.into_iter().map(|file| file.rfilename);
    let wanted = |file: &String| {
        ["config.json", TOKENIZER, TOKENIZER_CONFIG, TEMPLATE_FILE].contains(&file.as_str())
            || is_weight_file(file)
    };
    let mut directory = None;
    for file in files.filter(wanted) {
        let path = repo.get(&file).map_err(failed)?;
        directory = path.parent().map(PathBuf::from);
    }
    directory.ok_or_else(|| fault("it has no file of a model".into()))
}
