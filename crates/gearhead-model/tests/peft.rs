//! Adapters: what PEFT computes with them, and directories that both read.
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

#[allow(dead_code, reason = "the other tests use the rest")]
mod fixture;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use burn::{
    backend::{Autodiff, Flex, flex::FlexDevice},
    module::Param,
    tensor::{Int, Tensor, TensorData, backend::AutodiffBackend},
};
use fixture::{assert_rows_close, directory, packed, rows};
use gearhead_kernels::{Documents, FrozenDtype};
use gearhead_model::{
    Decoder, Dtype, LoraConfig, ModelConfig, ModelDirectory, Precision, Predictor, VisitParameters,
    lora::{self, Target},
    visit_parameters,
};
use serde::Deserialize;

type Trained = Autodiff<Flex>;

const ADAPTERS: [&str; 3] = ["lora", "rslora_some", "dora"];

/// `expected.json`, as `fixtures/README.md` describes it.
#[derive(Deserialize)]
struct Expected {
    ids: Vec<Vec<u32>>,
    logits: Vec<Vec<Vec<f32>>>,
    trained_sequence: usize,
    loss: f64,
    grads: BTreeMap<String, Vec<f32>>,
}

fn adapters(name: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/peft")).join(name)
}

fn expected(name: &str) -> Expected {
    serde_json::from_slice(&std::fs::read(adapters(name).join("expected.json")).unwrap()).unwrap()
}

/// The sum of the loss over a sequence, in nats.
fn loss(decoder: &Decoder<Trained>, ids: &[u32]) -> Tensor<Trained, 1> {
    let inputs = &ids[..ids.len() - 1];
    let targets: Vec<i64> = ids[1..].iter().map(|id| i64::from(*id)).collect();
    let hidden = decoder.forward_packed(inputs, &Documents::new(&[0, inputs.len()]));
    let count = targets.len();
    let targets = Tensor::<Trained, 1, Int>::from_data(TensorData::new(targets, [count]), &FlexDevice);
    decoder.summed_loss(hidden, targets)
}

/// Gradients of what is trained, by the names of the parameters.
struct Grads<'a>(<Trained as AutodiffBackend>::Gradients, &'a mut BTreeMap<String, Vec<f32>>);

impl VisitParameters<Trained> for Grads<'_> {
    fn visit<const D: usize>(&mut self, name: &str, param: &Param<Tensor<Trained, D>>) {
        if param.is_require_grad() {
            let grad = param.val().grad_remove(&mut self.0).unwrap();
            self.1.insert(name.to_owned(), grad.into_data().iter::<f32>().collect());
        }
    }
}

fn grads(decoder: &Decoder<Trained>, ids: &[u32]) -> BTreeMap<String, Vec<f32>> {
    let mut found = BTreeMap::new();
    visit_parameters(decoder, &mut Grads(loss(decoder, ids).backward(), &mut found));
    found
}

#[test]
fn logits_are_those_of_peft() {
    for name in ADAPTERS {
        let expected = expected(name);
        let opened = ModelDirectory::open(adapters(name)).unwrap();
        let beside = opened.with_adapters::<Flex>(FrozenDtype::F32, &FlexDevice).unwrap();
        let merged = opened.decoder::<Flex>(&FlexDevice).unwrap();
        let predictor = opened.predictor::<Flex>(Precision::default(), &FlexDevice).unwrap();
        let made_ready = Predictor::new(&beside, Precision::default()).unwrap();
        for (ids, logits) in expected.ids.iter().zip(&expected.logits) {
            assert_rows_close(name, &packed(&beside, ids), logits, 1e-4);
            assert_rows_close(name, &packed(&merged, ids), logits, 1e-4);
            for predictor in [&predictor, &made_ready] {
                let mut cache = predictor.cache(1, ids.len());
                let ours = rows(predictor.logits(predictor.forward(&[(0, ids)], &mut cache)));
                assert_rows_close(name, &ours, logits, 1e-4);
            }
        }
    }
}

