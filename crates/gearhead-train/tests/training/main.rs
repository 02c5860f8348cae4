//! Whole trainings of a tiny model: repeatable, indifferent to how a step is cut up, and able to learn.
#![cfg(feature = "flex")]
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod finetuning;
mod precision;
mod resuming;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
};

use burn::{
    backend::{Autodiff, Flex, flex::FlexDevice},
    tensor::activation::log_softmax,
};
use gearhead_data::{
    case::{Case, write_cases},
    prompt::{Document, LossOn, Sections, encode_case, encode_prompt, texts},
    tokenizer::Tokenizer,
};
use gearhead_kernels::Documents;
use gearhead_model::{Decoder, ModelConfig, ModelDirectory, for_each_parameter};
use gearhead_train::{
    Config, Control, Error, Event, Start, Summary,
    config::TrainConfig,
    data::TrainData,
    flops::ModelFlops,
    gradients::{mean_loss, step_gradients, without_gradients},
    optimizer::AdamW,
    train,
};
use tempfile::TempDir;

type B = Autodiff<Flex>;

/// Cases of which no two have the same length.
fn cases(count: usize) -> Vec<Case> {
    let machines = ["CAT 320 excavator", "Komatsu PC200", "Cummins C275 generator set"];
    let faults = [
        ("loses power under load", "P0087", "Restricted fuel filter", "Replace the fuel filter."),
        ("cranks slowly", "SPN 168 FMI 18", "Weak battery", "Charge or replace the battery."),
        ("overheats on a slope", "SPN 110 FMI 0", "Clogged radiator", "Clean the radiator core."),
    ];
    (0..count)
        .map(|number| {
            let (symptom, code, cause, solution) = faults[number % faults.len()];
            let symptom = format!("{symptom}{}", " again".repeat(number));
            let mut case = Case::new(machines[number / faults.len() % machines.len()], symptom);
            if number % 2 == 0 {
                case = case.with_codes(code);
            }
            case.probable_cause = Some(format!("{cause}. It is worn."));
            case.solution = Some(format!("{solution}{}", " Check it twice.".repeat(number / 4)));
            case
        })
        .collect()
}

fn tokenizer(cases: &[Case]) -> Tokenizer {
    Tokenizer::train(cases.iter().flat_map(texts).collect::<Vec<_>>().iter(), 300, 2).unwrap()
}

/// A folder with cases, a tokenizer, and a configuration that reads them.
struct Workshop {
    folder: TempDir,
    config: Config,
    devices: Vec<FlexDevice>,
}

impl Workshop {
    fn new(count: usize, overrides: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let cases = cases(count);
        write_cases(folder.path().join("cases.jsonl"), &cases).unwrap();
        tokenizer(&cases).save(folder.path().join("tokenizer.json")).unwrap();
        let text = r#"
            seed = 3
            output = "out"
            tokenizer = "tokenizer.json"
            [data]
            train = "cases.jsonl"
            validation = "cases.jsonl"
            [model]
            d_model = 32
            n_layers = 2
            d_ff = 48
            max_seq_len = 256
            [train]
            epochs = 2
            batch_size = 4
            learning_rate = 1e-2
            warmup_steps = 2
        "#;
        let overrides: Vec<String> = overrides.iter().map(|&text| text.to_owned()).collect();
        let mut config = Config::parse(text, "tiny.toml", &overrides).unwrap();
        let here = |path: &mut PathBuf| *path = folder.path().join(&path);
        here(&mut config.output);
        let data = &mut config.data;
        for path in [&mut config.tokenizer, &mut data.train, &mut data.validation].into_iter().flatten() {
            here(path);
        }
        Self { folder, config, devices: vec![FlexDevice] }
    }

    fn train(&self) -> (Result<Summary, Error>, Vec<Event>) {
        self.train_from(Start::New, usize::MAX)
    }

