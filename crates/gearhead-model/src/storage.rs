//! What a device can hold in memory and compute with, and weights in the types that it holds.

use burn::tensor::{
    DType, ElementConversion, Tensor, TensorData,
    backend::{Backend, DTypeUsage},
};
use gearhead_kernels::{FrozenDtype, Kernels, narrowed, widened};
use half::{bf16, f16, slice::HalfFloatSliceExt};

use crate::error::{Error, Result};

/// Whether a device can hold numbers of a type and turn them into what it computes with.
pub fn stores<B: Backend>(device: &B::Device, dtype: DType) -> bool {
    B::dtype_usage(device, dtype).contains(DTypeUsage::Storage)
}

/// Whether a device computes with numbers of a type.
pub fn computes<B: Backend>(device: &B::Device, dtype: DType) -> bool {
    B::dtype_usage(device, dtype).is_superset(DTypeUsage::Storage | DTypeUsage::Arithmetic)
}

/// Makes sure that a device holds numbers of a type for what an option asks for.
///
/// # Errors
///
/// [`Error::NotStored`] names the option, the type and the backend.
pub fn check_stores<B: Backend>(
    device: &B::Device,
    dtype: DType,
    option: impl FnOnce() -> String,
) -> Result<()> {
    if stores::<B>(device, dtype) {
        return Ok(());
    }
    Err(Error::NotStored { option: option(), dtype: dtype.name(), device: B::name(device) })
}

/// Makes sure that a device can hold numbers of 8 bits and fewer for what an option asks for.
///
/// # Errors
///
/// [`Error::NotStored`] names the option and the backend.
pub fn check_holds_few_bits<B: Kernels>(device: &B::Device, option: impl FnOnce() -> String) -> Result<()> {
    if B::HOLDS_FEW_BITS {
        return Ok(());
    }
    Err(Error::NotStored { option: option(), dtype: "8 bits or fewer", device: B::name(device) })
}

/// Makes sure that a device computes with numbers of a type for what an option asks for.
///
/// # Errors
///
/// [`Error::NotComputed`] names the option, the type and the backend.
pub fn check_computes<B: Backend>(
    device: &B::Device,
    dtype: DType,
    option: impl FnOnce() -> String,
) -> Result<()> {
    if computes::<B>(device, dtype) {
        return Ok(());
    }
    Err(Error::NotComputed { option: option(), dtype: dtype.name(), device: B::name(device) })
}

/// The type that numbers are read from a file in, to be kept as another.
pub(crate) const fn tensor_dtype(dtype: FrozenDtype) -> DType {
    match dtype {
        FrozenDtype::F32 | FrozenDtype::Bits8 => DType::F32,
        FrozenDtype::F16 => DType::F16,
        FrozenDtype::Bf16 => DType::BF16,
    }
}

/// Numbers of 16 bit in 32; others as they are.
pub(crate) fn in_f32(data: TensorData) -> TensorData {
    const EXPECT: &str = "the numbers are of the type that they say";
    let wide = match data.dtype {
        DType::F16 => data.as_slice::<f16>().expect(EXPECT).to_f32_vec(),
        DType::BF16 => data.as_slice::<bf16>().expect(EXPECT).to_f32_vec(),
        _ => return data,
    };
    TensorData::new(wide, data.shape)
}

/// A weight in the type that it is kept in, of whatever type it is. `what` says which weight.
///
/// # Errors
///
/// [`Error::TooLarge`] where f16 cannot hold it.
pub(crate) fn kept_as<B: Kernels>(
    weight: Tensor<B, 2>,
    dtype: FrozenDtype,
    what: impl FnOnce() -> String,
) -> Result<Tensor<B, 2>> {
    if dtype != FrozenDtype::Bits8 && weight.dtype() == tensor_dtype(dtype) {
        return Ok(weight);
    }
    let weight = widened(weight);
    if dtype == FrozenDtype::F16 {
        let largest = weight.clone().abs().max().into_scalar().elem::<f32>();
        if f16::from_f32(largest).is_infinite() {
            return Err(Error::TooLarge { what: what(), value: largest });
        }
    }
    Ok(narrowed(weight, dtype))
}
