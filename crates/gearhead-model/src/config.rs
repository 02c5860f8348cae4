//! The shape of a model.

use std::f64::consts::TAU;

use gearhead_kernels::{Heads, quantized::GROUP};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// Which decoder a model is, by what its attention adds to that of plain Llama.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// Llama 2 and 3, and all that took their architecture.
    Llama {
        /// Whether queries, keys, values and the output have biases.
        attention_bias: bool,
    },
    /// Nothing: within its window of attention it is Llama.
    Mistral,
    /// Queries, keys and values have biases, the output has none.
    Qwen2,
    /// Queries and keys are normalised head by head before they are turned.
    Qwen3 {
        /// Whether queries, keys, values and the output have biases.
        attention_bias: bool,
    },
}

impl Default for Family {
    fn default() -> Self {
        Self::Llama { attention_bias: false }
    }
}

impl Family {
    /// Whether queries, keys and values have biases.
    pub fn has_qkv_bias(self) -> bool {
        self == Self::Qwen2 || self.has_output_bias()
    }

    /// Whether the output of attention has a bias.
    pub fn has_output_bias(self) -> bool {
        matches!(self, Self::Llama { attention_bias: true } | Self::Qwen3 { attention_bias: true })
    }

    /// Whether queries and keys are normalised head by head.
    pub fn has_qk_norm(self) -> bool {
        matches!(self, Self::Qwen3 { .. })
    }
}

/// How rotary frequencies are lowered for texts longer than the model first saw.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum RopeScaling {
    /// All by one factor.
    Linear {
        /// What frequencies are divided by.
        factor: f64,
    },
    /// As Llama 3.1: the low ones by a factor, the high ones not at all, those between by something between.
    Llama3 {
        /// What low frequencies are divided by.
        factor: f64,
        /// A frequency is low where it turns less often than this in the original length.
        low_freq_factor: f64,
        /// A frequency is high where it turns more often than this in the original length.
        high_freq_factor: f64,
        /// The longest sequence that the model first saw.
        original_max_seq_len: usize,
    },
}

impl RopeScaling {
    /// The frequency that takes the place of one, in radians a token.
    ///
    /// # Source
    ///
    /// Chen et al., *Extending Context Window of Large Language Models via Positional Interpolation*, 2023, equation 4;
    /// for `Llama3` transformers, `modeling_rope_utils.py`, `_compute_llama3_parameters`.
    fn scaled(self, frequency: f64) -> f64 {
        match self {
            Self::Linear { factor } => frequency / factor,
            Self::Llama3 { factor, low_freq_factor, high_freq_factor, original_max_seq_len } => {
                let turns = original_max_seq_len as f64 * frequency / TAU;
                let kept = (turns - low_freq_factor) / (high_freq_factor - low_freq_factor);
                let kept = kept.clamp(0.0, 1.0);
                frequency * (kept + (1.0 - kept) / factor)
            }
        }
    }

    /// Its numbers by the names of their fields.
    fn numbers(self) -> Vec<(&'static str, f64)> {
        match self {
            Self::Linear { factor } => vec![("rope_scaling.factor", factor)],
            Self::Llama3 { factor, low_freq_factor, high_freq_factor, original_max_seq_len } => vec![
                ("rope_scaling.factor", factor),
                ("rope_scaling.low_freq_factor", low_freq_factor),
                ("rope_scaling.high_freq_factor", high_freq_factor),
                ("rope_scaling.original_max_seq_len", original_max_seq_len as f64),
            ],
        }
    }
}

/// The shape of a decoder of the Llama, Mistral and Qwen families.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ModelConfig {
    /// Token ids are below this. It comes from the tokenizer or from `config.json`, never from a training's configuration.
    #[serde(skip)]
    pub vocab_size: usize,
    /// Features of the residual stream.
    pub d_model: usize,
    /// Layers.
    pub n_layers: usize,
    /// Query heads.
    pub n_heads: usize,
    /// Key and value heads; divides `n_heads`.
    pub n_kv_heads: usize,
    /// Features of a head; `d_model / n_heads` where it is not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub d_head: Option<usize>,
    /// Features inside the feed-forward layer.
    pub d_ff: usize,
    /// The longest sequence: what the model was made for, or its window of attention where that is shorter. Within its
    /// window, sliding attention is full attention.
    pub max_seq_len: usize,
    /// Base of the rotary frequencies.
    pub rope_theta: f64,
    /// Added to the mean square in RMSNorm.
    pub rms_norm_eps: f64,
    /// Whether the output layer is the embedding.
    pub tie_embeddings: bool,
    /// Id of the token that begins a text, if the model has one.
    #[serde(skip)]
    pub bos_id: Option<u32>,
    /// Ids of the tokens that end a text.
    #[serde(skip)]
    pub eos_ids: Vec<u32>,
    /// What attention has beside Llama's. It comes from `config.json`; a model trained from nothing is a plain Llama.
    #[serde(skip)]
    pub family: Family,
    /// How rotary frequencies are lowered; from `config.json`.
    #[serde(skip)]
    pub rope_scaling: Option<RopeScaling>,
}

impl Default for ModelConfig {
    fn default() -> Self {
        Self::new(2048)
    }
}

impl ModelConfig {
    /// A small model of the given vocabulary; change what should differ.
    pub fn new(vocab_size: usize) -> Self {
        Self {
            vocab_size,
            d_model: 256,
            n_layers: 4,
            n_heads: 4,
            n_kv_heads: 2,
            d_head: None,
            d_ff: 704,
            max_seq_len: 512,
            rope_theta: 10_000.0,
            rms_norm_eps: 1e-5,
            tie_embeddings: true,
            bos_id: None,
            eos_ids: Vec::new(),
            family: Family::default(),
            rope_scaling: None,
        }
    }

