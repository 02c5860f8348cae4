//! The network.
//!
//! Fields are named as Hugging Face names the weights, so that the path of a parameter in the module tree, with dots,
//! is its name in `model.safetensors`.
#![allow(clippy::struct_field_names, reason = "the fields have the names of the weights")]

use burn::{
    module::{Module, ModuleMapper, Param},
    tensor::{
        DType, Int, Tensor, TensorData,
        backend::{AutodiffBackend, Backend},
    },
};
use gearhead_kernels::{
    Documents, FrozenDtype, Kernels, RopeTable, embedding, linear, linear_cross_entropy, quantized::GROUP,
    rms_norm, widened,
};
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use rand_distr::{Distribution, StandardNormal};

use crate::{
    attention,
    config::ModelConfig,
    error::{Error, Result},
    linear::LinearWeights,
    lora::{Adapter, AdapterSource, AdapterWeights, Dora, Part, row_squares},
    mlp,
    storage::{check_holds_few_bits, check_stores, in_f32, kept_as, stores, tensor_dtype},
};

/// A decoder of the Llama, Mistral or Qwen family.
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
    q_norm: Option<RmsNorm<B>>,
    k_norm: Option<RmsNorm<B>>,
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

/// `[out, in]`, and `[out]` where there is a bias.
#[derive(Module, Debug)]
struct Linear<B: Backend> {
    weight: Param<Tensor<B, 2>>,
    bias: Option<Param<Tensor<B, 1>>>,
    adapter: Option<Adapter<B>>,
}

/// `[d_model]`, or `[d_head]` of the heads.
#[derive(Module, Debug)]
struct RmsNorm<B: Backend> {
    weight: Param<Tensor<B, 1>>,
}

/// Where documents that stand end to end begin and end, and the angles of their positions.
#[derive(Debug, Clone)]
pub struct Packed<B: Backend> {
    documents: Documents,
    table: RopeTable<B>,
}

impl<B: AutodiffBackend> Packed<B> {
    /// The same without gradients.
    #[must_use]
    pub fn inner(&self) -> Packed<B::InnerBackend> {
        let RopeTable { cos, sin } = self.table.clone();
        let table = RopeTable { cos: cos.inner(), sin: sin.inner() };
        Packed { documents: self.documents.clone(), table }
    }
}

/// Gives each weight its values, by its name and shape.
pub(crate) type WeightSource<'a> = dyn FnMut(&str, &[usize]) -> Result<TensorData> + 'a;

/// The weights of a layer.
pub(crate) struct LayerWeights<B: Backend> {
    pub(crate) attention: AttentionLayer<B>,
    pub(crate) mlp: MlpLayer<B>,
}

impl<B: Kernels> LayerWeights<B> {
    /// With the adapters in the weights.
    pub(crate) fn merged(self) -> Self {
        let AttentionLayer { norm, q, k, v, output, q_norm, k_norm } = self.attention;
        let [q, k, v, output] = [q, k, v, output].map(LinearWeights::merged);
        let attention = AttentionLayer { norm, q, k, v, output, q_norm, k_norm };
        let MlpLayer { norm, gate, up, down } = self.mlp;
        let [gate, up, down] = [gate, up, down].map(LinearWeights::merged);
        Self { attention, mlp: MlpLayer { norm, gate, up, down } }
    }
}

/// The weights of attention.
pub(crate) struct AttentionLayer<B: Backend> {
    pub(crate) norm: Tensor<B, 1>,
    pub(crate) q: LinearWeights<B>,
    pub(crate) k: LinearWeights<B>,
    pub(crate) v: LinearWeights<B>,
    pub(crate) output: LinearWeights<B>,
    pub(crate) q_norm: Option<Tensor<B, 1>>,
    pub(crate) k_norm: Option<Tensor<B, 1>>,
}

/// The weights of the feed-forward layer.
pub(crate) struct MlpLayer<B: Backend> {
    pub(crate) norm: Tensor<B, 1>,
    pub(crate) gate: LinearWeights<B>,
    pub(crate) up: LinearWeights<B>,
    pub(crate) down: LinearWeights<B>,
}

/// Weights of a model of a shape, asked for by their names.
pub(crate) struct WeightReader<'a, 'b, B: Backend> {
    config: &'a ModelConfig,
    device: &'a B::Device,
    source: &'a mut WeightSource<'b>,
    dtype: FrozenDtype,
    adapters: Option<AdapterSource<'a>>,
    /// Whether adapters are put into the weights.
    merges: bool,
}

