//! Linear layers whose weights are stored in 16 bits.

use burn::tensor::{
    DType, Tensor, TensorMetadata, TensorPrimitive,
    backend::{Backend, DTypeUsage},
    ops::FloatTensor,
};

use crate::{
    Kernels,
    backend::{raw, view},
    linear,
};

/// `y = x weightᵀ` for each of the weights, side by side: of [`linear`](crate::linear) with the weights widened, to the
/// rounding of 32 bits, on a CPU, and wherever a weight is f16. A device that computes in bf16 rounds `x` to it and multiplies
/// there.
///
/// Under `Autodiff` a gradient flows to `x`.
///
/// # Shapes
///
/// `x`: `[n, in]`, each weight, of f16 or bf16: `[out, in]`, result: `[n, Σ out]`.
pub fn linear_16bit<B: Kernels>(x: Tensor<B, 2>, weights: Vec<Tensor<B, 2>>) -> Tensor<B, 2> {
    view(B::linear_16bit(raw(x), weights.into_iter().map(raw).collect()))
}

/// `residual + x weightᵀ`.
///
/// # Shapes
///
/// `x`: `[n, in]`, `weight`, of f16 or bf16: `[out, in]`, `residual`: `[n, out]`, result: `[n, out]`.
pub fn linear_16bit_add<B: Kernels>(
    x: Tensor<B, 2>,
    weight: Tensor<B, 2>,
    residual: Tensor<B, 2>,
) -> Tensor<B, 2> {
    view(B::linear_16bit_add(raw(x), raw(weight), raw(residual)))
}

pub(crate) fn portable<B: Kernels>(x: &FloatTensor<B>, weights: Vec<FloatTensor<B>>) -> FloatTensor<B> {
    let wide = x.dtype();
    let part = |weight: FloatTensor<B>| {
        if wide == DType::F32 && multiplies_in::<B>(&B::float_device(x), weight.dtype()) {
            let narrow = B::float_cast(x.clone(), weight.dtype().into());
            return B::float_cast(B::linear_out_in(narrow, vec![weight]), wide.into());
        }
        B::linear_out_in(x.clone(), vec![B::widen(TensorPrimitive::Float(weight), wide)])
    };
    linear::side_by_side::<B>(weights.into_iter().map(part).collect())
}

/// Whether activations in a type lose digits only. In f16 they may be too large: those between the layers of some models
/// are.
fn multiplies_in<B: Backend>(device: &B::Device, dtype: DType) -> bool {
    dtype == DType::BF16 && B::dtype_usage(device, dtype).contains(DTypeUsage::Arithmetic)
}