    /// Trains, and asks for a stop when a step is done.
    fn train_from(&self, start: Start, until: usize) -> (Result<Summary, Error>, Vec<Event>) {
        let data = TrainData::load(&self.config).unwrap();
        let (mut events, stop) = (Vec::new(), AtomicBool::new(false));
        let control = Control { start, stop: Some(&stop), ..Control::default() };
        let summary = train::<B>(&self.config, &data, control, &self.devices, &mut |event| {
            let done = match event {
                Event::Step { step, .. } | Event::LossScale { step, overflow: true, .. } => *step,
                _ => 0,
            };
            if done == until {
                stop.store(true, Ordering::Relaxed);
            }
            events.push(event.clone());
        });
        (summary, events)
    }

    /// The paths of its checkpoints, the oldest first.
    fn checkpoints(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.config.output.join("checkpoints")).unwrap();
        let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        paths
    }

    /// The exact bits of the loss of each step.
    fn losses(&self) -> Vec<u64> {
        let (summary, events) = self.train();
        summary.unwrap();
        steps(&events).map(|(loss, _)| loss.to_bits()).collect()
    }

    fn file(&self, name: &str) -> Vec<u8> {
        fs::read(self.config.output.join(name)).unwrap()
    }
}

/// Loss and gradient norm of each step.
fn steps(events: &[Event]) -> impl Iterator<Item = (f64, f64)> {
    events.iter().filter_map(|event| match event {
        Event::Step { loss, grad_norm, .. } => Some((*loss, *grad_norm)),
        _ => None,
    })
}

/// Every path below a folder, relative to it, folders included.
fn paths(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            found.push(path.strip_prefix(folder).unwrap().display().to_string());
            if path.is_dir() {
                open.push(path);
            }
        }
    }
    found.sort();
    found
}

fn model(vocab_size: usize, tie_embeddings: bool) -> ModelConfig {
    ModelConfig {
        d_model: 32,
        n_layers: 2,
        d_ff: 48,
        max_seq_len: 256,
        tie_embeddings,
        ..ModelConfig::new(vocab_size)
    }
}

/// Sixteen documents of different lengths, and a decoder that can read them.
fn documents(loss_on: LossOn) -> (Decoder<B>, Vec<Document>) {
    let cases = cases(16);
    let tokenizer = tokenizer(&cases);
    let encode = |case| {
        encode_case(&tokenizer, case, loss_on, Sections::CauseSolution, 256).map(|(document, _)| document)
    };
    let documents: Vec<Document> = cases.iter().map(encode).collect::<Result<_, _>>().unwrap();
    let config = model(tokenizer.vocab_size(), true);
    (Decoder::init(&config, 9, &FlexDevice).unwrap(), documents)
}

/// The log-probability of each token of a document given those before it, computed with nothing of this crate.
fn log_probs_alone(decoder: &Decoder<Flex>, ids: &[u32]) -> Vec<f64> {
    let inputs = &ids[..ids.len() - 1];
    let hidden = decoder.forward_packed(inputs, &Documents::new(&[0, inputs.len()]));
    let logits = decoder.logits(hidden);
    let [rows, vocab_size] = logits.dims();
    let values: Vec<f32> = log_softmax(logits, 1).into_data().iter().collect();
    (0..rows).map(|row| f64::from(values[row * vocab_size + ids[row + 1] as usize])).collect()
}

fn assert_close(what: &str, ours: f64, expected: f64) {
    let difference = (ours - expected).abs() / expected.abs();
    assert!(difference < 1e-6, "{what}: {ours} against {expected}, {difference:e} apart");
}

fn weights<T: burn::tensor::backend::Backend>(decoder: &Decoder<T>) -> BTreeMap<String, Vec<f32>> {
    let mut weights = BTreeMap::new();
    for_each_parameter(decoder, |name, _, data| {
        weights.insert(name.to_owned(), data.iter::<f32>().collect());
    });
    weights
}

#[test]
fn the_seed_decides_every_bit() {
    let (first, again) = (Workshop::new(12, &[]), Workshop::new(12, &[]));
    let losses = first.losses();
    assert_eq!(losses.len(), 6);
    assert_eq!(losses, again.losses());
    for file in
        ["best/model.safetensors", "last/model.safetensors", "best/tokenizer.json", "best/gearhead.json"]
    {
        assert!(first.file(file) == again.file(file), "{file} differs between two equal runs");
    }
    let other = Workshop::new(12, &["seed=4"]);
    assert_ne!(losses, other.losses());
    assert!(first.file("best/model.safetensors") != other.file("best/model.safetensors"));
}