impl<'a, 'b, B: Kernels> WeightReader<'a, 'b, B> {
    /// # Errors
    ///
    /// [`crate::Error::Config`] when sizes do not fit.
    pub(crate) fn new(
        config: &'a ModelConfig,
        device: &'a B::Device,
        source: &'a mut WeightSource<'b>,
    ) -> Result<Self> {
        config.validate()?;
        Ok(Self { config, device, source, dtype: FrozenDtype::F32, adapters: None, merges: false })
    }

    /// Weights that stay as they are, stored as `dtype`, with adapters beside them.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Lora`] where the rows of the weights are not whole groups of 8 bit, [`crate::Error::NotStored`] where
    /// the device cannot hold such weights.
    pub(crate) fn with_adapters(self, adapters: AdapterSource<'a>, dtype: FrozenDtype) -> Result<Self> {
        if let (FrozenDtype::Bits8, Some((field, value))) = (dtype, self.config.not_in_groups()) {
            let reason = format!(
                "base_dtype is \"8bit\", which stores groups of {GROUP} weights, but model.{field} is {value}"
            );
            return Err(Error::Lora { reason });
        }
        let option = |name: &'static str| move || format!("lora.base_dtype = \"{name}\"");
        match dtype {
            FrozenDtype::F16 => check_stores::<B>(self.device, DType::F16, option("f16"))?,
            FrozenDtype::Bf16 => check_stores::<B>(self.device, DType::BF16, option("bf16"))?,
            FrozenDtype::Bits8 => check_holds_few_bits::<B>(self.device, option("8bit"))?,
            FrozenDtype::F32 => {}
        }
        Ok(Self { dtype, adapters: Some(adapters), ..self })
    }

    /// From here on, weights come as `dtype`.
    pub(crate) fn keep(&mut self, dtype: FrozenDtype) {
        self.dtype = dtype;
    }

    /// Weights with adapters in them.
    pub(crate) fn merging(self, adapters: Option<AdapterSource<'a>>) -> Self {
        Self { adapters, merges: true, ..self }
    }

