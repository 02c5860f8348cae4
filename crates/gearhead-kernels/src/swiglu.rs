//! The gated linear unit of Llama's feed-forward layer.

use burn::tensor::{
    Tensor,
    activation::{sigmoid, silu},
    ops::FloatTensor,
};

use crate::{
    Kernels,
    backend::{raw, view},
};

/// `y = silu(gate) * up`, with `silu(z) = z sigmoid(z)`.
///
/// # Shapes
///
/// All three: `[n, d_ff]`.
///
/// # Source
///
/// Shazeer, *GLU Variants Improve Transformer*, 2020, equation 6 (without the projections).
pub fn swiglu<B: Kernels>(gate: Tensor<B, 2>, up: Tensor<B, 2>) -> Tensor<B, 2> {
    view(B::swiglu(raw(gate), raw(up)))
}

pub(crate) fn portable<B: Kernels>(gate: FloatTensor<B>, up: FloatTensor<B>) -> FloatTensor<B> {
    raw(silu(view::<B, 2>(gate)) * view::<B, 2>(up))
}

/// `dgate = grad up σ (1 + gate (1 - σ))`, `dup = grad gate σ`, with `σ = sigmoid(gate)`.
pub(crate) fn portable_backward<B: Kernels>(
    gate: FloatTensor<B>,
    up: FloatTensor<B>,
    grad: FloatTensor<B>,
) -> (FloatTensor<B>, FloatTensor<B>) {
    let (gate, up, grad) = (view::<B, 2>(gate), view::<B, 2>(up), view::<B, 2>(grad));
    let sigma = sigmoid(gate.clone());
    let slope = sigma.clone() * (gate.clone() * (-sigma.clone() + 1.0) + 1.0);
    (raw(grad.clone() * up * slope), raw(grad * gate * sigma))
}
