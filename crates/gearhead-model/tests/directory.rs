//! Model directories: written and read again, replaced, damaged.
#![cfg(feature = "flex")]
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod fixture;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use burn::backend::{Flex, flex::FlexDevice};
use gearhead_model::{
    Decoder, Dtype, Error, ModelConfig, ModelDirectory, NewToken, directory::save, for_each_parameter,
};
use safetensors::SafeTensors;
use tempfile::TempDir;

use fixture::{MODELS, SPLIT, assert_rows_close, decoder, directory, load, packed};

type Weights = BTreeMap<String, (Vec<usize>, Vec<f32>)>;

fn weights(decoder: &Decoder<Flex>) -> Weights {
    let mut weights = BTreeMap::new();
    for_each_parameter(decoder, |name, _, data| {
        let twice = weights.insert(name.to_owned(), (data.shape.to_vec(), data.iter::<f32>().collect()));
        assert!(twice.is_none(), "two parameters are called {name}");
    });
    weights
}

fn file_names(directory: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// A copy of a fixture that can be damaged.
fn copy_of(model: &str) -> (TempDir, PathBuf) {
    let temporary = tempfile::tempdir().unwrap();
    let path = temporary.path().join("model");
    fs::create_dir(&path).unwrap();
    for file in file_names(&directory(model)).iter().filter(|name| *name != "expected.json") {
        fs::copy(directory(model).join(file), path.join(file)).unwrap();
    }
    (temporary, path)
}

/// What is wrong with a directory.
fn fault(path: &Path) -> Error {
    ModelDirectory::open(path)
        .and_then(|directory| directory.decoder::<Flex>(&FlexDevice))
        .map(|_| ())
        .expect_err("the directory is damaged")
}

/// Changes one field of `config.json`.
fn configure(path: &Path, field: &str, value: serde_json::Value) {
    let path = path.join("config.json");
    let mut config: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    config[field] = value;
    fs::write(path, config.to_string()).unwrap();
}

#[test]
fn saving_and_loading_is_the_identity() {
    for model in MODELS {
        let original = ModelDirectory::open(directory(model)).unwrap();
        let first = decoder::<Flex>(model);
        let temporary = tempfile::tempdir().unwrap();
        let path = temporary.path().join("deeper").join("model");
        save(&first, original.config(), Dtype::F32, &[("tokenizer.json", b"{}")], &path).unwrap();
        assert_eq!(file_names(&path), ["config.json", "model.safetensors", "tokenizer.json"]);
        assert_eq!(fs::read(path.join("tokenizer.json")).unwrap(), b"{}");
        let saved = ModelDirectory::open(&path).unwrap();
        assert_eq!(saved.config(), original.config(), "{model}");
        let second = load::<Flex>(&path);
        assert_eq!(weights(&second), weights(&first), "{model}");
        let ids = [3, 1, 4, 1, 5, 92, 6];
        assert_rows_close(model, &packed(&second, &ids), &packed(&first, &ids), 0.0);
    }
}

#[test]
fn a_saved_file_holds_the_tensors_of_the_file_that_transformers_wrote() {
    for model in MODELS.into_iter().filter(|model| *model != SPLIT) {
        let temporary = tempfile::tempdir().unwrap();
        let path = temporary.path().join("model");
        let decoder = decoder::<Flex>(model);
        save(&decoder, decoder.config(), Dtype::F32, &[], &path).unwrap();
        let [ours, theirs] =
            [path, directory(model)].map(|path| fs::read(path.join("model.safetensors")).unwrap());
        let [ours, theirs] = [&ours, &theirs].map(|bytes| SafeTensors::deserialize(bytes).unwrap());
        let tensors =
            |file: &SafeTensors<'_>| -> BTreeMap<String, (Vec<usize>, safetensors::Dtype, Vec<u8>)> {
                file.tensors()
                    .into_iter()
                    .map(|(name, view)| (name, (view.shape().to_vec(), view.dtype(), view.data().to_vec())))
                    .collect()
            };
        assert!(tensors(&ours) == tensors(&theirs), "{model}");
    }
}

