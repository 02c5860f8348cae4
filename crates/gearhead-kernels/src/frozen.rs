//! Weights that are not trained, in 32, 16 or 8 bits: what is trained beside them is computed in the type of its own.

use burn::{
    backend::{Autodiff, autodiff::checkpoint::strategy::CheckpointStrategy},
    tensor::{
        DType, Tensor, TensorMetadata, TensorPrimitive,
        backend::Backend,
        ops::{FloatTensor, QuantizedTensor},
    },
};
use serde::{Deserialize, Serialize};

use crate::{
    Kernels,
    backend::{raw, view},
    quantized::{GROUP, Quantization, portable_quantize},
};

/// How weights are stored that are not trained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum FrozenDtype {
    /// 32 bit.
    #[default]
    #[serde(rename = "f32")]
    F32,
    /// 16 bit, IEEE 754.
    #[serde(rename = "f16")]
    F16,
    /// 16 bit, the upper half of an f32.
    #[serde(rename = "bf16")]
    Bf16,
    /// 8 bit with a scale for each group of [`GROUP`] weights of a row, as [`Quantization::Q8_0`].
    #[serde(rename = "8bit")]
    Bits8,
}

/// A weight as it is stored while it is not trained.
///
/// # Shapes
///
/// `weight` and result: `[out, in]`.
///
/// # Panics
///
/// Where `in` is not a multiple of [`GROUP`] for 8 bit: the caller checks the shape of a model.
pub fn narrowed<B: Kernels>(weight: Tensor<B, 2>, dtype: FrozenDtype) -> Tensor<B, 2> {
    match dtype {
        FrozenDtype::F32 => weight,
        FrozenDtype::F16 => weight.cast(DType::F16),
        FrozenDtype::Bf16 => weight.cast(DType::BF16),
        FrozenDtype::Bits8 => {
            assert!(weight.dims()[1].is_multiple_of(GROUP), "rows are whole groups of {GROUP}");
            Tensor::from_primitive(TensorPrimitive::QFloat(B::narrow(raw(weight))))
        }
    }
}

/// A weight that is not trained, in 32 bit.
///
/// # Shapes
///
/// `weight` and result: `[out, in]`.
pub fn widened<B: Kernels>(weight: Tensor<B, 2>) -> Tensor<B, 2> {
    view(B::widen(weight.into_primitive(), DType::F32))
}

/// `y = x weightᵀ` with a weight that is not trained: it is kept for the backward pass as it is stored, and widened in each
/// pass for as long as it is multiplied with.
///
/// Under `Autodiff` a gradient flows to `x`.
///
/// # Shapes
///
/// `x`: `[n, in]`, `weight`: `[out, in]`, result: `[n, out]`.
pub fn frozen_linear<B: Kernels>(x: Tensor<B, 2>, weight: Tensor<B, 2>) -> Tensor<B, 2> {
    view(B::frozen_linear(raw(x), weight.into_primitive()))
}

pub(crate) fn portable_narrow<B: Kernels>(weight: FloatTensor<B>) -> QuantizedTensor<B> {
    portable_quantize::<B>(vec![weight], Quantization::Q8_0)
}

pub(crate) fn portable_widen<B: Backend>(weight: TensorPrimitive<B>, dtype: DType) -> FloatTensor<B> {
    match weight {
        TensorPrimitive::Float(weight) if weight.dtype() == dtype => weight,
        TensorPrimitive::Float(weight) => B::float_cast(weight, dtype.into()),
        TensorPrimitive::QFloat(weight) => B::dequantize(weight, dtype.into()),
    }
}

/// The inner backend's weight.
pub(crate) fn inner<B: Backend, C: CheckpointStrategy>(
    weight: TensorPrimitive<Autodiff<B, C>>,
) -> TensorPrimitive<B> {
    match weight {
        TensorPrimitive::Float(weight) => TensorPrimitive::Float(weight.primitive),
        TensorPrimitive::QFloat(weight) => TensorPrimitive::QFloat(weight),
    }
}
