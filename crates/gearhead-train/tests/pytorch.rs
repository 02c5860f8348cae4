//! Twenty optimizer steps against PyTorch: `fixtures/training/make.py` made the documents and the expected numbers.
#![cfg(feature = "flex")]
#![allow(clippy::print_stdout, reason = "distances, for who asks for them with --nocapture")]
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use burn::{
    backend::{Autodiff, Flex, flex::FlexDevice},
    tensor::backend::Backend,
};
use gearhead_data::prompt::Document;
use gearhead_model::{Decoder, ModelDirectory, for_each_parameter};
use gearhead_train::{
    config::TrainConfig, gradients::step_gradients, optimizer::AdamW, schedule::learning_rate,
};
use serde::Deserialize;

type B = Autodiff<Flex>;

// PyTorch's own float32 is this far from its float64, with which we are compared: losses 1e-6, gradient norms 1e-5,
// values 5e-7 and changes of parameters 2e-5. `in_float32` in the file has it for each model.
const LOSS: f64 = 1e-5;
const GRAD_NORM_SHARE: f64 = 5e-5;
const LEARNING_RATE_SHARE: f64 = 1e-8;
const VALUE: f64 = 2e-6;
const MOVED_SHARE: f64 = 1e-4;

/// `expected.json`, as `fixtures/README.md` describes it.
#[derive(Deserialize)]
struct Expected {
    config: TrainConfig,
    models: BTreeMap<String, Training>,
}

#[derive(Deserialize)]
struct Training {
    documents: Vec<MarkedIds>,
    steps: Vec<Vec<usize>>,
    losses: Vec<f64>,
    grad_norms: Vec<f64>,
    learning_rates: Vec<f64>,
    parameters: BTreeMap<usize, BTreeMap<String, Parameter>>,
}

#[derive(Deserialize)]
struct MarkedIds {
    ids: Vec<u32>,
    is_target: Vec<u8>,
}

#[derive(Deserialize)]
struct Parameter {
    sum: f64,
    norm: f64,
    moved: f64,
    values: Vec<f64>,
}

impl Expected {
    fn read() -> Self {
        let text = fs::read(fixtures().join("training/expected.json")).expect("the fixture is there");
        serde_json::from_slice(&text).expect("the fixture has the fields of README.md")
    }
}

impl Training {
    fn documents(&self) -> Vec<Document> {
        let document = |marked: &MarkedIds| Document {
            ids: marked.ids.clone(),
            is_target: marked.is_target.iter().map(|is_target| *is_target == 1).collect(),
            name_end: None,
        };
        self.documents.iter().map(document).collect()
    }
}

fn fixtures() -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures")).to_owned()
}

fn weights(decoder: &Decoder<impl Backend>) -> BTreeMap<String, Vec<f64>> {
    let mut weights = BTreeMap::new();
    for_each_parameter(decoder, |name, _, data| {
        weights.insert(name.to_owned(), data.iter::<f64>().collect());
    });
    weights
}

fn norm(values: impl Iterator<Item = f64>) -> f64 {
    values.map(|value| value * value).sum::<f64>().sqrt()
}

/// The largest distance of each quantity, none of which may pass its tolerance.
#[derive(Debug, Default)]
struct Distances(BTreeMap<&'static str, f64>);

impl Distances {
    fn check(&mut self, quantity: &'static str, place: &str, ours: f64, expected: f64, tolerance: f64) {
        let distance = (ours - expected).abs();
        assert!(
            distance <= tolerance,
            "{place}: the {quantity} is {ours}, not {expected}: {distance:.1e} apart, allowed {tolerance:.1e}"
        );
        let largest = self.0.entry(quantity).or_default();
        *largest = largest.max(distance);
    }

    fn check_share(&mut self, quantity: &'static str, place: &str, ours: f64, expected: f64, tolerance: f64) {
        self.check(quantity, place, ours / expected, 1.0, tolerance);
    }

    fn check_parameters(
        &mut self,
        place: &str,
        before: &BTreeMap<String, Vec<f64>>,
        after: &BTreeMap<String, Vec<f64>>,
        expected: &BTreeMap<String, Parameter>,
    ) {
        assert!(after.keys().eq(expected.keys()), "{place}: {:?}", after.keys());
        for (name, expected) in expected {
            let (before, after) = (&before[name], &after[name]);
            let place = format!("{place}, {name}");
            let moved = norm(before.iter().zip(after).map(|(before, after)| after - before));
            self.check_share("share of the change", &place, moved, expected.moved, MOVED_SHARE);
            let norm = norm(after.iter().copied());
            self.check_share("share of the norm", &place, norm, expected.norm, VALUE);
            let sum = after.iter().sum::<f64>();
            self.check("sum", &place, sum, expected.sum, VALUE * (after.len() as f64).sqrt());
            for (number, value) in expected.values.iter().enumerate() {
                let at = number * after.len() / expected.values.len();
                self.check("value", &place, after[at], *value, VALUE);
            }
        }
    }
}

/// Takes the steps of a fixture, each in `pieces` parts, and compares all that PyTorch noted down.
fn compare(model: &str, config: &TrainConfig, expected: &Training, pieces: usize) {
    let mut config = config.clone();
    config.accumulation = pieces;
    let config = &config;
    let directory = ModelDirectory::open(fixtures().join("transformers").join(model)).unwrap();
    let mut decoder: Decoder<B> = directory.decoder(&FlexDevice).unwrap();
    let documents = expected.documents();
    let before = weights(&decoder);
    let mut optimizer = AdamW::<B>::default();
    let mut distances = Distances::default();
    for (index, chosen) in expected.steps.iter().enumerate() {
        let place = format!("{model} in {pieces} pieces, step {}", index + 1);
        let rate = learning_rate(config, index, expected.steps.len());
        let expected_rate = expected.learning_rates[index];
        distances.check_share("share of the learning rate", &place, rate, expected_rate, LEARNING_RATE_SHARE);
        let chosen: Vec<&Document> = chosen.iter().map(|index| &documents[*index]).collect();
        let gradients = step_gradients(&decoder, &chosen, config);
        let (loss, norm) = (gradients.loss, gradients.grad_norm);
        distances.check("loss", &place, loss, expected.losses[index], LOSS);
        let expected_norm = expected.grad_norms[index];
        distances.check_share("share of the gradient norm", &place, norm, expected_norm, GRAD_NORM_SHARE);
        decoder = optimizer.step(decoder, gradients, rate, config);
        if let Some(parameters) = expected.parameters.get(&(index + 1)) {
            distances.check_parameters(&place, &before, &weights(&decoder), parameters);
        }
    }
    let largest: Vec<String> =
        distances.0.iter().map(|(quantity, distance)| format!("{quantity} {distance:.1e}")).collect();
    println!("{model} in {pieces} pieces, largest distances: {}", largest.join(", "));
}

#[test]
fn losses_gradient_norms_learning_rates_and_parameters_are_those_of_pytorch() {
    let Expected { config, models } = Expected::read();
    assert_eq!(models.len(), 2);
    for (model, expected) in &models {
        let clipped = expected.grad_norms.iter().filter(|norm| **norm > config.max_grad_norm).count();
        assert!((1..expected.steps.len()).contains(&clipped), "clipping must act in some steps, not in all");
        for pieces in [1, 3] {
            compare(model, &config, expected, pieces);
        }
    }
}
