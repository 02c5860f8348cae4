//! The trait that a backend implements.

use std::{fmt::Debug, ops::Range};

use burn::tensor::{
    DType, Tensor, TensorMetadata, TensorPrimitive,
    backend::{AutodiffBackend, Backend},
    ops::{FloatTensor, IntTensor, QuantizedTensor},
};

use crate::{
    AdamWStep, AttentionContext, Documents, Heads, OutputWeight, Quantization, RawCachePart, SharedPrefix,
    Span, adamw, adamw_8bit, attention, block, embedding, frozen, linear, linear_16bit, linear_cross_entropy,
    log_probs, rms_norm, rope, squares, swiglu,
};

/// The operations, on a backend's own tensors. Every method has a portable default; the functions of the crate's
/// root are the typed way to call them.
///
/// Shapes: `n` tokens, `d` features, `h` query heads, `g` key and value heads, `c` features of a head, `f` features
/// inside the feed-forward layer.
pub trait Kernels: Backend {
    /// Whether numbers of 8 bits and fewer can be held: weights, and the moments of an optimizer.
    const HOLDS_FEW_BITS: bool = true;

    /// Weights in few bits.
    type QuantizedWeight: Clone + Debug + Send + Sync + 'static;

    /// Does `work`, with the threads that compute kept ready for many short operations after each other.
    fn together<R>(work: impl FnOnce() -> R) -> R {
        work()
    }
    /// Gives memory back that is kept for the next step: when a training is over, there is none.
    fn release_memory(device: &Self::Device) {
        Self::memory_cleanup(device);
    }
    /// `x[n, d]`, `weight[d]` to `[n, d]`.
    fn rms_norm(x: FloatTensor<Self>, weight: FloatTensor<Self>, eps: f64) -> FloatTensor<Self> {
        rms_norm::portable::<Self>(x, weight, eps)
    }
    /// Gradients of [`Kernels::rms_norm`] for `x` and `weight`; to that for `x`, `beside[n, d]` is added.
    fn rms_norm_backward(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        grad: FloatTensor<Self>,
        beside: Option<FloatTensor<Self>>,
        eps: f64,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        rms_norm::portable_backward::<Self>(x, weight, grad, beside, eps)
    }
    /// `x[n, i]`, each weight `[o, i]` to `[n, Σ o]`.
    fn linear_out_in(x: FloatTensor<Self>, weights: Vec<FloatTensor<Self>>) -> FloatTensor<Self> {
        linear::portable::<Self>(x, weights)
    }
    /// `x[n, i]`, `weight[o, i]`, `residual[n, o]` to `[n, o]`.
    fn linear_add(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        residual: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        linear::portable_add::<Self>(x, weight, residual)
    }
    /// `x[n, i]`, each weight `[o, i]`, of f16 or bf16, to `[n, Σ o]`.
    fn linear_16bit(x: FloatTensor<Self>, weights: Vec<FloatTensor<Self>>) -> FloatTensor<Self> {
        linear_16bit::portable::<Self>(&x, weights)
    }
    /// `x[n, i]`, `weight[o, i]`, of f16 or bf16, `residual[n, o]` to `[n, o]`.
    fn linear_16bit_add(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        residual: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        Self::float_add(residual, Self::linear_16bit(x, vec![weight]))
    }
    /// Weights, each `[o, i]` with whole groups of [`crate::quantized::GROUP`] in a row, one below the other.
    fn quantize_weights(weights: Vec<FloatTensor<Self>>, format: Quantization) -> Self::QuantizedWeight;
    /// The weights that [`Kernels::quantized_linear`] multiplies with, `[o, i]`.
    fn dequantize_weights(weight: &Self::QuantizedWeight) -> FloatTensor<Self>;
    /// `x[n, i]`, `weight[o, i]` to `[n, o]`.
    fn quantized_linear(x: FloatTensor<Self>, weight: &Self::QuantizedWeight) -> FloatTensor<Self>;
    /// `x[n, i]`, `weight[o, i]`, `residual[n, o]` to `[n, o]`.
    fn quantized_linear_add(
        x: FloatTensor<Self>,
        weight: &Self::QuantizedWeight,
        residual: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        Self::float_add(residual, Self::quantized_linear(x, weight))
    }
    /// A weight that is not trained, in 8 bit.
    fn narrow(weight: FloatTensor<Self>) -> QuantizedTensor<Self> {
        frozen::portable_narrow::<Self>(weight)
    }
    /// A weight that is not trained, in the type of what is computed with or a wider one.
    fn widen(weight: TensorPrimitive<Self>, dtype: DType) -> FloatTensor<Self> {
        frozen::portable_widen::<Self>(weight, dtype)
    }
    /// `x[n, i]`, `weight[o, i]`, which is not trained, to `[n, o]`.
    fn frozen_linear(x: FloatTensor<Self>, weight: TensorPrimitive<Self>) -> FloatTensor<Self> {
        let dtype = x.dtype();
        Self::linear_out_in(x, vec![Self::widen(weight, dtype)])
    }
    /// Gradient of [`Kernels::linear_out_in`] for `x`, of `grad[n, Σ o]`.
    fn linear_input_grad(grad: FloatTensor<Self>, weights: Vec<FloatTensor<Self>>) -> FloatTensor<Self> {
        linear::portable_input_grad::<Self>(grad, weights)
    }
    /// Gradient of [`Kernels::linear_out_in`] for the weight of type `dtype` whose results stand in `columns`.
    fn linear_weight_grad(
        grad: FloatTensor<Self>,
        columns: Range<usize>,
        x: FloatTensor<Self>,
        dtype: DType,
    ) -> FloatTensor<Self> {
        linear::portable_weight_grad::<Self>(grad, columns, x, dtype)
    }
    /// `table[rows, d]`, `ids[n]` to `[n, d]`.
    fn gather_rows(table: FloatTensor<Self>, ids: IntTensor<Self>) -> FloatTensor<Self> {
        embedding::portable::<Self>(table, ids)
    }
    /// `table[rows, d]` with each row of `rows[n, d]` added to that of `ids[n]`.
    fn add_rows(
        table: FloatTensor<Self>,
        ids: IntTensor<Self>,
        rows: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        embedding::portable_add::<Self>(table, ids, rows)
    }
    /// `x[n, m]`, `cos[n, c/2]`, `sin[n, c/2]` to `[n, m]`, with the first `heads` heads of each row turned.
    fn rope(
        x: FloatTensor<Self>,
        cos: FloatTensor<Self>,
        sin: FloatTensor<Self>,
        heads: usize,
    ) -> FloatTensor<Self> {
        rope::portable::<Self>(x, cos, sin, heads)
    }
    /// `gate_up[n, 2 f]` to `[n, f]`.
    fn swiglu(gate_up: FloatTensor<Self>) -> FloatTensor<Self> {
        swiglu::portable::<Self>(gate_up)
    }
    /// Gradient of [`Kernels::swiglu`] for `gate_up`, and its result again.
    fn swiglu_backward(
        gate_up: FloatTensor<Self>,
        grad: FloatTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        swiglu::portable_backward::<Self>(gate_up, grad)
    }
    /// `qkv[n, (h + 2 g) c]` to the output `[n, h c]` and whatever the backward pass of the same backend needs beside
    /// it.
    fn packed_attention(
        qkv: FloatTensor<Self>,
        heads: Heads,
        documents: &Documents,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        attention::portable::<Self>(qkv, heads, documents)
    }
    /// Gradient of [`Kernels::packed_attention`] for `qkv`; `saved` is what it returned.
    fn packed_attention_backward(
        qkv: FloatTensor<Self>,
        saved: (FloatTensor<Self>, FloatTensor<Self>),
        grad: FloatTensor<Self>,
        heads: Heads,
        documents: &Documents,
    ) -> FloatTensor<Self> {
        attention::portable_backward::<Self>(qkv, saved.0, grad, heads, documents)
    }
    /// `qkv[n, (h + 2 g) c]` of new tokens, the cache `[slots, g, capacity, c]` twice, to the output `[n, h c]` and the
    /// cache with the new keys and values.
    fn cached_attention(
        qkv: FloatTensor<Self>,
        cache: [RawCachePart<Self>; 2],
        prefix: Option<SharedPrefix<RawCachePart<Self>>>,
        spans: &[Span],
        heads: Heads,
    ) -> (FloatTensor<Self>, [RawCachePart<Self>; 2]) {
        attention::portable_cached::<Self>(qkv, cache, prefix, spans, heads)
    }
    /// `part[slots, g, capacity, c]` with the first tokens of `from[1, g, at least len, c]` in a slot.
    fn set_slot(
        part: RawCachePart<Self>,
        slot: usize,
        from: RawCachePart<Self>,
        len: usize,
    ) -> RawCachePart<Self> {
        attention::portable_set_slot::<Self>(part, slot, from, len)
    }
    /// `x[n, d]` and the weights `norm[d]`, `q[h c, d]`, `k[g c, d]`, `v[g c, d]`, `output[d, h c]` to `[n, d]`.
    fn attention_block(
        x: FloatTensor<Self>,
        weights: [FloatTensor<Self>; 5],
        context: AttentionContext<FloatTensor<Self>>,
    ) -> FloatTensor<Self> {
        block::attention::<Self>(x, weights, context).0
    }
    /// `x[n, d]` and the weights `norm[d]`, `gate[f, d]`, `up[f, d]`, `down[d, f]` to `[n, d]`.
    fn mlp_block(x: FloatTensor<Self>, weights: [FloatTensor<Self>; 4], eps: f64) -> FloatTensor<Self> {
        block::mlp::<Self>(x, weights, eps).0
    }
    /// `hidden[n, d]`, `weight[v, d]`, `targets[n]` to the summed loss `[1]`.
    fn linear_cross_entropy(
        hidden: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        targets: IntTensor<Self>,
    ) -> FloatTensor<Self> {
        linear_cross_entropy::portable::<Self>(hidden, weight, targets)
    }
    /// `logits[n, v]`, classes `of[n]` to `[n]`.
    fn log_probs(logits: FloatTensor<Self>, of: IntTensor<Self>) -> FloatTensor<Self> {
        log_probs::portable::<Self>(logits, of)
    }
    /// The loss as [`Kernels::linear_cross_entropy`], and the gradients of `scale` times it for `hidden` and, where it is
    /// trained, `weight`.
    fn linear_cross_entropy_with_grads(
        hidden: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        targets: IntTensor<Self>,
        output: OutputWeight,
        scale: f32,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, Option<FloatTensor<Self>>) {
        linear_cross_entropy::portable_with_grads::<Self>(hidden, weight, targets, output, scale)
    }
    /// `Σ x²` over all elements, `[1]`.
    fn sum_of_squares(x: FloatTensor<Self>) -> FloatTensor<Self> {
        squares::portable::<Self>(x)
    }
    /// Parameter and the two moments after one step; all four tensors have one shape.
    fn adamw_step(
        parameter: FloatTensor<Self>,
        grad: FloatTensor<Self>,
        moments: (FloatTensor<Self>, FloatTensor<Self>),
        step: &AdamWStep,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        adamw::portable::<Self>(parameter, grad, moments, step)
    }
    /// Parameter, codes and scales of the two moments after one step; `parameter[n]`, `codes[n]` of `u8`, `scales[n /
    /// MOMENT_BLOCK]`.
    fn adamw_step_8bit(
        parameter: FloatTensor<Self>,
        grad: FloatTensor<Self>,
        codes: [IntTensor<Self>; 2],
        scales: [FloatTensor<Self>; 2],
        step: &AdamWStep,
    ) -> (FloatTensor<Self>, [IntTensor<Self>; 2], [FloatTensor<Self>; 2]) {
        adamw_8bit::portable::<Self>(parameter, grad, codes, scales, step)
    }
}

