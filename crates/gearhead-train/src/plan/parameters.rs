//! What a model's parameters take: as weights, and as what the optimizer knows of those that are trained.

use gearhead_kernels::{FrozenDtype, MOMENT_BLOCK};
use gearhead_model::{LoraConfig, ModelConfig, lora::Target};

use crate::optimizer::MomentDtype;

/// Numbers of each parameter.
#[derive(Debug)]
pub(super) struct Parameters {
    /// Of one layer, as far as they are trained: those of its attention.
    pub(super) attention: Vec<usize>,
    /// Those of what feeds forward in it.
    pub(super) mlp: Vec<usize>,
    pub(super) n_layers: usize,
    /// The embedding, and as many numbers again in the output layer where it is another.
    pub(super) table: usize,
    pub(super) is_tied: bool,
    /// After the last layer.
    norm: usize,
    pub(super) frozen: Option<Frozen>,
}

/// What adapters leave as it is.
#[derive(Debug)]
pub(super) struct Frozen {
    dtype: FrozenDtype,
    /// Of the linear layers of one layer.
    linears: Vec<usize>,
    /// Of its norms and biases.
    others: usize,
}

impl Frozen {
    /// Numbers of a linear layer that stand in `f32` while it is multiplied with.
    pub(super) fn widened(&self) -> usize {
        if self.is_wide() { 0 } else { self.linears.iter().copied().max().unwrap_or(0) }
    }

    pub(super) fn is_wide(&self) -> bool {
        self.dtype == FrozenDtype::F32
    }

    fn bytes(&self, n_layers: usize, tables: usize) -> u64 {
        let linears = self.linears.iter().sum::<usize>();
        let (linears, of_table) = match self.dtype {
            FrozenDtype::F32 => (4 * linears, 4),
            FrozenDtype::F16 | FrozenDtype::Bf16 => (2 * linears, 2),
            // A number of 8 bits, and a scale of 32 for each group of 32.
            FrozenDtype::Bits8 => (linears + linears / 8, 2),
        };
        (n_layers * (linears + 4 * self.others) + of_table * tables) as u64
    }
}

impl Parameters {
    pub(super) fn of(config: &ModelConfig, lora: Option<&LoraConfig>) -> Self {
        let (d, heads, family) = (config.d_model, config.heads(), config.family);
        let (q_dim, kv_dim, d_head) = (heads.q_dim(), heads.kv_dim(), heads.d_head);
        let mut others = Vec::new();
        if family.has_qkv_bias() {
            others.extend([q_dim, kv_dim, kv_dim]);
        }
        if family.has_output_bias() {
            others.push(d);
        }
        if family.has_qk_norm() {
            others.extend([d_head, d_head]);
        }
        let shapes = Target::shapes(config);
        let numbers = shapes.map(|(_, [outputs, inputs])| outputs * inputs);
        let (attention, mlp, frozen) = match lora {
            None => {
                let attention = [vec![d], numbers[..4].to_vec(), others].concat();
                (attention, [vec![d], numbers[4..].to_vec()].concat(), None)
            }
            Some(lora) => {
                let adapter = |(target, [outputs, inputs]): &(Target, [usize; 2])| {
                    let norms = if lora.dora { *outputs } else { 0 };
                    let sizes = vec![lora.rank * inputs, lora.rank * outputs, norms];
                    if lora.targets.contains(target) { sizes } else { Vec::new() }
                };
                let attention = shapes[..4].iter().flat_map(adapter).collect();
                let mlp = shapes[4..].iter().flat_map(adapter).collect();
                let others = 2 * d + others.iter().sum::<usize>();
                let frozen = Frozen { dtype: lora.base_dtype, linears: numbers.to_vec(), others };
                (attention, mlp, Some(frozen))
            }
        };
        let (n_layers, table) = (config.n_layers, config.vocab_size * d);
        Self { attention, mlp, n_layers, table, is_tied: config.tie_embeddings, norm: d, frozen }
    }

    /// Those that are trained.
    fn each(&self) -> impl Iterator<Item = usize> + '_ {
        let layer = || self.attention.iter().chain(&self.mlp).copied();
        let layers = (0..self.n_layers).flat_map(move |_| layer());
        let beside = usize::from(self.frozen.is_none());
        let tables = std::iter::repeat_n(self.table, beside * self.tables());
        layers.chain(tables).chain(std::iter::repeat_n(self.norm, beside))
    }

    fn tables(&self) -> usize {
        if self.is_tied { 1 } else { 2 }
    }

    /// Bytes of the weights.
    pub(super) fn weight_bytes(&self) -> u64 {
        let trained: u64 = self.each().map(|numbers| 4 * numbers as u64).sum();
        let tables = self.tables() * self.table;
        let frozen = self.frozen.as_ref();
        trained + frozen.map_or(0, |frozen| frozen.bytes(self.n_layers, tables) + 4 * self.norm as u64)
    }

    /// Bytes of AdamW's two moments.
    pub(super) fn moment_bytes(&self, dtype: MomentDtype) -> u64 {
        let of = |numbers: usize| match dtype.of(numbers) {
            MomentDtype::F32 => 8 * numbers,
            MomentDtype::Bits8 => 2 * (numbers + 4 * (numbers / MOMENT_BLOCK)),
        };
        self.each().map(|numbers| of(numbers) as u64).sum()
    }

    /// Numbers of the largest parameter that is trained.
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
                let parameters = Parameters::of(&config, None);
                assert_eq!(parameters.weight_bytes(), 4 * config.parameter_count() as u64, "{family:?}");
            }
        }
    }

    #[test]
    fn moments_in_8_bits_are_a_little_more_than_two_bytes() {
        let parameters = Parameters::of(&ModelConfig::new(2048), None);
        let numbers = parameters.weight_bytes() / 4;
        assert_eq!(parameters.moment_bytes(MomentDtype::F32), 8 * numbers);
        let bytes = parameters.moment_bytes(MomentDtype::Bits8) as f64 / numbers as f64;
        assert!((2.03..2.05).contains(&bytes), "{bytes}");
    }

    #[test]
    fn adapters_are_trained_and_the_rest_is_kept_in_fewer_bytes() {
        let config = ModelConfig::new(2048);
        let all = config.parameter_count() as u64;
        let of =
            |base_dtype| Parameters::of(&config, Some(&LoraConfig { base_dtype, ..LoraConfig::default() }));
        let trained = of(FrozenDtype::F32).moment_bytes(MomentDtype::F32) / 8;
        // Rank 16 over seven layers with inputs and outputs of 256, 128 and 704 features.
        assert_eq!(trained, 4 * 16 * (2 * (256 + 256) + 2 * (256 + 128) + 3 * (256 + 704)));
        assert_eq!(of(FrozenDtype::F32).weight_bytes(), 4 * (all + trained));
        let norms = 9 * 256;
        assert_eq!(of(FrozenDtype::Bf16).weight_bytes(), 4 * trained + 2 * (all - norms) + 4 * norms);
        let linears = all - norms - 2048 * 256;
        let bytes = 4 * trained + linears * 9 / 8 + 2 * 2048 * 256 + 4 * norms;
        assert_eq!(of(FrozenDtype::Bits8).weight_bytes(), bytes);
    }
}
