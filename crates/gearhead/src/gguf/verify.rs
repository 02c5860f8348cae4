//! What a file computes against what its model does. The file is read as any stranger's is.

use std::{collections::BTreeMap, path::Path};

use burn::tensor::activation::log_softmax;
use gearhead_data::knowledge::KnowledgeBase;
use gearhead_device::{Device, Job, run};
use gearhead_infer::{decode::to_vec, sampling::argmax};
use gearhead_kernels::AutodiffKernels;
use gearhead_model::{
    Precision, Predictor,
    gguf::{GgmlType, GgufModel},
};
use serde::Serialize;

use super::{source::Source, tokenizer};
use crate::Result;

/// Tokens whose continuation is compared, in sequences of at most so many.
const SEQUENCE_TOKENS: usize = 128;
const SEQUENCES: usize = 3;

/// Texts that tokenizers stumble over: digits, spaces, marks, letters of other scripts, what looks like a marker.
const TEXTS: [&str; 9] = [
    "SPN 157 FMI 18, P0087; 24.5 V at 1,800 rpm",
    "  two spaces,\ttab\n\n\nlines \r\n end  ",
    "don't it's WE'RE I'll 'tis",
    "½ ² Ⅳ ٣٤ 12345678",
    "Größe, naïve, é (e\u{301}), нефть, 油圧ポンプ, ไฮดรอลิก",
    "🚜 👷‍♀️ \u{a0}non-breaking \u{2003}em",
    "<cause> typed </s> <|im_end|> [INST]",
    "CamelCase snake_case x==y && !z // https://example.org/?q=1",
    "",
];

/// What came of comparing.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Verified {
    /// For each way in which weights are stored, the largest distance of a weight from the directory's, as a share of its size.
    pub weight_errors: BTreeMap<&'static str, f64>,
    /// Texts that the file's tokenizer cuts into other tokens.
    pub texts_that_differ: Vec<String>,
    /// Tokens whose continuation was compared.
    pub tokens: usize,
    /// Divergence of the probabilities of the next token from the directory's, in nats: the mean over the tokens.
    pub mean_kl: f64,
    /// The largest.
    pub largest_kl: f64,
    /// The share of tokens after which both take the same to be most probable.
    pub same_best: f64,
    /// Whether all of it is within what the way of storing allows.
    pub passed: bool,
}

/// The most that a way of storing may cost: the distance of a weight, and the mean divergence.
fn bounds(ggml_type: GgmlType) -> (f64, f64) {
    match ggml_type {
        GgmlType::F32 => (0.0, 1e-6),
        GgmlType::F16 => (1e-3, 1e-3),
        GgmlType::Q8_0 => (0.01, 0.02),
        _ => (0.12, 0.5),
    }
}

/// Compares a file with the model that it was made from, as [`export`](super::export()) takes it: weights, tokens and
/// probabilities.
///
/// # Errors
///
/// One of the two cannot be read, or they are not of one shape.
pub fn verify(model: Option<&Path>, file: &Path, device: &Device) -> Result<Verified> {
    let source = Source::open(model)?;
    let ours = GgufModel::open(file)?;
    let config = ours.config();
    let gguf = ours.contents()?;
    let vocabulary = tokenizer::read(&gguf, config.bos_id, config.eos_ids.first().copied())?;
    let rebuilt = vocabulary.to_tokenizer(file)?;
    let prose = prose();
    let mut texts_that_differ = Vec::new();
    for text in TEXTS.into_iter().chain([prose.as_str()]) {
        if rebuilt.encode(text)? != source.tokenizer.encode(text)? {
            texts_that_differ.push(text.to_owned());
        }
    }
    let ids = source.tokenizer.encode(&prose)?;
    let length = SEQUENCE_TOKENS.min(config.max_seq_len);
    let sequences: Vec<&[u32]> = ids.chunks(length).take(SEQUENCES).collect();
    let divergence = run(device, Compare { source: &source, file: &ours, sequences: &sequences })?;
    let (mut weight_errors, mut allowed_kl, mut is_close) = (BTreeMap::<_, f64>::new(), 0.0_f64, true);
    for difference in ours.differences(&source.model)? {
        let (allowed, kl) = bounds(difference.ggml_type);
        is_close &= difference.relative <= allowed;
        allowed_kl = allowed_kl.max(kl);
        let largest = weight_errors.entry(difference.ggml_type.name()).or_default();
        *largest = largest.max(difference.relative);
    }
    let passed = is_close && texts_that_differ.is_empty() && divergence.mean <= allowed_kl;
    Ok(Verified {
        weight_errors,
        texts_that_differ,
        tokens: divergence.tokens,
        mean_kl: divergence.mean,
        largest_kl: divergence.largest,
        same_best: divergence.same_best,
        passed,
    })
}

/// Sentences of the field.
fn prose() -> String {
    let cards = KnowledgeBase::builtin().cards().iter();
    let sentences: Vec<&str> =
        cards.filter_map(|card| card.explanation.first()).map(String::as_str).collect();
    sentences.join(" ")
}

/// How far probabilities are apart.
struct Divergence {
    tokens: usize,
    mean: f64,
    largest: f64,
    same_best: f64,
}

struct Compare<'a> {
    source: &'a Source,
    file: &'a GgufModel,
    sequences: &'a [&'a [u32]],
}

impl Job for Compare<'_> {
    type Output = Result<Divergence>;

    fn run<B: AutodiffKernels>(self, device: &B::Device) -> Result<Divergence> {
        let vocab_size = self.file.config().vocab_size;
        let log_probs = |predictor: &Predictor<B>| -> Vec<Vec<f32>> {
            let of_sequence = |ids: &&[u32]| {
                let hidden = predictor.forward(&[(0, ids)], &mut predictor.cache(1, ids.len()));
                to_vec(log_softmax(predictor.logits(hidden), 1))
            };
            self.sequences.iter().map(of_sequence).collect()
        };
        // One after the other: only one of them is in memory.
        let expected = log_probs(&self.source.model.predictor(Precision::default(), device)?);
        let found = log_probs(&self.file.predictor(Precision::default(), device)?);
        let rows = |all: &[Vec<f32>]| -> Vec<Vec<f32>> {
            all.iter().flat_map(|rows| rows.chunks(vocab_size).map(<[f32]>::to_vec)).collect()
        };
        let (expected, found) = (rows(&expected), rows(&found));
        let divergences: Vec<f64> =
            expected.iter().zip(&found).map(|(ours, theirs)| kl(ours, theirs)).collect();
        let same =
            expected.iter().zip(&found).filter(|(ours, theirs)| argmax(ours) == argmax(theirs)).count();
        let tokens = divergences.len();
        Ok(Divergence {
            tokens,
            mean: divergences.iter().sum::<f64>() / tokens.max(1) as f64,
            largest: divergences.iter().copied().fold(0.0, f64::max),
            same_best: same as f64 / tokens.max(1) as f64,
        })
    }
}

/// Kullback-Leibler divergence of `theirs` from `ours`, both natural logarithms of probabilities.
fn kl(ours: &[f32], theirs: &[f32]) -> f64 {
    let part =
        |(ours, theirs): (&f32, &f32)| f64::from(*ours).exp() * (f64::from(*ours) - f64::from(*theirs));
    ours.iter().zip(theirs).map(part).sum::<f64>().max(0.0)
}
