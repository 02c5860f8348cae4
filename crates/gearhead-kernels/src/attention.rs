//! Causal attention inside the documents of a flat batch.

use std::sync::Arc;

use burn::tensor::{Bool, Int, Tensor, TensorData, activation::softmax, backend::Backend, ops::FloatTensor};

use crate::{
    Kernels,
    backend::{raw, view},
};

/// Where each document of a flat batch begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Documents {
    offsets: Arc<[usize]>,
}

impl Documents {
    /// Documents between consecutive offsets; the first offset is 0 and the last the number of tokens.
    ///
    /// # Panics
    ///
    /// Where the offsets do not begin at 0 or descend: a programmer's error.
    pub fn new(offsets: &[usize]) -> Self {
        assert_eq!(offsets.first(), Some(&0), "the first document begins at 0");
        assert!(offsets.is_sorted(), "documents follow each other");
        Self { offsets: offsets.into() }
    }

    /// How many documents there are, empty ones included.
    pub fn count(&self) -> usize {
        self.offsets.len() - 1
    }

    /// How many tokens there are over all documents.
    pub fn token_count(&self) -> usize {
        self.offsets[self.count()]
    }

    /// The token range of each document.
    pub fn ranges(&self) -> impl Iterator<Item = std::ops::Range<usize>> + '_ {
        self.offsets.windows(2).map(|pair| pair[0]..pair[1])
    }

    /// The position of each token in its document.
    pub fn positions(&self) -> Vec<usize> {
        self.ranges().flat_map(|range| 0..range.len()).collect()
    }

    fn longest(&self) -> usize {
        self.ranges().map(|range| range.len()).max().unwrap_or(0)
    }
}

/// `softmax(q kᵀ / √d_head) v` for each head, where a token attends to itself and to the earlier tokens of its own
/// document. Query head `i` uses key and value head `i / (n_heads / n_kv_heads)`.
///
/// # Shapes
///
/// `q`: `[n, n_heads, d_head]`, `k` and `v`: `[n, n_kv_heads, d_head]`, result: `[n, n_heads, d_head]`.
///
/// # Source
///
/// Vaswani et al., *Attention Is All You Need*, 2017, equation 1; Ainslie et al., *GQA*, 2023, for the groups. The
/// flex version keeps only the log-sum-exp of each row, as Dao, *FlashAttention-2*, 2023, algorithms 1 and 2.
pub fn packed_attention<B: Kernels>(
    q: Tensor<B, 3>,
    k: Tensor<B, 3>,
    v: Tensor<B, 3>,
    documents: &Documents,
) -> Tensor<B, 3> {
    view(B::packed_attention(raw(q), raw(k), raw(v), documents).0)
}

/// Documents as the rows of a rectangle: `[documents, heads, longest, d_head]`, padded at the end.
struct Rectangle<B: Backend> {
    /// For each cell, the flat token that stands in it; padding repeats token 0.
    gather: Tensor<B, 1, Int>,
    /// For each flat token, its cell.
    scatter: Tensor<B, 1, Int>,
    /// `[1, 1, longest, longest]`, true where a token must not look: ahead of itself.
    ahead: Tensor<B, 4, Bool>,
    rows: usize,
    longest: usize,
}

impl<B: Backend> Rectangle<B> {
    fn new(documents: &Documents, device: &B::Device) -> Self {
        let (rows, longest) = (documents.count(), documents.longest());
        let mut gather = vec![0_i64; rows * longest];
        let mut scatter = Vec::with_capacity(documents.token_count());
        for (row, range) in documents.ranges().enumerate() {
            for (column, token) in range.enumerate() {
                gather[row * longest + column] = token as i64;
                scatter.push((row * longest + column) as i64);
            }
        }
        let int = |values: Vec<i64>| {
            let len = values.len();
            Tensor::from_data(TensorData::new(values, [len]), device)
        };
        let ahead = Tensor::<B, 2, Bool>::tril_mask([longest, longest], 0, device).unsqueeze::<4>();
        Self { gather: int(gather), scatter: int(scatter), ahead, rows, longest }
    }

    fn spread(&self, x: Tensor<B, 3>) -> Tensor<B, 4> {
        let [_, heads, d_head] = x.dims();
        x.select(0, self.gather.clone()).reshape([self.rows, self.longest, heads, d_head]).swap_dims(1, 2)
    }

    fn collect(&self, x: Tensor<B, 4>) -> Tensor<B, 3> {
        let [rows, heads, longest, d_head] = x.dims();
        x.swap_dims(1, 2).reshape([rows * longest, heads, d_head]).select(0, self.scatter.clone())
    }
}

