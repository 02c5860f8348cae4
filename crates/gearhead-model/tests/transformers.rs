//! The decoder against transformers: `fixtures/transformers/make.py` made the models and the expected numbers.
#![cfg(feature = "flex")]
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod fixture;

use std::collections::BTreeMap;

use burn::{
    backend::{Autodiff, Flex},
    module::{Module, ModuleVisitor, Param},
    tensor::{Int, Tensor, TensorData, backend::AutodiffBackend},
};
use gearhead_kernels::Documents;
use gearhead_model::{Decoder, Precision, Predictor};
use serde::Deserialize;

use fixture::{MODELS, assert_rows_close, decoder, directory, packed, rows};

type Trained = Autodiff<Flex>;

/// `expected.json`, as `fixtures/README.md` describes it.
#[derive(Deserialize)]
struct Expected {
    ids: Vec<Vec<u32>>,
    logits: Vec<Vec<Vec<f32>>>,
    trained_sequence: usize,
    loss: f64,
    grad_norms: BTreeMap<String, f64>,
    greedy_ids: Vec<u32>,
}

impl Expected {
    fn read(model: &str) -> Self {
        let text = std::fs::read(directory(model).join("expected.json")).expect("the fixture is there");
        serde_json::from_slice(&text).expect("the fixture has the fields of README.md")
    }
}

/// All sequences of a fixture in one batch.
fn batch(ids: &[Vec<u32>]) -> (Vec<u32>, Documents) {
    let mut offsets = vec![0];
    offsets.extend(ids.iter().scan(0, |end, ids| {
        *end += ids.len();
        Some(*end)
    }));
    (ids.concat(), Documents::new(&offsets))
}

#[test]
fn logits_are_those_of_transformers() {
    for model in MODELS {
        let expected = Expected::read(model);
        let decoder = decoder::<Trained>(model);
        let (ids, documents) = batch(&expected.ids);
        let logits = rows(decoder.logits(decoder.forward_packed(&ids, &documents)));
        let largest = assert_rows_close(model, &logits, &expected.logits.concat(), 1e-4);
        println!("{model}: the largest error of a logit is {largest:.2e}");
    }
}

#[test]
fn loss_and_gradients_are_those_of_transformers() {
    for model in MODELS {
        let expected = Expected::read(model);
        let decoder = decoder::<Trained>(model);
        // The others stand in the same batch; no loss is asked of them, and they must have no part in it.
        let (ids, documents) = batch(&expected.ids);
        let range = documents.ranges().nth(expected.trained_sequence).unwrap();
        let predictions = range.len() - 1;
        let hidden = decoder.forward_packed(&ids, &documents).narrow(0, range.start, predictions);
        let targets: Vec<i64> = ids[range.start + 1..range.end].iter().map(|id| i64::from(*id)).collect();
        let targets = Tensor::<Trained, 1, Int>::from_data(TensorData::from(&targets[..]), &decoder.device());
        let loss = decoder.summed_loss(hidden, targets).div_scalar(predictions as f64);
        let grads = loss.backward();
        let loss = f64::from(loss.into_scalar());
        assert!((loss - expected.loss).abs() < 1e-5, "{model}: the loss is {loss}, not {}", expected.loss);
        let norms = grad_norms(&decoder, &grads);
        assert!(norms.keys().eq(expected.grad_norms.keys()), "{model}: {:?}", norms.keys());
        for (name, expected) in &expected.grad_norms {
            let relative = (norms[name] - expected).abs() / expected;
            assert!(
                relative < 1e-4,
                "{model}: the gradient of {name} has the norm {}, not {expected}",
                norms[name]
            );
        }
    }
}

/// The L2 norm of each parameter's gradient, by its Hugging Face name.
fn grad_norms(
    decoder: &Decoder<Trained>,
    grads: &<Trained as AutodiffBackend>::Gradients,
) -> BTreeMap<String, f64> {
    struct Visitor<'a> {
        path: Vec<String>,
        grads: &'a <Trained as AutodiffBackend>::Gradients,
        norms: BTreeMap<String, f64>,
    }
    impl ModuleVisitor<Trained> for Visitor<'_> {
        fn enter_module(&mut self, name: &str, _container_type: &str) {
            self.path.push(name.to_owned());
        }
        fn exit_module(&mut self, _name: &str, _container_type: &str) {
            self.path.pop();
        }
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<Trained, D>>) {
            let name = self.path.join(".");
            let grad = param.val().grad(self.grads).unwrap_or_else(|| panic!("{name} has a gradient"));
            assert_eq!(grad.dims(), param.val().dims(), "{name}");
            let square: f64 = grad.into_data().iter::<f64>().map(|value| value * value).sum();
            self.norms.insert(name, square.sqrt());
        }
    }
    let mut visitor = Visitor { path: Vec::new(), grads, norms: BTreeMap::new() };
    decoder.visit(&mut visitor);
    visitor.norms
}

#[test]
fn greedy_decoding_with_the_cache_is_that_of_transformers() {
    for model in MODELS {
        let expected = Expected::read(model);
        let decoder = decoder::<Flex>(model);
        let prompt = &expected.ids[expected.trained_sequence];
        let predictor = Predictor::new(&decoder, Precision::default()).unwrap();
        let mut cache = predictor.cache(1, prompt.len() + expected.greedy_ids.len());
        let mut new = prompt.clone();
        let mut written = Vec::new();
        while written.len() < expected.greedy_ids.len() {
            let logits = rows(predictor.next_logits(&[(0, &new)], &mut cache));
            let last = logits.last().unwrap();
            let best = (0..last.len()).max_by(|a, b| last[*a].total_cmp(&last[*b])).unwrap();
            new = vec![best as u32];
            written.push(best as u32);
        }
        assert_eq!(written, expected.greedy_ids, "{model}");
    }
}

#[test]
fn each_sequence_alone_gives_the_logits_of_transformers_cached_or_not() {
    for model in MODELS {
        let expected = Expected::read(model);
        let decoder = decoder::<Flex>(model);
        for (ids, logits) in expected.ids.iter().zip(&expected.logits) {
            let predictor = Predictor::new(&decoder, Precision::default()).unwrap();
            let hidden = predictor.forward(&[(0, ids)], &mut predictor.cache(1, 40));
            let ours = rows(predictor.logits(hidden));
            assert_rows_close(model, &ours, logits, 1e-4);
            assert_rows_close(model, &packed(&decoder, ids), logits, 1e-4);
        }
    }
}