    pub(crate) fn config(&self) -> &'a ModelConfig {
        self.config
    }

    pub(crate) fn device(&self) -> &'a B::Device {
        self.device
    }

    /// `[vocab_size, d_model]`.
    pub(crate) fn embedding(&mut self) -> Result<Tensor<B, 2>> {
        let shape = [self.config.vocab_size, self.config.d_model];
        self.weight("model.embed_tokens.weight", shape, self.table_dtype())
    }

    /// How the embedding and the output layer are stored: rows of the one are looked up, which groups of 8 bit do not bear.
    fn table_dtype(&self) -> FrozenDtype {
        match self.dtype {
            FrozenDtype::Bits8 if stores::<B>(self.device, DType::BF16) => FrozenDtype::Bf16,
            FrozenDtype::Bits8 => FrozenDtype::F32,
            dtype => dtype,
        }
    }

    pub(crate) fn layer(&mut self, index: usize) -> Result<LayerWeights<B>> {
        let ModelConfig { d_model, d_ff, n_heads, n_kv_heads, family, .. } = *self.config;
        let d_head = self.config.d_head();
        let (q_dim, kv_dim) = (n_heads * d_head, n_kv_heads * d_head);
        let (qkv_bias, output_bias) = (family.has_qkv_bias(), family.has_output_bias());
        let name = |part: &str| format!("model.layers.{index}.{part}");
        let weight = |part: &str| format!("model.layers.{index}.{part}.weight");
        let head_norm = |reader: &mut Self, part| {
            family.has_qk_norm().then(|| reader.tensor(&weight(part), [d_head])).transpose()
        };
        Ok(LayerWeights {
            attention: AttentionLayer {
                norm: self.tensor(&weight("input_layernorm"), [d_model])?,
                q: self.linear(&name("self_attn.q_proj"), [q_dim, d_model], qkv_bias)?,
                k: self.linear(&name("self_attn.k_proj"), [kv_dim, d_model], qkv_bias)?,
                v: self.linear(&name("self_attn.v_proj"), [kv_dim, d_model], qkv_bias)?,
                output: self.linear(&name("self_attn.o_proj"), [d_model, q_dim], output_bias)?,
                q_norm: head_norm(self, "self_attn.q_norm")?,
                k_norm: head_norm(self, "self_attn.k_norm")?,
            },
            mlp: MlpLayer {
                norm: self.tensor(&weight("post_attention_layernorm"), [d_model])?,
                gate: self.linear(&name("mlp.gate_proj"), [d_ff, d_model], false)?,
                up: self.linear(&name("mlp.up_proj"), [d_ff, d_model], false)?,
                down: self.linear(&name("mlp.down_proj"), [d_model, d_ff], false)?,
            },
        })
    }

    /// `[d_model]`.
    pub(crate) fn norm(&mut self) -> Result<Tensor<B, 1>> {
        self.tensor("model.norm.weight", [self.config.d_model])
    }

    /// `[vocab_size, d_model]`, where it is not the embedding.
    pub(crate) fn head(&mut self) -> Result<Option<Tensor<B, 2>>> {
        if self.config.tie_embeddings {
            return Ok(None);
        }
        let shape = [self.config.vocab_size, self.config.d_model];
        self.weight("lm_head.weight", shape, self.table_dtype()).map(Some)
    }

    fn linear(&mut self, name: &str, shape: [usize; 2], has_bias: bool) -> Result<LinearWeights<B>> {
        let name_of_weight = format!("{name}.weight");
        let is_merged = self.merges && self.adapters.is_some();
        // What an adapter is put into is rounded after that, and only then.
        let dtype = if is_merged { FrozenDtype::F32 } else { self.dtype };
        let weight = self.weight(&name_of_weight, shape, dtype)?;
        let bias = has_bias.then(|| self.tensor(&format!("{name}.bias"), [shape[0]])).transpose()?;
        let adapter = self.adapter(name, &weight)?;
        let weights = LinearWeights { weight, bias, adapter };
        if !is_merged {
            return Ok(weights);
        }
        let merged = weights.merged();
        Ok(LinearWeights {
            weight: kept_as(merged.weight, self.dtype, || format!("the weight `{name_of_weight}`"))?,
            ..merged
        })
    }

    fn adapter(&mut self, name: &str, weight: &Tensor<B, 2>) -> Result<Option<AdapterWeights<B>>> {
        let Some(AdapterSource { lora, values }) = &mut self.adapters else { return Ok(None) };
        if !lora.targets.iter().any(|target| name.ends_with(target.name())) {
            return Ok(None);
        }
        let [a_shape, b_shape] = lora.shapes(weight.dims());
        let mut matrix = |part, shape: [usize; 2]| -> Result<Tensor<B, 2>> {
            let values = values(part, name, &shape)?;
            Ok(values.map_or_else(
                || Tensor::zeros(shape, self.device),
                |data| Tensor::from_data(data, self.device),
            ))
        };
        let (a, b) = (matrix(Part::A, a_shape)?, matrix(Part::B, b_shape)?);
        let dora = if lora.dora {
            let weight_squares = row_squares(weight.clone());
            let magnitude = values(Part::Magnitude, name, &[weight.dims()[0]])?;
            let magnitude = magnitude
                .map_or_else(|| weight_squares.clone().sqrt(), |data| Tensor::from_data(data, self.device));
            Some(Dora { magnitude, weight_squares })
        } else {
            None
        };
        Ok(Some(AdapterWeights { a, b, scale: lora.scale(), dora }))
    }

    /// A weight as `dtype`, which it is not brought to by way of another where the file has it so.
    fn weight(&mut self, name: &str, shape: [usize; 2], dtype: FrozenDtype) -> Result<Tensor<B, 2>> {
        let data = (self.source)(name, &shape)?;
        let data = if data.dtype == tensor_dtype(dtype) { data } else { in_f32(data) };
        let read = data.dtype;
        kept_as(Tensor::from_data(data, (self.device, read)), dtype, || format!("the weight `{name}`"))
    }

    fn tensor<const D: usize>(&mut self, name: &str, shape: [usize; D]) -> Result<Tensor<B, D>> {
        Ok(Tensor::from_data(in_f32((self.source)(name, &shape)?), self.device))
    }
}

