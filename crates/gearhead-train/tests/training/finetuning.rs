//! Trainings that begin with what another has learned: all of its weights, or adapters beside them; and text before cases.

use std::{fs, path::Path};

use burn::{
    backend::{Flex, flex::FlexDevice},
    tensor::Tensor,
};
use gearhead_data::prompt::Document;
use gearhead_kernels::{Documents, FrozenDtype};
use gearhead_model::{Decoder, ModelDirectory};
use gearhead_train::{Config, Event, Start, Summary, data::TrainData, gradients::mean_loss};

use super::{B, Workshop, steps};

/// A model that a first training left.
fn first() -> (Workshop, Summary) {
    let first = Workshop::new(14, &["model.d_ff=64", "train.epochs=8"]);
    let summary = first.train().0.unwrap();
    (first, summary)
}

/// Another training on the same cases.
fn second(first: &Summary, overrides: &[&str]) -> Workshop {
    let from = format!("from='{}'", first.best.display());
    // The shape is that of the model.
    let shape = ["model.d_ff=64".to_owned()];
    let given = overrides.iter().map(|text| (*text).to_owned());
    let all: Vec<String> = [from].into_iter().chain(shape).chain(given).collect();
    Workshop::new(14, &all.iter().map(String::as_str).collect::<Vec<_>>())
}

fn validation_loss(workshop: &Workshop, decoder: &Decoder<Flex>) -> f64 {
    mean_loss(decoder, &TrainData::load(&workshop.config).unwrap().validation, 4)
}

fn logits(decoder: &Decoder<Flex>) -> Vec<f32> {
    let ids = [5, 260, 17, 33, 270];
    let logits: Tensor<Flex, 2> =
        decoder.logits(decoder.forward_packed(&ids, &Documents::new(&[0, ids.len()])));
    logits.into_data().iter::<f32>().collect()
}

fn open(path: &Path) -> Decoder<Flex> {
    ModelDirectory::open(path).unwrap().decoder(&FlexDevice).unwrap()
}

#[test]
fn a_training_goes_on_from_the_weights_of_another() {
    let (_kept, summary) = first();
    let second = second(&summary, &["train.warmup_steps=50", "train.learning_rate=1e-9"]);
    let (trained, _) = second.train();
    let before = summary.best_validation_loss.unwrap();
    let after = trained.unwrap().best_validation_loss.unwrap();
    assert!(
        (after - before).abs() < 1e-5,
        "with next to no learning rate the model stays: {before} to {after}"
    );
}

#[test]
fn the_shape_and_the_tokenizer_are_those_of_the_model() {
    let (_kept, summary) = first();
    let parse = |more: &str| {
        let text = format!(
            "from = '{}'\noutput = \"o\"\n[data]\ntrain = \"a\"\nvalidation = \"b\"\n{more}",
            summary.best.display()
        );
        Config::parse(&text, "c.toml", &[]).map_err(|error| error.to_string())
    };
    let config = parse("").unwrap();
    assert_eq!((config.model.d_model, config.model.n_layers, config.model.d_ff), (32, 2, 64));
    assert_eq!(config.tokenizer_path(), summary.best.join("tokenizer.json"));
    assert_eq!(Config::parse(&config.resolved(), "again", &[]).unwrap(), config);
    let error = parse("[model]\nn_layers = 3\n").unwrap_err();
    assert!(error.starts_with("c.toml: model.n_layers is 3, but "), "{error}");
    assert!(error.ends_with("has 2: leave [model] out with `from`"), "{error}");
    assert_eq!(parse("[model]\nmax_seq_len = 100\n").unwrap().model.max_seq_len, 100);
    let error = parse("[model]\nmax_seq_len = 300\n").unwrap_err();
    assert!(error.contains("model.max_seq_len is 300"), "{error}");
    let error = parse("[lora]\nrank = 0\n").unwrap_err();
    assert_eq!(error, "c.toml: lora.rank is 0, but must be at least 1");
    let error = parse("[lora]\ntargets = [\"lm_head\"]\n").unwrap_err();
    assert!(error.starts_with("c.toml:7: unknown variant `lm_head`, expected one of `q_proj`"), "{error}");
}

