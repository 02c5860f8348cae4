//! Cross-entropy with its gradient in one pass.

use burn::tensor::{
    Int, Tensor,
    activation::log_softmax,
    ops::{FloatTensor, IntTensor},
};

use crate::{
    Kernels,
    backend::{raw, view},
};

/// `Σ -log softmax(logits)[target]`, in nats, summed over the rows.
///
/// # Shapes
///
/// `logits`: `[n, vocab_size]`, `targets`: `[n]`, result: `[1]`. With `n = 0` the loss is 0.
pub fn cross_entropy<B: Kernels>(logits: Tensor<B, 2>, targets: Tensor<B, 1, Int>) -> Tensor<B, 1> {
    view(B::cross_entropy(raw(logits), targets.into_primitive()).0)
}

/// The loss, and `softmax(logits) - onehot(target)`.
pub(crate) fn portable<B: Kernels>(
    logits: FloatTensor<B>,
    targets: IntTensor<B>,
) -> (FloatTensor<B>, FloatTensor<B>) {
    let logits = view::<B, 2>(logits);
    let targets = Tensor::<B, 1, Int>::from_primitive(targets).unsqueeze_dim::<2>(1);
    let device = logits.device();
    let ([n, vocab_size], dtype) = (logits.dims(), logits.dtype());
    if n == 0 {
        return (raw(Tensor::<B, 1>::zeros([1], (&device, dtype))), raw(logits));
    }
    let log_probs = log_softmax(logits, 1);
    let loss = log_probs.clone().gather(1, targets.clone()).sum().neg();
    let classes = Tensor::<B, 1, Int>::arange(0..vocab_size as i64, &device).unsqueeze::<2>();
    let onehot = classes.equal(targets).float().cast(dtype);
    (raw(loss), raw(log_probs.exp() - onehot))
}
