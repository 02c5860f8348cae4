//! The network.
//!
//! Fields are named as Hugging Face names the weights, so that the path of a parameter in the module tree, with dots,
//! is its name in `model.safetensors`.
#![allow(clippy::struct_field_names, reason = "the fields have the names of the weights")]

use burn::{
    module::{Module, Param},
    tensor::{Int, Tensor, TensorData, backend::Backend},
};
use gearhead_kernels::{
    AttentionWeights, Documents, Kernels, MlpWeights, RopeTable, attention_block, embedding, linear,
    linear_add, linear_cross_entropy, mlp_block, rms_norm, rope,
};
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use rand_distr::{Distribution, StandardNormal};

use crate::{
    cache::{KvCache, LayerCache},
    config::ModelConfig,
    error::Result,
};

/// A Llama-family decoder.
#[derive(Module, Debug)]
pub struct Decoder<B: Backend> {
    model: Backbone<B>,
    lm_head: Option<Linear<B>>,
    #[module(skip)]
    config: ModelConfig,
}

#[derive(Module, Debug)]
struct Backbone<B: Backend> {
    embed_tokens: Embedding<B>,
    layers: Vec<Layer<B>>,
    norm: RmsNorm<B>,
}

#[derive(Module, Debug)]
struct Layer<B: Backend> {
    input_layernorm: RmsNorm<B>,
    self_attn: Attention<B>,
    post_attention_layernorm: RmsNorm<B>,
    mlp: Mlp<B>,
}

#[derive(Module, Debug)]
struct Attention<B: Backend> {
    q_proj: Linear<B>,
    k_proj: Linear<B>,
    v_proj: Linear<B>,
    o_proj: Linear<B>,
}

#[derive(Module, Debug)]
struct Mlp<B: Backend> {
    gate_proj: Linear<B>,
    up_proj: Linear<B>,
    down_proj: Linear<B>,
}

/// `[vocab_size, d_model]`.
#[derive(Module, Debug)]
struct Embedding<B: Backend> {
    weight: Param<Tensor<B, 2>>,
}

/// `[out, in]`.
#[derive(Module, Debug)]
struct Linear<B: Backend> {
    weight: Param<Tensor<B, 2>>,
}

/// `[d_model]`.
#[derive(Module, Debug)]
struct RmsNorm<B: Backend> {
    weight: Param<Tensor<B, 1>>,
}

/// Gives each weight its values: name and shape in, `f32` out.
pub(crate) type WeightSource<'a> = dyn FnMut(&str, &[usize]) -> Result<Vec<f32>> + 'a;