/// A backend that can be trained on: `Autodiff` of one that has the kernels.
pub trait AutodiffKernels: AutodiffBackend<InnerBackend: Kernels> + Kernels {
    /// A backward pass that begins with a gradient for `output`, of its shape and type.
    fn gradients_from<const D: usize>(
        output: Tensor<Self, D>,
        grad: Tensor<Self::InnerBackend, D>,
    ) -> Self::Gradients;
}

/// A backend that takes every operation as it is, and Burn's quantized tensors.
macro_rules! portable_kernels {
    ($($features:meta => $backend:ty, $holds_few_bits:literal;)*) => {$(
        #[cfg($features)]
        impl Kernels for $backend {
            const HOLDS_FEW_BITS: bool = $holds_few_bits;

            type QuantizedWeight = burn::tensor::ops::QuantizedTensor<Self>;

            fn quantize_weights(weights: Vec<FloatTensor<Self>>, format: Quantization) -> Self::QuantizedWeight {
                crate::quantized::portable_quantize::<Self>(weights, format)
            }

            fn dequantize_weights(weight: &Self::QuantizedWeight) -> FloatTensor<Self> {
                crate::quantized::portable_dequantize::<Self>(weight, burn::tensor::DType::F32)
            }

            fn quantized_linear(x: FloatTensor<Self>, weight: &Self::QuantizedWeight) -> FloatTensor<Self> {
                crate::quantized::portable::<Self>(x, weight)
            }
        }
    )*};
}

// `Vulkan` and `Metal` are names of the same backend with another shader compiler.
portable_kernels! {
    feature = "cuda" => burn::backend::Cuda, true;
    feature = "rocm" => burn::backend::Rocm, true;
    any(feature = "wgpu", feature = "vulkan", feature = "metal") => burn::backend::Wgpu, true;
    // Burn quantizes nothing there, and bytes come back as whole words.
    feature = "tch" => burn::backend::LibTorch, false;
}

/// A typed view of a backend's tensor.
pub(crate) fn view<B: Backend, const D: usize>(primitive: FloatTensor<B>) -> Tensor<B, D> {
    Tensor::from_primitive(TensorPrimitive::Float(primitive))
}

/// The backend's tensor of a typed view.
pub(crate) fn raw<B: Backend, const D: usize>(tensor: Tensor<B, D>) -> FloatTensor<B> {
    tensor.into_primitive().tensor()
}
