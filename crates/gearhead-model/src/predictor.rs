//! A decoder made ready to predict: its weights in the precision that is asked for, over a cache.

use burn::{
    module::Param,
    tensor::{DType, Int, Tensor, TensorData},
};
use gearhead_kernels::{
    Heads, Kernels, QuantizedWeight, RopeTable, Span, embedding, linear, linear_16bit, linear_16bit_add,
    linear_add, quantized::GROUP, quantized_linear, quantized_linear_add, rms_norm, rope, swiglu, widened,
};

use crate::{
    attention::with_norms,
    cache::{KvCache, LayerCache},
    config::ModelConfig,
    decoder::{AttentionLayer, Decoder, LayerWeights, MlpLayer, WeightReader},
    error::{Error, Result},
    linear::LinearWeights,
    precision::{Precision, WeightDtype},
    storage::{check_holds_few_bits, check_stores, kept_as, tensor_dtype},
};

/// With more new tokens than this, operations are long enough for threads to be woken for each.
const MANY: usize = 256;

/// A decoder for prediction.
#[derive(Debug, Clone)]
pub struct Predictor<B: Kernels> {
    config: ModelConfig,
    precision: Precision,
    embedding: Tensor<B, 2>,
    layers: Vec<Layer<B>>,
    norm: Tensor<B, 1>,
    output: Projection<B>,
}

#[derive(Debug, Clone)]
struct Layer<B: Kernels> {
    attention_norm: Tensor<B, 1>,
    qkv: WithBias<B>,
    /// Norms of the heads of queries and keys.
    qk_norms: Option<[Tensor<B, 1>; 2]>,
    attention_output: WithBias<B>,
    mlp_norm: Tensor<B, 1>,
    gate_up: Projection<B>,
    down: Projection<B>,
}

/// Linear layers whose results stand side by side.
#[derive(Debug, Clone)]
enum Projection<B: Kernels> {
    F32(Vec<Tensor<B, 2>>),
    Bits16(Vec<Tensor<B, 2>>),
    Quantized(QuantizedWeight<B>),
}

impl<B: Kernels> Projection<B> {
    fn new(weights: Vec<Tensor<B, 2>>, dtype: WeightDtype) -> Result<Self> {
        let kept = |weight| kept_as(weight, dtype.of_tensors(), || "a weight of the model".to_owned());
        let weights: Vec<_> = weights.into_iter().map(kept).collect::<Result<_>>()?;
        Ok(match dtype.quantization() {
            Some(format) => Self::Quantized(QuantizedWeight::new(weights, format)),
            None if dtype == WeightDtype::F32 => Self::F32(weights),
            None => Self::Bits16(weights),
        })
    }

    fn forward(&self, x: Tensor<B, 2>) -> Tensor<B, 2> {
        match self {
            Self::F32(weights) => linear(x, weights.clone()),
            Self::Bits16(weights) => linear_16bit(x, weights.clone()),
            Self::Quantized(weight) => quantized_linear(x, weight),
        }
    }

    /// With what is added to the result of a single layer.
    fn forward_add(&self, x: Tensor<B, 2>, residual: Tensor<B, 2>) -> Tensor<B, 2> {
        match self {
            Self::F32(weights) => linear_add(x, weights[0].clone(), residual),
            Self::Bits16(weights) => linear_16bit_add(x, weights[0].clone(), residual),
            Self::Quantized(weight) => quantized_linear_add(x, weight, residual),
        }
    }
}

/// Linear layers whose results stand side by side, and their biases, `[1, Σ out]`.
#[derive(Debug, Clone)]
struct WithBias<B: Kernels> {
    projection: Projection<B>,
    bias: Option<Tensor<B, 2>>,
}

impl<B: Kernels> WithBias<B> {
    fn new(layers: Vec<LinearWeights<B>>, dtype: WeightDtype) -> Result<Self> {
        let (weights, biases): (Vec<_>, Vec<_>) =
            layers.into_iter().map(|layer| (layer.weight, layer.bias)).unzip();
        let biases: Option<Vec<_>> = biases.into_iter().collect();
        let bias = biases.map(|biases| Tensor::cat(biases, 0).unsqueeze());
        Ok(Self { projection: Projection::new(weights, dtype)?, bias })
    }

    fn forward(&self, x: Tensor<B, 2>) -> Tensor<B, 2> {
        self.biased(self.projection.forward(x))
    }

    fn forward_add(&self, x: Tensor<B, 2>, residual: Tensor<B, 2>) -> Tensor<B, 2> {
        self.biased(self.projection.forward_add(x, residual))
    }

    fn biased(&self, y: Tensor<B, 2>) -> Tensor<B, 2> {
        match &self.bias {
            Some(bias) => y + bias.clone(),
            None => y,
        }
    }
}