#[test]
fn cutting_a_step_into_pieces_changes_nothing() {
    let (decoder, documents) = documents(LossOn::Targets);
    let documents: Vec<&Document> = documents.iter().collect();
    let config = |accumulation| {
        let mut config = TrainConfig::default();
        config.accumulation = accumulation;
        config
    };
    let whole = step_gradients(&decoder, &documents, &config(1));
    assert!(whole.loss.is_finite() && whole.grad_norm > 0.0);
    for pieces in [2, 4, 8] {
        let cut = step_gradients(&decoder, &documents, &config(pieces));
        assert_close(&format!("loss in {pieces} pieces"), cut.loss, whole.loss);
        assert_close(&format!("gradient norm in {pieces} pieces"), cut.grad_norm, whole.grad_norm);
        assert_eq!((cut.target_count, cut.token_count), (whole.target_count, whole.token_count));
    }
}

#[test]
fn accumulation_gives_the_same_training() {
    let whole = Workshop::new(12, &[]).train().1;
    let cut = Workshop::new(12, &["train.accumulation=4"]).train().1;
    assert_eq!(steps(&whole).count(), steps(&cut).count());
    for ((loss, norm), (cut_loss, cut_norm)) in steps(&whole).zip(steps(&cut)) {
        // Rounding of earlier steps is carried on, so this is looser than one step alone.
        assert!((loss - cut_loss).abs() < 1e-3 * loss, "{cut_loss} against {loss}");
        assert!((norm - cut_norm).abs() < 1e-2 * norm, "{cut_norm} against {norm}");
    }
}

#[test]
fn devices_that_share_a_step_give_the_same_training() {
    let overrides = ["train.recompute_every=1", "train.accumulation=2"];
    let alone = Workshop::new(14, &overrides);
    let (summary, events) = alone.train();
    summary.unwrap();
    let alone: Vec<_> = steps(&events).collect();
    for count in [2, 3, 5] {
        let mut shared = Workshop::new(14, &overrides);
        shared.devices = vec![FlexDevice; count];
        let (summary, events) = shared.train();
        summary.unwrap();
        for ((loss, norm), (expected_loss, expected_norm)) in steps(&events).zip(&alone) {
            assert!((loss - expected_loss).abs() < 1e-4 * expected_loss, "{loss}, not {expected_loss}");
            assert!((norm - expected_norm).abs() < 1e-3 * expected_norm, "{norm}, not {expected_norm}");
        }
        assert_eq!(shared.losses(), shared.losses(), "the same each time");
    }
}

#[test]
fn packing_computes_what_documents_compute_alone() {
    for loss_on in [LossOn::Targets, LossOn::Everything] {
        let (decoder, documents) = documents(loss_on);
        let decoder = without_gradients(&decoder);
        let (mut sum, mut targets) = (0.0, 0);
        for document in &documents {
            for (position, log_prob) in (1..).zip(log_probs_alone(&decoder, &document.ids)) {
                if document.is_target[position] {
                    sum -= log_prob;
                    targets += 1;
                }
            }
        }
        let expected = sum / f64::from(targets);
        for batch_size in [1, 5, 16] {
            assert_close("packed loss", mean_loss(&decoder, &documents, batch_size), expected);
        }
    }
}

#[test]
fn only_targets_count_unless_everything_does() {
    let cases = cases(4);
    let tokenizer = tokenizer(&cases);
    let decoder = Decoder::<Flex>::init(&model(tokenizer.vocab_size(), true), 9, &FlexDevice).unwrap();
    for case in &cases {
        let prompt_len = encode_prompt(&tokenizer, case).unwrap().len();
        let loss = |loss_on| {
            let encoded = encode_case(&tokenizer, case, loss_on, Sections::CauseSolution, 256).unwrap().0;
            (mean_loss(&decoder, std::slice::from_ref(&encoded), 1), encoded)
        };
        let (of_targets, document) = loss(LossOn::Targets);
        let (of_everything, _) = loss(LossOn::Everything);
        let log_probs = log_probs_alone(&decoder, &document.ids);
        let mean = |log_probs: &[f64]| -log_probs.iter().sum::<f64>() / log_probs.len() as f64;
        // The first log-probability is that of the second token.
        assert_close("loss on targets", of_targets, mean(&log_probs[prompt_len - 1..]));
        assert_close("loss on everything", of_everything, mean(&log_probs));
        assert!((of_targets - of_everything).abs() > 1e-4, "the two losses must differ to be told apart");
    }
}

