//! Numbers of 16 bits in the portable operations: what is summed is in f32, and what is kept or handed on is of 16 bits again.

use burn::tensor::{DType, Tensor, TensorMetadata, backend::Backend, ops::FloatTensor};

/// The type in which numbers of another are summed.
pub(crate) fn of_sums(dtype: DType) -> DType {
    match dtype {
        DType::F16 | DType::BF16 => DType::F32,
        dtype => dtype,
    }
}

/// Numbers in the type in which they are summed.
pub(crate) fn wide<B: Backend, const D: usize>(x: Tensor<B, D>) -> Tensor<B, D> {
    let dtype = of_sums(x.dtype());
    x.cast(dtype)
}

/// Numbers in another type, or as they are where they have it.
pub(crate) fn in_type<B: Backend>(x: FloatTensor<B>, dtype: DType) -> FloatTensor<B> {
    if x.dtype() == dtype { x } else { B::float_cast(x, dtype.into()) }
}
