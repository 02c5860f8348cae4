//! A linear layer on weights as they stand in a Hugging Face file.

use std::ops::Range;

use burn::tensor::{DType, Tensor, TensorMetadata, backend::Backend, ops::FloatTensor};

use crate::{
    Kernels,
    backend::{raw, view},
    precision::in_type,
};

/// `y = x weightᵀ` for each of the weights, side by side. A weight is read through its strides; neither pass copies a
/// transpose.
///
/// # Shapes
///
/// `x`: `[n, in]`, each weight: `[out, in]`, result: `[n, Σ out]`.
pub fn linear<B: Kernels>(x: Tensor<B, 2>, weights: Vec<Tensor<B, 2>>) -> Tensor<B, 2> {
    view(B::linear_out_in(raw(x), weights.into_iter().map(raw).collect()))
}

/// `residual + x weightᵀ`.
///
/// # Shapes
///
/// `x`: `[n, in]`, `weight`: `[out, in]`, `residual`: `[n, out]`, result: `[n, out]`.
pub fn linear_add<B: Kernels>(x: Tensor<B, 2>, weight: Tensor<B, 2>, residual: Tensor<B, 2>) -> Tensor<B, 2> {
    view(B::linear_add(raw(x), raw(weight), raw(residual)))
}

pub(crate) fn portable<B: Kernels>(x: FloatTensor<B>, weights: Vec<FloatTensor<B>>) -> FloatTensor<B> {
    let x = view::<B, 2>(x);
    let part = |weight| raw(x.clone().matmul(view::<B, 2>(in_type::<B>(weight, x.dtype())).transpose()));
    side_by_side::<B>(weights.into_iter().map(part).collect())
}

/// The results of several weights in one row.
pub(crate) fn side_by_side<B: Backend>(parts: Vec<FloatTensor<B>>) -> FloatTensor<B> {
    let mut parts = parts.into_iter().map(view::<B, 2>);
    let first = parts.next().expect("a linear layer has a weight");
    let rest: Vec<_> = parts.collect();
    if rest.is_empty() || first.dims()[0] == 0 {
        // Burn forgets the type of the numbers where it joins empty tensors.
        let columns = rest.iter().map(|part| part.dims()[1]).sum::<usize>() + first.dims()[1];
        return raw(if rest.is_empty() { first } else { first.reshape([0, columns]) });
    }
    raw(Tensor::cat([vec![first], rest].concat(), 1))
}

/// What the backward pass of a linear layer goes by: `x` and the type of the weight where this wants a gradient, the weight
/// where `x` does.
pub(crate) type LinearSaved<F> = (Option<(F, DType)>, Option<F>);

/// Gradients for `x` and the weight, as far as they are wanted.
pub(crate) fn backward<B: Kernels>(
    (x, weight): LinearSaved<FloatTensor<B>>,
    grad: FloatTensor<B>,
) -> [Option<FloatTensor<B>>; 2] {
    let columns = grad.shape()[1];
    let weight_grad = x.map(|(x, dtype)| B::linear_weight_grad(grad.clone(), 0..columns, x, dtype));
    let x_grad = weight.map(|weight| B::linear_input_grad(grad, vec![weight]));
    [x_grad, weight_grad]
}

pub(crate) fn portable_add<B: Kernels>(
    x: FloatTensor<B>,
    weight: FloatTensor<B>,
    residual: FloatTensor<B>,
) -> FloatTensor<B> {
    let weight = in_type::<B>(weight, x.dtype());
    B::float_add(residual, B::float_matmul(x, B::float_transpose(weight)))
}

pub(crate) fn portable_input_grad<B: Kernels>(
    grad: FloatTensor<B>,
    weights: Vec<FloatTensor<B>>,
) -> FloatTensor<B> {
    let grad = view::<B, 2>(grad);
    let [n, _] = grad.dims();
    if n == 0 {
        // Burn forgets the type of the numbers where it multiplies empty tensors.
        let columns = weights.first().map_or(0, |weight| weight.shape()[1]);
        return raw(grad.reshape([0, columns]));
    }
    let mut start = 0;
    let parts = weights.into_iter().map(|weight| {
        let columns = start..start + weight.shape()[0];
        start = columns.end;
        grad.clone().slice([0..n, columns]).matmul(view::<B, 2>(in_type::<B>(weight, grad.dtype())))
    });
    raw(parts.reduce(|sum, part| sum + part).expect("a linear layer has a weight"))
}

pub(crate) fn portable_weight_grad<B: Kernels>(
    grad: FloatTensor<B>,
    columns: Range<usize>,
    x: FloatTensor<B>,
    dtype: DType,
) -> FloatTensor<B> {
    let grad = view::<B, 2>(grad);
    let x = view::<B, 2>(x);
    let ([n, _], [_, inner]) = (grad.dims(), x.dims());
    if n == 0 {
        return raw(Tensor::<B, 2>::zeros([columns.len(), inner], (&x.device(), dtype)));
    }
    raw(grad.slice([0..n, columns]).transpose().matmul(x).cast(dtype))
}
