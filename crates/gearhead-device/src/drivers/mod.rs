//! What each backend's driver says of its adapters. All of this may panic or crash: it is called in a probe, or where the
//! device is going to be used anyway.

#[cfg(feature = "cuda")]
mod cuda;
#[cfg(feature = "rocm")]
mod rocm;
#[cfg(feature = "tch")]
mod tch;
#[cfg(any(feature = "wgpu", feature = "vulkan", feature = "metal"))]
pub(crate) mod wgpu;

use crate::{Adapter, Device, cpu, device::Kind};

/// The adapters of a backend that is compiled in, in the order of their numbers.
pub(crate) fn list(kind: Kind) -> Result<Vec<Adapter>, String> {
    match kind {
        Kind::Cpu => Ok(vec![cpu::adapter()]),
        #[cfg(feature = "cuda")]
        Kind::Cuda => cuda::list(),
        #[cfg(feature = "rocm")]
        Kind::Rocm => rocm::list(),
        #[cfg(any(feature = "wgpu", feature = "vulkan", feature = "metal"))]
        Kind::Wgpu | Kind::Vulkan | Kind::Metal => wgpu::list(kind),
        #[cfg(feature = "tch")]
        Kind::TchCpu | Kind::TchCuda | Kind::TchMps => Ok(tch::list(kind)),
        #[allow(unreachable_patterns, reason = "reached where fewer backends are compiled in")]
        kind => Err(format!("the {} backend is not compiled in", kind.name())),
    }
}

/// Whether the backend can use hardware that multiplies matrices, where it tells.
pub(crate) fn matrix_units(device: &Device) -> Option<bool> {
    match device.kind {
        #[cfg(feature = "cuda")]
        Kind::Cuda => Some(cuda::has_matrix_units(device.index)),
        #[cfg(feature = "rocm")]
        Kind::Rocm => Some(rocm::has_matrix_units(device.index)),
        #[cfg(any(feature = "wgpu", feature = "vulkan", feature = "metal"))]
        Kind::Wgpu | Kind::Vulkan | Kind::Metal => wgpu::has_matrix_units(device.index),
        _ => None,
    }
}

/// Bytes of memory that are free on a GPU, where its driver tells.
pub(crate) fn free_memory(device: &Device) -> Option<u64> {
    match device.kind {
        #[cfg(feature = "cuda")]
        Kind::Cuda => cuda::free_memory(device.index),
        #[cfg(feature = "rocm")]
        Kind::Rocm => rocm::free_memory(device.index),
        #[cfg(any(feature = "wgpu", feature = "vulkan", feature = "metal"))]
        Kind::Wgpu | Kind::Vulkan | Kind::Metal => wgpu::free_memory(device.index),
        _ => None,
    }
}
