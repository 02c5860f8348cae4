//! GGUF files against llama.cpp and transformers: `fixtures/gguf/make.py` made the files.
#![cfg(feature = "flex")]
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]
#![allow(clippy::float_cmp, reason = "what is only copied does not change")]

#[allow(dead_code, reason = "some of it is for other tests")]
mod fixture;

use std::{collections::BTreeMap, path::PathBuf};

use burn::backend::{Flex, flex::FlexDevice};
use gearhead_model::{
    Dtype, Error, ModelDirectory, Precision,
    gguf::{
        GgmlType, GgufDtype, GgufFile, GgufModel, Metadata, Value, write_model,
        writer::{ToWrite, write},
    },
};
use proptest::prelude::*;
use serde::Deserialize;

use fixture::{assert_rows_close, directory, rows};

const MODELS: [&str; 5] = ["llama_gqa_tied_head_dim", "llama_rope_scaled", "llama_untied", "qwen2", "qwen3"];

fn path(file: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/gguf")).join(file)
}

fn model(name: &str) -> GgufModel {
    GgufModel::open(path(&format!("{name}.gguf"))).unwrap()
}

/// The file that we write of a directory.
fn written(model: &ModelDirectory, dtype: GgufDtype) -> Vec<u8> {
    let mut bytes = Vec::new();
    let metadata = Metadata::default();
    write_model(model, dtype, metadata, "out.gguf".as_ref(), &mut bytes, &mut |_, _| {}).unwrap();
    bytes
}

#[test]
fn blocks_mean_what_ggml_says() {
    #[derive(Deserialize)]
    struct Case {
        number: u32,
        stored: String,
        values: Vec<f32>,
    }
    #[derive(Deserialize)]
    struct Expected {
        types: BTreeMap<String, Case>,
    }
    let text = std::fs::read(path("blocks.json")).unwrap();
    let expected: Expected = serde_json::from_slice(&text).unwrap();
    assert_eq!(expected.types.len(), GgmlType::ALL.len());
    for ggml_type in GgmlType::ALL {
        let case = &expected.types[&ggml_type.name().to_uppercase()];
        assert_eq!(case.number, ggml_type.number(), "{ggml_type:?}");
        let digits: Vec<char> = case.stored.chars().collect();
        let byte = |pair: &[char]| u8::from_str_radix(&String::from_iter(pair), 16).unwrap();
        let stored: Vec<u8> = digits.chunks(2).map(byte).collect();
        let values = ggml_type.expand(&stored);
        assert_eq!(values.len(), case.values.len(), "{ggml_type:?}");
        for (ours, expected) in values.iter().zip(&case.values) {
            assert!(
                (ours - expected).abs() <= 1e-6 * expected.abs(),
                "{ggml_type:?}: {ours}, not {expected}"
            );
        }
    }
}

#[test]
fn a_file_gives_the_logits_of_transformers() {
    #[derive(Deserialize)]
    struct Expected {
        ids: Vec<Vec<u32>>,
        logits: Vec<Vec<Vec<f32>>>,
    }
    for name in MODELS {
        let text = std::fs::read(directory(name).join("expected.json")).unwrap();
        let expected: Expected = serde_json::from_slice(&text).unwrap();
        let predictor = model(name).predictor::<Flex>(Precision::default(), &FlexDevice).unwrap();
        for (ids, logits) in expected.ids.iter().zip(&expected.logits) {
            let hidden = predictor.forward(&[(0, ids)], &mut predictor.cache(1, ids.len()));
            assert_rows_close(name, &rows(predictor.logits(hidden)), logits, 1e-4);
        }
    }
}

