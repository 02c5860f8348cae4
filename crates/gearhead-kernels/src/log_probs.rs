//! How probable given classes are.

use burn::tensor::{
    Int, Tensor,
    activation::log_softmax,
    ops::{FloatTensor, IntTensor},
};

use crate::{
    Kernels,
    backend::{raw, view},
    precision::wide,
};

/// `ln softmax(logits)[class]` of each row, in nats.
///
/// # Shapes
///
/// `logits`: `[n, classes]`, `of`: `[n]`, result: `[n]`, in f32 where the logits are of 16 bits.
pub fn log_probs<B: Kernels>(logits: Tensor<B, 2>, of: Tensor<B, 1, Int>) -> Tensor<B, 1> {
    view(B::log_probs(raw(logits), of.into_primitive()))
}

pub(crate) fn portable<B: Kernels>(logits: FloatTensor<B>, of: IntTensor<B>) -> FloatTensor<B> {
    let of = Tensor::<B, 1, Int>::from_primitive(of).unsqueeze_dim::<2>(1);
    raw(log_softmax(wide(view::<B, 2>(logits)), 1).gather(1, of).squeeze_dim::<1>(1))
}
