//! Weights of 16 bits: a file in its own type gives what it gives in f32, where no weight is rounded either.
#![cfg(feature = "flex")]
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod fixture;

use std::path::{Path, PathBuf};

use burn::backend::{Flex, flex::FlexDevice};
use gearhead_model::{
    Decoder, Dtype, Error, ModelDirectory, Precision, Predictor, Result, WeightDtype, directory,
};

use serde::Deserialize;

use fixture::{MODELS, SPLIT, assert_rows_close, decoder, packed, rows};

const TYPES: [(Dtype, WeightDtype); 2] = [(Dtype::F16, WeightDtype::F16), (Dtype::Bf16, WeightDtype::Bf16)];

fn sequence() -> Vec<u32> {
    (0..40).map(|index| (index * 43 + 42 + index * index) % 97).collect()
}

fn precision(weights: WeightDtype) -> Precision {
    Precision { weights, ..Precision::default() }
}

fn opened(path: &Path, weights: WeightDtype) -> Result<Predictor<Flex>> {
    ModelDirectory::open(path).unwrap().predictor(precision(weights), &FlexDevice)
}

/// Logits of a sequence that comes in chunks of a length.
fn logits(predictor: &Predictor<Flex>, chunk: usize) -> Vec<Vec<f32>> {
    let mut cache = predictor.cache(1, 40);
    let mut logits = |ids| rows(predictor.logits(predictor.forward(&[(0, ids)], &mut cache)));
    sequence().chunks(chunk).flat_map(&mut logits).collect()
}

#[test]
fn a_file_of_sixteen_bits_loses_nothing_in_them() {
    let folder = tempfile::tempdir().unwrap();
    for name in MODELS {
        let decoder = decoder::<Flex>(name);
        for (stored, weights) in TYPES {
            let path = folder.path().join(format!("{name}-{weights}"));
            directory::save(&decoder, decoder.config(), stored, &[], &path).unwrap();
            // In f32, and without a cache.
            let expected = packed(&fixture::load::<Flex>(&path), &sequence());
            let largest = expected.iter().flatten().fold(0.0_f32, |most, logit| most.max(logit.abs()));
            let predictor = opened(&path, weights).unwrap();
            for chunk in [40, 1] {
                let what = format!("{name} in {weights}, {chunk} at a time");
                // A matrix unit multiplies bf16 by 16 binary digits of what many tokens are.
                let tolerance = if weights == WeightDtype::Bf16 && chunk > 1 { 1e-4 } else { 1e-5 };
                assert_rows_close(&what, &logits(&predictor, chunk), &expected, tolerance * largest);
            }
        }
    }
}

/// `model.safetensors` of transformers in bf16, and the logits that it computes from it in float32.
#[test]
fn a_file_of_bf16_gives_the_logits_of_transformers() {
    #[derive(Deserialize)]
    struct Expected {
        ids: Vec<Vec<u32>>,
        logits: Vec<Vec<Vec<f32>>>,
    }
    let text = std::fs::read(fixture::directory(SPLIT).join("expected.json")).unwrap();
    let expected: Expected = serde_json::from_slice(&text).unwrap();
    let predictor = opened(&fixture::directory(SPLIT), WeightDtype::Bf16).unwrap();
    for (ids, logits) in expected.ids.iter().zip(&expected.logits) {
        let hidden = predictor.forward(&[(0, ids)], &mut predictor.cache(1, ids.len()));
        assert_rows_close(SPLIT, &rows(predictor.logits(hidden)), logits, 1e-4);
    }
}

#[test]
fn adapters_are_put_into_weights_before_these_are_rounded() {
    let peft = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/peft"));
    let with_adapters = ["lora", "dora"].map(|name| peft.join(name));
    for path in with_adapters.into_iter().chain([fixture::directory("qwen2")]) {
        let decoder: Decoder<Flex> = ModelDirectory::open(&path).unwrap().decoder(&FlexDevice).unwrap();
        for (_, weights) in TYPES {
            let expected = logits(&Predictor::new(&decoder, precision(weights)).unwrap(), 40);
            let found = logits(&opened(&path, weights).unwrap(), 40);
            assert!(found == expected, "{} in {weights}", path.display());
        }
    }
}

#[test]
fn a_weight_that_f16_cannot_hold_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (decoder, path) = (decoder::<Flex>("llama_untied"), folder.path().join("model"));
    directory::save(&decoder, decoder.config(), Dtype::Bf16, &[], &path).unwrap();
    let file = path.join("model.safetensors");
    let mut bytes = std::fs::read(&file).unwrap();
    let header = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let entries: serde_json::Value = serde_json::from_slice(&bytes[8..8 + header]).unwrap();
    let name = "model.layers.1.mlp.up_proj.weight";
    let start = entries[name]["data_offsets"][0].as_u64().unwrap() as usize + 8 + header;
    // -2^17, in bf16.
    bytes[start..start + 2].copy_from_slice(&0xc800_u16.to_le_bytes());
    std::fs::write(&file, bytes).unwrap();
    let error = opened(&path, WeightDtype::F16).unwrap_err();
    assert!(matches!(error, Error::TooLarge { .. }), "{error:?}");
    let expected = format!("the weight `{name}` holds 131072, which f16 cannot: bf16 and f32 can");
    assert_eq!(error.to_string(), expected);
    assert!(opened(&path, WeightDtype::Bf16).is_ok() && opened(&path, WeightDtype::F32).is_ok());
}
