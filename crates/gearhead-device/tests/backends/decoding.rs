//! Texts with a cache: the ids of transformers, those of the same model without a cache, and log-probabilities in few bits.

use burn::{
    backend::{Flex, flex::FlexDevice},
    tensor::DType,
};
use gearhead_device::{Job, run};
use gearhead_infer::{
    decode::{generate, generate_many, log_probs, to_vec},
    sampling::{Sampling, argmax},
};
use gearhead_kernels::{AutodiffKernels, Documents, Kernels};
use gearhead_model::{CacheDtype, Decoder, ModelConfig, ModelDirectory, Precision, Predictor, WeightDtype};
use libtest_mimic::{Failed, Trial};
use serde::Deserialize;

use crate::{
    devices::Tested,
    fixtures,
    tolerances::{Quantity, tolerance},
    training::close,
};

#[derive(Deserialize)]
struct Expected {
    ids: Vec<Vec<u32>>,
    logits: Vec<Vec<Vec<f64>>>,
    trained_sequence: usize,
    greedy_ids: Vec<u32>,
}

pub(crate) fn trials(tested: &Tested) -> Vec<Trial> {
    let mut trials: Vec<Trial> = fixtures::MODELS
        .into_iter()
        .map(|model| {
            tested.trial(format!("decoding::{model}"), move |tested| {
                let expected = fixtures::read(&format!("transformers/{model}/expected.json"));
                run(&tested.device, AsTransformers { model, expected: &expected })
            })
        })
        .collect();
    trials.push(
        tested.trial("decoding::texts together are those of each alone", |tested| {
            run(&tested.device, Together)
        }),
    );
    for cache in [CacheDtype::F32, CacheDtype::F16, CacheDtype::Q8] {
        for weights in WEIGHTS {
            let precision = Precision { weights, cache };
            let name = format!("weights {weights}, cache {cache}");
            trials.push(if stores(tested, precision) {
                tested.trial(format!("decoding::{name}"), move |tested| in_few_bits(precision, tested))
            } else {
                tested.trial(format!("decoding::{name} is refused"), move |tested| refused(precision, tested))
            });
        }
    }
    trials
}

const WEIGHTS: [WeightDtype; 5] =
    [WeightDtype::F32, WeightDtype::F16, WeightDtype::Bf16, WeightDtype::Q8_0, WeightDtype::Q4_0];

/// Whether the device holds the types of a precision.
fn stores(tested: &Tested, Precision { weights, cache }: Precision) -> bool {
    let is_in_few_bits = matches!(weights, WeightDtype::Q8_0 | WeightDtype::Q4_0);
    let weights = match weights {
        WeightDtype::F16 => DType::F16,
        WeightDtype::Bf16 => DType::BF16,
        WeightDtype::F32 | WeightDtype::Q8_0 | WeightDtype::Q4_0 => DType::F32,
    };
    if is_in_few_bits && !tested.holds_few_bits {
        return false;
    }
    [weights, cache.into()].iter().all(|dtype| *dtype == DType::F32 || tested.stores.contains(dtype))
}

fn refused(precision: Precision, tested: &Tested) -> Result<(), Failed> {
    match run(&tested.device, LogProbs { precision }) {
        Err(gearhead_model::Error::NotStored { .. }) => Ok(()),
        other => Err(format!("{other:?}").into()),
    }
}

fn in_few_bits(precision: Precision, tested: &Tested) -> Result<(), Failed> {
    let ours = run(&tested.device, LogProbs { precision })?;
    let expected = log_probs_of::<Flex>(precision, &FlexDevice)?;
    let allowed = tolerance(Quantity::LogProbInFewBits, DType::F32);
    ours.iter().zip(&expected).enumerate().try_for_each(|(place, (ours, expected))| {
        close(&format!("the log-probability of token {}", place + 1), *ours, *expected, allowed)
    })
}

/// Logits of a prompt, and what greedy decoding adds to it, with and without a cache.
struct AsTransformers<'a> {
    model: &'a str,
    expected: &'a Expected,
}

