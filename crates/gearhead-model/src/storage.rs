//! What a device can hold in memory.

use burn::tensor::{
    DType,
    backend::{Backend, DTypeUsage},
};

use crate::error::{Error, Result};

/// Whether a device can hold numbers of a type and turn them into what it computes with.
pub fn stores<B: Backend>(device: &B::Device, dtype: DType) -> bool {
    B::dtype_usage(device, dtype).contains(DTypeUsage::Storage)
}

/// Makes sure of it for what an option asks for.
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
