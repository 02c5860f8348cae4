//! A linear layer on weights as they stand in a Hugging Face file.

use burn::tensor::{Tensor, ops::FloatTensor};

use crate::{
    Kernels,
    backend::{raw, view},
};

/// `y = x weightᵀ`. The weight is read through its strides; neither pass copies a transpose.
///
/// # Shapes
///
/// `x`: `[n, in]`, `weight`: `[out, in]`, result: `[n, out]`.
pub fn linear<B: Kernels>(x: Tensor<B, 2>, weight: Tensor<B, 2>) -> Tensor<B, 2> {
    view(B::linear_out_in(raw(x), raw(weight)))
}

pub(crate) fn portable<B: Kernels>(x: FloatTensor<B>, weight: FloatTensor<B>) -> FloatTensor<B> {
    B::float_matmul(x, B::float_transpose(weight))
}