impl Job for AsTransformers<'_> {
    type Output = Result<(), Failed>;

    fn run<B: AutodiffKernels>(self, device: &B::Device) -> Self::Output {
        let Self { model, expected: Expected { ids, logits, trained_sequence, greedy_ids } } = self;
        let decoder: Decoder<B::InnerBackend> =
            ModelDirectory::open(fixtures::model(model))?.decoder(device)?;
        let predictor = Predictor::new(&decoder, Precision::default())?;
        let allowed = tolerance(Quantity::Logit, DType::F32);
        for (ids, expected) in ids.iter().zip(logits) {
            let hidden = predictor.forward(&[(0, ids)], &mut predictor.cache(1, ids.len()));
            let ours = to_vec(predictor.logits(hidden));
            for (index, (ours, expected)) in ours.iter().zip(expected.iter().flatten()).enumerate() {
                close(&format!("logit {index}"), f64::from(*ours), *expected, allowed)?;
            }
        }
        let prompt = &ids[*trained_sequence];
        let mut uncached = prompt.clone();
        for _ in greedy_ids {
            uncached.push(next_uncached(&decoder, &uncached));
        }
        same_ids("without a cache", &uncached[prompt.len()..], greedy_ids)?;
        // The fixture goes on past the end of a text.
        let end = greedy_ids.iter().position(|id| decoder.config().eos_ids.contains(id));
        let greedy_ids = &greedy_ids[..end.unwrap_or(greedy_ids.len())];
        let cached = generate(&predictor, prompt, greedy_ids.len(), &Sampling::greedy(), &mut |_| {})?;
        same_ids("with a cache", &cached.ids, greedy_ids)
    }
}

fn next_uncached<B: Kernels>(decoder: &Decoder<B>, ids: &[u32]) -> u32 {
    let hidden = decoder.forward_packed(ids, &Documents::new(&[0, ids.len()]));
    let logits = to_vec(decoder.logits(hidden));
    argmax(&logits[logits.len() - decoder.config().vocab_size..])
}

fn same_ids(how: &str, ours: &[u32], expected: &[u32]) -> Result<(), Failed> {
    if ours == expected { Ok(()) } else { Err(format!("{how} it writes {ours:?}, not {expected:?}").into()) }
}

/// Texts that are written beside each other, all with the same beginning, which is read once.
struct Together;

impl Job for Together {
    type Output = Result<(), Failed>;

    fn run<B: AutodiffKernels>(self, device: &B::Device) -> Self::Output {
        let predictor = predictor::<B::InnerBackend>(Precision::default(), device)?;
        let common: Vec<u32> = (3..40).collect();
        let prompts: Vec<Vec<u32>> = (1..6)
            .map(|len| common.iter().copied().chain((0..len).map(|place| 41 + 3 * place)).collect())
            .collect();
        let texts = generate_many(&predictor, &prompts, 20, &Sampling::greedy(), 3, &mut |_, _| {})?;
        for (prompt, text) in prompts.iter().zip(texts) {
            let alone = generate(&predictor, prompt, 20, &Sampling::greedy(), &mut |_| {})?;
            same_ids("beside others", &text?.ids, &alone.ids)?;
        }
        Ok(())
    }
}

/// The log-probabilities of a text's tokens.
struct LogProbs {
    precision: Precision,
}

impl Job for LogProbs {
    type Output = Result<Vec<f64>, gearhead_model::Error>;

    fn run<B: AutodiffKernels>(self, device: &B::Device) -> Self::Output {
        log_probs_of::<B::InnerBackend>(self.precision, device)
    }
}

fn log_probs_of<B: Kernels>(
    precision: Precision,
    device: &B::Device,
) -> Result<Vec<f64>, gearhead_model::Error> {
    let ids: Vec<u32> = (0..90).map(|place| (7 * place + place * place / 3) % 97 + 2).collect();
    let predictor = predictor::<B>(precision, device)?;
    Ok(log_probs(&predictor, &ids).unwrap().into_iter().flatten().map(f64::from).collect())
}

/// A model whose rows are whole groups of few bits.
fn predictor<B: Kernels>(
    precision: Precision,
    device: &B::Device,
) -> Result<Predictor<B>, gearhead_model::Error> {
    let config = ModelConfig {
        d_model: 96,
        n_layers: 3,
        n_heads: 6,
        n_kv_heads: 2,
        d_ff: 160,
        max_seq_len: 128,
        ..ModelConfig::new(100)
    };
    Predictor::new(&Decoder::init(&config, 5, device)?, precision)
}
