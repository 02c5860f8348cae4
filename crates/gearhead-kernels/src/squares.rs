//! The sum of squares, from which the norm of a gradient is made.

use burn::tensor::{Tensor, TensorMetadata, ops::FloatTensor};

use crate::{
    Kernels,
    backend::{raw, view},
    precision::wide,
};

/// `Σ x²` over all elements, `[1]`.
pub fn sum_of_squares<B: Kernels, const D: usize>(x: Tensor<B, D>) -> Tensor<B, 1> {
    view(B::sum_of_squares(raw(x)))
}

pub(crate) fn portable<B: Kernels>(x: FloatTensor<B>) -> FloatTensor<B> {
    let elements = x.shape().num_elements();
    let x = B::float_reshape(x, [elements].into());
    raw(wide(view::<B, 1>(x)).powi_scalar(2).sum())
}
