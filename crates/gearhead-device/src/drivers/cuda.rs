//! NVIDIA's driver, by way of CUDA.

use std::panic::catch_unwind;

use cubecl::{
    Runtime,
    cuda::{CudaDevice, CudaRuntime},
};
use cudarc::driver::{CudaContext, DriverError};

use crate::{Adapter, Class, Device, device::Kind};

pub(super) fn list() -> Result<Vec<Adapter>, String> {
    let count = CudaContext::device_count().map_err(|error| format!("CUDA: {error}"))?;
    let count = usize::try_from(count).unwrap_or(0);
    (0..count).map(|index| adapter(index).map_err(|error| format!("CUDA device {index}: {error}"))).collect()
}

fn adapter(index: usize) -> Result<Adapter, DriverError> {
    use cudarc::driver::sys::CUdevice_attribute as Attribute;

    let context = CudaContext::new(index)?;
    let integrated = context.attribute(Attribute::CU_DEVICE_ATTRIBUTE_INTEGRATED)? == 1;
    let class = if integrated { Class::Integrated } else { Class::Discrete };
    let (major, minor) = context.compute_capability()?;
    let (free, total) = context.mem_get_info()?;
    let pci = [
        Attribute::CU_DEVICE_ATTRIBUTE_PCI_DOMAIN_ID,
        Attribute::CU_DEVICE_ATTRIBUTE_PCI_BUS_ID,
        Attribute::CU_DEVICE_ATTRIBUTE_PCI_DEVICE_ID,
    ];
    let [domain, bus, device] = pci.map(|attribute| context.attribute(attribute).ok());
    let pci_address = domain
        .zip(bus)
        .zip(device)
        .map(|((domain, bus), device)| format!("{domain:04x}:{bus:02x}:{device:02x}.0"));
    Ok(Adapter {
        vendor: Some("NVIDIA".to_owned()),
        architecture: Some(format!("compute capability {major}.{minor}")),
        pci_address,
        memory_bytes: Some(total as u64),
        free_memory_bytes: Some(free as u64),
        ..Adapter::new(context.name()?, Device { kind: Kind::Cuda, index }, class)
    })
}

pub(super) fn has_matrix_units(index: usize) -> bool {
    !CudaRuntime::client(&CudaDevice::new(index)).features().matmul.cmma.is_empty()
}

pub(super) fn free_memory(index: usize) -> Option<u64> {
    // Where the driver's library is missing, the bindings panic.
    let free = catch_unwind(|| CudaContext::new(index)?.mem_get_info());
    free.ok()?.ok().map(|(free, _)| free as u64)
}