#[test]
fn adapters_learn_while_the_weights_stay() {
    let (_kept, summary) = first();
    let before = fs::read(summary.best.join("model.safetensors")).unwrap();
    for kind in ["lora.rslora=false", "lora.dora=true", "lora.base_dtype=bf16", "lora.base_dtype=8bit"] {
        let second = second(&summary, &["lora.rank=4", kind, "train.epochs=20", "train.learning_rate=5e-3"]);
        let (trained, events) = second.train();
        let trained = trained.unwrap();
        let losses: Vec<f64> = steps(&events).map(|(loss, _)| loss).collect();
        let mean = |losses: &[f64]| losses.iter().sum::<f64>() / losses.len() as f64;
        let (begun, ended) = (mean(&losses[..4]), mean(&losses[losses.len() - 4..]));
        assert!(ended < 0.93 * begun, "{kind}: {begun} to {ended}");
        let Some(Event::Start { parameters, .. }) = events.first() else { panic!("begins with a start") };
        // Seven layers with inputs and outputs of 32, 64 and, for keys and values, 16 features; norms of the rows.
        let rows = if kind.contains("dora=true") { 2 * (32 + 16 + 16 + 32 + 64 + 64 + 32) } else { 0 };
        assert_eq!(*parameters, 2 * 4 * (64 + 48 + 48 + 64 + 96 + 96 + 96) + rows);
        assert_eq!(fs::read(summary.best.join("model.safetensors")).unwrap(), before, "the weights stay");
        assert!(!second.config.output.join("best/model.safetensors").exists());
        let opened = ModelDirectory::open(&trained.best).unwrap();
        let dtype = second.config.lora.as_ref().unwrap().base_dtype;
        let beside = opened.with_adapters::<Flex>(dtype, &FlexDevice).unwrap();
        let loss = validation_loss(&second, &beside);
        assert!((loss - trained.best_validation_loss.unwrap()).abs() < 1e-5, "{kind}: {loss}");
        // Merged, the model is the same but for what its weights lost when they were stored in fewer bits.
        let merged = second.config.output.join("merged");
        opened.save_merged::<Flex>(gearhead_model::Dtype::F32, &merged, &FlexDevice).unwrap();
        let tolerance = if dtype == FrozenDtype::F32 { 1e-4 } else { 0.05 };
        for (merged, beside) in logits(&open(&merged)).iter().zip(logits(&beside)) {
            assert!((merged - beside).abs() < tolerance, "{kind}: {merged}, not {beside}");
        }
        assert!(merged.join("gearhead.json").exists() && merged.join("tokenizer.json").exists());
    }
}

#[test]
fn a_training_of_adapters_goes_on_to_the_last_bit() {
    let (_kept, summary) = first();
    for more in ["lora.dora=true", "lora.base_dtype=8bit"] {
        let overrides = ["lora.rank=4", more, "train.epochs=3", "train.recompute_every=1"];
        let expected = second(&summary, &overrides).losses();
        let stopped = second(&summary, &overrides);
        let (mut losses, mut start) = (Vec::new(), Start::New);
        for until in [3, 7, usize::MAX] {
            let (summary, events) = stopped.train_from(start, until);
            summary.unwrap();
            losses.extend(steps(&events).map(|(loss, _)| loss.to_bits()));
            start = Start::Resume;
        }
        assert_eq!(losses, expected, "{more}");
    }
}

#[test]
fn a_model_that_has_changed_is_told_at_resumption() {
    let (_kept, summary) = first();
    let stopped = second(&summary, &["lora.rank=4"]);
    stopped.train_from(Start::New, 2).0.unwrap();
    let weights = summary.best.join("model.safetensors");
    let mut bytes = fs::read(&weights).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&weights, bytes).unwrap();
    let error = stopped.train_from(Start::Resume, usize::MAX).0.unwrap_err().to_string();
    assert!(error.contains("model.safetensors has another content now"), "{error}");
}