impl<B: Kernels> Decoder<B> {
    /// A new model with random weights: normal with standard deviation 0.02, the layers' output projections divided by
    /// `√(2 n_layers)` (GPT-2's rule), norms at one. The same seed gives the same weights on every backend.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Config`] when sizes do not fit.
    pub fn init(config: &ModelConfig, seed: u64, device: &B::Device) -> Result<Self> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let output_scale = (2.0 * config.n_layers as f32).sqrt().recip();
        Self::build(config, device, &mut |name, shape| {
            let count = shape.iter().product();
            if name.ends_with("norm.weight") {
                return Ok(vec![1.0; count]);
            }
            let is_output = name.ends_with("o_proj.weight") || name.ends_with("down_proj.weight");
            let deviation = if is_output { 0.02 * output_scale } else { 0.02 };
            Ok((0..count)
                .map(|_| {
                    let normal: f32 = StandardNormal.sample(&mut rng);
                    deviation * normal
                })
                .collect())
        })
    }

    /// A model whose weights come from `source`, asked for in the order of the layers.
    pub(crate) fn build(
        config: &ModelConfig,
        device: &B::Device,
        source: &mut WeightSource<'_>,
    ) -> Result<Self> {
        config.validate()?;
        let (d_model, d_ff) = (config.d_model, config.d_ff);
        let (q_dim, kv_dim) = (config.n_heads * config.d_head(), config.n_kv_heads * config.d_head());
        let matrix = |name: &str, out: usize, into: usize, source: &mut WeightSource<'_>| {
            let values = source(name, &[out, into])?;
            Ok(Param::from_tensor(Tensor::from_data(TensorData::new(values, [out, into]), device)))
        };
        let vector = |name: &str, source: &mut WeightSource<'_>| {
            let values = source(name, &[d_model])?;
            Ok(RmsNorm {
                weight: Param::from_tensor(Tensor::from_data(TensorData::new(values, [d_model]), device)),
            })
        };
        let embed_tokens =
            Embedding { weight: matrix("model.embed_tokens.weight", config.vocab_size, d_model, source)? };
        let mut layers = Vec::with_capacity(config.n_layers);
        for index in 0..config.n_layers {
            let name = |part: &str| format!("model.layers.{index}.{part}.weight");
            let projection = |part: &str, out, into, source: &mut WeightSource<'_>| -> Result<Linear<B>> {
                Ok(Linear { weight: matrix(&name(part), out, into, source)? })
            };
            layers.push(Layer {
                input_layernorm: vector(&name("input_layernorm"), source)?,
                self_attn: Attention {
                    q_proj: projection("self_attn.q_proj", q_dim, d_model, source)?,
                    k_proj: projection("self_attn.k_proj", kv_dim, d_model, source)?,
                    v_proj: projection("self_attn.v_proj", kv_dim, d_model, source)?,
                    o_proj: projection("self_attn.o_proj", d_model, q_dim, source)?,
                },
                post_attention_layernorm: vector(&name("post_attention_layernorm"), source)?,
                mlp: Mlp {
                    gate_proj: projection("mlp.gate_proj", d_ff, d_model, source)?,
                    up_proj: projection("mlp.up_proj", d_ff, d_model, source)?,
                    down_proj: projection("mlp.down_proj", d_model, d_ff, source)?,
                },
            });
        }
        let norm = vector("model.norm.weight", source)?;
        let lm_head = if config.tie_embeddings {
            None
        } else {
            Some(Linear { weight: matrix("lm_head.weight", config.vocab_size, d_model, source)? })
        };
        Ok(Self { model: Backbone { embed_tokens, layers, norm }, lm_head, config: config.clone() })
    }

    /// The shape of the model.
    pub fn config(&self) -> &ModelConfig {
        &self.config
    }

    /// The device that the weights are on.
    pub fn device(&self) -> B::Device {
        self.model.embed_tokens.weight.val().device()
    }

    /// Final hidden states of documents that stand end to end.
    ///
    /// # Shapes
    ///
    /// `ids`: `n` over all documents, result: `[n, d_model]`.
    pub fn forward_packed(&self, ids: &[u32], documents: &Documents) -> Tensor<B, 2> {
        let table =
            RopeTable::new(&documents.positions(), &self.config.inverse_frequencies(), &self.device());
        let mut x = self.embed(ids);
        for layer in &self.model.layers {
            x = layer.forward_packed(x, &table, documents, &self.config);
        }
        self.normalise(x, &self.model.norm)
    }

    /// Final hidden states of new tokens that follow what the cache holds, which then holds them too.
    ///
    /// # Shapes
    ///
    /// `ids`: `[batch, new]` by rows, result: `[batch * new, d_model]`.
    ///
    /// # Panics
    ///
    /// Where `ids` is not a whole number of rows, or the cache has no room: programmer's errors.
    pub fn forward_cached(&self, ids: &[u32], cache: &mut KvCache<B>) -> Tensor<B, 2> {
        let (batch, len) = (cache.batch(), cache.len());
        assert!(ids.len().is_multiple_of(batch), "one row of ids for each sequence");
        let new = ids.len() / batch;
        assert!(
            len + new <= cache.capacity(),
            "the cache has room for {}, not {}",
            cache.capacity(),
            len + new
        );
        let positions: Vec<usize> = (0..batch).flat_map(|_| len..len + new).collect();
        let table = RopeTable::new(&positions, &self.config.inverse_frequencies(), &self.device());
        let mut x = self.embed(ids);
        for (layer, layer_cache) in self.model.layers.iter().zip(cache.layers_mut()) {
            x = layer.forward_cached(x, &table, layer_cache, len, &self.config);
        }
        cache.advance(new);
        self.normalise(x, &self.model.norm)
    }

    /// Scores of every token of the vocabulary.
    ///
    /// # Shapes
    ///
    /// `hidden`: `[n, d_model]`, result: `[n, vocab_size]`.
    pub fn logits(&self, hidden: Tensor<B, 2>) -> Tensor<B, 2> {
        linear(hidden, vec![self.output_weight()])
    }

    /// The loss of predicting `targets`, summed over the rows, in nats; the logits are never in memory as a whole.
    ///
    /// # Shapes
    ///
    /// `hidden`: `[n, d_model]`, `targets`: `[n]`, result: `[1]`.
    pub fn summed_loss(&self, hidden: Tensor<B, 2>, targets: Tensor<B, 1, Int>) -> Tensor<B, 1> {
        linear_cross_entropy(hidden, self.output_weight(), targets)
    }

    fn output_weight(&self) -> Tensor<B, 2> {
        self.lm_head.as_ref().map_or(&self.model.embed_tokens.weight, |head| &head.weight).val()
    }

    fn embed(&self, ids: &[u32]) -> Tensor<B, 2> {
        let ids: Vec<i64> = ids.iter().map(|id| i64::from(*id)).collect();
        let count = ids.len();
        let ids = Tensor::<B, 1, Int>::from_data(TensorData::new(ids, [count]), &self.device());
        embedding(self.model.embed_tokens.weight.val(), ids)
    }

    fn normalise(&self, x: Tensor<B, 2>, norm: &RmsNorm<B>) -> Tensor<B, 2> {
        rms_norm(x, norm.weight.val(), self.config.rms_norm_eps)
    }
}