#[test]
fn a_handful_of_cases_is_learned_by_heart() {
    let workshop = Workshop::new(4, &["train.epochs=80", "train.learning_rate=2e-2"]);
    let (summary, events) = workshop.train();
    let summary = summary.unwrap();
    let losses: Vec<f64> = steps(&events).map(|(loss, _)| loss).collect();
    assert!(losses[0] > 4.0, "{}", losses[0]);
    let validation_loss = summary.best_validation_loss.unwrap();
    assert!(validation_loss < 0.05, "{validation_loss}");
    assert_eq!(summary.steps, 80);
}

#[test]
fn the_saved_model_is_the_one_that_was_evaluated() {
    let workshop = Workshop::new(6, &[]);
    let summary = workshop.train().0.unwrap();
    assert_eq!(summary.best, workshop.config.output.join("best"));
    let decoder: Decoder<Flex> = ModelDirectory::open(&summary.best).unwrap().decoder(&FlexDevice).unwrap();
    let data = TrainData::load(&workshop.config).unwrap();
    let expected = summary.best_validation_loss.unwrap();
    assert_close("validation loss", mean_loss(&decoder, &data.validation, 4), expected);
}

#[test]
fn the_output_folder_holds_what_it_should_and_nothing_else() {
    let workshop = Workshop::new(6, &["train.eval_every_steps=1"]);
    // The second training takes the place of the first.
    workshop.train().0.unwrap();
    let (_, events) = workshop.train();
    let mut expected = ["best", "last", "config.toml", "metrics.jsonl", "report.html", "tensorboard"]
        .map(str::to_owned)
        .to_vec();
    for model in ["best", "last"] {
        for file in
            ["config.json", "gearhead.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"]
        {
            expected.push(format!("{model}/{file}"));
        }
    }
    expected.push("checkpoints".into());
    for step in 3..=4 {
        expected.push(format!("checkpoints/step-0000000{step}"));
        for file in
            ["config.json", "manifest.json", "model.safetensors", "optimizer.safetensors", "state.json"]
        {
            expected.push(format!("checkpoints/step-0000000{step}/{file}"));
        }
    }
    expected.sort();
    let (event_files, found): (Vec<_>, Vec<_>) = paths(&workshop.config.output)
        .into_iter()
        .partition(|path| path.starts_with("tensorboard/events.out.tfevents."));
    assert_eq!((event_files.len(), found), (1, expected.clone()));
    assert_eq!(paths(workshop.folder.path()).len(), expected.len() + 4, "something stands beside the output");

    let resolved = Config::load(workshop.config.output.join("config.toml"), &[]).unwrap();
    assert_eq!(resolved, workshop.config);

    let metrics = String::from_utf8(workshop.file("metrics.jsonl")).unwrap();
    let lines: Vec<serde_json::Value> =
        metrics.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let told: Vec<_> = events.iter().map(|event| serde_json::to_value(event).unwrap()).collect();
    assert_eq!(lines, told);
    let kinds: Vec<&str> = lines.iter().map(|line| line["event"].as_str().unwrap()).collect();
    let mut expected = vec!["start", "samples"];
    for line in lines.iter().filter(|line| line["event"] == "evaluation") {
        expected.push("step");
        expected.extend((line["is_best"] == true).then_some("samples"));
        expected.extend(["evaluation", "checkpoint"]);
    }
    assert_eq!((expected.iter().filter(|kind| **kind == "step").count(), kinds), (4, expected));
    assert_eq!((lines[0]["steps"].as_u64(), lines[0]["train_cases"].as_u64()), (Some(4), Some(6)));
}

