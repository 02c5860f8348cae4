//! A configuration that is made in code.

use std::path::PathBuf;

use gearhead_model::{LoraConfig, ModelConfig};

use crate::{
    config::{Config, DataConfig, TrainConfig},
    error::Result,
};

/// What error messages call a configuration that stands in no file.
const PLACE: &str = "the configuration";

/// Makes a [`Config`] in code. What is not said has the value that it has where a file leaves it out.
///
/// ```no_run
/// # use gearhead_train::Config;
/// let config = Config::builder("outputs/lora")
///     .from("outputs/small/best")
///     .cases("train.jsonl", "validation.jsonl")
///     .lora(|lora| lora.rank = 8)
///     .train(|train| train.epochs = 3)
///     .build()?;
/// # Ok::<(), gearhead_train::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct ConfigBuilder {
    config: Config,
}

impl Config {
    /// Begins a configuration of a training that leaves its files in the folder `output`.
    pub fn builder(output: impl Into<PathBuf>) -> ConfigBuilder {
        let config = Self {
            seed: 0,
            output: output.into(),
            from: None,
            tokenizer: None,
            data: DataConfig::default(),
            model: ModelConfig::default(),
            lora: None,
            train: TrainConfig::default(),
        };
        ConfigBuilder { config }
    }
}

impl ConfigBuilder {
    /// The seed of everything that is drawn.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.config.seed = seed;
        self
    }

    /// The model directory that is trained on; without it weights are new.
    #[must_use]
    pub fn from(mut self, model: impl Into<PathBuf>) -> Self {
        self.config.from = Some(model.into());
        self
    }

    /// The file of the tokenizer, for new weights.
    #[must_use]
    pub fn tokenizer(mut self, file: impl Into<PathBuf>) -> Self {
        self.config.tokenizer = Some(file.into());
        self
    }

    /// The files of the cases to learn from, and of those to choose the best model by.
    #[must_use]
    pub fn cases(mut self, train: impl Into<PathBuf>, validation: impl Into<PathBuf>) -> Self {
        self.config.data.train = Some(train.into());
        self.config.data.validation = Some(validation.into());
        self
    }

    /// Changes what else is said of the data.
    #[must_use]
    pub fn data(mut self, change: impl FnOnce(&mut DataConfig)) -> Self {
        change(&mut self.config.data);
        self
    }

    /// Changes the shape of a model with new weights.
    #[must_use]
    pub fn model(mut self, change: impl FnOnce(&mut ModelConfig)) -> Self {
        change(&mut self.config.model);
        self
    }

    /// Trains adapters instead of the weights, and changes what is said of them.
    #[must_use]
    pub fn lora(mut self, change: impl FnOnce(&mut LoraConfig)) -> Self {
        change(self.config.lora.get_or_insert_default());
        self
    }

    /// Changes how is learned.
    #[must_use]
    pub fn train(mut self, change: impl FnOnce(&mut TrainConfig)) -> Self {
        change(&mut self.config.train);
        self
    }

    /// The configuration, checked as one of a file is.
    ///
    /// # Errors
    ///
    /// [`Error::Config`](crate::Error::Config) names the value that is missing, out of range or not that of the model that is
    /// trained on.
    ///
    /// # Panics
    ///
    /// Never: every shape can be written as TOML.
    pub fn build(self) -> Result<Config> {
        // A shape says nothing of where it comes from: what is as by default counts as not given.
        let table = |model: &ModelConfig| toml::Table::try_from(model).expect("a shape is a TOML table");
        let default = table(&ModelConfig::default());
        let mut model = table(&self.config.model);
        model.retain(|key, value| default.get(key) != Some(value));
        let given = toml::Table::from_iter([("model".to_owned(), model.into())]);
        self.config.checked(&given, PLACE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_made_in_code_is_the_one_of_a_file() {
        let text = "seed = 3\noutput = \"o\"\ntokenizer = \"t.json\"\n[data]\ntrain = \"a\"\nvalidation = \"b\"\n\
                    keep_cases = true\n[model]\nd_model = 128\n[train]\nepochs = 3\n";
        let made = Config::builder("o")
            .seed(3)
            .tokenizer("t.json")
            .cases("a", "b")
            .data(|data| data.keep_cases = true)
            .model(|model| model.d_model = 128)
            .train(|train| train.epochs = 3);
        assert_eq!(made.build().unwrap(), Config::parse(text, "c.toml", &[]).unwrap());
    }

    #[test]
    fn what_is_missing_or_impossible_is_named() {
        let whole = Config::builder("o").tokenizer("t.json").cases("a", "b");
        let error = |builder: ConfigBuilder| builder.build().unwrap_err().to_string();
        assert_eq!(
            error(whole.clone().train(|train| train.epochs = 0)),
            "the configuration: train.epochs is 0, but must be at least 1"
        );
        assert_eq!(error(Config::builder("o").cases("a", "b")), "the configuration: tokenizer is missing");
        assert_eq!(error(Config::builder("o").tokenizer("t")), "the configuration: data.train is missing");
        assert!(error(whole.lora(|_| ())).contains("name it with `from`"));
    }
}