/// Repeats each key and value head for its group of query heads: `[r, g, l, c]` to `[r, g * group, l, c]`.
fn for_each_query_head<B: Backend>(x: Tensor<B, 4>, group: usize) -> Tensor<B, 4> {
    let [rows, kv_heads, longest, d_head] = x.dims();
    if group == 1 {
        return x;
    }
    x.unsqueeze_dim::<5>(2).expand([rows, kv_heads, group, longest, d_head]).reshape([
        rows,
        kv_heads * group,
        longest,
        d_head,
    ])
}

/// The sum over each group of query heads: the transpose of [`for_each_query_head`].
fn sum_of_group<B: Backend>(x: Tensor<B, 4>, group: usize) -> Tensor<B, 4> {
    let [rows, heads, longest, d_head] = x.dims();
    if group == 1 {
        return x;
    }
    x.reshape([rows, heads / group, group, longest, d_head]).sum_dim(2).squeeze_dim::<4>(2)
}

/// The output, and the probabilities `[documents, n_heads, longest, longest]` for the backward pass.
pub(crate) fn portable<B: Kernels>(
    q: FloatTensor<B>,
    k: FloatTensor<B>,
    v: FloatTensor<B>,
    documents: &Documents,
) -> (FloatTensor<B>, FloatTensor<B>) {
    let (q, k, v) = (view::<B, 3>(q), view::<B, 3>(k), view::<B, 3>(v));
    let ([n, heads, d_head], [_, kv_heads, _]) = (q.dims(), k.dims());
    if n == 0 {
        return (raw(q.clone()), raw(q));
    }
    let rectangle = Rectangle::new(documents, &q.device());
    let group = heads / kv_heads;
    let scale = (d_head as f64).powf(-0.5);
    let q = rectangle.spread(q).mul_scalar(scale);
    let k = for_each_query_head(rectangle.spread(k), group);
    let v = for_each_query_head(rectangle.spread(v), group);
    let scores = q.matmul(k.swap_dims(2, 3));
    let shape = scores.dims();
    let probs = softmax(scores.mask_fill(rectangle.ahead.clone().expand(shape), f32::NEG_INFINITY), 3);
    let output = rectangle.collect(probs.clone().matmul(v));
    (raw(output), raw(probs))
}

/// With probabilities `P` and scores `S`: `dV = Pᵀ dO`, `dP = dO Vᵀ`, `dS = P (dP - rowsum(P dP))`,
/// `dQ = dS K / √d_head`, `dK = dSᵀ Q / √d_head`.
pub(crate) fn portable_backward<B: Kernels>(
    q: FloatTensor<B>,
    k: FloatTensor<B>,
    v: FloatTensor<B>,
    probs: FloatTensor<B>,
    grad: FloatTensor<B>,
    documents: &Documents,
) -> (FloatTensor<B>, FloatTensor<B>, FloatTensor<B>) {
    let (q, k, v) = (view::<B, 3>(q), view::<B, 3>(k), view::<B, 3>(v));
    let ([n, heads, d_head], [_, kv_heads, _]) = (q.dims(), k.dims());
    if n == 0 {
        return (raw(q), raw(k), raw(v));
    }
    let probs = view::<B, 4>(probs);
    let rectangle = Rectangle::new(documents, &q.device());
    let group = heads / kv_heads;
    let scale = (d_head as f64).powf(-0.5);
    // Padding repeats token 0 in every input; its gradient is cut off where the output's gradient is spread.
    let is_padding = padding::<B>(documents, &rectangle, &q.device());
    let grad = rectangle.spread(view::<B, 3>(grad));
    let shape = grad.dims();
    let grad = grad.mask_fill(is_padding.expand(shape), 0.0);
    let q = rectangle.spread(q);
    let k = for_each_query_head(rectangle.spread(k), group);
    let v = for_each_query_head(rectangle.spread(v), group);
    let v_grad = probs.clone().swap_dims(2, 3).matmul(grad.clone());
    let probs_grad = grad.matmul(v.swap_dims(2, 3));
    let row_sum = (probs.clone() * probs_grad.clone()).sum_dim(3);
    let scores_grad = probs * (probs_grad - row_sum) * scale;
    let q_grad = scores_grad.clone().matmul(k);
    let k_grad = scores_grad.swap_dims(2, 3).matmul(q);
    let flat = |x: Tensor<B, 4>| raw(rectangle.collect(x));
    (flat(q_grad), flat(sum_of_group(k_grad, group)), flat(sum_of_group(v_grad, group)))
}

/// `[documents, 1, longest, 1]`, true in the cells that hold no token.
fn padding<B: Backend>(
    documents: &Documents,
    rectangle: &Rectangle<B>,
    device: &B::Device,
) -> Tensor<B, 4, Bool> {
    let mut is_padding = vec![true; rectangle.rows * rectangle.longest];
    for (row, range) in documents.ranges().enumerate() {
        is_padding[row * rectangle.longest..][..range.len()].fill(false);
    }
    Tensor::from_data(TensorData::new(is_padding, [rectangle.rows, 1, rectangle.longest, 1]), device)
}