impl<B: Kernels> Predictor<B> {
    /// A decoder made ready. In f32 it shares the decoder's weights.
    ///
    /// # Errors
    ///
    /// [`Error::Config`] where rows of weights are not whole groups of the precision, [`Error::NotStored`] where the device
    /// cannot hold such weights, keys and values, [`Error::TooLarge`] where f16 cannot hold a weight.
    pub fn new(decoder: &Decoder<B>, precision: Precision) -> Result<Self> {
        check::<B>(decoder.config(), precision, &decoder.device())?;
        let layers = decoder.layer_weights().map(|weights| Layer::new(weights, precision));
        let table = |weight: &Param<Tensor<B, 2>>| {
            kept_as(weight.val(), precision.weights.of_tensors(), || "a weight of the model".to_owned())
        };
        let embedding = table(decoder.embedding_parameter())?;
        let output = if decoder.config().tie_embeddings {
            embedding.clone()
        } else {
            table(decoder.output_parameter())?
        };
        Ok(Self {
            config: decoder.config().clone(),
            precision,
            embedding,
            layers: layers.collect::<Result<_>>()?,
            norm: decoder.final_norm(),
            output: Projection::new(vec![output], precision.weights)?,
        })
    }

    /// Made ready weight by weight, so that a model is never in memory in two precisions.
    pub(crate) fn read(reader: &mut WeightReader<'_, '_, B>, precision: Precision) -> Result<Self> {
        let config = reader.config().clone();
        check::<B>(&config, precision, reader.device())?;
        reader.keep(precision.weights.of_tensors());
        let embedding = reader.embedding()?;
        let mut layers = Vec::with_capacity(config.n_layers);
        for index in 0..config.n_layers {
            layers.push(Layer::new(reader.layer(index)?, precision)?);
        }
        let norm = reader.norm()?;
        let output = reader.head()?.unwrap_or_else(|| embedding.clone());
        let output = Projection::new(vec![output], precision.weights)?;
        Ok(Self { config, precision, embedding, layers, norm, output })
    }

    /// The shape of the model.
    pub fn config(&self) -> &ModelConfig {
        &self.config
    }

    /// The device that the weights are on.
    pub fn device(&self) -> B::Device {
        self.embedding.device()
    }

    /// An empty cache for so many sequences of at most `capacity` tokens each.
    pub fn cache(&self, sequences: usize, capacity: usize) -> KvCache<B> {
        KvCache::new(&self.config, sequences, capacity, self.precision.cache, &self.device())
    }

    /// Final hidden states of new tokens of some sequences of the cache, which then holds them too.
    ///
    /// # Shapes
    ///
    /// `new`: sequences with their tokens, `n` in all, result: `[n, d_model]` in their order.
    ///
    /// # Panics
    ///
    /// Where the cache has no room, or a sequence is named twice: programmer's errors.
    pub fn forward(&self, new: &[(usize, &[u32])], cache: &mut KvCache<B>) -> Tensor<B, 2> {
        let passes = passes(new);
        let mut parts = Vec::with_capacity(passes.len());
        for pass in &passes {
            parts.push(pass.run::<B, _>(|| self.hidden(&pass.new, cache)));
        }
        joined(parts)
    }

    /// Scores of what may follow each of some sequences, after they were given new tokens, at least one each.
    ///
    /// # Shapes
    ///
    /// `new`: `n` sequences with their tokens, result: `[n, vocab_size]`.
    ///
    /// # Panics
    ///
    /// As [`forward`](Self::forward).
    pub fn next_logits(&self, new: &[(usize, &[u32])], cache: &mut KvCache<B>) -> Tensor<B, 2> {
        let passes = passes(new);
        let mut last = |pass: &Pass<'_>| {
            let hidden = self.hidden(&pass.new, cache);
            let ends = pass.ends.len();
            if ends == hidden.dims()[0] {
                return hidden;
            }
            hidden.select(0, Tensor::from_data(TensorData::new(pass.ends.clone(), [ends]), &self.device()))
        };
        match &passes[..] {
            [only] => only.run::<B, _>(|| self.logits(last(only))),
            passes => self.logits(joined(passes.iter().map(last).collect())),
        }
    }

    /// Scores of every token of the vocabulary.
    ///
    /// # Shapes
    ///
    /// `hidden`: `[n, d_model]`, result: `[n, vocab_size]`.
    pub fn logits(&self, hidden: Tensor<B, 2>) -> Tensor<B, 2> {
        self.output.forward(hidden)
    }

    fn hidden(&self, new: &[(usize, &[u32])], cache: &mut KvCache<B>) -> Tensor<B, 2> {
        let spans = cache.spans(new.iter().map(|(sequence, ids)| (*sequence, ids.len())));
        let (mut positions, mut ids) = (Vec::new(), Vec::new());
        for (span, (_, new)) in spans.iter().zip(new) {
            let start = cache.shared_len() + span.len;
            positions.extend(start..start + span.new);
            ids.extend(new.iter().map(|id| i64::from(*id)));
        }
        let (device, count) = (self.device(), ids.len());
        let table = RopeTable::new(&positions, &self.config.inverse_frequencies(), &device);
        let ids = Tensor::<B, 1, Int>::from_data(TensorData::new(ids, [count]), &device);
        let mut x = widened(embedding(self.embedding.clone(), ids));
        let shared = cache.shared_len();
        let at = At {
            table: &table,
            shared,
            spans: &spans,
            heads: self.config.heads(),
            eps: self.config.rms_norm_eps,
        };
        for (layer, cache) in self.layers.iter().zip(cache.layers_mut()) {
            x = layer.forward(x, cache, &at);
        }
        cache.advance(&spans);
        rms_norm(x, self.norm.clone(), self.config.rms_norm_eps)
    }
}

