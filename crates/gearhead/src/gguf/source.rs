//! What a file is made of: a model directory, or the model that is compiled in.

use std::path::Path;

use gearhead_data::{prompt::CHAT_TEMPLATE, tokenizer::Tokenizer};
use gearhead_infer::engine::model_directory;
use gearhead_model::{ModelDirectory, directory::read_file};
use serde_json::Value;

use crate::{
    Result,
    engine::{bundled_directory, bundled_tokenizer},
};

pub(crate) const TOKENIZER: &str = "tokenizer.json";
pub(crate) const TOKENIZER_CONFIG: &str = "tokenizer_config.json";
/// Where newer versions of transformers keep the template.
pub(crate) const TEMPLATE_FILE: &str = "chat_template.jinja";

/// A model with everything that is said about its texts.
pub(super) struct Source {
    pub(super) model: ModelDirectory,
    pub(super) tokenizer: Tokenizer,
    /// The template of a conversation.
    pub(super) chat_template: Option<String>,
    /// The token that fills rows, by its text.
    pub(super) pad_token: Option<String>,
    pub(super) name: String,
}

impl Source {
    /// Opens a directory or the output folder of a training, or the bundled model.
    pub(super) fn open(path: Option<&Path>) -> Result<Self> {
        let Some(given) = path else {
            let (model, tokenizer) = (bundled_directory()?, bundled_tokenizer()?);
            return Ok(Self::new(model, tokenizer, &Value::Null, None, "gearhead"));
        };
        let path = model_directory(given);
        let model = ModelDirectory::open(&path)?;
        let tokenizer = Tokenizer::from_bytes(&read_file(&path, TOKENIZER)?, path.join(TOKENIZER))?;
        let config = optional(&path, TOKENIZER_CONFIG)?;
        let config: Value = match config {
            None => Value::Null,
            Some(text) => serde_json::from_slice(&text).map_err(|error| gearhead_model::Error::Json {
                path: path.join(TOKENIZER_CONFIG),
                reason: error.to_string(),
            })?,
        };
        let template = optional(&path, TEMPLATE_FILE)?;
        let template = template.map(|text| String::from_utf8_lossy(&text).into_owned());
        let name = std::path::absolute(given).ok();
        let name = name.as_deref().and_then(Path::file_name).unwrap_or(given.as_os_str());
        Ok(Self::new(model, tokenizer, &config, template, &name.to_string_lossy()))
    }

    fn new(
        model: ModelDirectory,
        tokenizer: Tokenizer,
        config: &Value,
        template: Option<String>,
        name: &str,
    ) -> Self {
        let of_cases = || tokenizer.markers().map(|_| CHAT_TEMPLATE.to_owned());
        let chat_template = template.or_else(|| stated_template(&config["chat_template"])).or_else(of_cases);
        let pad = &config["pad_token"];
        let pad_token = pad.as_str().or(pad["content"].as_str()).map(str::to_owned);
        Self { model, tokenizer, chat_template, pad_token, name: name.to_owned() }
    }

    /// Whether a conversation is a case.
    pub(super) fn is_of_cases(&self) -> bool {
        self.chat_template.as_deref() == Some(CHAT_TEMPLATE)
    }
}

/// The template of `tokenizer_config.json`: one, or the default of several with names.
fn stated_template(stated: &Value) -> Option<String> {
    let of_several = || {
        let several = stated.as_array()?;
        several.iter().find(|one| one["name"] == "default")?["template"].as_str()
    };
    stated.as_str().or_else(of_several).map(str::to_owned)
}

/// A file that need not be there.
pub(crate) fn optional(directory: &Path, file: &'static str) -> Result<Option<Vec<u8>>> {
    match read_file(directory, file) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(gearhead_model::Error::MissingFile { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