#[test]
fn the_file_of_a_directory_is_that_of_llama_cpps_converter() {
    for name in MODELS {
        let bytes = written(&ModelDirectory::open(directory(name)).unwrap(), GgufDtype::F32);
        let ours = GgufFile::from_memory(bytes, "ours.gguf");
        let (ours, theirs) = (ours.contents().unwrap(), model(name));
        let theirs = theirs.contents().unwrap();
        assert!(ours.tensors().map(|(name, _)| name).eq(theirs.tensors().map(|(name, _)| name)), "{name}");
        for (tensor, theirs) in theirs.tensors() {
            let ours = ours.tensor(tensor).unwrap();
            assert_eq!(ours.shape, theirs.shape, "{name}: {tensor}");
            let (ours, theirs) = (GgmlType::F32.expand(ours.bytes), GgmlType::F32.expand(theirs.bytes));
            if tensor == "rope_freqs.weight" {
                assert_rows_close(tensor, &[ours], &[theirs], 1e-5);
            } else {
                assert_eq!(ours, theirs, "{name}: {tensor}");
            }
        }
        let ours: BTreeMap<_, _> = ours.metadata().collect();
        // The vocabulary is added by those who know texts.
        for (key, value) in theirs.metadata().filter(|(key, _)| !key.starts_with("tokenizer.")) {
            assert_eq!(ours.get(key), Some(&value), "{name}: {key}");
        }
    }
}

#[test]
fn a_file_becomes_the_directory_that_it_was_made_from() {
    let folder = tempfile::tempdir().unwrap();
    for name in MODELS {
        let (original, out) = (ModelDirectory::open(directory(name)).unwrap(), folder.path().join(name));
        model(name).save(None, &[("note.txt", b"beside")], &out).unwrap();
        let again = ModelDirectory::open(&out).unwrap();
        let (config, expected) = (again.config(), original.config());
        assert_eq!((config.family, config.rope_scaling), (expected.family, expected.rope_scaling), "{name}");
        assert_eq!(config.rms_norm_eps, expected.rms_norm_eps, "{name}");
        assert_eq!(std::fs::read(out.join("note.txt")).unwrap(), b"beside");
        // Weight by weight, the directory that was written against the file.
        for difference in model(name).differences(&again).unwrap() {
            assert_eq!(difference.relative, 0.0, "{name}: {difference:?}");
        }
        for difference in model(name).differences(&original).unwrap() {
            assert_eq!(difference.relative, 0.0, "{name}: {difference:?}");
        }
    }
}

#[test]
fn fewer_bits_cost_what_they_must() {
    let original = ModelDirectory::open(directory("llama_untied")).unwrap();
    for (dtype, stored, outside, least, most) in [
        (GgufDtype::F16, GgmlType::F16, GgmlType::F16, 1e-5, 4e-4),
        (GgufDtype::Q8_0, GgmlType::Q8_0, GgmlType::Q8_0, 1e-3, 8e-3),
        (GgufDtype::Q4_0, GgmlType::Q4_0, GgmlType::Q8_0, 1e-2, 0.11),
    ] {
        let file = GgufFile::from_memory(written(&original, dtype), "out.gguf");
        for difference in GgufModel::new(file).unwrap().differences(&original).unwrap() {
            let is_norm = difference.name.ends_with("norm.weight");
            // The feed-forward layer is 56 wide, which is no whole number of blocks.
            let is_ragged = difference.name.ends_with("down_proj.weight");
            let is_outside = !difference.name.contains("layers");
            let expected = match () {
                () if is_norm => GgmlType::F32,
                () if is_ragged => GgmlType::F16,
                () if is_outside => outside,
                () => stored,
            };
            assert_eq!(difference.ggml_type, expected, "{difference:?}");
            if expected == stored && stored != GgmlType::F32 && !is_norm {
                assert!((least..most).contains(&difference.relative), "{difference:?}");
            }
        }
    }
}

