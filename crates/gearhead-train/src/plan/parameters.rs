//! What a model's parameters take: as weights, and as what the optimizer knows of them.

use gearhead_kernels::MOMENT_BLOCK;
use gearhead_model::ModelConfig;

use crate::optimizer::MomentDtype;

/// Numbers of each parameter.
#[derive(Debug)]
pub(super) struct Parameters {
    /// Of the attention of one layer.
    pub(super) attention: Vec<usize>,
    /// Of what feeds forward in it.
    pub(super) mlp: Vec<usize>,
    pub(super) n_layers: usize,
    /// The embedding, and as many numbers again in the output layer where it is another.
    pub(super) table: usize,
    pub(super) is_tied: bool,
    /// After the last layer.
    norm: usize,
}

impl Parameters {
    pub(super) fn of(config: &ModelConfig) -> Self {
        let (d, d_ff, heads, family) = (config.d_model, config.d_ff, config.heads(), config.family);
        let (q_dim, kv_dim, d_head) = (heads.q_dim(), heads.kv_dim(), heads.d_head);
        let mut attention = vec![d, q_dim * d, kv_dim * d, kv_dim * d, q_dim * d];
        if family.has_qkv_bias() {
            attention.extend([q_dim, kv_dim, kv_dim]);
        }
        if family.has_output_bias() {
            attention.push(d);
        }
        if family.has_qk_norm() {
            attention.extend([d_head, d_head]);
        }
        let (n_layers, table) = (config.n_layers, config.vocab_size * d);
        let mlp = vec![d, d_ff * d, d_ff * d, d_ff * d];
        Self { attention, mlp, n_layers, table, is_tied: config.tie_embeddings, norm: d }
    }

    fn each(&self) -> impl Iterator<Item = usize> + '_ {
        let layer = || self.attention.iter().chain(&self.mlp).copied();
        let layers = (0..self.n_layers).flat_map(move |_| layer());
        let tables = std::iter::repeat_n(self.table, if self.is_tied { 1 } else { 2 });
        layers.chain(tables).chain([self.norm])
    }

    /// Bytes of the weights in `f32`.
    pub(super) fn weight_bytes(&self) -> u64 {
        self.each().map(|numbers| 4 * numbers as u64).sum()
    }

    /// Bytes of AdamW's two moments.
    pub(super) fn moment_bytes(&self, dtype: MomentDtype) -> u64 {
        let of = |numbers: usize| match dtype.of(numbers) {
            MomentDtype::F32 => 8 * numbers,
            MomentDtype::Bits8 => 2 * (numbers + 4 * (numbers / MOMENT_BLOCK)),
        };
        self.each().map(|numbers| of(numbers) as u64).sum()
    }

    /// Numbers of the largest parameter.
    pub(super) fn largest(&self) -> usize {
        self.each().max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use gearhead_model::Family;

    use super::*;

    #[test]
    fn every_parameter_of_every_family_is_counted() {
        for family in [
            Family::default(),
            Family::Qwen2,
            Family::Llama { attention_bias: true },
            Family::Qwen3 { attention_bias: false },
        ] {
            for tie_embeddings in [true, false] {
                let config = ModelConfig { tie_embeddings, family, ..ModelConfig::new(300) };
                let parameters = Parameters::of(&config);
                assert_eq!(parameters.weight_bytes(), 4 * config.parameter_count() as u64, "{family:?}");
            }
        }
    }

    #[test]
    fn moments_in_8_bits_are_a_little_more_than_two_bytes() {
        let parameters = Parameters::of(&ModelConfig::new(2048));
        let numbers = parameters.weight_bytes() / 4;
        assert_eq!(parameters.moment_bytes(MomentDtype::F32), 8 * numbers);
        let bytes = parameters.moment_bytes(MomentDtype::Bits8) as f64 / numbers as f64;
        assert!((2.03..2.05).contains(&bytes), "{bytes}");
    }
}
