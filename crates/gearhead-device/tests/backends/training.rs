//! Twenty steps of AdamW on two models against PyTorch: every loss, every gradient's norm, and how far parameters moved. In 16
//! bits, where the device computes with them, against PyTorch in float64 too, as far as PyTorch itself goes from that in them.

use std::collections::BTreeMap;

use burn::tensor::{DType, backend::Backend};
use gearhead_data::prompt::Document;
use gearhead_device::{Job, run};
use gearhead_kernels::AutodiffKernels;
use gearhead_model::{Decoder, ModelDirectory, for_each_parameter};
use gearhead_train::{
    config::TrainConfig, gradients::shared_step_gradients, optimizer::AdamW, precision::ActivationDtype,
    schedule::learning_rate,
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
    in_bfloat16: Distances,
    in_float16: Distances,
}

/// How far PyTorch is from its float64 in other numbers.
#[derive(Deserialize, Clone, Copy)]
struct Distances {
    loss: f64,
    grad_norm: f64,
    #[serde(rename = "moved_20")]
    moved: f64,
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
    let mut trials = Vec::new();
    for precision in tested.computes.iter().map(|dtype| named(*dtype)) {
        for (model, way, accumulation, recompute_every) in [
            ("llama_gqa", "a step at once", 1, 0),
            ("llama_gqa_tied_head_dim", "a step in three pieces, layers run again", 3, 1),
        ] {
            let check = match precision {
                ActivationDtype::F32 => format!("training::{model}, {way}"),
                _ => format!("training::{model}, {way}, {}", precision.name()),
            };
            trials.push(tested.trial(check, move |tested| {
                let Expected { mut config, mut models } = fixtures::read("training/expected.json");
                config.precision = precision;
                (config.accumulation, config.recompute_every) = (accumulation, recompute_every);
                let allowed = allowed(&models, precision);
                let expected = models.remove(model).expect("the fixture has the model");
                let taken = run(&tested.device, TwentySteps { model, config: &config, expected: &expected });
                compare(&taken, &expected, &allowed)
            }));
        }
    }
    trials
}

fn named(dtype: DType) -> ActivationDtype {
    match dtype {
        DType::F16 => ActivationDtype::F16,
        DType::BF16 => ActivationDtype::Bf16,
        _ => ActivationDtype::F32,
    }
}

/// That of PyTorch's steps in f16.
const LOSS_SCALE: f64 = 4096.0;

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
            let loss_scale = (config.precision == ActivationDtype::F16).then_some(LOSS_SCALE);
            let gradients = shared_step_gradients(&decoder, &chosen, config, loss_scale, &[]);
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

/// How far the steps may be from PyTorch's in float64.
fn allowed(models: &BTreeMap<String, Training>, precision: ActivationDtype) -> Distances {
    let furthest = |of: fn(&Training) -> Distances, part: fn(Distances) -> f64| {
        TIMES_PYTORCH * models.values().map(|training| part(of(training))).fold(0.0, f64::max)
    };
    let of: fn(&Training) -> Distances = match precision {
        ActivationDtype::F32 => {
            let of = |quantity| tolerance(quantity, DType::F32);
            return Distances {
                loss: of(Quantity::Loss),
                grad_norm: of(Quantity::GradientNorm),
                moved: of(Quantity::Moved),
            };
        }
        ActivationDtype::Bf16 => |training| training.in_bfloat16,
        ActivationDtype::F16 => |training| training.in_float16,
    };
    Distances {
        loss: furthest(of, |distances| distances.loss),
        grad_norm: furthest(of, |distances| distances.grad_norm),
        moved: furthest(of, |distances| distances.moved),
    }
}

/// One training in 16 bits is a sample of how far rounding goes, so the further of two counts, twice. After a single step it goes
/// as far as after twenty: AdamW makes as much of a gradient that nearly cancels as of any other.
const TIMES_PYTORCH: f64 = 2.0;

fn compare(taken: &Taken, expected: &Training, allowed: &Distances) -> Result<(), Failed> {
    for (index, (ours, loss)) in taken.losses.iter().zip(&expected.losses).enumerate() {
        close(&format!("the loss before step {}", index + 1), *ours, *loss, allowed.loss)?;
    }
    for (index, (ours, norm)) in taken.grad_norms.iter().zip(&expected.grad_norms).enumerate() {
        let what = format!("the gradient norm of step {}", index + 1);
        close(&what, *ours, *norm, allowed.grad_norm * norm)?;
    }
    for (step, parameters) in &expected.parameters {
        for (name, Parameter { moved }) in parameters {
            let what = format!("how far {name} moved in {step} steps");
            close(&what, taken.moved[step][name], *moved, allowed.moved * moved)?;
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
