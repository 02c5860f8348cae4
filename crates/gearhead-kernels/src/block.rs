//! The two blocks of a Llama layer, each one operation with a backward pass of its own: what the backward pass can
//! compute again at little cost is not kept.

use std::ops::Range;

use burn::tensor::{Tensor, TensorMetadata, backend::Backend, ops::FloatTensor};

use crate::{
    Documents, Heads, Kernels, RopeTable,
    backend::{raw, view},
};

/// The weights of an attention block.
#[derive(Debug, Clone)]
pub struct AttentionWeights<B: Backend> {
    /// `[d_model]`.
    pub norm: Tensor<B, 1>,
    /// `[n_heads * d_head, d_model]`.
    pub q: Tensor<B, 2>,
    /// `[n_kv_heads * d_head, d_model]`.
    pub k: Tensor<B, 2>,
    /// `[n_kv_heads * d_head, d_model]`.
    pub v: Tensor<B, 2>,
    /// `[d_model, n_heads * d_head]`.
    pub output: Tensor<B, 2>,
}

/// The weights of a feed-forward block.
#[derive(Debug, Clone)]
pub struct MlpWeights<B: Backend> {
    /// `[d_model]`.
    pub norm: Tensor<B, 1>,
    /// `[d_ff, d_model]`.
    pub gate: Tensor<B, 2>,
    /// `[d_ff, d_model]`.
    pub up: Tensor<B, 2>,
    /// `[d_model, d_ff]`.
    pub down: Tensor<B, 2>,
}

/// What an attention block needs beside its weights.
#[derive(Debug, Clone)]
pub struct AttentionContext<F> {
    /// How a row of queries, keys and values is laid out.
    pub heads: Heads,
    /// Cosines of the rotary angles, `[n, d_head / 2]`.
    pub cos: F,
    /// Sines of the rotary angles, `[n, d_head / 2]`.
    pub sin: F,
    /// A token attends to itself and to the earlier tokens of its own document.
    pub documents: Documents,
    /// Added to the mean square in the normalisation.
    pub eps: f64,
}

/// `x + output(attention(rope(q, k), v))`, with queries, keys and values of `rms_norm(x)`; attention is
/// `softmax(q kᵀ / √d_head) v` for each head.
///
/// # Shapes
///
/// `x`: `[n, d_model]`, `table`: `n` positions, result: `[n, d_model]`.
///
/// # Source
///
/// Touvron et al., *LLaMA*, 2023, section 2.2; Vaswani et al., *Attention Is All You Need*, 2017, equation 1; Ainslie
/// et al., *GQA*, 2023, for the groups. On flex a strip of scores is in memory at a time and the log-sum-exp of each
/// row is kept, as in Dao, *FlashAttention-2*, 2023, algorithm 2.
pub fn attention_block<B: Kernels>(
    x: Tensor<B, 2>,
    weights: AttentionWeights<B>,
    heads: Heads,
    table: &RopeTable<B>,
    documents: &Documents,
    eps: f64,
) -> Tensor<B, 2> {
    let AttentionWeights { norm, q, k, v, output } = weights;
    let (cos, sin) = (raw(table.cos.clone()), raw(table.sin.clone()));
    let context = AttentionContext { heads, cos, sin, documents: documents.clone(), eps };
    view(B::attention_block(raw(x), [raw(norm), raw(q), raw(k), raw(v), raw(output)], context))
}

/// `x + down(silu(gate) * up)`, with gate and up of `rms_norm(x)`.
///
/// # Shapes
///
/// `x`: `[n, d_model]`, result: `[n, d_model]`.
///
/// # Source
///
/// Touvron et al., *LLaMA*, 2023, section 2.2; Shazeer, *GLU Variants Improve Transformer*, 2020, equation 6.
pub fn mlp_block<B: Kernels>(x: Tensor<B, 2>, weights: MlpWeights<B>, eps: f64) -> Tensor<B, 2> {
    let MlpWeights { norm, gate, up, down } = weights;
    view(B::mlp_block(raw(x), [raw(norm), raw(gate), raw(up), raw(down)], eps))
}

/// What the backward pass of an attention block goes by.
#[derive(Debug, Clone)]
pub(crate) struct AttentionSaved<F> {
    x: F,
    weights: [F; 5],
    context: AttentionContext<F>,
    /// After the rotation.
    qkv: F,
    attended: F,
    /// Whatever the backend's attention wants kept beside its output.
    beside: F,
}

pub(crate) fn attention<B: Kernels>(
    x: FloatTensor<B>,
    weights: [FloatTensor<B>; 5],
    context: AttentionContext<FloatTensor<B>>,
) -> (FloatTensor<B>, AttentionSaved<FloatTensor<B>>) {
    let [norm, q, k, v, output] = weights.clone();
    let AttentionContext { heads, cos, sin, documents, eps } = &context;
    let normed = B::rms_norm(x.clone(), norm, *eps);
    let qkv = B::rope(B::linear_out_in(normed, vec![q, k, v]), cos.clone(), sin.clone(), heads.turned());
    let (attended, beside) = B::packed_attention(qkv.clone(), *heads, documents);
    let y = B::linear_add(attended.clone(), output, x.clone());
    (y, AttentionSaved { x, weights, context, qkv, attended, beside })
}