impl<B: Kernels> Layer<B> {
    /// Inside each document of a flat batch.
    fn forward_packed(
        &self,
        x: Tensor<B, 2>,
        table: &RopeTable<B>,
        documents: &Documents,
        config: &ModelConfig,
    ) -> Tensor<B, 2> {
        let weights = AttentionWeights {
            norm: self.input_layernorm.weight.val(),
            q: self.self_attn.q_proj.weight.val(),
            k: self.self_attn.k_proj.weight.val(),
            v: self.self_attn.v_proj.weight.val(),
            output: self.self_attn.o_proj.weight.val(),
        };
        let x = attention_block(x, weights, config.heads(), table, documents, config.rms_norm_eps);
        self.mlp(x, config)
    }

    /// New tokens that look at what the cache holds and at each other.
    fn forward_cached(
        &self,
        x: Tensor<B, 2>,
        table: &RopeTable<B>,
        cache: &mut LayerCache<B>,
        len: usize,
        config: &ModelConfig,
    ) -> Tensor<B, 2> {
        let normed = rms_norm(x.clone(), self.input_layernorm.weight.val(), config.rms_norm_eps);
        let Attention { q_proj, k_proj, v_proj, o_proj } = &self.self_attn;
        let heads = config.heads();
        let qkv = linear(normed, [q_proj, k_proj, v_proj].map(|projection| projection.weight.val()).to_vec());
        let qkv = rope(qkv, table, heads.turned());
        let x = linear_add(cache.attend(qkv, heads, len), o_proj.weight.val(), x);
        self.mlp(x, config)
    }

    fn mlp(&self, x: Tensor<B, 2>, config: &ModelConfig) -> Tensor<B, 2> {
        let weights = MlpWeights {
            norm: self.post_attention_layernorm.weight.val(),
            gate: self.mlp.gate_proj.weight.val(),
            up: self.mlp.up_proj.weight.val(),
            down: self.mlp.down_proj.weight.val(),
        };
        mlp_block(x, weights, config.rms_norm_eps)
    }
}
