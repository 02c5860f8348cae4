//! Adapters that are trained: twenty steps against PEFT, and beside weights in fewer bits against the CPU.

use std::{collections::BTreeMap, path::PathBuf};

use burn::{
    backend::{Autodiff, Flex, flex::FlexDevice},
    tensor::DType,
};
use gearhead_device::{Job, run};
use gearhead_kernels::FrozenDtype;
use gearhead_model::{Decoder, Dtype, LoraConfig, ModelConfig, directory};
use gearhead_train::config::TrainConfig;
use libtest_mimic::{Failed, Trial};
use serde::Deserialize;
use tempfile::TempDir;

use crate::{
    devices::Tested,
    fixtures,
    tolerances::{Quantity, tolerance},
    training::{Trained, Training, TwentySteps, allowed_in_f32, close, compare},
};

#[derive(Deserialize)]
struct Expected {
    config: TrainConfig,
    adapters: BTreeMap<String, Adapters>,
}

#[derive(Deserialize)]
struct Adapters {
    max_grad_norm: f64,
    training: Training,
}

pub(crate) fn trials(tested: &Tested) -> Vec<Trial> {
    let as_peft = |name: &'static str, recompute_every| {
        tested.trial(format!("lora::{name} as PEFT trains it"), move |tested| {
            let (config, training) = expected(name, recompute_every);
            let path = adapters(name);
            let trained = Trained::Adapters(&path, FrozenDtype::F32);
            let taken = run(&tested.device, TwentySteps { trained, config: &config, training: &training })?;
            compare(&taken, &training, &allowed_in_f32())
        })
    };
    let mut trials = vec![as_peft("lora", 0), as_peft("rslora_some", 0), as_peft("dora", 1)];
    for (name, dtype, stored) in [
        ("f16", FrozenDtype::F16, DType::F16),
        ("bf16", FrozenDtype::Bf16, DType::BF16),
        // Packed into whole words, which every device holds.
        ("8 bits", FrozenDtype::Bits8, DType::F32),
    ] {
        let is_held = dtype != FrozenDtype::Bits8 || tested.holds_few_bits;
        trials.push(if is_held && tested.stores.contains(&stored) {
            tested.trial(format!("lora::DoRA beside weights in {name}"), move |tested| beside(dtype, tested))
        } else {
            tested.trial(format!("lora::weights in {name} are refused"), move |tested| {
                match Narrow::new(dtype).train(|steps| run(&tested.device, steps)) {
                    Err(gearhead_model::Error::NotStored { .. }) => Ok(()),
                    other => Err(format!("{other:?}").into()),
                }
            })
        });
    }
    trials
}

fn adapters(name: &str) -> PathBuf {
    fixtures::folder().join("peft").join(name)
}

/// What PEFT did with adapters of the fixture, parameters by our names.
fn expected(name: &str, recompute_every: usize) -> (TrainConfig, Training) {
    let Expected { mut config, mut adapters } = fixtures::read("training/adapters.json");
    let Adapters { max_grad_norm, training } = adapters.remove(name).expect("the fixture has the adapters");
    let ours = |name: &str| {
        let name = name.trim_start_matches("base_model.model.");
        name.replace(".lora_A.weight", ".adapter.lora_a")
            .replace(".lora_B.weight", ".adapter.lora_b")
            .replace(".lora_magnitude_vector", ".adapter.magnitude")
    };
    (config.max_grad_norm, config.recompute_every) = (max_grad_norm, recompute_every);
    (config, training.renamed(ours))
}

fn beside(dtype: FrozenDtype, tested: &Tested) -> Result<(), Failed> {
    let narrow = Narrow::new(dtype);
    let expected = narrow.train(|steps| steps.run::<Autodiff<Flex>>(&FlexDevice))?;
    let ours = narrow.train(|steps| run(&tested.device, steps))?;
    let allowed = tolerance(Quantity::LossBesideFewBits, DType::F32);
    ours.iter().zip(&expected).enumerate().try_for_each(|(step, (ours, expected))| {
        close(&format!("the loss before step {}", step + 1), *ours, *expected, allowed)
    })
}

/// New adapters for a model whose weights are stored in fewer bits and whose rows are whole groups of 8.
struct Narrow {
    folder: TempDir,
    lora: LoraConfig,
}

impl Narrow {
    fn new(base_dtype: FrozenDtype) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = ModelConfig {
            d_model: 64,
            n_layers: 2,
            n_heads: 4,
            n_kv_heads: 2,
            d_ff: 96,
            ..ModelConfig::new(97)
        };
        let decoder = Decoder::<Flex>::init(&config, 5, &FlexDevice).unwrap();
        directory::save(&decoder, &config, Dtype::F32, &[], folder.path().join("model")).unwrap();
        Self { folder, lora: LoraConfig { dora: true, base_dtype, ..LoraConfig::default() } }
    }

    /// The losses of the steps of a fixture, wherever they are taken.
    fn train(
        &self,
        taken: impl FnOnce(TwentySteps<'_>) -> <TwentySteps<'_> as Job>::Output,
    ) -> Result<Vec<f64>, gearhead_model::Error> {
        let (config, training) = expected("lora", 0);
        let model = self.folder.path().join("model");
        let trained = Trained::NewAdapters(&model, &self.lora);
        Ok(taken(TwentySteps { trained, config: &config, training: &training })?.losses)
    }
}