#[test]
fn narrow_types_round_to_the_nearest() {
    for model in MODELS {
        let decoder = decoder::<Flex>(model);
        let exact = weights(&decoder);
        // Half a unit in the last of 11 and of 8 binary digits; below 2^-14 an f16 has fewer.
        for (dtype, torch, relative, absolute) in [
            (Dtype::F16, "float16", 2.0_f32.powi(-11), 2.0_f32.powi(-25)),
            (Dtype::Bf16, "bfloat16", 2.0_f32.powi(-8), 0.0),
        ] {
            let temporary = tempfile::tempdir().unwrap();
            let path = temporary.path().join("model");
            save(&decoder, decoder.config(), dtype, &[], &path).unwrap();
            let config = fs::read_to_string(path.join("config.json")).unwrap();
            assert!(config.contains(&format!("\"torch_dtype\": \"{torch}\"")), "{config}");
            let bytes = fs::metadata(path.join("model.safetensors")).unwrap().len() as usize;
            assert!(bytes / 2 - decoder.config().parameter_count() < 4096, "two bytes a weight and a header");
            let rounded = weights(&load::<Flex>(&path));
            assert!(rounded.keys().eq(exact.keys()));
            for (name, (shape, exact)) in &exact {
                assert_eq!(&rounded[name].0, shape);
                for (rounded, exact) in rounded[name].1.iter().zip(exact) {
                    assert!(
                        (rounded - exact).abs() <= relative * exact.abs() + absolute,
                        "{name} as {dtype:?}: {rounded}, not {exact}"
                    );
                }
            }
            // What is rounded already stays as it is.
            let again = temporary.path().join("again");
            let second = load::<Flex>(&path);
            save(&second, second.config(), dtype, &[], &again).unwrap();
            let [one, two] = [path, again].map(|path| fs::read(path.join("model.safetensors")).unwrap());
            assert!(one == two);
        }
    }
}

#[test]
fn saving_over_a_directory_replaces_it_whole() {
    let (temporary, path) = copy_of("llama_gqa");
    fs::write(path.join("stale.json"), "left by an older run").unwrap();
    let decoder = decoder::<Flex>("llama_tied");
    save(&decoder, decoder.config(), Dtype::F32, &[("run.toml", b"seed = 1")], &path).unwrap();
    assert_eq!(file_names(&path), ["config.json", "model.safetensors", "run.toml"]);
    assert_eq!(file_names(temporary.path()), ["model"], "nothing temporary is left beside it");
    let saved = load::<Flex>(&path);
    assert_eq!(weights(&saved), weights(&decoder));
}

#[test]
fn a_directory_that_is_open_survives_its_replacement() {
    let (_temporary, path) = copy_of("llama_tied");
    let open = ModelDirectory::open(&path).unwrap();
    let other = decoder::<Flex>("llama_gqa");
    save(&other, other.config(), Dtype::F32, &[], &path).unwrap();
    let mapped = open.decoder::<Flex>(&FlexDevice).unwrap();
    assert_eq!(weights(&mapped), weights(&decoder("llama_tied")));
}

#[test]
fn a_directory_in_memory_is_the_one_on_disk() {
    for model in MODELS.into_iter().filter(|model| *model != SPLIT) {
        let [config, bytes] =
            ["config.json", "model.safetensors"].map(|file| fs::read(directory(model).join(file)).unwrap());
        let memory = ModelDirectory::from_memory(&config, bytes.clone(), model).unwrap();
        assert_eq!(memory.config(), ModelDirectory::open(directory(model)).unwrap().config());
        let memory = memory.decoder::<Flex>(&FlexDevice).unwrap();
        assert_eq!(weights(&memory), weights(&decoder(model)));
        assert_eq!(
            memory.config().parameter_count(),
            weights(&memory).values().map(|(_, values)| values.len()).sum::<usize>()
        );
    }
}

#[test]
fn a_missing_file_is_named() {
    for missing in ["config.json", "model.safetensors"] {
        let (_temporary, path) = copy_of("llama_tied");
        fs::remove_file(path.join(missing)).unwrap();
        let error = fault(&path);
        assert!(matches!(error, Error::MissingFile { file, .. } if file == missing), "{error:?}");
        let message = error.to_string();
        assert!(message.contains(missing) && message.contains(path.to_str().unwrap()), "{message}");
    }
}