/// Gradients for `x` and the weights; those of weights that are not wanted are left out.
pub(crate) fn attention_backward<B: Kernels>(
    saved: AttentionSaved<FloatTensor<B>>,
    grad: FloatTensor<B>,
    wanted: [bool; 6],
) -> [Option<FloatTensor<B>>; 6] {
    let AttentionSaved { x, weights: [norm, q, k, v, output], context, qkv, attended, beside } = saved;
    let AttentionContext { heads, cos, sin, documents, eps } = context;
    let (q_dim, kv_dim) = (heads.q_dim(), heads.kv_dim());
    let output_grad = wanted[5].then(|| weight_grad::<B>(&grad, 0..columns::<B>(&grad), &attended, &output));
    let attended_grad = B::linear_input_grad(grad.clone(), vec![output]);
    let qkv_grad = B::packed_attention_backward(qkv, (attended, beside), attended_grad, heads, &documents);
    // A rotation's transpose is the rotation by the opposite angle.
    let qkv_grad = B::rope(qkv_grad, cos, B::float_neg(sin), heads.turned());
    let normed = B::rms_norm(x.clone(), norm.clone(), eps);
    let of = |columns, weight| weight_grad::<B>(&qkv_grad, columns, &normed, weight);
    let q_grad = wanted[2].then(|| of(0..q_dim, &q));
    let k_grad = wanted[3].then(|| of(q_dim..q_dim + kv_dim, &k));
    let v_grad = wanted[4].then(|| of(q_dim + kv_dim..q_dim + 2 * kv_dim, &v));
    drop(normed);
    let normed_grad = B::linear_input_grad(qkv_grad, vec![q, k, v]);
    let (x_grad, norm_grad) = B::rms_norm_backward(x, norm, normed_grad, Some(grad), eps);
    [Some(x_grad), Some(norm_grad), q_grad, k_grad, v_grad, output_grad]
}

/// What the backward pass of a feed-forward block goes by.
#[derive(Debug, Clone)]
pub(crate) struct MlpSaved<F> {
    x: F,
    weights: [F; 4],
    eps: f64,
    /// Gate and up, side by side.
    gate_up: F,
}

pub(crate) fn mlp<B: Kernels>(
    x: FloatTensor<B>,
    weights: [FloatTensor<B>; 4],
    eps: f64,
) -> (FloatTensor<B>, MlpSaved<FloatTensor<B>>) {
    let [norm, gate, up, down] = weights.clone();
    let normed = B::rms_norm(x.clone(), norm, eps);
    let gate_up = B::linear_out_in(normed, vec![gate, up]);
    let y = B::linear_add(B::swiglu(gate_up.clone()), down, x.clone());
    (y, MlpSaved { x, weights, eps, gate_up })
}

/// Gradients for `x` and the weights; those of weights that are not wanted are left out.
pub(crate) fn mlp_backward<B: Kernels>(
    saved: MlpSaved<FloatTensor<B>>,
    grad: FloatTensor<B>,
    wanted: [bool; 5],
) -> [Option<FloatTensor<B>>; 5] {
    let MlpSaved { x, weights: [norm, gate, up, down], eps, gate_up } = saved;
    let d_ff = columns::<B>(&gate_up) / 2;
    let active_grad = B::linear_input_grad(grad.clone(), vec![down.clone()]);
    let (gate_up_grad, active) = B::swiglu_backward(gate_up, active_grad);
    let down_grad = wanted[4].then(|| weight_grad::<B>(&grad, 0..columns::<B>(&grad), &active, &down));
    drop(active);
    let normed = B::rms_norm(x.clone(), norm.clone(), eps);
    let of = |columns, weight| weight_grad::<B>(&gate_up_grad, columns, &normed, weight);
    let gate_grad = wanted[2].then(|| of(0..d_ff, &gate));
    let up_grad = wanted[3].then(|| of(d_ff..2 * d_ff, &up));
    drop(normed);
    let normed_grad = B::linear_input_grad(gate_up_grad, vec![gate, up]);
    let (x_grad, norm_grad) = B::rms_norm_backward(x, norm, normed_grad, Some(grad), eps);
    [Some(x_grad), Some(norm_grad), gate_grad, up_grad, down_grad]
}

/// The gradient of a weight, in its type, where its results stand in `columns` of `grad`.
fn weight_grad<B: Kernels>(
    grad: &FloatTensor<B>,
    columns: Range<usize>,
    x: &FloatTensor<B>,
    weight: &FloatTensor<B>,
) -> FloatTensor<B> {
    B::linear_weight_grad(grad.clone(), columns, x.clone(), weight.dtype())
}

fn columns<B: Kernels>(matrix: &FloatTensor<B>) -> usize {
    matrix.shape()[1]
}
