//! Running generic code on the backend of a device.

use burn::backend::Autodiff;
use gearhead_kernels::AutodiffKernels;

use crate::{Device, Error, device::Kind};

/// Work that any backend can do.
pub trait Job: Send {
    /// What comes of it.
    type Output: Send;

    /// Does it on a device of the backend.
    fn run<B: AutodiffKernels>(self, device: &B::Device) -> Self::Output;
}

/// Work that any backend can do on several devices together.
pub trait SharedJob: Send {
    /// What comes of it.
    type Output: Send;

    /// Does it on devices of the backend, at least one.
    fn run<B: AutodiffKernels>(self, devices: &[B::Device]) -> Self::Output;
}

/// Runs a job on a device. On the CPU it runs on one of the threads that compute, so that it does not wait outside while
/// they start and end their share of each operation.
///
/// # Panics
///
/// Where the device's backend is not compiled in, which [`Device`]'s constructors rule out, and where the backend has no such
/// adapter, which [`choose`](crate::choose()) rules out.
pub fn run<J: Job>(device: &Device, job: J) -> J::Output {
    struct OnOne<J>(J);
    impl<J: Job> SharedJob for OnOne<J> {
        type Output = J::Output;

        fn run<B: AutodiffKernels>(self, devices: &[B::Device]) -> J::Output {
            self.0.run::<B>(&devices[0])
        }
    }
    run_on_kind(device.kind, std::slice::from_ref(device), OnOne(job))
}

/// Runs a job on several devices of one backend.
///
/// # Errors
///
/// [`Error::DifferentBackends`] and [`Error::NamedTwice`].
///
/// # Panics
///
/// Where there is no device.
pub fn run_on_all<J: SharedJob>(devices: &[Device], job: J) -> Result<J::Output, Error> {
    let first = devices[0];
    for (index, device) in devices.iter().enumerate() {
        if devices[..index].contains(device) {
            return Err(Error::NamedTwice(*device));
        }
    }
    match devices.iter().find(|device| device.kind != first.kind) {
        Some(other) => Err(Error::DifferentBackends { first, other: *other }),
        None => Ok(run_on_kind(first.kind, devices, job)),
    }
}

fn run_on_kind<J: SharedJob>(kind: Kind, devices: &[Device], job: J) -> J::Output {
    match kind {
        #[cfg(feature = "flex")]
        Kind::Cpu => {
            let devices = vec![burn::backend::flex::FlexDevice; devices.len()];
            rayon::scope(|_| job.run::<Autodiff<burn::backend::Flex>>(&devices))
        }
        #[cfg(feature = "cuda")]
        Kind::Cuda => {
            let device = |device: &Device| burn::backend::cuda::CudaDevice::new(device.index);
            job.run::<Autodiff<burn::backend::Cuda>>(&devices.iter().map(device).collect::<Vec<_>>())
        }
        #[cfg(feature = "rocm")]
        Kind::Rocm => {
            let device = |device: &Device| burn::backend::rocm::RocmDevice::new(device.index);
            job.run::<Autodiff<burn::backend::Rocm>>(&devices.iter().map(device).collect::<Vec<_>>())
        }
        #[cfg(any(feature = "wgpu", feature = "vulkan", feature = "metal"))]
        Kind::Wgpu | Kind::Vulkan | Kind::Metal => {
            let device = |device: &Device| crate::drivers::wgpu::device(device.index);
            job.run::<Autodiff<burn::backend::Wgpu>>(&devices.iter().map(device).collect::<Vec<_>>())
        }
        #[cfg(feature = "tch")]
        Kind::TchCpu | Kind::TchCuda | Kind::TchMps => {
            use burn::backend::libtorch::LibTorchDevice;
            let chosen = |device: &Device| match device.kind {
                Kind::TchCuda => LibTorchDevice::Cuda(device.index),
                Kind::TchMps => LibTorchDevice::Mps,
                _ => LibTorchDevice::Cpu,
            };
            job.run::<Autodiff<burn::backend::LibTorch>>(&devices.iter().map(chosen).collect::<Vec<_>>())
        }
        #[allow(unreachable_patterns, reason = "reached where fewer backends are compiled in")]
        kind => unreachable!("a device of {kind:?} is made only where that backend is compiled in"),
    }
}
