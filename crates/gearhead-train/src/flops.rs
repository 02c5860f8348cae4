//! How much a step computes, and how much of what a device can do that is.

use burn::tensor::DType;
use gearhead_kernels::{Kernels, product_speed};
use gearhead_model::{LoraConfig, ModelConfig, lora::Target};
use serde::Serialize;

use crate::{gradients::StepGradients, precision::ActivationDtype, report::flop_rate};

/// Floating-point operations that a model's training asks for: those of its matrix products, a multiplication and an
/// addition for each weight that a token meets. What is computed again to save memory does not count, nor what is no
/// product of matrices.
///
/// # Source
///
/// Chowdhery et al., *PaLM: Scaling Language Modeling with Pathways*, 2022, appendix B, with two differences: attention
/// counts for the pairs of tokens that see each other, and the output layer for the tokens whose prediction counts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ModelFlops {
    token: f64,
    pair: f64,
    target: f64,
}

impl ModelFlops {
    /// Of a step on a model of this shape, or on adapters for it: where weights stay, only the gradients of what they were
    /// given are computed.
    pub fn new(config: &ModelConfig, lora: Option<&LoraConfig>) -> Self {
        let (layers, d_model) = (config.n_layers as f64, config.d_model as f64);
        let q_dim = config.heads().q_dim() as f64;
        // The forward pass, gradients of inputs and of weights.
        let passes = if lora.is_some() { 2.0 } else { 3.0 };
        let of_layer = |(target, [outputs, inputs]): (Target, [usize; 2])| {
            let weights = passes * (outputs * inputs) as f64;
            let adapter = lora.filter(|lora| lora.targets.contains(&target));
            weights + adapter.map_or(0.0, |lora| 3.0 * (lora.rank * (outputs + inputs)) as f64)
        };
        Self {
            token: 2.0 * layers * Target::shapes(config).into_iter().map(of_layer).sum::<f64>(),
            // Scores, and values weighted by them; the backward pass has twice as many products.
            pair: layers * 3.0 * 2.0 * (2.0 * q_dim),
            target: 2.0 * passes * d_model * config.vocab_size as f64,
        }
    }

    /// Of one step.
    pub fn of(&self, gradients: &StepGradients) -> f64 {
        self.token * gradients.token_count as f64
            + self.pair * gradients.pair_count as f64
            + self.target * gradients.target_count as f64
    }
}

/// How fast some steps were.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
#[non_exhaustive]
pub struct Pace {
    /// Input tokens.
    pub tokens: usize,
    /// Floating-point operations, as [`ModelFlops`] counts them.
    pub flops: f64,
    /// What they took.
    pub seconds: f64,
}

impl Pace {
    /// One more step.
    pub fn add(&mut self, tokens: usize, flops: f64, seconds: f64) {
        self.tokens += tokens;
        self.flops += flops;
        self.seconds += seconds;
    }

    /// Tokens and operations a second, and these as a share of `peak_flops`: the model FLOPs utilisation.
    pub fn in_words(&self, peak_flops: f64) -> String {
        let seconds = self.seconds.max(1e-9);
        let flops = self.flops / seconds;
        format!(
            "{:.0} tokens/s, {}, {:.0} % of the device's best",
            self.tokens as f64 / seconds,
            flop_rate(flops),
            100.0 * flops / peak_flops
        )
    }
}

/// The most floating-point operations a second that a device was seen to do in a product of two matrices, of the type of
/// the activations or in f32, where that is faster. It is measured, so it is less than what its maker says.
pub(crate) fn peak<B: Kernels>(device: &B::Device, precision: ActivationDtype) -> f64 {
    let in_f32 = product_speed::<B>(device, DType::F32);
    match precision {
        ActivationDtype::F32 => in_f32,
        narrow => in_f32.max(product_speed::<B>(device, narrow.dtype())),
    }
}

#[cfg(test)]
mod tests {
    use burn::optim::GradientsParams;

    use super::*;

    #[test]
    fn a_pace_says_what_share_of_the_best_it_is() {
        let mut pace = Pace::default();
        pace.add(1000, 9e11, 4.0);
        pace.add(500, 3e11, 1.0);
        assert_eq!(pace.in_words(3.2e11), "300 tokens/s, 240 GFLOP/s, 75 % of the device's best");
    }

    fn step(token_count: usize, pair_count: usize, target_count: usize) -> StepGradients {
        let grads = GradientsParams::new();
        StepGradients { loss: 1.0, grad_norm: 1.0, target_count, token_count, pair_count, grads, scale: 1.0 }
    }

    /// By hand: two layers of 8 features, 2 heads of 4 for queries and 1 for keys and values, 16 features inside.
    #[test]
    fn operations_are_those_of_the_matrix_products() {
        let config = ModelConfig {
            d_model: 8,
            n_layers: 2,
            n_heads: 2,
            n_kv_heads: 1,
            d_ff: 16,
            ..ModelConfig::new(100)
        };
        let weights = 8 * 8 + 2 * 4 * 8 + 8 * 8 + 3 * 8 * 16;
        let whole = ModelFlops::new(&config, None);
        assert_eq!(whole.of(&step(1, 0, 0)) as u64, 6 * 2 * weights);
        assert_eq!(whole.of(&step(0, 1, 0)) as u64, 2 * 12 * 8);
        assert_eq!(whole.of(&step(0, 0, 1)) as u64, 6 * 800);
        let lora =
            LoraConfig { rank: 3, targets: vec![Target::QProj, Target::DownProj], ..LoraConfig::default() };
        let adapters = 3 * (8 + 8) + 3 * (8 + 16);
        let with_adapters = ModelFlops::new(&config, Some(&lora));
        assert_eq!(with_adapters.of(&step(1, 0, 0)) as u64, 2 * (4 * weights + 6 * adapters));
        assert_eq!(with_adapters.of(&step(0, 0, 1)) as u64, 4 * 800);
    }
}