impl<B: Kernels> Decoder<B> {
    /// A new model with random weights: normal with standard deviation 0.02, the layers' output projections divided by
    /// `√(2 n_layers)` (GPT-2's rule), norms at one, biases at zero. The same seed gives the same weights on every backend.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Config`] when sizes do not fit.
    pub fn init(config: &ModelConfig, seed: u64, device: &B::Device) -> Result<Self> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let output_scale = (2.0 * config.n_layers as f32).sqrt().recip();
        let mut source = |name: &str, shape: &[usize]| {
            let count = shape.iter().product();
            if name.ends_with("norm.weight") {
                return Ok(TensorData::new(vec![1.0_f32; count], shape));
            }
            if name.ends_with("_proj.bias") {
                return Ok(TensorData::new(vec![0.0_f32; count], shape));
            }
            let is_output = name.ends_with("o_proj.weight") || name.ends_with("down_proj.weight");
            let deviation = if is_output { 0.02 * output_scale } else { 0.02 };
            let normal = |_| {
                let normal: f32 = StandardNormal.sample(&mut rng);
                deviation * normal
            };
            Ok(TensorData::new((0..count).map(normal).collect::<Vec<_>>(), shape))
        };
        Self::read(WeightReader::new(config, device, &mut source)?)
    }

    /// A model whose weights come from a reader, asked for in the order of the layers. Where it has adapters, only they are
    /// trained.
    pub(crate) fn read(mut reader: WeightReader<'_, '_, B>) -> Result<Self> {
        let config = reader.config();
        let embed_tokens = Embedding { weight: Param::from_tensor(reader.embedding()?) };
        let mut layers = Vec::with_capacity(config.n_layers);
        for index in 0..config.n_layers {
            layers.push(Layer::new(reader.layer(index)?));
        }
        let norm = RmsNorm::new(reader.norm()?);
        let lm_head = reader.head()?.map(Linear::of_weight);
        let decoder =
            Self { model: Backbone { embed_tokens, layers, norm }, lm_head, config: config.clone() };
        let is_frozen = reader.adapters.is_some() && !reader.merges;
        Ok(if is_frozen { only_adapters_trained(decoder) } else { decoder })
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
        let packed = self.packed(documents);
        let layers = 0..self.config.n_layers;
        self.normalise(layers.fold(self.embed(ids), |x, index| self.layer(index, x, &packed)))
    }

    /// What layers need to know of documents that stand end to end.
    pub fn packed(&self, documents: &Documents) -> Packed<B> {
        let table =
            RopeTable::new(&documents.positions(), &self.config.inverse_frequencies(), &self.device());
        Packed { documents: documents.clone(), table }
    }

    /// The embeddings of tokens, which the first layer takes.
    ///
    /// # Shapes
    ///
    /// `ids`: `n`, result: `[n, d_model]`.
    pub fn embed(&self, ids: &[u32]) -> Tensor<B, 2> {
        let ids: Vec<i64> = ids.iter().map(|id| i64::from(*id)).collect();
        let count = ids.len();
        let ids = Tensor::<B, 1, Int>::from_data(TensorData::new(ids, [count]), &self.device());
        let table = self.model.embed_tokens.weight.val();
        // A table of 16 bit is not trained.
        if table.dtype() == DType::F32 { embedding(table, ids) } else { widened(table.select(0, ids)) }
    }

    /// One layer, from what the one before it gave.
    ///
    /// # Shapes
    ///
    /// `x`: `[n, d_model]`, result: `[n, d_model]`.
    ///
    /// # Panics
    ///
    /// Where there is no such layer: a programmer's error.
    pub fn layer(&self, index: usize, x: Tensor<B, 2>, packed: &Packed<B>) -> Tensor<B, 2> {
        self.model.layers[index].forward_packed(x, packed, &self.config)
    }

    /// The normalisation after the last layer.
    ///
    /// # Shapes
    ///
    /// `x`: `[n, d_model]`, result: `[n, d_model]`.
    pub fn normalise(&self, x: Tensor<B, 2>) -> Tensor<B, 2> {
        rms_norm(x, self.final_norm(), self.config.rms_norm_eps)
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

    /// The weights of each layer, in their order.
    pub(crate) fn layer_weights(&self) -> impl Iterator<Item = LayerWeights<B>> {
        self.model.layers.iter().map(Layer::weights)
    }

    pub(crate) fn final_norm(&self) -> Tensor<B, 1> {
        self.model.norm.weight.val()
    }

    /// The weight of the output layer in 32 bit, `[vocab_size, d_model]`.
    pub fn output_weight(&self) -> Tensor<B, 2> {
        widened(self.output_parameter().val())
    }

    /// The embedding, `[vocab_size, d_model]`.
    pub fn embedding_parameter(&self) -> &Param<Tensor<B, 2>> {
        &self.model.embed_tokens.weight
    }

    /// The weight of the output layer, `[vocab_size, d_model]`, which may be the embedding.
    pub fn output_parameter(&self) -> &Param<Tensor<B, 2>> {
        self.lm_head.as_ref().map_or(self.embedding_parameter(), |head| &head.weight)
    }
}