    /// How the heads of a layer are laid out.
    pub fn heads(&self) -> Heads {
        Heads { n_heads: self.n_heads, n_kv_heads: self.n_kv_heads, d_head: self.d_head() }
    }

    /// Features of a head.
    pub fn d_head(&self) -> usize {
        self.d_head.unwrap_or(self.d_model / self.n_heads.max(1))
    }

    /// The first size that is not whole groups of the quantised formats, if there is one.
    pub(crate) fn not_in_groups(&self) -> Option<(&'static str, usize)> {
        let q_dim = self.n_heads * self.d_head();
        let sizes = [("d_model", self.d_model), ("d_ff", self.d_ff), ("n_heads * d_head", q_dim)];
        sizes.into_iter().find(|(_, value)| !value.is_multiple_of(GROUP))
    }

    /// Numbers that are learned.
    pub fn parameter_count(&self) -> usize {
        let (d, head) = (self.d_model, self.d_head());
        let (q_dim, kv_dim) = (self.n_heads * head, self.n_kv_heads * head);
        let qkv_bias = if self.family.has_qkv_bias() { q_dim + 2 * kv_dim } else { 0 };
        let output_bias = if self.family.has_output_bias() { d } else { 0 };
        let norms = 2 * d + if self.family.has_qk_norm() { 2 * head } else { 0 };
        let layer = 2 * d * (q_dim + kv_dim) + qkv_bias + output_bias + 3 * d * self.d_ff + norms;
        let embeddings = self.vocab_size * d * if self.tie_embeddings { 1 } else { 2 };
        embeddings + self.n_layers * layer + d
    }

    /// Inverse frequencies of the rotary embedding, one for each feature pair of a head.
    pub fn inverse_frequencies(&self) -> Vec<f32> {
        let d_head = self.d_head();
        let of_pair = |pair| {
            let frequency = self.rope_theta.powf(-((2 * pair) as f64) / d_head as f64);
            self.rope_scaling.map_or(frequency, |scaling| scaling.scaled(frequency)) as f32
        };
        (0..d_head / 2).map(of_pair).collect()
    }

    /// Checks that the sizes fit each other.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] names the field.
    pub fn validate(&self) -> Result<()> {
        let fault =
            |field, value, reason: &str| Err(Error::Config { field, value, reason: reason.to_owned() });
        for (field, value) in [
            ("vocab_size", self.vocab_size),
            ("d_model", self.d_model),
            ("n_layers", self.n_layers),
            ("n_heads", self.n_heads),
            ("n_kv_heads", self.n_kv_heads),
            ("d_ff", self.d_ff),
            ("max_seq_len", self.max_seq_len),
        ] {
            if value == 0 || value > 1 << 24 {
                return fault(field, value, "but must be from 1 to 16777216");
            }
        }
        if self.d_head.is_none() && !self.d_model.is_multiple_of(self.n_heads) {
            return fault(
                "d_model",
                self.d_model,
                &format!("which n_heads = {} does not divide", self.n_heads),
            );
        }
        if !self.n_heads.is_multiple_of(self.n_kv_heads) {
            return fault(
                "n_kv_heads",
                self.n_kv_heads,
                &format!("which does not divide n_heads = {}", self.n_heads),
            );
        }
        let d_head = self.d_head();
        if d_head == 0 || d_head > 1 << 16 || !d_head.is_multiple_of(2) {
            return fault(
                "d_head",
                d_head,
                "but rotary embedding needs an even number of features, at most 65536",
            );
        }
        let scaling = self.rope_scaling.map(RopeScaling::numbers).unwrap_or_default();
        let numbers = [("rope_theta", self.rope_theta), ("rms_norm_eps", self.rms_norm_eps)];
        for (field, value) in numbers.into_iter().chain(scaling) {
            if !(value.is_finite() && value > 0.0) {
                return Err(Error::ConfigNumber { field, value });
            }
        }
        // Every product of two sizes stays far below the limit of a machine word.
        if self.parameter_count() > 1 << 40 {
            return fault(
                "d_model",
                self.d_model,
                "which with the other sizes makes more than a trillion parameters",
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn impossible_sizes_are_named() {
        let config = ModelConfig { d_model: 250, ..ModelConfig::new(300) };
        assert_eq!(
            config.validate().unwrap_err().to_string(),
            "model.d_model is 250, which n_heads = 4 does not divide"
        );
    }

    #[test]
    fn llama_3_keeps_high_frequencies_and_divides_low_ones() {
        let scaling = RopeScaling::Llama3 {
            factor: 8.0,
            low_freq_factor: 1.0,
            high_freq_factor: 4.0,
            original_max_seq_len: 64,
        };
        let of_turns = |turns: f64| turns * TAU / 64.0;
        let kept = |turns: f64| scaling.scaled(of_turns(turns)) / of_turns(turns);
        for (turns, expected) in [(9.0, 1.0), (4.0, 1.0), (2.5, 0.5625), (1.0, 0.125), (0.3, 0.125)] {
            assert!((kept(turns) - expected).abs() < 1e-12, "{turns} turns: {}", kept(turns));
        }
    }

    #[test]
    fn impossible_scaling_is_named() {
        let rope_scaling = Some(RopeScaling::Linear { factor: 0.0 });
        let config = ModelConfig { rope_scaling, ..ModelConfig::new(300) };
        assert_eq!(
            config.validate().unwrap_err().to_string(),
            "model.rope_scaling.factor is 0, but must be a number above 0"
        );
    }
}