#[test]
fn gradients_are_those_of_peft() {
    for name in ADAPTERS {
        let expected = expected(name);
        let opened = ModelDirectory::open(adapters(name)).unwrap();
        let decoder = opened.with_adapters::<Trained>(FrozenDtype::F32, &FlexDevice).unwrap();
        let ids = &expected.ids[expected.trained_sequence];
        let targets = (ids.len() - 1) as f32;
        let mean = loss(&decoder, ids).into_scalar() / targets;
        assert!((f64::from(mean) - expected.loss).abs() < 1e-5, "{name}: {mean}, not {}", expected.loss);
        let ours = grads(&decoder, ids);
        assert!(ours.keys().all(|name| name.contains(".adapter.")), "only adapters are trained");
        for (parameter, expected) in &expected.grads {
            let ours_name = parameter
                .trim_start_matches("base_model.model.")
                .replace(".lora_A.weight", ".adapter.lora_a")
                .replace(".lora_B.weight", ".adapter.lora_b")
                .replace(".lora_magnitude_vector", ".adapter.magnitude");
            let largest = expected.iter().fold(0.0_f32, |largest, grad| largest.max(grad.abs()));
            assert_eq!(ours[&ours_name].len(), expected.len());
            for (ours, expected) in ours[&ours_name].iter().zip(expected) {
                let error = (ours / targets - expected).abs();
                assert!(error <= 1e-4 * largest, "{name}, {parameter}: {} not {expected}", ours / targets);
            }
        }
    }
}

/// A model whose rows are whole groups of 8 bit, saved.
fn saved_model(folder: &Path) -> PathBuf {
    let config =
        ModelConfig { d_model: 64, n_layers: 2, n_heads: 4, n_kv_heads: 2, d_ff: 96, ..ModelConfig::new(80) };
    let path = folder.join("model");
    let decoder = Decoder::<Flex>::init(&config, 5, &FlexDevice).unwrap();
    gearhead_model::directory::save(&decoder, &config, Dtype::F32, &[], &path).unwrap();
    path
}

const IDS: [u32; 12] = [3, 70, 14, 15, 9, 26, 53, 58, 9, 79, 32, 0];

#[test]
fn a_new_adapter_changes_nothing_and_is_the_same_for_the_same_seed() {
    let folder = tempfile::tempdir().unwrap();
    let opened = ModelDirectory::open(saved_model(folder.path())).unwrap();
    let plain = packed(&opened.decoder::<Flex>(&FlexDevice).unwrap(), &IDS);
    let config = LoraConfig { dora: true, ..LoraConfig::default() };
    let adapted = |seed| opened.with_new_adapters::<Trained>(&config, seed, &FlexDevice).unwrap();
    assert_rows_close("new", &packed(&adapted(1), &IDS), &plain, 1e-5);
    assert_eq!(grads(&adapted(1), &IDS), grads(&adapted(1), &IDS));
    assert_ne!(grads(&adapted(1), &IDS), grads(&adapted(2), &IDS));
}

#[test]
fn a_base_of_fewer_bits_gives_nearly_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let opened = ModelDirectory::open(saved_model(folder.path())).unwrap();
    let with = |base_dtype| {
        let config = LoraConfig { base_dtype, ..LoraConfig::default() };
        let decoder = opened.with_new_adapters::<Trained>(&config, 1, &FlexDevice).unwrap();
        (packed(&decoder, &IDS), grads(&decoder, &IDS))
    };
    let (plain, plain_grads) = with(FrozenDtype::F32);
    for (dtype, tolerance) in
        [(FrozenDtype::F16, 1e-3), (FrozenDtype::Bf16, 1e-2), (FrozenDtype::Bits8, 1e-2)]
    {
        let (logits, grads) = with(dtype);
        let largest = assert_rows_close("narrow", &logits, &plain, tolerance);
        assert!(largest > 0.0, "{dtype:?}: the weights are stored as they were");
        for (name, plain) in &plain_grads {
            let norm = |values: &[f32]| values.iter().map(|value| value * value).sum::<f32>().sqrt();
            let difference: Vec<f32> = plain.iter().zip(&grads[name]).map(|(a, b)| a - b).collect();
            let relative = norm(&difference) / norm(plain).max(1e-9);
            assert!(relative < 10.0 * tolerance, "{dtype:?}, {name}: {relative}");
        }
    }
}

