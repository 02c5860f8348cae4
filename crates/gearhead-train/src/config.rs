//! The configuration file of a training.

use std::path::{Path, PathBuf};

use gearhead_data::prompt::{LossOn, Sections};
use gearhead_model::{Dtype, LoraConfig, ModelConfig, ModelDirectory};
use serde::{Deserialize, Serialize};

use crate::{
    divergence::OnDivergence,
    error::{Error, Result},
    optimizer::MomentDtype,
    precision::ActivationDtype,
};

/// Everything that decides a training. Unknown keys are refused.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Config {
    /// The same seed gives the same weights, to the last bit, on the same machine.
    #[serde(default)]
    pub seed: u64,
    /// The folder that the training leaves: `best`, `last`, `metrics.jsonl`, `config.toml`.
    pub output: PathBuf,
    /// The model directory that is trained on; without it weights are new.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<PathBuf>,
    /// `tokenizer.json`; that of `from` where it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokenizer: Option<PathBuf>,
    /// What is learned.
    #[serde(default)]
    pub data: DataConfig,
    /// The shape of the model; its vocabulary is the tokenizer's. With `from` it is that model's, but for `max_seq_len`, which
    /// may be less.
    #[serde(default)]
    pub model: ModelConfig,
    /// Adapters that are trained instead of the weights of `from`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lora: Option<LoraConfig>,
    /// How it is learned.
    #[serde(default)]
    pub train: TrainConfig,
}

/// What is learned: cases, or text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct DataConfig {
    /// Cases to learn from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub train: Option<PathBuf>,
    /// Cases to choose the best model by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validation: Option<PathBuf>,
    /// Text to learn from instead of cases: plain text, or JSONL with the field `text`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub text: Vec<PathBuf>,
    /// The share of the pieces of the text that are kept apart to choose the best model by.
    pub validation_share: f64,
    /// Whether the loss is taken on the targets or on everything.
    pub loss_on: LossOn,
    /// The share of training cases of which more is learned than the name of the cause; the others end after it. A name is
    /// a few tokens among dozens of an explanation that follows from it, so a small share learns to diagnose in fewer
    /// steps.
    pub text_share: f64,
    /// Whether the training cases are kept beside the model, so that a diagnosis finds similar ones and goes by them.
    pub keep_cases: bool,
    /// The sections that the model learns to write.
    pub sections: Sections,
}

impl Default for DataConfig {
    fn default() -> Self {
        Self {
            train: None,
            validation: None,
            text: Vec::new(),
            validation_share: 0.05,
            loss_on: LossOn::Targets,
            text_share: 1.0,
            keep_cases: false,
            sections: Sections::default(),
        }
    }
}

/// How it is learned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct TrainConfig {
    /// Passes over the training cases.
    pub epochs: usize,
    /// Cases of one optimizer step.
    pub batch_size: usize,
    /// Pieces into which a step's cases are cut to save memory; the result is the same.
    pub accumulation: usize,
    /// 0 keeps what the backward pass of every layer needs; 1 keeps the input of every layer and runs the layer again; `k`
    /// keeps the input of every `k`-th layer and runs `k` layers again at a time. The result is the same.
    pub recompute_every: usize,
    /// The numbers of activations and of the gradients that flow back through them; weights and sums are f32 with each.
    pub precision: ActivationDtype,
    /// The highest learning rate.
    pub learning_rate: f64,
    /// The learning rate at the end, as a share of the highest.
    pub min_learning_rate_share: f64,
    /// Steps over which the learning rate rises.
    pub warmup_steps: usize,
    /// AdamW's decoupled decay, not for norms and embeddings.
    pub weight_decay: f64,
    /// AdamW's decay of the first moment.
    pub beta1: f64,
    /// AdamW's decay of the second moment.
    pub beta2: f64,
    /// AdamW's epsilon.
    pub epsilon: f64,
    /// How AdamW's moments are stored.
    pub optimizer_dtype: MomentDtype,
    /// Gradients are scaled down to this norm over all parameters.
    pub max_grad_norm: f64,
    /// Steps between evaluations on the validation cases; 0 for once an epoch.
    pub eval_every_steps: usize,
    /// Steps between checkpoints, beside those after evaluations; 0 for none.
    pub checkpoint_every_steps: usize,
    /// A checkpoint is written when the last one is older than this.
    pub checkpoint_every_minutes: f64,
    /// What is done where the loss leaps up or is no number.
    pub on_divergence: OnDivergence,
    /// The type of the numbers in the saved model.
    pub save_dtype: Dtype,
}