#[test]
fn a_training_says_how_much_it_computed_and_how_fast() {
    let workshop = Workshop::new(6, &["train.eval_every_steps=1"]);
    let (summary, events) = workshop.train();
    let (summary, data) = (summary.unwrap(), TrainData::load(&workshop.config).unwrap());
    let (mut first_tokens, mut told, mut seconds) = (None, Vec::new(), 0.0);
    for event in &events {
        match event {
            Event::Start { peak_flops, .. } => assert!(*peak_flops > 1e6, "{peak_flops}"),
            Event::Step { tokens, flops, step_seconds, .. } => {
                if first_tokens.is_none() {
                    first_tokens = Some(*tokens);
                } else {
                    seconds += step_seconds;
                }
                told.push(*flops);
            }
            _ => {}
        }
    }
    // The first step is also the time of getting going.
    assert_eq!(summary.pace.tokens, summary.tokens - first_tokens.unwrap());
    assert_close("operations", summary.pace.flops, told[1..].iter().sum());
    assert_close("seconds", summary.pace.seconds, seconds);
    // Two epochs of all cases, however they were put in steps.
    let decoder: Decoder<B> = ModelDirectory::open(&summary.best).unwrap().decoder(&FlexDevice).unwrap();
    let flops = ModelFlops::new(decoder.config(), None);
    let all = step_gradients(&decoder, &data.train.iter().collect::<Vec<_>>(), &TrainConfig::default());
    assert_close("operations", told.iter().sum(), 2.0 * flops.of(&all));
}

#[test]
fn samples_are_what_the_saved_model_finds_most_probable() {
    let workshop = Workshop::new(9, &["train.epochs=6", "train.batch_size=3", "train.learning_rate=0.01"]);
    let (summary, events) = workshop.train();
    let best = ModelDirectory::open(summary.unwrap().best).unwrap().decoder::<Flex>(&FlexDevice).unwrap();
    let data = TrainData::load(&workshop.config).unwrap();
    let markers = data.tokenizer.case_markers().unwrap();
    let ids = &data.validation[0].ids;
    let mut ids = ids[..=ids.iter().position(|id| *id == markers.cause).unwrap()].to_vec();
    let prompt_len = ids.len();
    // Without a cache: the whole text again for each token.
    while ids.len() < prompt_len + 64 && ids.len() < best.config().max_seq_len {
        let hidden = best.forward_packed(&ids, &Documents::new(&[0, ids.len()]));
        let logits = best.logits(hidden).into_data().to_vec::<f32>().unwrap();
        let row = &logits[logits.len() - best.config().vocab_size..];
        let next = (0..row.len()).max_by(|a, b| row[*a].total_cmp(&row[*b])).unwrap() as u32;
        if next == markers.eos {
            break;
        }
        ids.push(next);
    }
    let written = |event: &Event| match event {
        Event::Samples { samples, .. } => Some(samples[0].clone()),
        _ => None,
    };
    let samples: Vec<_> = events.iter().filter_map(written).collect();
    let last = samples.last().unwrap();
    let words = |text: &str| {
        let text = ["<cause>", "<solution>", "<step>", "<equipment>", "<symptom>", "<error>", "<pad>"]
            .iter()
            .fold(text.to_owned(), |text, marker| text.replace(marker, ""));
        text.split_whitespace().collect::<String>()
    };
    assert_eq!(words(&last.written), words(&data.tokenizer.decode(&ids[prompt_len..]).unwrap()));
    assert_ne!(samples[0].written, last.written, "the training changed nothing");
    assert!(last.prompt.starts_with("<equipment>") && last.prompt.ends_with("<cause>"), "{}", last.prompt);
    assert!(last.expected.contains("\n<solution> "), "{}", last.expected);
}

#[test]
fn a_loss_that_is_no_number_ends_the_training_and_names_the_step() {
    // With no epsilon, what had no gradient yet becomes 0/0 in the first step and is met in the second.
    let mut workshop = Workshop::new(9, &["model.tie_embeddings=false", "train.batch_size=1"]);
    workshop.config.train.epsilon = 0.0;
    let (error, events) = workshop.train();
    let error = error.unwrap_err();
    assert!(matches!(error, Error::Diverged { step: 2, what: "loss", .. }), "{error:?}");
    assert!(error.to_string().starts_with("the training diverged at step 2: the loss is NaN"), "{error}");
    assert_eq!(steps(&events).count(), 1);
}