/// Tokens that are computed in one pass, so that what is between the layers stays in the cache of the processor.
const PASS: usize = 512;

/// What is computed at once.
#[derive(Default)]
struct Pass<'a> {
    /// Sequences with their new tokens, or with a part of them.
    new: Vec<(usize, &'a [u32])>,
    tokens: usize,
    /// Where the last new tokens of sequences stand.
    ends: Vec<i64>,
}

impl Pass<'_> {
    /// Does it, with threads kept ready where operations are so short that it would take longer to wake them.
    fn run<B: Kernels, R>(&self, work: impl FnOnce() -> R) -> R {
        if self.tokens > MANY { work() } else { B::together(work) }
    }
}

/// New tokens of sequences in parts of [`PASS`] tokens, a long one over several.
fn passes<'a>(new: &[(usize, &'a [u32])]) -> Vec<Pass<'a>> {
    let (mut passes, mut pass) = (Vec::new(), Pass::default());
    for (sequence, ids) in new {
        let mut left = *ids;
        while !left.is_empty() {
            if pass.tokens == PASS {
                passes.push(std::mem::take(&mut pass));
            }
            let (now, later) = left.split_at(left.len().min(PASS - pass.tokens));
            pass.new.push((*sequence, now));
            pass.tokens += now.len();
            if later.is_empty() {
                pass.ends.push(pass.tokens as i64 - 1);
            }
            left = later;
        }
    }
    passes.push(pass);
    passes
}

/// Rows below each other.
fn joined<B: Kernels>(mut parts: Vec<Tensor<B, 2>>) -> Tensor<B, 2> {
    if parts.len() == 1 { parts.remove(0) } else { Tensor::cat(parts, 0) }
}

/// Where new tokens stand, and what of the shape layers need.
struct At<'a, B: Kernels> {
    table: &'a RopeTable<B>,
    shared: usize,
    spans: &'a [Span],
    heads: Heads,
    eps: f64,
}

impl<B: Kernels> Layer<B> {
    fn new(weights: LayerWeights<B>, precision: Precision) -> Result<Self> {
        let LayerWeights { attention, mlp } = weights.merged();
        let AttentionLayer { norm: attention_norm, q, k, v, output, q_norm, k_norm } = attention;
        let MlpLayer { norm: mlp_norm, gate, up, down } = mlp;
        let projection = |layers: Vec<LinearWeights<B>>| {
            Projection::new(layers.into_iter().map(|layer| layer.weight).collect(), precision.weights)
        };
        Ok(Self {
            attention_norm,
            qkv: WithBias::new(vec![q, k, v], precision.weights)?,
            qk_norms: q_norm.zip(k_norm).map(Into::into),
            attention_output: WithBias::new(vec![output], precision.weights)?,
            mlp_norm,
            gate_up: projection(vec![gate, up])?,
            down: projection(vec![down])?,
        })
    }

    fn forward(&self, x: Tensor<B, 2>, cache: &mut LayerCache<B>, at: &At<'_, B>) -> Tensor<B, 2> {
        let qkv = self.qkv.forward(rms_norm(x.clone(), self.attention_norm.clone(), at.eps));
        let qkv = match &self.qk_norms {
            Some(norms) => with_norms(&qkv, norms, at.heads, at.eps),
            None => qkv,
        };
        let qkv = rope(qkv, at.table, at.heads.turned());
        let x = self.attention_output.forward_add(cache.attend(qkv, at.shared, at.spans, at.heads), x);
        let gate_up = self.gate_up.forward(rms_norm(x.clone(), self.mlp_norm.clone(), at.eps));
        self.down.forward_add(swiglu(gate_up), x)
    }
}

/// Whether the rows of all weights are whole groups, and the device holds what weights and cache are stored in.
fn check<B: Kernels>(config: &ModelConfig, precision: Precision, device: &B::Device) -> Result<()> {
    let Precision { weights, cache } = precision;
    check_stores::<B>(device, tensor_dtype(weights.of_tensors()), || format!("a model in {weights}"))?;
    check_stores::<B>(device, DType::from(cache), || format!("a cache of {cache}"))?;
    if weights.quantization().is_some() {
        check_holds_few_bits::<B>(device, || format!("a model in {weights}"))?;
    }
    let (Some(format), Some((field, value))) = (weights.quantization(), config.not_in_groups()) else {
        return Ok(());
    };
    let reason = format!("but {format} stores groups of {GROUP} weights");
    Err(Error::Config { field, value, reason })
}