impl Default for TrainConfig {
    fn default() -> Self {
        Self {
            epochs: 10,
            batch_size: 32,
            accumulation: 1,
            recompute_every: 0,
            precision: ActivationDtype::F32,
            learning_rate: 1e-3,
            min_learning_rate_share: 0.1,
            warmup_steps: 50,
            weight_decay: 0.1,
            beta1: 0.9,
            beta2: 0.95,
            epsilon: 1e-8,
            optimizer_dtype: MomentDtype::F32,
            max_grad_norm: 1.0,
            eval_every_steps: 0,
            checkpoint_every_steps: 0,
            checkpoint_every_minutes: 10.0,
            on_divergence: OnDivergence::Stop,
            save_dtype: Dtype::F32,
        }
    }
}

impl Config {
    /// Reads a TOML file and applies overrides of the form `section.key=value`, later ones winning.
    ///
    /// # Errors
    ///
    /// Names the file and line, or the override, that is wrong.
    pub fn load(path: impl AsRef<Path>, overrides: &[String]) -> Result<Self> {
        let path = path.as_ref();
        let text =
            std::fs::read_to_string(path).map_err(|source| Error::Io { path: path.to_owned(), source })?;
        Self::parse(&text, &path.display().to_string(), overrides)
    }

    /// Reads TOML text; `place` is what error messages call it.
    ///
    /// # Errors
    ///
    /// As [`Config::load`].
    pub fn parse(text: &str, place: &str, overrides: &[String]) -> Result<Self> {
        let in_file = |error: toml::de::Error| {
            let line_of = |at: usize| 1 + text[..at.min(text.len())].matches('\n').count() as u64;
            let line = error.span().map(|span| line_of(span.start));
            Error::Config { path: place.into(), line, reason: error.message().to_owned() }
        };
        // The file alone first, so that its own faults are named with their lines.
        let mut config: Self = toml::from_str(text).map_err(in_file)?;
        let mut table: toml::Table = toml::from_str(text).map_err(in_file)?;
        for text in overrides {
            let fault = |reason: String| Error::Override { given: text.clone(), reason };
            set(&mut table, text).map_err(&fault)?;
            config = table
                .clone()
                .try_into()
                .map_err(|error: toml::de::Error| fault(error.message().to_owned()))?;
        }
        config.checked(&table, place).map_err(|error| match error {
            Error::Config { line: None, reason, .. } => blamed(reason, place, overrides),
            error => error,
        })
    }

    /// The configuration with the shape of the model that is trained on, where its values are possible; `given` is what was
    /// said of it.
    pub(crate) fn checked(mut self, given: &toml::Table, place: &str) -> Result<Self> {
        self.take_shape(given, place)?;
        self.validate(place)?;
        Ok(self)
    }