#[test]
fn an_epsilon_that_is_zero_in_f32_is_refused() {
    let parse = |epsilon: &str| {
        let text = "output = \"o\"\ntokenizer = \"t\"\n[data]\ntrain = \"a\"\nvalidation = \"b\"";
        Config::parse(text, "c.toml", &[format!("train.epsilon={epsilon}")])
    };
    assert!(parse("1e-30").is_ok());
    let error = parse("1e-60").unwrap_err().to_string();
    assert!(error.starts_with("--set train.epsilon=1e-60: train.epsilon is 0.000"), "{error}");
}

#[test]
fn weights_decay_but_norms_and_embeddings_do_not() {
    let (decoder, documents) = documents(LossOn::Targets);
    let untied = Decoder::<B>::init(&model(decoder.config().vocab_size, false), 9, &FlexDevice).unwrap();
    let documents: Vec<&Document> = documents.iter().collect();
    let rate = 1e-2;
    let stepped = |weight_decay| {
        let mut config = TrainConfig::default();
        config.weight_decay = weight_decay;
        let gradients = step_gradients(&untied, &documents, &config);
        weights(&AdamW::<B>::default().step(untied.clone(), gradients, rate, &config))
    };
    let (before, plain, decayed) = (weights(&untied), stepped(0.0), stepped(0.5));
    for (name, plain) in &plain {
        let (before, decayed) = (&before[name], &decayed[name]);
        assert_ne!(before, plain, "{name} has a gradient, so it must move");
        if name.ends_with("norm.weight") || name.contains("embed_tokens") {
            assert_eq!(plain, decayed, "{name} must not decay");
        } else {
            for ((before, plain), decayed) in before.iter().zip(plain).zip(decayed) {
                let lost = f64::from(*plain) - f64::from(*decayed);
                let expected = rate * 0.5 * f64::from(*before);
                assert!((lost - expected).abs() < 1e-7, "{name}: lost {lost}, expected {expected}");
            }
        }
    }
    // Embeddings of tokens that no document holds have no gradient at all.
    let unused = (0..decoder.config().vocab_size as u32)
        .find(|id| documents.iter().all(|document| !document.ids.contains(id)))
        .unwrap() as usize;
    let row = |weights: &BTreeMap<String, Vec<f32>>| {
        weights["model.embed_tokens.weight"][unused * 32..(unused + 1) * 32].to_vec()
    };
    assert_eq!(row(&before), row(&decayed));
}

#[test]
fn trainings_side_by_side_do_not_disturb_each_other() {
    let (decoder, documents) = documents(LossOn::Targets);
    let documents: Vec<&Document> = documents.iter().collect();
    let alone = step_gradients(&decoder, &documents, &TrainConfig::default()).grad_norm;
    std::thread::scope(|scope| {
        let start = || {
            (0..20)
                .map(|_| step_gradients(&decoder, &documents, &TrainConfig::default()).grad_norm)
                .collect::<Vec<_>>()
        };
        let threads = [(); 3].map(|()| scope.spawn(start));
        for norm in threads.into_iter().flat_map(|thread| thread.join().unwrap()) {
            assert_eq!(norm.to_bits(), alone.to_bits());
        }
    });
}

#[test]
fn moments_in_8_bits_learn_as_those_in_32() {
    let last = |dtype: &str| {
        let dtype = format!("train.optimizer_dtype={dtype}");
        let workshop = Workshop::new(
            12,
            &["train.epochs=20", "model.d_model=64", "model.d_ff=128", "model.n_layers=4", &dtype],
        );
        let losses: Vec<f64> = steps(&workshop.train().1).map(|(loss, _)| loss).collect();
        let file = format!("checkpoints/step-{:08}/optimizer.safetensors", losses.len());
        (losses[losses.len() - 3..].iter().sum::<f64>() / 3.0, workshop.file(&file).len())
    };
    let ((whole, bytes), (few, few_bytes)) = (last("f32"), last("8bit"));
    assert!(whole < 2.5, "{whole}");
    assert!((few - whole).abs() < 0.1 * whole, "{few} against {whole}");
    assert!(
        few_bytes * 2 < bytes,
        "{few_bytes} against {bytes}: only some of so small a model stay in 32 bits"
    );
}
