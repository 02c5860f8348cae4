//! Which weight is called what in the two kinds of file, and which rows stand in another order.

use crate::config::{Family, ModelConfig};

/// A weight of a model by its two names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Weight {
    pub(super) hf: String,
    pub(super) gguf: String,
    pub(super) shape: Vec<usize>,
    pub(super) rows: Rows,
}

/// The order of the rows of a weight in a GGUF file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rows {
    /// That of Hugging Face.
    Same,
    /// Inside each head, the two features that turn together stand side by side; in Hugging Face's order they are half a head
    /// apart. llama.cpp's `llama` wants queries and keys so.
    Paired {
        /// Features of a head.
        d_head: usize,
    },
}

impl Rows {
    /// Rows of Hugging Face in the order of a GGUF file.
    pub(super) fn to_gguf(self, values: &[f32], row_len: usize) -> Vec<f32> {
        self.reordered(values, row_len, |row, hf| (row, hf))
    }

    /// The reverse.
    pub(super) fn to_hf(self, values: &[f32], row_len: usize) -> Vec<f32> {
        self.reordered(values, row_len, |row, hf| (hf, row))
    }

    fn reordered(self, values: &[f32], row_len: usize, way: fn(usize, usize) -> (usize, usize)) -> Vec<f32> {
        let mut reordered = values.to_vec();
        if let Self::Paired { d_head } = self {
            for row in 0..values.len() / row_len {
                let (head, place) = (row / d_head, row % d_head);
                let (to, from) = way(row, head * d_head + place % 2 * (d_head / 2) + place / 2);
                reordered[to * row_len..][..row_len].copy_from_slice(&values[from * row_len..][..row_len]);
            }
        }
        reordered
    }
}

/// The weights of a model, in the order of its layers.
pub(super) fn weights(config: &ModelConfig) -> Vec<Weight> {
    let ModelConfig { vocab_size, d_model, d_ff, n_heads, n_kv_heads, family, .. } = *config;
    let d_head = config.d_head();
    let (q_dim, kv_dim) = (n_heads * d_head, n_kv_heads * d_head);
    let paired = match family {
        Family::Llama { .. } | Family::Mistral => Rows::Paired { d_head },
        Family::Qwen2 | Family::Qwen3 { .. } => Rows::Same,
    };
    let weight =
        |hf: String, gguf: String, shape: &[usize], rows| Weight { hf, gguf, shape: shape.to_vec(), rows };
    let outside = |hf: &str, gguf: &str, shape: &[usize]| {
        weight(format!("{hf}.weight"), format!("{gguf}.weight"), shape, Rows::Same)
    };
    let mut all = vec![outside("model.embed_tokens", "token_embd", &[vocab_size, d_model])];
    for layer in 0..config.n_layers {
        let mut add = |hf: &str, gguf: &str, shape: &[usize], rows| {
            let (hf, gguf) = (format!("model.layers.{layer}.{hf}"), format!("blk.{layer}.{gguf}"));
            all.push(weight(hf, gguf, shape, rows));
        };
        add("input_layernorm.weight", "attn_norm.weight", &[d_model], Rows::Same);
        for (name, dim, rows, has_bias) in [
            ("q", q_dim, paired, family.has_qkv_bias()),
            ("k", kv_dim, paired, family.has_qkv_bias()),
            ("v", kv_dim, Rows::Same, family.has_qkv_bias()),
        ] {
            let (hf, gguf) = (format!("self_attn.{name}_proj"), format!("attn_{name}"));
            add(&format!("{hf}.weight"), &format!("{gguf}.weight"), &[dim, d_model], rows);
            if has_bias {
                add(&format!("{hf}.bias"), &format!("{gguf}.bias"), &[dim], rows);
            }
        }
        add("self_attn.o_proj.weight", "attn_output.weight", &[d_model, q_dim], Rows::Same);
        if family.has_output_bias() {
            add("self_attn.o_proj.bias", "attn_output.bias", &[d_model], Rows::Same);
        }
        if family.has_qk_norm() {
            add("self_attn.q_norm.weight", "attn_q_norm.weight", &[d_head], Rows::Same);
            add("self_attn.k_norm.weight", "attn_k_norm.weight", &[d_head], Rows::Same);
        }
        add("post_attention_layernorm.weight", "ffn_norm.weight", &[d_model], Rows::Same);
        add("mlp.gate_proj.weight", "ffn_gate.weight", &[d_ff, d_model], Rows::Same);
        add("mlp.up_proj.weight", "ffn_up.weight", &[d_ff, d_model], Rows::Same);
        add("mlp.down_proj.weight", "ffn_down.weight", &[d_model, d_ff], Rows::Same);
    }
    all.push(outside("model.norm", "output_norm", &[d_model]));
    if !config.tie_embeddings {
        all.push(outside("lm_head", "output", &[vocab_size, d_model]));
    }
    all
}

#[cfg(test)]
mod tests {
    use burn::backend::{Flex, flex::FlexDevice};

    use super::*;
    use crate::{decoder::Decoder, names::for_each_parameter};

    #[test]
    fn the_names_and_shapes_are_those_of_the_decoder() {
        let families = [
            Family::Llama { attention_bias: true },
            Family::Mistral,
            Family::Qwen2,
            Family::Qwen3 { attention_bias: false },
        ];
        for (family, tie_embeddings) in families.into_iter().zip([true, false].into_iter().cycle()) {
            let config = ModelConfig {
                d_model: 32,
                n_layers: 2,
                d_ff: 48,
                d_head: Some(16),
                family,
                tie_embeddings,
                ..ModelConfig::new(40)
            };
            let decoder = Decoder::<Flex>::init(&config, 1, &FlexDevice).unwrap();
            let mut expected = Vec::new();
            for_each_parameter(&decoder, |name, _, data| {
                expected.push((name.to_owned(), data.shape.to_vec()));
            });
            let mut ours: Vec<_> = weights(&config).into_iter().map(|it| (it.hf, it.shape)).collect();
            expected.sort();
            ours.sort();
            assert_eq!(ours, expected, "{family:?}");
        }
    }

    #[test]
    fn rows_go_there_and_back() {
        let values: Vec<f32> = (0..48).map(|value| value as f32).collect();
        let paired = Rows::Paired { d_head: 8 };
        let there = paired.to_gguf(&values, 3);
        assert_eq!(there[..6], [0.0, 1.0, 2.0, 12.0, 13.0, 14.0]);
        assert_eq!(paired.to_hf(&there, 3), values);
    }
}
