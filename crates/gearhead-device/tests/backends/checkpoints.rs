//! A training that begins on one device and goes on on another: its losses are those of one that stayed.

use std::{
    path::PathBuf,
    sync::atomic::{AtomicBool, Ordering},
};

use burn::{
    backend::{Autodiff, Flex, flex::FlexDevice},
    tensor::DType,
};
use gearhead_data::{
    case::{Case, write_cases},
    prompt::texts,
    tokenizer::Tokenizer,
};
use gearhead_device::{Device, Job, run};
use gearhead_kernels::AutodiffKernels;
use gearhead_train::{Config, Control, Event, Start, data::TrainData, train};
use libtest_mimic::{Failed, Trial};
use tempfile::TempDir;

use crate::{
    devices::{PRECISIONS, Tested},
    tolerances::{Quantity, tolerance},
    training::close,
};

/// After which step a training moves.
const MOVE: usize = 3;

pub(crate) fn trials(tested: &Tested) -> Vec<Trial> {
    let mut trials =
        vec![tested.trial("checkpoints::there and back", |tested| there_and_back(IN_F32, tested))];
    trials.push(if tested.holds_few_bits && tested.stores.contains(&DType::U8) {
        tested.trial("checkpoints::there and back, moments in 8 bits", |tested| {
            there_and_back(IN_8_BITS, tested)
        })
    } else {
        tested.trial("checkpoints::moments in 8 bits are refused", |tested| {
            let refused =
                Workshop::new(IN_8_BITS).train(Place::Device(&tested.device), Start::New, usize::MAX);
            match refused {
                Err(gearhead_train::Error::Model(gearhead_model::Error::NotStored { .. })) => Ok(()),
                other => Err(format!("{other:?}").into()),
            }
        })
    });
    for precision in PRECISIONS.iter().filter(|precision| !tested.computes.contains(precision)) {
        let name = precision.name();
        trials.push(tested.trial(format!("checkpoints::activations in {name} are refused"), move |tested| {
            let workshop = Workshop::new(&format!("train.precision={name}"));
            match workshop.train(Place::Device(&tested.device), Start::New, usize::MAX) {
                Err(gearhead_train::Error::Model(gearhead_model::Error::NotComputed { .. })) => Ok(()),
                other => Err(format!("{other:?}").into()),
            }
        }));
    }
    trials
}

const IN_F32: &str = "train.optimizer_dtype=f32";
const IN_8_BITS: &str = "train.optimizer_dtype=8bit";

/// A training that moves from the CPU to the device and back, with an override of its configuration.
fn there_and_back(option: &str, tested: &Tested) -> Result<(), Failed> {
    let stayed = Workshop::new(option);
    let expected = stayed.train(Place::Reference, Start::New, usize::MAX)?;
    let moved = Workshop::new(option);
    let mut losses = moved.train(Place::Reference, Start::New, MOVE)?;
    losses.extend(moved.train(Place::Device(&tested.device), Start::Resume, 2 * MOVE)?);
    losses.extend(moved.train(Place::Reference, Start::Resume, usize::MAX)?);
    if losses.len() != expected.len() {
        return Err(format!("{} steps, not {}", losses.len(), expected.len()).into());
    }
    let allowed = tolerance(Quantity::LossAfterMove, DType::F32);
    losses.iter().zip(&expected).enumerate().try_for_each(|(step, (ours, expected))| {
        close(&format!("the loss of step {}", step + 1), *ours, *expected, allowed * expected)
    })
}

/// Where a part of a training is computed.
#[derive(Clone, Copy)]
enum Place<'a> {
    Reference,
    Device(&'a Device),
}

/// A folder with cases, a tokenizer, and a configuration that reads them.
struct Workshop {
    config: Config,
    _folder: TempDir,
}

impl Workshop {
    fn new(option: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let cases = cases();
        write_cases(folder.path().join("cases.jsonl"), &cases).unwrap();
        let tokenizer = Tokenizer::train(cases.iter().flat_map(texts).collect::<Vec<_>>().iter(), 300, 2);
        tokenizer.unwrap().save(folder.path().join("tokenizer.json")).unwrap();
        // Large enough for moments in 8 bits.
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
            d_ff = 128
            max_seq_len = 256
            [train]
            epochs = 3
            batch_size = 4
            learning_rate = 1e-2
            warmup_steps = 2
        "#;
        let mut config = Config::parse(text, "tiny.toml", &[option.to_owned()]).unwrap();
        let here = |path: &mut PathBuf| *path = folder.path().join(&path);
        here(&mut config.output);
        let data = &mut config.data;
        for path in [&mut config.tokenizer, &mut data.train, &mut data.validation].into_iter().flatten() {
            here(path);
        }
        Self { config, _folder: folder }
    }

    /// Trains until so many steps are done, and returns the losses of those that it took.
    fn train(&self, place: Place<'_>, start: Start, until: usize) -> Result<Vec<f64>, gearhead_train::Error> {
        let part = Part { config: &self.config, start, until };
        match place {
            Place::Reference => part.run::<Autodiff<Flex>>(&FlexDevice),
            Place::Device(device) => run(device, part),
        }
    }
}

struct Part<'a> {
    config: &'a Config,
    start: Start,
    until: usize,
}

impl Job for Part<'_> {
    type Output = Result<Vec<f64>, gearhead_train::Error>;

    fn run<B: AutodiffKernels>(self, device: &B::Device) -> Self::Output {
        let data = TrainData::load(self.config)?;
        let (mut losses, stop) = (Vec::new(), AtomicBool::new(false));
        let control = Control { start: self.start, stop: Some(&stop), ..Control::default() };
        train::<B>(self.config, &data, control, std::slice::from_ref(device), &mut |event| {
            if let Event::Step { step, loss, .. } = event {
                losses.push(*loss);
                stop.store(*step == self.until, Ordering::Relaxed);
            }
        })?;
        Ok(losses)
    }
}

/// Cases of which no two have the same length.
fn cases() -> Vec<Case> {
    let faults = [
        ("loses power under load", "Restricted fuel filter. It is worn.", "Replace the fuel filter."),
        ("cranks slowly", "Weak battery. It is old.", "Charge or replace the battery."),
        ("overheats on a slope", "Clogged radiator. It is dirty.", "Clean the radiator core."),
    ];
    (0..12)
        .map(|number| {
            let (symptom, cause, solution) = faults[number % faults.len()];
            let mut case = Case::new("CAT 320 excavator", format!("{symptom}{}", " again".repeat(number)));
            case.probable_cause = Some(cause.to_owned());
            case.solution = Some(solution.to_owned());
            case
        })
        .collect()
}
