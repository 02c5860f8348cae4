//! Twenty steps of AdamW on two models against PyTorch: every loss, every gradient's norm, and how far parameters moved.

use std::collections::BTreeMap;

use burn::tensor::{DType, backend::Backend};
use gearhead_data::prompt::Document;
use gearhead_device::{Job, run};
use gearhead_kernels::AutodiffKernels;
use gearhead_model::{Decoder, ModelDirectory, for_each_parameter};
use gearhead_train::{
    config::TrainConfig, gradients::step_gradients, optimizer::AdamW, schedule::learning_rate,
};
use libtest_mimic::{Failed, Trial};
use serde::Deserialize;

use crate::{
    devices::Tested,
    fixtures,
    tolerances::{Quantity, tolerance},
};

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
    parameters: BTreeMap<usize, BTreeMap<String, Parameter>>,
}

#[derive(Deserialize)]
struct MarkedIds {
    ids: Vec<u32>,
    is_target: Vec<u8>,
}

#[derive(Deserialize)]
struct Parameter {
    moved: f64,
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

pub(crate) fn trials(tested: &Tested) -> Vec<Trial> {
    let of_model = |model: &'static str, way: &'static str, accumulation, recompute_every| {
        tested.trial(format!("training::{model}, {way}"), move |tested| {
            let Expected { mut config, mut models } = fixtures::read("training/expected.json");
            (config.accumulation, config.recompute_every) = (accumulation, recompute_every);
            let expected = models.remove(model).expect("the fixture has the model");
            let taken = run(&tested.device, TwentySteps { model, config: &config, expected: &expected });
            compare(&taken, &expected)
        })
    };
    vec![
        of_model("llama_gqa", "a step at once", 1, 0),
        of_model("llama_gqa_tied_head_dim", "a step in three pieces, layers run again", 3, 1),
    ]
}

/// What a training left.
struct Taken {
    losses: Vec<f64>,
    grad_norms: Vec<f64>,
    /// How far each parameter is from where it began, after those steps of which the fixture tells.
    moved: BTreeMap<usize, BTreeMap<String, f64>>,
}

struct TwentySteps<'a> {
    model: &'a str,
    config: &'a TrainConfig,
    expected: &'a Training,
}

impl Job for TwentySteps<'_> {
    type Output = Taken;

    fn run<B: AutodiffKernels>(self, device: &B::Device) -> Taken {
        let Self { model, config, expected } = self;
        let directory = ModelDirectory::open(fixtures::model(model)).unwrap();
        let mut decoder: Decoder<B> = directory.decoder(device).unwrap();
        let documents = expected.documents();
        let before = weights(&decoder);
        let mut optimizer = AdamW::<B>::default();
        let mut taken = Taken { losses: Vec::new(), grad_norms: Vec::new(), moved: BTreeMap::new() };
        for (index, chosen) in expected.steps.iter().enumerate() {
            let chosen: Vec<&Document> = chosen.iter().map(|index| &documents[*index]).collect();
            let gradients = step_gradients(&decoder, &chosen, config);
            taken.losses.push(gradients.loss);
            taken.grad_norms.push(gradients.grad_norm);
            let rate = learning_rate(config, index, expected.steps.len());
            decoder = optimizer.step(decoder, gradients, rate, config);
            if expected.parameters.contains_key(&(index + 1)) {
                taken.moved.insert(index + 1, moved(&before, &weights(&decoder)));
            }
        }
        taken
    }
}

fn weights(decoder: &Decoder<impl Backend>) -> BTreeMap<String, Vec<f64>> {
    let mut weights = BTreeMap::new();
    for_each_parameter(decoder, |name, _, data| {
        weights.insert(name.to_owned(), data.iter::<f64>().collect());
    });
    weights
}

fn moved(before: &BTreeMap<String, Vec<f64>>, after: &BTreeMap<String, Vec<f64>>) -> BTreeMap<String, f64> {
    let norm = |(name, after): (&String, &Vec<f64>)| {
        let square = before[name].iter().zip(after).map(|(before, after)| (after - before).powi(2));
        (name.clone(), square.sum::<f64>().sqrt())
    };
    after.iter().map(norm).collect()
}

fn compare(taken: &Taken, expected: &Training) -> Result<(), Failed> {
    let allowed = |quantity| tolerance(quantity, DType::F32);
    for (index, (ours, loss)) in taken.losses.iter().zip(&expected.losses).enumerate() {
        close(&format!("the loss before step {}", index + 1), *ours, *loss, allowed(Quantity::Loss))?;
    }
    for (index, (ours, norm)) in taken.grad_norms.iter().zip(&expected.grad_norms).enumerate() {
        let what = format!("the gradient norm of step {}", index + 1);
        close(&what, *ours, *norm, allowed(Quantity::GradientNorm) * norm)?;
    }
    for (step, parameters) in &expected.parameters {
        for (name, Parameter { moved }) in parameters {
            let what = format!("how far {name} moved in {step} steps");
            close(&what, taken.moved[step][name], *moved, allowed(Quantity::Moved) * moved)?;
        }
    }
    Ok(())
}

/// Fails where a number is further off than is allowed, or none.
pub(crate) fn close(what: &str, ours: f64, expected: f64, allowed: f64) -> Result<(), Failed> {
    let distance = (ours - expected).abs();
    if distance <= allowed {
        return Ok(());
    }
    Err(format!("{what} is {ours}, not {expected}: {distance:.1e} apart, allowed {allowed:.1e}").into())
}
