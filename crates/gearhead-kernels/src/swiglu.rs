//! The gated linear unit of Llama's feed-forward layer.

use burn::tensor::{
    Tensor, TensorMetadata,
    activation::{sigmoid, silu},
    backend::Backend,
    ops::FloatTensor,
};

use crate::{
    Kernels,
    backend::{raw, view},
    precision::wide,
};

/// `y = silu(gate) * up`, with `silu(z) = z sigmoid(z)`.
///
/// # Shapes
///
/// `gate_up`: `[n, 2 * d_ff]`, gate and up side by side, result: `[n, d_ff]`.
///
/// # Source
///
/// Shazeer, *GLU Variants Improve Transformer*, 2020, equation 6 (without the projections).
pub fn swiglu<B: Kernels>(gate_up: Tensor<B, 2>) -> Tensor<B, 2> {
    view(B::swiglu(raw(gate_up)))
}

fn split<B: Backend>(gate_up: FloatTensor<B>) -> [Tensor<B, 2>; 2] {
    let gate_up = view::<B, 2>(gate_up);
    let [n, columns] = gate_up.dims();
    let d_ff = columns / 2;
    [gate_up.clone().slice([0..n, 0..d_ff]), gate_up.slice([0..n, d_ff..columns])]
}

pub(crate) fn portable<B: Kernels>(gate_up: FloatTensor<B>) -> FloatTensor<B> {
    let dtype = gate_up.dtype();
    let [gate, up] = split::<B>(gate_up).map(wide);
    raw((silu(gate) * up).cast(dtype))
}

/// `dgate = grad up σ (1 + gate (1 - σ))`, `dup = grad gate σ`, with `σ = sigmoid(gate)`; and `y` again.
pub(crate) fn portable_backward<B: Kernels>(
    gate_up: FloatTensor<B>,
    grad: FloatTensor<B>,
) -> (FloatTensor<B>, FloatTensor<B>) {
    let dtype = gate_up.dtype();
    let [gate, up] = split::<B>(gate_up.clone()).map(wide);
    if gate.dims()[0] == 0 {
        // Burn forgets the type of the numbers where it joins empty tensors.
        return (gate_up, grad);
    }
    let grad = wide(view::<B, 2>(grad));
    let sigma = sigmoid(gate.clone());
    let slope = sigma.clone() * (gate.clone() * (-sigma.clone() + 1.0) + 1.0);
    let silu = gate * sigma;
    let gate_grad = grad.clone() * up.clone() * slope;
    let up_grad = grad * silu.clone();
    (raw(Tensor::cat(vec![gate_grad, up_grad], 1).cast(dtype)), raw((silu * up).cast(dtype)))
}