#[test]
fn weights_of_sixteen_bits_stay_what_they_are() {
    let original = ModelDirectory::open(directory("llama_gqa")).unwrap();
    let file =
        GgufModel::new(GgufFile::from_memory(written(&original, GgufDtype::F16), "half.gguf")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    for (dtype, is_same) in [(None, true), (Some(Dtype::F32), true), (Some(Dtype::Bf16), false)] {
        let out = folder.path().join("out");
        file.save(dtype, &[], &out).unwrap();
        let differences = file.differences(&ModelDirectory::open(&out).unwrap()).unwrap();
        assert_eq!(differences.iter().all(|difference| difference.relative == 0.0), is_same, "{dtype:?}");
    }
}

#[test]
fn what_is_wrong_with_a_file_is_said() {
    let whole = std::fs::read(path("qwen3.gguf")).unwrap();
    let fault = |bytes: Vec<u8>| match GgufModel::new(GgufFile::from_memory(bytes, "x.gguf")) {
        Err(error @ (Error::Gguf { .. } | Error::Unsupported { .. })) => error.to_string(),
        other => panic!("{other:?}"),
    };
    assert_eq!(fault(b"PK\x03\x04".to_vec()), "x.gguf: not a GGUF file: it does not begin with `GGUF`");
    let mut version = whole.clone();
    version[4] = 1;
    assert_eq!(fault(version), "x.gguf: version 1 GGUF files are not read, only versions 2 and 3");
    let last = fault(whole[..whole.len() - 64].to_vec());
    assert!(last.contains("reaches past the end of the file"), "{last}");
    // Wherever a file ends, it is a fault and no panic.
    for end in (0..whole.len() - 64).step_by(97) {
        fault(whole[..end].to_vec());
    }
    let mut metadata = Metadata::default();
    metadata.string("general.architecture", "gemma3");
    let mut bytes = Vec::new();
    write(&metadata, &[], "x".as_ref(), &mut bytes, |_| Ok(Vec::new())).unwrap();
    let architecture = fault(bytes);
    assert!(architecture.contains("the architecture \"gemma3\""), "{architecture}");
}

proptest! {
    #[test]
    fn what_is_written_is_read(
        texts in prop::collection::btree_map("[a-z.]{1,12}", ".{0,20}", 0..6),
        numbers in prop::collection::vec(any::<i32>(), 0..9),
        shapes in prop::collection::vec(prop::collection::vec(1_usize..5, 1..4), 0..5),
    ) {
        let mut metadata = Metadata::default();
        for (key, text) in &texts {
            metadata.string(key, text);
        }
        metadata.i32s("NUMBERS", numbers.iter().copied());
        metadata.strings("TEXTS", texts.values().map(String::as_str));
        let named = shapes.into_iter().enumerate();
        let tensors: Vec<ToWrite> = named
            .map(|(index, shape)| ToWrite { name: format!("t{index}"), ggml_type: GgmlType::F16, shape })
            .collect();
        let bytes_of = |index: usize| vec![index as u8 + 1; 2 * tensors[index].shape.iter().product::<usize>()];
        let mut bytes = Vec::new();
        write(&metadata, &tensors, "x".as_ref(), &mut bytes, |index| Ok(bytes_of(index))).unwrap();
        let file = GgufFile::from_memory(bytes, "x.gguf");
        let gguf = file.contents().unwrap();
        for (key, text) in &texts {
            prop_assert_eq!(gguf.string(key).unwrap(), Some(text.as_str()));
        }
        let read = gguf.strings("TEXTS").unwrap().unwrap();
        prop_assert!(read.iter().eq(texts.values()));
        let Some((_, Value::Array(array))) = gguf.metadata().find(|(key, _)| *key == "NUMBERS") else {
            panic!("it is there")
        };
        prop_assert!(array.iter().eq(numbers.iter().map(|number| Value::Signed(i64::from(*number)))));
        for (index, tensor) in tensors.iter().enumerate() {
            let read = gguf.tensor(&tensor.name).unwrap();
            prop_assert_eq!(&read.shape, &tensor.shape);
            prop_assert_eq!(read.bytes, bytes_of(index));
        }
    }

    #[test]
    fn a_changed_byte_is_no_panic(at in 0_usize..3000, byte in any::<u8>()) {
        let mut bytes = std::fs::read(path("qwen3.gguf")).unwrap();
        bytes[at] = byte;
        if let Ok(model) = GgufModel::new(GgufFile::from_memory(bytes, "x.gguf")) {
            let original = ModelDirectory::open(directory("qwen3")).unwrap();
            let _ = model.differences(&original);
        }
    }
}
