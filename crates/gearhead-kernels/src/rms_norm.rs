//! Root mean square normalisation.

use burn::tensor::{Tensor, ops::FloatTensor};

use crate::{
    Kernels,
    backend::{raw, view},
    precision::wide,
};

/// `y = x / rms(x) * weight`, with `rms(x) = sqrt(mean(x²) + eps)` over the last axis.
///
/// # Shapes
///
/// `x`: `[n, d]`, `weight`: `[d]`, result: `[n, d]`.
///
/// # Source
///
/// Zhang and Sennrich, *Root Mean Square Layer Normalization*, 2019, equation 4.
pub fn rms_norm<B: Kernels>(x: Tensor<B, 2>, weight: Tensor<B, 1>, eps: f64) -> Tensor<B, 2> {
    view(B::rms_norm(raw(x), raw(weight), eps))
}

pub(crate) fn portable<B: Kernels>(x: FloatTensor<B>, weight: FloatTensor<B>, eps: f64) -> FloatTensor<B> {
    let (x, weight) = (view::<B, 2>(x), wide(view::<B, 1>(weight)));
    let dtype = x.dtype();
    let x = wide(x);
    let inverse_rms = inverse_rms(x.clone(), eps);
    raw((x * inverse_rms * weight.unsqueeze()).cast(dtype))
}

/// With `r = 1 / rms`, `x̂ = x r` and `g = grad * weight`: `dx = r (g - x̂ mean(g x̂))`, `dweight = Σ grad x̂`. `beside` is
/// a gradient that reaches `x` on another way and is added to `dx`.
pub(crate) fn portable_backward<B: Kernels>(
    x: FloatTensor<B>,
    weight: FloatTensor<B>,
    grad: FloatTensor<B>,
    beside: Option<FloatTensor<B>>,
    eps: f64,
) -> (FloatTensor<B>, FloatTensor<B>) {
    let (x, weight, grad) = (view::<B, 2>(x), view::<B, 1>(weight), wide(view::<B, 2>(grad)));
    let (dtype, weight_dtype) = (x.dtype(), weight.dtype());
    let (x, weight) = (wide(x), wide(weight));
    let inverse_rms = inverse_rms(x.clone(), eps);
    let normed = x * inverse_rms.clone();
    let weight_grad = (grad.clone() * normed.clone()).sum_dim(0).squeeze_dim::<1>(0);
    let scaled = grad * weight.unsqueeze();
    let mean = (scaled.clone() * normed.clone()).mean_dim(1);
    let x_grad = (scaled - normed * mean) * inverse_rms;
    let x_grad = match beside {
        Some(beside) => x_grad + wide(view(beside)),
        None => x_grad,
    };
    (raw(x_grad.cast(dtype)), raw(weight_grad.cast(weight_dtype)))
}

fn inverse_rms<B: Kernels>(x: Tensor<B, 2>, eps: f64) -> Tensor<B, 2> {
    x.powi_scalar(2).mean_dim(1).add_scalar(eps).sqrt().recip()
}