    /// With `from`, the model has the shape of that model; what is given of `[model]` must say the same, but what is learned may
    /// be cut shorter than the model's longest sequence.
    fn take_shape(&mut self, given: &toml::Table, place: &str) -> Result<()> {
        let Some(from) = &self.from else { return Ok(()) };
        let of_model = ModelDirectory::open(from)?.config().clone();
        let given = given.get("model").and_then(toml::Value::as_table);
        let is_cut = given.is_some_and(|given| given.contains_key("max_seq_len"))
            && self.model.max_seq_len < of_model.max_seq_len;
        let max_seq_len = if is_cut { self.model.max_seq_len } else { of_model.max_seq_len };
        self.model = ModelConfig { max_seq_len, ..of_model };
        let shape = toml::Table::try_from(&self.model).expect("a shape is a TOML table");
        let differs = |(key, value): &(&String, &toml::Value)| shape.get(*key) != Some(*value);
        if let Some((key, value)) = given.into_iter().flatten().find(differs) {
            let reason = format!(
                "model.{key} is {value}, but {} has {}: leave [model] out with `from`",
                from.display(),
                shape.get(key).map_or("none".to_owned(), ToString::to_string)
            );
            return Err(Error::Config { path: place.into(), line: None, reason });
        }
        Ok(())
    }

    /// The tokenizer's file: the one that is given, or that of the model that is trained on.
    pub fn tokenizer_path(&self) -> PathBuf {
        let of_model = || self.from.as_deref().unwrap_or(Path::new(".")).join("tokenizer.json");
        self.tokenizer.clone().unwrap_or_else(of_model)
    }

    /// The configuration with every default written out.
    ///
    /// # Panics
    ///
    /// Never: every field can be written as TOML.
    pub fn resolved(&self) -> String {
        toml::to_string_pretty(self).expect("a configuration is a TOML table")
    }

    fn validate(&self, place: &str) -> Result<()> {
        let fault = |reason: String| Err(Error::Config { path: place.into(), line: None, reason });
        let train = &self.train;
        for (key, value) in
            [("epochs", train.epochs), ("batch_size", train.batch_size), ("accumulation", train.accumulation)]
        {
            if value == 0 {
                return fault(format!("train.{key} is 0, but must be at least 1"));
            }
        }
        if train.accumulation > train.batch_size {
            return fault(format!(
                "train.accumulation is {}, more than the {} cases of a step",
                train.accumulation, train.batch_size
            ));
        }
        // Tensors are f32: what is zero there would divide by zero.
        let smallest = f64::from(f32::MIN_POSITIVE);
        for (key, value, range) in [
            ("learning_rate", train.learning_rate, f64::MIN_POSITIVE..=1.0),
            ("min_learning_rate_share", train.min_learning_rate_share, 0.0..=1.0),
            ("weight_decay", train.weight_decay, 0.0..=1.0),
            ("beta1", train.beta1, 0.0..=0.999_999),
            ("beta2", train.beta2, 0.0..=0.999_999),
            ("epsilon", train.epsilon, smallest..=1.0),
            ("max_grad_norm", train.max_grad_norm, f64::MIN_POSITIVE..=f64::MAX),
            ("checkpoint_every_minutes", train.checkpoint_every_minutes, 0.0..=1e6),
        ] {
            if !range.contains(&value) {
                return fault(format!("train.{key} is {value}, which is out of range"));
            }
        }
        for (key, value) in
            [("text_share", self.data.text_share), ("validation_share", self.data.validation_share)]
        {
            if !(0.0..=1.0).contains(&value) {
                return fault(format!("data.{key} is {value}, but must be from 0 to 1"));
            }
        }
        if self.data.text.is_empty() {
            for (key, path) in [("train", &self.data.train), ("validation", &self.data.validation)] {
                if path.is_none() {
                    return fault(format!("data.{key} is missing"));
                }
            }
        } else if self.data.train.is_some() || self.data.validation.is_some() {
            return fault("data.text and data.train cannot both be learned from: leave one out".into());
        }
        if self.from.is_none() {
            if self.lora.is_some() {
                return fault("[lora] trains adapters of an existing model: name it with `from`".into());
            }
            if self.tokenizer.is_none() {
                return fault("tokenizer is missing".into());
            }
        }
        if let Some(lora) = &self.lora {
            lora.validate().map_err(|error| Error::Config {
                path: place.into(),
                line: None,
                reason: error.to_string(),
            })?;
        }
        self.model.validate().map_err(|error| Error::Config {
            path: place.into(),
            line: None,
            reason: error.to_string(),
        })
    }
}