#[test]
fn weights_in_several_files_are_read_as_those_in_one() {
    let (_temporary, path) = copy_of(SPLIT);
    let parts: Vec<_> = file_names(&path).into_iter().filter(|name| name.starts_with("model-")).collect();
    assert!(parts.len() > 1);
    let split = weights(&load::<Flex>(&path));
    for name in ["q_proj.bias", "o_proj.bias"] {
        assert!(split[&format!("model.layers.1.self_attn.{name}")].1.iter().any(|value| *value != 0.0));
    }
    // The same tensors in one file.
    let files: Vec<_> = parts.iter().map(|part| fs::read(path.join(part)).unwrap()).collect();
    let files: Vec<_> = files.iter().map(|file| SafeTensors::deserialize(file).unwrap()).collect();
    let tensors: Vec<_> = files.iter().flat_map(SafeTensors::tensors).collect();
    fs::write(path.join("model.safetensors"), safetensors::serialize(tensors, None).unwrap()).unwrap();
    for part in &parts {
        fs::remove_file(path.join(part)).unwrap();
    }
    assert_eq!(weights(&load::<Flex>(&path)), split);
}

#[test]
fn a_fault_of_weights_in_several_files_names_the_file() {
    let index = |path: &Path, change: &dyn Fn(&mut serde_json::Value)| {
        let path = path.join("model.safetensors.index.json");
        let mut index = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        change(&mut index);
        fs::write(path, index.to_string()).unwrap();
    };
    let part = "model-00002-of-00003.safetensors";

    let (_temporary, path) = copy_of(SPLIT);
    fs::remove_file(path.join(part)).unwrap();
    let error = fault(&path);
    assert!(matches!(error, Error::Io { .. }), "{error:?}");
    assert!(error.to_string().contains(path.join(part).to_str().unwrap()), "{error}");

    let (_temporary, path) = copy_of(SPLIT);
    fs::OpenOptions::new().write(true).open(path.join(part)).unwrap().set_len(100).unwrap();
    let error = fault(&path);
    assert!(matches!(error, Error::Safetensors { .. }), "{error:?}");
    assert!(error.to_string().contains(path.join(part).to_str().unwrap()), "{error}");

    let (_temporary, path) = copy_of(SPLIT);
    configure(&path, "num_hidden_layers", 3.into());
    let error = fault(&path).to_string();
    assert!(error.contains("index.json") && error.ends_with("is missing"), "{error}");

    let (_temporary, path) = copy_of(SPLIT);
    configure(&path, "vocab_size", 98.into());
    let error = fault(&path).to_string();
    assert!(error.contains("model-0000") && error.contains("[97, 32]"), "{error}");

    for outside in ["../model.safetensors", "/etc/hosts", "..", ""] {
        let (_temporary, path) = copy_of(SPLIT);
        index(&path, &|index| index["weight_map"]["model.norm.weight"] = outside.into());
        let error = fault(&path);
        assert!(matches!(error, Error::Json { .. }), "{error:?}");
        assert!(error.to_string().contains(&format!("{outside:?}")), "{error}");
    }

    let (_temporary, path) = copy_of(SPLIT);
    index(&path, &|index| index["weight_map"] = serde_json::json!({}));
    assert!(fault(&path).to_string().ends_with("`weight_map` names no file"));
}

#[test]
fn a_saved_model_is_of_the_class_that_was_read() {
    for (model, class) in [
        ("llama_rope_scaled", "LlamaForCausalLM"),
        (SPLIT, "LlamaForCausalLM"),
        ("mistral", "MistralForCausalLM"),
        ("qwen2", "Qwen2ForCausalLM"),
        ("qwen3", "Qwen3ForCausalLM"),
    ] {
        let decoder = decoder::<Flex>(model);
        assert_eq!(decoder.config().to_hf_json("float32")["architectures"], serde_json::json!([class]));
        let what = format!("{:?}", decoder.config());
        let biases = weights(&decoder).keys().filter(|name| name.ends_with("bias")).count();
        let norms = weights(&decoder).keys().filter(|name| name.contains("q_norm")).count();
        assert_eq!(
            biases,
            if model == SPLIT {
                8
            } else if model == "qwen2" {
                6
            } else {
                0
            },
            "{what}"
        );
        assert_eq!(norms, if model == "qwen3" { 2 } else { 0 }, "{what}");
    }
}

#[test]
fn a_missing_directory_is_named() {
    let temporary = tempfile::tempdir().unwrap();
    let path = temporary.path().join("nowhere");
    let error = fault(&path);
    assert!(matches!(error, Error::Io { .. }), "{error:?}");
    assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
}

