//! The output layer and the cross-entropy together.

use std::ops::Range;

use burn::tensor::{
    Int, Tensor,
    activation::log_softmax,
    ops::{FloatTensor, IntTensor},
};

use crate::{
    Kernels,
    backend::{raw, view},
    precision::{of_sums, wide},
};

/// `Σ -log softmax(hidden weightᵀ)[target]`, in nats, summed over the rows. The logits are computed for some rows at a
/// time and never stand in memory as a whole; the gradients are computed beside the loss, while the logits are there.
///
/// # Shapes
///
/// `hidden`: `[n, d_model]`, `weight`: `[vocab_size, d_model]`, `targets`: `[n]`, result: `[1]`, in f32 where these are of 16
/// bits. With `n = 0` the loss is 0.
///
/// # Source
///
/// The gradient in chunks: Hsu et al., *Liger Kernel*, 2024, section 3.2.
pub fn linear_cross_entropy<B: Kernels>(
    hidden: Tensor<B, 2>,
    weight: Tensor<B, 2>,
    targets: Tensor<B, 1, Int>,
) -> Tensor<B, 1> {
    view(B::linear_cross_entropy(raw(hidden), raw(weight), targets.into_primitive()))
}

/// Whether the weight of an output layer is trained.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutputWeight {
    /// Its gradient is wanted.
    Trained,
    /// It has none.
    Frozen,
}

/// The loss as [`linear_cross_entropy`], and the gradients of `scale` times the loss for `hidden` and, where it is trained,
/// `weight`: for who needs no graph. In 16 bits, gradients of the loss itself may be too small for the type.
///
/// # Shapes
///
/// As there; gradients have the shapes of what they belong to.
pub fn linear_cross_entropy_with_grads<B: Kernels>(
    hidden: Tensor<B, 2>,
    weight: Tensor<B, 2>,
    targets: Tensor<B, 1, Int>,
    output: OutputWeight,
    scale: f32,
) -> (Tensor<B, 1>, Tensor<B, 2>, Option<Tensor<B, 2>>) {
    let (hidden, weight, targets) = (raw(hidden), raw(weight), targets.into_primitive());
    let (loss, hidden_grad, weight_grad) =
        B::linear_cross_entropy_with_grads(hidden, weight, targets, output, scale);
    (view(loss), view(hidden_grad), weight_grad.map(view))
}

/// Logits in memory at once: 16 MB of `f32`.
const CHUNK: usize = 4 << 20;

/// How many rows have their logits in memory at once.
pub fn logit_rows(vocab_size: usize) -> usize {
    (CHUNK / vocab_size.max(1)).max(1)
}

/// The rows of each chunk.
pub(crate) fn chunks(n: usize, vocab_size: usize) -> impl Iterator<Item = Range<usize>> {
    let rows = logit_rows(vocab_size);
    (0..n).step_by(rows).map(move |start| start..(start + rows).min(n))
}

/// The summed loss.
pub(crate) fn portable<B: Kernels>(
    hidden: FloatTensor<B>,
    weight: FloatTensor<B>,
    targets: IntTensor<B>,
) -> FloatTensor<B> {
    let (hidden, weight) = (view::<B, 2>(hidden), view::<B, 2>(weight));
    let targets = Tensor::<B, 1, Int>::from_primitive(targets);
    let ([n, d_model], [vocab_size, _]) = (hidden.dims(), weight.dims());
    let weight = weight.cast(hidden.dtype());
    let mut loss = Tensor::<B, 1>::zeros([1], (&hidden.device(), of_sums(hidden.dtype())));
    for rows in chunks(n, vocab_size) {
        let logits = hidden.clone().slice([rows.clone(), 0..d_model]).matmul(weight.clone().transpose());
        let targets = targets.clone().slice([rows]).unsqueeze_dim::<2>(1);
        loss = loss - log_softmax(wide(logits), 1).gather(1, targets).sum();
    }
    raw(loss)
}

/// The summed loss, and the gradients of `scale` times it for `hidden` and, where it is trained, `weight`: with
/// `g = scale (softmax(logits) - onehot(target))`, `dhidden = g weight` and `dweight = gᵀ hidden`.
pub(crate) fn portable_with_grads<B: Kernels>(
    hidden: FloatTensor<B>,
    weight: FloatTensor<B>,
    targets: IntTensor<B>,
    output: OutputWeight,
    scale: f32,
) -> (FloatTensor<B>, FloatTensor<B>, Option<FloatTensor<B>>) {
    let (hidden, weight) = (view::<B, 2>(hidden), view::<B, 2>(weight));
    let targets = Tensor::<B, 1, Int>::from_primitive(targets);
    let (device, dtype) = (hidden.device(), hidden.dtype());
    let ([n, d_model], [vocab_size, _]) = (hidden.dims(), weight.dims());
    let (sums, weight_dtype) = (of_sums(dtype), weight.dtype());
    let mut loss = Tensor::<B, 1>::zeros([1], (&device, sums));
    let mut weight_grad = (output == OutputWeight::Trained)
        .then(|| Tensor::<B, 2>::zeros([vocab_size, d_model], (&device, of_sums(weight_dtype))));
    let weight = weight.cast(dtype);
    let mut hidden_grads = Vec::new();
    let classes = Tensor::<B, 1, Int>::arange(0..vocab_size as i64, &device).unsqueeze::<2>();
    for rows in chunks(n, vocab_size) {
        let hidden = hidden.clone().slice([rows.clone(), 0..d_model]);
        let log_probs = log_softmax(wide(hidden.clone().matmul(weight.clone().transpose())), 1);
        let targets = targets.clone().slice([rows]).unsqueeze_dim::<2>(1);
        loss = loss - log_probs.clone().gather(1, targets.clone()).sum();
        let onehot = classes.clone().equal(targets).float().cast(sums);
        let grad = (log_probs.exp() - onehot).mul_scalar(scale).cast(dtype);
        hidden_grads.push(grad.clone().matmul(weight.clone()));
        weight_grad = weight_grad.map(|sum| {
            let dtype = sum.dtype();
            sum + grad.transpose().matmul(hidden).cast(dtype)
        });
    }
    let hidden_grad = if n == 0 { hidden } else { Tensor::cat(hidden_grads, 0) };
    (raw(loss), raw(hidden_grad), weight_grad.map(|sum| raw(sum.cast(weight_dtype))))
}