/// What is wrong with a value: of an override, where the last that sets it is one.
fn blamed(reason: String, place: &str, overrides: &[String]) -> Error {
    let sets_it = |given: &&String| {
        let key = given.split('=').next().unwrap_or_default().trim();
        reason.strip_prefix(key).is_some_and(|rest| rest.starts_with(' '))
    };
    match overrides.iter().rev().find(sets_it) {
        Some(given) => Error::Override { given: given.clone(), reason },
        None => Error::Config { path: place.into(), line: None, reason },
    }
}

/// Sets `a.b=value` in a table. The value is read as TOML, and as a string where it is none.
fn set(table: &mut toml::Table, text: &str) -> std::result::Result<(), String> {
    let (path, value) = text.split_once('=').ok_or("an override has the form section.key=value")?;
    let value = value.trim();
    let value = toml::from_str::<toml::Table>(&format!("v = {value}"))
        .ok()
        .and_then(|mut table| table.remove("v"))
        .unwrap_or_else(|| toml::Value::String(value.to_owned()));
    let (sections, key) = match path.trim().rsplit_once('.') {
        Some((sections, key)) => (sections.split('.').collect(), key),
        None => (Vec::new(), path.trim()),
    };
    let mut table = table;
    for section in sections {
        let entry = table.entry(section).or_insert_with(|| toml::Value::Table(toml::Table::new()));
        table = entry.as_table_mut().ok_or_else(|| format!("`{section}` is not a section"))?;
    }
    table.insert(key.to_owned(), value);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINIMAL: &str =
        "output = \"o\"\ntokenizer = \"t.json\"\n[data]\ntrain = \"a\"\nvalidation = \"b\"\n";

    fn parse(text: &str, overrides: &[&str]) -> std::result::Result<Config, String> {
        let overrides: Vec<String> = overrides.iter().map(|&text| text.into()).collect();
        Config::parse(text, "c.toml", &overrides).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_not_given_has_its_default_and_resolving_is_the_identity() {
        let config = parse(MINIMAL, &[]).unwrap();
        assert_eq!(config.train, TrainConfig::default());
        assert_eq!(parse(&config.resolved(), &[]).unwrap(), config);
    }

    #[test]
    fn unknown_and_impossible_values_are_named() {
        let text = format!("{MINIMAL}[train]\nepoch = 3\n");
        let error = parse(&text, &[]).unwrap_err();
        assert!(error.starts_with("c.toml:7: unknown field `epoch`"), "{error}");
        let text = format!("{MINIMAL}[train]\nepochs = 0\n");
        assert_eq!(parse(&text, &[]).unwrap_err(), "c.toml: train.epochs is 0, but must be at least 1");
        let text = format!("{MINIMAL}[model]\nd_model = 250\n");
        assert_eq!(
            parse(&text, &[]).unwrap_err(),
            "c.toml: model.d_model is 250, which n_heads = 4 does not divide"
        );
        assert!(parse("output = ", &[]).unwrap_err().starts_with("c.toml:1:"));
    }

    #[test]
    fn overrides_win_and_their_faults_are_named() {
        let config =
            parse(MINIMAL, &["train.epochs=3", "model.d_model = 128", "output=elsewhere", "train.epochs=4"]);
        let config = config.unwrap();
        assert_eq!((config.train.epochs, config.model.d_model), (4, 128));
        assert_eq!(config.output, Path::new("elsewhere"));
        assert!(
            parse(MINIMAL, &["train.epoch=3"]).unwrap_err().starts_with("--set train.epoch=3: unknown field")
        );
        assert!(
            parse(MINIMAL, &["train.epochs=many"])
                .unwrap_err()
                .starts_with("--set train.epochs=many: invalid")
        );
        assert!(parse(MINIMAL, &["nonsense"]).unwrap_err().contains("section.key=value"));
        assert!(parse(MINIMAL, &["output.x=1"]).unwrap_err().contains("not a section"));
    }
}
