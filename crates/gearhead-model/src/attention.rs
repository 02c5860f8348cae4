//! Attention: one operation of the kernels where it is Llama's and its weights are plain. With biases of the projections,
//! norms of the heads, adapters or weights of few bits it is put together from smaller ones, each of which keeps little for
//! its backward pass.

use burn::tensor::Tensor;
use gearhead_kernels::{
    AttentionWeights, Documents, Heads, Kernels, RopeTable, attention_block, packed_attention, rms_norm, rope,
};

use crate::{config::ModelConfig, decoder::AttentionLayer, linear::LinearWeights};

/// `x` and what attention adds to it, inside each document of a flat batch.
///
/// # Shapes
///
/// `x`: `[n, d_model]`, `table`: `n` positions, result: `[n, d_model]`.
pub(crate) fn packed<B: Kernels>(
    x: Tensor<B, 2>,
    weights: AttentionLayer<B>,
    table: &RopeTable<B>,
    documents: &Documents,
    config: &ModelConfig,
) -> Tensor<B, 2> {
    let (heads, eps) = (config.heads(), config.rms_norm_eps);
    let AttentionLayer { norm, q, k, v, output, q_norm, k_norm } = weights;
    if !config.family.has_qk_norm() && [&q, &k, &v, &output].into_iter().all(LinearWeights::is_plain) {
        let [q, k, v, output] = [q, k, v, output].map(|linear| linear.weight);
        let weights = AttentionWeights { norm, q, k, v, output };
        return attention_block(x, weights, heads, table, documents, eps);
    }
    let normed = rms_norm(x.clone(), norm, eps);
    let q = with_norm(q.forward(normed.clone()), q_norm.as_ref(), eps);
    let k = with_norm(k.forward(normed.clone()), k_norm.as_ref(), eps);
    let qkv = rope(Tensor::cat(vec![q, k, v.forward(normed)], 1), table, heads.turned());
    output.forward_add(packed_attention(qkv, heads, documents), x)
}

/// Queries and keys of new tokens, normalised head by head; the values beside them stay.
///
/// # Shapes
///
/// `qkv` and result: `[n, (n_heads + 2 * n_kv_heads) * d_head]`, each of `norms`: `[d_head]`.
pub(crate) fn with_norms<B: Kernels>(
    qkv: &Tensor<B, 2>,
    norms: &[Tensor<B, 1>; 2],
    heads: Heads,
    eps: f64,
) -> Tensor<B, 2> {
    let (n, end) = (qkv.dims()[0], heads.qkv_dim());
    let (q_end, k_end) = (heads.q_dim(), heads.q_dim() + heads.kv_dim());
    let part = |start, end| qkv.clone().slice([0..n, start..end]);
    let q = with_norm(part(0, q_end), Some(&norms[0]), eps);
    let k = with_norm(part(q_end, k_end), Some(&norms[1]), eps);
    Tensor::cat(vec![q, k, part(k_end, end)], 1)
}

/// Each head of each row normalised by itself.
fn with_norm<B: Kernels>(rows: Tensor<B, 2>, norm: Option<&Tensor<B, 1>>, eps: f64) -> Tensor<B, 2> {
    let Some(norm) = norm else { return rows };
    let ([n, columns], [d_head]) = (rows.dims(), norm.dims());
    let heads = rows.reshape([n * columns / d_head, d_head]);
    rms_norm(heads, norm.clone(), eps).reshape([n, columns])
}
