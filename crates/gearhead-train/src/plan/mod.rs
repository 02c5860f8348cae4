//! What memory a training will need, before it begins, and the settings with which it fits.
//!
//! In reading order:
//!
//! - `load`: how many tokens the parts of a step have, counted in the data;
//! - `parameters`: weights and moments;
//! - `ledger`: what is in memory at the same time;
//! - `step`: a step as memory sees it;
//! - `choose`: the settings nearest to those of the configuration that fit.

mod choose;
mod ledger;
mod load;
mod parameters;
mod step;

use std::path::Path;

use gearhead_model::{ModelConfig, ModelDirectory};
use serde::Serialize;

pub use choose::Settings;
pub use step::Operations;

use self::{ledger::Use, load::Documents, parameters::Parameters, step::Walk};
use crate::{
    config::Config,
    data::TrainData,
    error::{Error, Result},
    report::{self, bytes_in_words},
};

/// Where a training is to run.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    /// Which implementation of the operations computes.
    pub operations: Operations,
    /// What the program and the data take in the same memory already.
    pub program_bytes: u64,
    /// What all together may take, where that is known.
    pub budget_bytes: Option<u64>,
    /// Whether `train.precision = "bf16"` may be named where f32 does not fit.
    pub computes_bf16: bool,
}

/// The memory of a training.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Plan {
    /// The most that the process will have in memory with the chosen settings.
    pub peak_bytes: u64,
    /// What it goes to.
    pub parts: Parts,
    /// The settings of the configuration where they fit, else the nearest to them that do, else those that need least.
    pub chosen: Settings,
    /// Whether the chosen settings fit; `None` where it is not known how much memory there is.
    pub fits: Option<bool>,
    /// The most that all may take, where that is known.
    pub budget_bytes: Option<u64>,
    /// The configuration as it stands.
    pub configured: Configured,
    /// What is learned from.
    pub tokens: Tokens,
}

/// The configuration as it stands.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Configured {
    /// Its settings.
    #[serde(flatten)]
    pub settings: Settings,
    /// What they need.
    pub peak_bytes: u64,
    /// Whether that is there.
    pub fits: Option<bool>,
}

/// Input tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Tokens {
    /// Of the largest part of a step, with the chosen settings.
    pub largest_part: usize,
    /// Of one pass over the training cases.
    pub epoch: usize,
    /// Of all epochs.
    pub training: usize,
}

/// What memory goes to at the peak, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct Parts {
    /// The numbers that are learned.
    pub weights: u64,
    /// Their gradients.
    pub gradients: u64,
    /// AdamW's two moments.
    pub optimizer: u64,
    /// What the forward pass keeps for the backward pass.
    pub activations: u64,
    /// Scores of the vocabulary, and the hidden states that they are made from.
    pub logits: u64,
    /// What operations need on the way, and what is kept for the next step; where it is more, what the fit at the end needs.
    pub workspace: u64,
    /// The program and the data, and what its allocator keeps.
    pub program: u64,
}

impl Parts {
    /// Each part with its name, in order.
    pub fn named(&self) -> [(&'static str, u64); 7] {
        [
            ("weights", self.weights),
            ("gradients", self.gradients),
            ("optimizer", self.optimizer),
            ("activations", self.activations),
            ("logits", self.logits),
            ("workspace", self.workspace),
            ("program", self.program),
        ]
    }

    /// All together.
    pub fn sum(&self) -> u64 {
        self.named().iter().map(|(_, bytes)| bytes).sum()
    }
}

impl Plan {
    /// Plans the training that a configuration describes.
    pub fn new(config: &Config, data: &TrainData, place: Place) -> Self {
        let planner = Planner::new(config, data, place);
        let fits = |peak: u64| place.budget_bytes.map(|budget| peak <= budget);
        let settings = Settings::of(&config.train);
        let peak_bytes = planner.parts(&settings).sum();
        let configured = Configured { settings, peak_bytes, fits: fits(peak_bytes) };
        let chosen = match place.budget_bytes {
            Some(budget) if peak_bytes > budget => {
                let choice = choose::Choice { n_layers: config.model.n_layers, bf16: place.computes_bf16 };
                choose::fitting(settings, choice, budget, |settings| planner.parts(settings).sum())
            }
            _ => settings,
        };
        let parts = planner.parts(&chosen);
        let largest_part = planner.largest_part(&chosen);
        let epoch = planner.documents.epoch_tokens();
        Self {
            peak_bytes: parts.sum(),
            parts,
            chosen,
            fits: fits(parts.sum()),
            budget_bytes: place.budget_bytes,
            configured,
            tokens: Tokens { largest_part, epoch, training: epoch * config.train.epochs },
        }
    }