#[test]
fn what_was_learned_from_text_is_there_before_cases() {
    let mut on_text = Workshop::new(14, &["data.validation_share=0.2"]);
    let text = "The fuel filter is restricted. Replace the fuel filter. Clean the radiator core. ".repeat(60);
    let corpus = on_text.folder.path().join("manual.txt");
    fs::write(&corpus, &text).unwrap();
    let data = &mut on_text.config.data;
    (data.train, data.validation, data.text) = (None, None, vec![corpus.clone()]);
    let (summary, events) = on_text.train();
    let summary = summary.unwrap();
    let Some(Event::Start { train_cases, validation_cases, .. }) = events.first() else { panic!("a start") };
    assert!(*validation_cases > 0 && *train_cases > 3 * *validation_cases);
    assert!(!summary.best.join("gearhead.json").exists(), "it ranks no causes yet");
    // Every token is predicted once: those of the text and the one that ends it.
    let data = TrainData::load(&on_text.config).unwrap();
    let predicted: usize = data.train.iter().chain(&data.validation).map(Document::target_count).sum();
    assert_eq!(predicted, data.tokenizer.encode(&text).unwrap().len() + 1);

    let losses: Vec<f64> = steps(&events).map(|(loss, _)| loss).collect();
    assert!(losses[losses.len() - 1] < 0.8 * losses[0], "{losses:?}");
    let from = format!("from='{}'", summary.best.display());
    let then = Workshop::new(14, &[&from]);
    let cases = TrainData::load(&then.config).unwrap().train;
    let of_pretrained = mean_loss(&open(&summary.best), &cases, 14);
    let then = Workshop::new(14, &[&from, "train.batch_size=14"]);
    let (trained, events) = then.train();
    assert!((steps(&events).next().unwrap().0 - of_pretrained).abs() < 1e-4 * of_pretrained);
    assert!(trained.unwrap().best.join("gearhead.json").exists());

    fs::write(&corpus, "short").unwrap();
    let error = TrainData::load(&on_text.config).unwrap_err().to_string();
    assert!(error.contains("manual.txt: the text is too short"), "{error}");
    fs::rename(&corpus, corpus.with_extension("jsonl")).unwrap();
    on_text.config.data.text = vec![corpus.with_extension("jsonl")];
    fs::write(&on_text.config.data.text[0], "{\"text\": \"a\"}\n{\"txt\": 1}\n").unwrap();
    let error = TrainData::load(&on_text.config).unwrap_err().to_string();
    assert!(error.contains("manual.jsonl:2: a line of text is an object with the string `text`"), "{error}");
}

#[test]
fn a_decoder_with_adapters_is_one_of_the_training() {
    let (_kept, summary) = first();
    let config = gearhead_model::LoraConfig::default();
    let decoder =
        ModelDirectory::open(&summary.best).unwrap().with_new_adapters::<B>(&config, 1, &FlexDevice).unwrap();
    let documents = TrainData::load(&second(&summary, &[]).config).unwrap().train;
    let documents: Vec<_> = documents.iter().collect();
    let gradients = |accumulation, recompute_every| {
        let mut config = gearhead_train::config::TrainConfig::default();
        (config.accumulation, config.recompute_every) = (accumulation, recompute_every);
        gearhead_train::gradients::step_gradients(&decoder, &documents, &config)
    };
    let (once, parts) = (gradients(1, 0), gradients(3, 0));
    assert!((once.loss - parts.loss).abs() < 1e-5 * once.loss);
    assert!((once.grad_norm - parts.grad_norm).abs() < 1e-4 * once.grad_norm);
    assert_eq!(gradients(3, 1).grad_norm.to_bits(), parts.grad_norm.to_bits());
}