#[test]
fn a_truncated_weight_file_is_named() {
    let whole = fs::metadata(directory("llama_tied").join("model.safetensors")).unwrap().len();
    for len in [0, 4, 8, 100, whole / 2, whole - 1] {
        let (_temporary, path) = copy_of("llama_tied");
        let file = path.join("model.safetensors");
        fs::OpenOptions::new().write(true).open(&file).unwrap().set_len(len).unwrap();
        let error = fault(&path);
        assert!(matches!(error, Error::Safetensors { .. }), "{len} bytes: {error:?}");
        assert!(error.to_string().contains(file.to_str().unwrap()), "{len} bytes: {error}");
    }
}

#[test]
fn a_weight_that_does_not_fit_the_configuration_is_named() {
    let weight_fault = |model: &str, field: &str, value: serde_json::Value| {
        let (_temporary, path) = copy_of(model);
        configure(&path, field, value);
        let error = fault(&path);
        assert!(matches!(error, Error::Weight { .. }), "{error:?}");
        let message = error.to_string();
        assert!(message.contains(path.join("model.safetensors").to_str().unwrap()), "{message}");
        message
    };
    let message = weight_fault("llama_tied", "vocab_size", 98.into());
    assert!(
        message
            .ends_with("`model.embed_tokens.weight` has the shape [97, 32], the configuration says [98, 32]"),
        "{message}"
    );
    let message = weight_fault("llama_tied", "num_hidden_layers", 3.into());
    assert!(message.contains("`model.layers.2.") && message.ends_with("is missing"), "{message}");
    let message = weight_fault("llama_tied", "tie_word_embeddings", false.into());
    assert!(message.ends_with("`lm_head.weight` is missing"), "{message}");
    // Keys and values of another number of heads: the widths differ, the names do not.
    let message = weight_fault("llama_gqa", "num_key_value_heads", 3.into());
    assert!(
        message.contains("k_proj") && message.contains("[16, 48]") && message.contains("[24, 48]"),
        "{message}"
    );
}

#[test]
fn a_weight_of_a_type_that_is_not_read_is_named() {
    let (_temporary, path) = copy_of("llama_tied");
    let bytes = fs::read(path.join("model.safetensors")).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let tensors = file.tensors();
    let as_ints = tensors.iter().map(|(name, view)| {
        let view =
            safetensors::tensor::TensorView::new(safetensors::Dtype::I32, view.shape().to_vec(), view.data());
        (name, view.unwrap())
    });
    fs::write(path.join("model.safetensors"), safetensors::serialize(as_ints, None).unwrap()).unwrap();
    let error = fault(&path).to_string();
    assert!(error.contains("model.safetensors") && error.contains("I32"), "{error}");
}

#[test]
fn a_configuration_that_is_not_json_is_named() {
    let (_temporary, path) = copy_of("llama_tied");
    fs::write(path.join("config.json"), "{\"vocab_size\": 97,").unwrap();
    let error = fault(&path);
    assert!(matches!(error, Error::Json { .. }), "{error:?}");
    assert!(error.to_string().contains(path.join("config.json").to_str().unwrap()), "{error}");
}

#[test]
fn the_configuration_of_transformers_4_is_read() {
    let text = br#"{
        "architectures": ["LlamaForCausalLM"],
        "attention_bias": false,
        "attention_dropout": 0.0,
        "bos_token_id": 1,
        "eos_token_id": [2, 7],
        "hidden_act": "silu",
        "hidden_size": 48,
        "initializer_range": 0.02,
        "intermediate_size": 80,
        "max_position_embeddings": 64,
        "model_type": "llama",
        "num_attention_heads": 6,
        "num_hidden_layers": 3,
        "num_key_value_heads": 2,
        "pretraining_tp": 1,
        "rms_norm_eps": 1e-06,
        "rope_scaling": null,
        "rope_theta": 500000.0,
        "tie_word_embeddings": false,
        "torch_dtype": "float32",
        "transformers_version": "4.46.0",
        "use_cache": true,
        "vocab_size": 97
    }"#;
    let config = ModelConfig::from_hf_json(text, Path::new("config.json")).unwrap();
    let expected = ModelConfig {
        d_model: 48,
        n_layers: 3,
        n_heads: 6,
        n_kv_heads: 2,
        d_head: None,
        d_ff: 80,
        max_seq_len: 64,
        rope_theta: 500_000.0,
        rms_norm_eps: 1e-6,
        tie_embeddings: false,
        bos_id: Some(1),
        eos_ids: vec![2, 7],
        ..ModelConfig::new(97)
    };
    assert_eq!(config, expected);
}