    /// Whether the configuration as it stands can be trained.
    ///
    /// # Errors
    ///
    /// [`Error::Memory`] where it needs more than there is: it names the settings that would fit.
    pub fn check(&self) -> Result<()> {
        if self.configured.fits != Some(false) {
            return Ok(());
        }
        let changes = self.chosen.changes(&self.configured.settings);
        let needs = bytes_in_words(self.peak_bytes);
        let advice = if self.fits == Some(true) {
            format!("{changes} needs {needs}")
        } else if changes.is_empty() {
            "only a smaller model fits".to_owned()
        } else {
            format!("{changes} still needs {needs}, only a smaller model fits")
        };
        Err(Error::Memory {
            needed: bytes_in_words(self.configured.peak_bytes),
            budget: bytes_in_words(self.budget_bytes.unwrap_or_default()),
            advice,
        })
    }

    /// The plan as a report shows it beside what was measured.
    pub(crate) fn report(&self, measured_peak_bytes: Option<u64>) -> report::MemoryPlan {
        let parts = self.parts.named().map(|(name, bytes)| (name.to_owned(), bytes)).to_vec();
        report::MemoryPlan { parts, predicted_peak_bytes: self.peak_bytes, measured_peak_bytes }
    }
}

/// What fitting the ranking takes in place of the steps: knowledge, the words' linear model, the cases once more. Measured on a
/// model so small that nothing else counts.
const FITTING: u64 = 55 << 20;

/// Code that the system has not read yet when the data has been loaded.
const CODE: u64 = 6 << 20;

/// What the allocator keeps of what was freed, for what may be asked for next. Measured with glibc's: 10 to 40 MiB, the more
/// the larger the model.
const KEPT: u64 = 20 << 20;

/// Bytes of the files of weights of a model directory; none where it cannot be opened, which the training will tell.
fn file_bytes(model: &Path) -> u64 {
    let Ok(model) = ModelDirectory::open(model) else { return 0 };
    let bytes = |path: &Path| path.metadata().map_or(0, |metadata| metadata.len());
    model.weight_files().map(bytes).sum()
}

/// What plans of one training have in common.
struct Planner {
    model: ModelConfig,
    parameters: Parameters,
    documents: Documents,
    place: Place,
    seed: u64,
    epochs: usize,
    /// Bytes of the file of weights, which stands in memory while they are stored in fewer bits.
    loading: u64,
}

impl Planner {
    fn new(config: &Config, data: &TrainData, place: Place) -> Self {
        // A model that is there knows its vocabulary, which may have rows to spare.
        let vocab_size = data.tokenizer.vocab_size().max(config.model.vocab_size);
        let model = ModelConfig { vocab_size, ..config.model.clone() };
        let (parameters, documents) = (Parameters::of(&model, config.lora.as_ref()), Documents::of(data));
        let is_read = parameters.frozen.as_ref().is_some_and(|frozen| !frozen.is_wide());
        let on_cpu = place.program_bytes > 0;
        let loading = config.from.as_ref().filter(|_| is_read && on_cpu).map_or(0, |from| file_bytes(from));
        Self { model, parameters, documents, place, seed: config.seed, epochs: config.train.epochs, loading }
    }

    fn steps(&self, settings: &Settings) -> Vec<Vec<load::Load>> {
        self.documents.steps(settings.batch_size, settings.accumulation, self.seed, self.epochs)
    }

    fn largest_part(&self, settings: &Settings) -> usize {
        self.steps(settings).iter().map(|step| load::largest_part(step)).max().unwrap_or(0)
    }

    fn parts(&self, settings: &Settings) -> Parts {
        let mut walk = Walk::new(&self.model, &self.parameters, self.place.operations, settings.precision);
        for step in load::spread(&self.steps(settings)) {
            walk.gradients(step, settings.recompute_every);
        }
        for evaluation in load::spread(&self.documents.evaluations(settings.batch_size)) {
            for load in evaluation {
                walk.evaluation(*load);
            }
        }
        walk.update();
        walk.writing();
        let ledger = walk.ledger();
        let [gradients, activations, logits] =
            [Use::Gradients, Use::Activations, Use::Logits].map(|by| ledger.most_for(by));
        let weights = self.parameters.weight_bytes();
        let optimizer = self.parameters.moment_bytes(settings.optimizer_dtype);
        // When the steps are over, what they took goes back and the model is fitted.
        let (fitting, program) = match self.place.program_bytes {
            0 => (0, 0),
            program => (FITTING, program + CODE + KEPT),
        };
        let steps = ledger.total() + optimizer;
        let workspace =
            steps.max(fitting).max(self.loading).saturating_sub(gradients + activations + logits + optimizer);
        Parts { weights, gradients, optimizer, activations, logits, workspace, program }
    }
}