#[test]
fn what_is_saved_is_opened_again() {
    for name in ADAPTERS {
        let original = ModelDirectory::open(adapters(name)).unwrap();
        let decoder = original.with_adapters::<Flex>(FrozenDtype::F32, &FlexDevice).unwrap();
        let lora = match name {
            "lora" => LoraConfig { rank: 4, alpha: 6.0, ..LoraConfig::default() },
            "dora" => LoraConfig { rank: 3, alpha: 5.0, dora: true, ..LoraConfig::default() },
            _ => LoraConfig {
                rank: 4,
                alpha: 6.0,
                rslora: true,
                targets: vec![Target::QProj, Target::VProj, Target::DownProj],
                ..LoraConfig::default()
            },
        };
        let folder = tempfile::tempdir().unwrap();
        let base = directory(if name == "lora" { "llama_gqa" } else { "qwen2" });
        lora::save_with(&decoder, &lora, &base, folder.path().join("a"), |_| Ok(())).unwrap();
        let weights = |directory: &Path| std::fs::read(directory.join("adapter_model.safetensors")).unwrap();
        let (ours, theirs) = (weights(&folder.path().join("a")), weights(&adapters(name)));
        let (ours, theirs) =
            [&ours, &theirs].map(|file| safetensors::SafeTensors::deserialize(file).unwrap()).into();
        let mut names = theirs.names();
        names.sort_unstable();
        assert_eq!(ours.names().len(), names.len());
        for name in names {
            assert_eq!(ours.tensor(name).unwrap().data(), theirs.tensor(name).unwrap().data(), "{name}");
        }
        let again = ModelDirectory::open(folder.path().join("a")).unwrap();
        let again = again.decoder::<Flex>(&FlexDevice).unwrap();
        let ids = &expected(name).ids[1];
        // In the weights adapters are rounded with them, beside them they are not: logits of 2.5 lie 1.2e-5 apart.
        assert_rows_close(name, &packed(&again, ids), &packed(&decoder, ids), 3e-5);
    }
}

#[test]
fn what_is_not_supported_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let edited = |key: &str, value: serde_json::Value| {
        let read = |name: &str| std::fs::read(adapters("lora").join(name)).unwrap();
        let mut config: serde_json::Value = serde_json::from_slice(&read("adapter_config.json")).unwrap();
        config["base_model_name_or_path"] = directory("llama_gqa").to_str().unwrap().into();
        config[key] = value;
        std::fs::write(folder.path().join("adapter_config.json"), config.to_string()).unwrap();
        let weights = folder.path().join("adapter_model.safetensors");
        std::fs::write(weights, read("adapter_model.safetensors")).unwrap();
        let opened = ModelDirectory::open(folder.path());
        let error = opened.and_then(|opened| opened.decoder::<Flex>(&FlexDevice).map(drop)).unwrap_err();
        error.to_string()
    };
    for (key, value, expected) in [
        ("peft_type", "IA3".into(), "`peft_type` \"IA3\" is not supported"),
        ("modules_to_save", serde_json::json!(["lm_head"]), "`modules_to_save` is not supported"),
        ("rank_pattern", serde_json::json!({"q_proj": 2}), "`rank_pattern` is not supported"),
        ("init_lora_weights", "pissa".into(), "`init_lora_weights` \"pissa\" is not supported"),
        ("target_modules", serde_json::json!(["lm_head"]), "`target_modules` that is no list of layers"),
        ("base_model_name_or_path", "nowhere/at-all".into(), "nowhere/at-all, which is no directory here"),
        ("r", 0.into(), "rank is 0"),
        ("r", 5.into(), "has the shape [4, 48], not [5, 48]"),
    ] {
        let error = edited(key, value);
        assert!(error.contains(expected), "{key}: {error}");
    }
}