#[test]
fn the_configuration_of_transformers_5_is_read() {
    let [gqa, wide] = ["llama_gqa", "llama_gqa_tied_head_dim"]
        .map(|model| ModelDirectory::open(directory(model)).unwrap().config().clone());
    assert!((gqa.rope_theta - 500_000.0).abs() < f64::EPSILON);
    assert_eq!((gqa.d_model, gqa.n_heads, gqa.n_kv_heads, gqa.d_head()), (48, 6, 2, 8));
    assert_eq!((wide.d_model, wide.n_heads, wide.n_kv_heads, wide.d_head), (32, 4, 2, Some(16)));
    assert!((wide.rms_norm_eps - 1e-5).abs() < f64::EPSILON);
    assert!(wide.tie_embeddings && !gqa.tie_embeddings);
}

#[test]
fn new_tokens_change_no_number_that_was_there() {
    for model in ["llama_tied", "llama_untied", SPLIT, "qwen2"] {
        let temporary = tempfile::tempdir().unwrap();
        let path = temporary.path().join("more");
        let opened = ModelDirectory::open(directory(model)).unwrap();
        let old = opened.config().vocab_size;
        let tokens = [NewToken { id: 97, like: vec![3, 5] }, NewToken { id: 99, like: Vec::new() }];
        opened.save_with_tokens(&tokens, Some(97), vec![99, 2], None, &[("note", b"beside")], &path).unwrap();
        assert_eq!(file_names(&path), ["config.json", "model.safetensors", "note"]);
        let more = ModelDirectory::open(&path).unwrap();
        let config = ModelConfig {
            vocab_size: 100,
            bos_id: Some(97),
            eos_ids: vec![99, 2],
            ..opened.config().clone()
        };
        assert_eq!(*more.config(), config, "{model}");
        let (before, after) = (weights(&decoder::<Flex>(model)), weights(&load::<Flex>(&path)));
        assert!(before.keys().eq(after.keys()), "{model}");
        for (name, (shape, values)) in &before {
            let (extended, more) = &after[name];
            let is_table = name == "model.embed_tokens.weight" || name == "lm_head.weight";
            let rows = if is_table { 100 } else { shape[0] };
            assert_eq!((rows, &shape[1..]), (extended[0], &extended[1..]), "{model}: {name}");
            assert_eq!(&more[..values.len()], values, "{model}: {name}");
            assert!(
                more.iter().all(|value| value.is_finite()) && (!is_table || old == 97),
                "{model}: {name}"
            );
        }
        // The type of the numbers stays.
        let file = fs::read(path.join("model.safetensors")).unwrap();
        let dtype = SafeTensors::deserialize(&file).unwrap().tensor("model.norm.weight").unwrap().dtype();
        let is_bf16 = model == SPLIT;
        assert_eq!(dtype, if is_bf16 { safetensors::Dtype::BF16 } else { safetensors::Dtype::F32 });
    }
}

#[test]
fn a_token_that_is_like_none_of_the_model_is_refused() {
    let temporary = tempfile::tempdir().unwrap();
    let path = temporary.path().join("more");
    let opened = ModelDirectory::open(directory("llama_untied")).unwrap();
    let tokens = [NewToken { id: 97, like: vec![3, 97] }];
    let error = opened.save_with_tokens(&tokens, None, Vec::new(), None, &[], &path).unwrap_err().to_string();
    assert!(error.contains("97 rows, but the tokenizer has the token 97"), "{error}");
    assert!(!path.exists());
}

#[test]
fn a_row_that_no_token_had_serves_a_new_one() {
    let temporary = tempfile::tempdir().unwrap();
    let path = temporary.path().join("more");
    let opened = ModelDirectory::open(directory("llama_untied")).unwrap();
    let tokens = [NewToken { id: 96, like: vec![3] }];
    opened.save_with_tokens(&tokens, None, Vec::new(), Some(Dtype::F16), &[], &path).unwrap();
    let (before, after) = (weights(&decoder::<Flex>("llama_untied")), weights(&load::<Flex>(&path)));
    for name in ["model.embed_tokens.weight", "lm_head.weight"] {
        let ((shape, before), (_, after)) = (&before[name], &after[name]);
        assert_eq!(after.len(), before.len());
        let row = |values: &[f32], id: usize| values[id * shape[1]..][..shape[1]].to_vec();
        assert_rows_close(name, &[row(before, 95)], &[row(after, 95)], 1e-3);
        assert_ne!(row(before, 96), row(after, 96));
    }
}