/// Keeps every parameter but those of adapters from being trained.
fn only_adapters_trained<B: Backend>(decoder: Decoder<B>) -> Decoder<B> {
    #[derive(Default)]
    struct Freeze {
        path: Vec<String>,
    }
    impl<B: Backend> ModuleMapper<B> for Freeze {
        fn enter_module(&mut self, name: &str, _container_type: &str) {
            self.path.push(name.to_owned());
        }
        fn exit_module(&mut self, _name: &str, _container_type: &str) {
            self.path.pop();
        }
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<B, D>>) -> Param<Tensor<B, D>> {
            let is_adapter = self.path.iter().any(|name| name == "adapter");
            if is_adapter { param } else { param.set_require_grad(false) }
        }
    }
    decoder.map(&mut Freeze::default())
}

impl<B: Backend> Linear<B> {
    fn new(LinearWeights { weight, bias, adapter }: LinearWeights<B>) -> Self {
        Self {
            weight: Param::from_tensor(weight),
            bias: bias.map(Param::from_tensor),
            adapter: adapter.map(Adapter::new),
        }
    }

    fn of_weight(weight: Tensor<B, 2>) -> Self {
        Self::new(LinearWeights { weight, bias: None, adapter: None })
    }

    fn weights(&self) -> LinearWeights<B> {
        LinearWeights {
            weight: self.weight.val(),
            bias: self.bias.as_ref().map(Param::val),
            adapter: self.adapter.as_ref().map(Adapter::weights),
        }
    }
}

impl<B: Backend> RmsNorm<B> {
    fn new(weight: Tensor<B, 1>) -> Self {
        Self { weight: Param::from_tensor(weight) }
    }
}

impl<B: Kernels> Layer<B> {
    fn new(LayerWeights { attention, mlp }: LayerWeights<B>) -> Self {
        Self {
            input_layernorm: RmsNorm::new(attention.norm),
            self_attn: Attention {
                q_proj: Linear::new(attention.q),
                k_proj: Linear::new(attention.k),
                v_proj: Linear::new(attention.v),
                o_proj: Linear::new(attention.output),
                q_norm: attention.q_norm.map(RmsNorm::new),
                k_norm: attention.k_norm.map(RmsNorm::new),
            },
            post_attention_layernorm: RmsNorm::new(mlp.norm),
            mlp: Mlp {
                gate_proj: Linear::new(mlp.gate),
                up_proj: Linear::new(mlp.up),
                down_proj: Linear::new(mlp.down),
            },
        }
    }

    fn weights(&self) -> LayerWeights<B> {
        let Attention { q_proj, k_proj, v_proj, o_proj, q_norm, k_norm } = &self.self_attn;
        let norm = |norm: &RmsNorm<B>| norm.weight.val();
        LayerWeights {
            attention: AttentionLayer {
                norm: norm(&self.input_layernorm),
                q: q_proj.weights(),
                k: k_proj.weights(),
                v: v_proj.weights(),
                output: o_proj.weights(),
                q_norm: q_norm.as_ref().map(norm),
                k_norm: k_norm.as_ref().map(norm),
            },
            mlp: MlpLayer {
                norm: norm(&self.post_attention_layernorm),
                gate: self.mlp.gate_proj.weights(),
                up: self.mlp.up_proj.weights(),
                down: self.mlp.down_proj.weights(),
            },
        }
    }

    /// Inside each document of a flat batch.
    fn forward_packed(&self, x: Tensor<B, 2>, packed: &Packed<B>, config: &ModelConfig) -> Tensor<B, 2> {
        let LayerWeights { attention, mlp } = self.weights();
        let x = attention::packed(x, attention, &packed.table, &packed.documents, config);
        mlp::packed(x, mlp, config.rms_norm_eps)
    }
}
