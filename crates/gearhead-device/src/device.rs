//! A device by name, and running generic code on it.

use std::{fmt, str::FromStr};

use burn::backend::Autodiff;
use gearhead_kernels::AutodiffKernels;

use crate::list::KINDS;

/// A device of a backend that is compiled in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Device {
    pub(crate) kind: Kind,
    pub(crate) index: usize,
}

/// A backend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Cpu,
    Cuda,
    Rocm,
    Wgpu,
    Vulkan,
    Metal,
    TchCpu,
    TchCuda,
    TchMps,
}

/// A device that cannot be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No backend has this name.
    #[error(
        "--device {given}: there is no such backend (auto, cpu, cuda:N, rocm:N, metal, vulkan:N, wgpu:N, tch-cuda:N, tch-mps, tch-cpu)"
    )]
    UnknownBackend {
        /// What was asked for.
        given: String,
    },
    /// The backend is not in this build.
    #[error(
        "--device {given}: this build has no {backend} backend: build Gearhead with `--features {backend}`"
    )]
    NotCompiled {
        /// What was asked for.
        given: String,
        /// The backend, which is also the name of its cargo feature.
        backend: &'static str,
    },
}

impl Device {
    /// Whether the backend is part of this build.
    pub(crate) const fn is_compiled(kind: Kind) -> bool {
        match kind {
            Kind::Cpu => cfg!(feature = "flex"),
            Kind::Cuda => cfg!(feature = "cuda"),
            Kind::Rocm => cfg!(feature = "rocm"),
            Kind::Wgpu => cfg!(feature = "wgpu"),
            Kind::Vulkan => cfg!(feature = "vulkan"),
            Kind::Metal => cfg!(feature = "metal"),
            Kind::TchCpu | Kind::TchCuda | Kind::TchMps => cfg!(feature = "tch"),
        }
    }

    /// The CPU.
    ///
    /// # Errors
    ///
    /// [`Error::NotCompiled`] in a build without the `flex` feature.
    pub fn cpu() -> Result<Self, Error> {
        "cpu".parse()
    }
}

impl FromStr for Device {
    type Err = Error;

    /// Reads `auto`, `cpu`, or a backend with the number of its adapter, such as `cuda:0`. `auto` is the CPU wherever
    /// the build has it.
    fn from_str(given: &str) -> Result<Self, Error> {
        let unknown = || Error::UnknownBackend { given: given.to_owned() };
        let (name, index) = match given.split_once(':') {
            Some((name, index)) => (name, index.parse().map_err(|_| unknown())?),
            None => (given, 0),
        };
        if name == "auto" {
            let (kind, _, _) =
                KINDS.iter().find(|(kind, ..)| Self::is_compiled(*kind)).ok_or_else(unknown)?;
            return Ok(Self { kind: *kind, index });
        }
        let (kind, _, feature) = KINDS.iter().find(|(_, known, _)| *known == name).ok_or_else(unknown)?;
        if !Self::is_compiled(*kind) {
            return Err(Error::NotCompiled { given: given.to_owned(), backend: feature });
        }
        Ok(Self { kind: *kind, index })
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = KINDS.iter().find(|(kind, ..)| *kind == self.kind).map_or("cpu", |(_, name, _)| name);
        match self.kind {
            Kind::Cpu | Kind::Metal | Kind::TchCpu | Kind::TchMps => f.write_str(name),
            _ => write!(f, "{name}:{}", self.index),
        }
    }
}

/// Work that any backend can do.
pub trait Job: Send {
    /// What comes of it.
    type Output: Send;

    /// Does it on a device of the backend.
    fn run<B: AutodiffKernels>(self, device: &B::Device) -> Self::Output;
}

/// Runs a job on a device. On the CPU it runs on one of the threads that compute, so that it does not wait outside while
/// they start and end their share of each operation.
///
/// # Panics
///
/// Where the device's backend is not compiled in, which [`Device`]'s constructors rule out.
pub fn run<J: Job>(device: &Device, job: J) -> J::Output {
    match device.kind {
        #[cfg(feature = "flex")]
        Kind::Cpu => {
            rayon::scope(|_| job.run::<Autodiff<burn::backend::Flex>>(&burn::backend::flex::FlexDevice))
        }
        #[cfg(feature = "cuda")]
        Kind::Cuda => {
            job.run::<Autodiff<burn::backend::Cuda>>(&burn::backend::cuda::CudaDevice::new(device.index))
        }
        #[cfg(feature = "rocm")]
        Kind::Rocm => {
            job.run::<Autodiff<burn::backend::Rocm>>(&burn::backend::rocm::RocmDevice::new(device.index))
        }
        #[cfg(any(feature = "wgpu", feature = "vulkan", feature = "metal"))]
        Kind::Wgpu | Kind::Vulkan | Kind::Metal => {
            use burn::backend::wgpu::WgpuDevice;
            // The system's own choice comes first; numbers count the discrete GPUs from 1.
            let chosen = match device.index {
                0 => WgpuDevice::DefaultDevice,
                number => WgpuDevice::DiscreteGpu(number - 1),
            };
            job.run::<Autodiff<burn::backend::Wgpu>>(&chosen)
        }
        #[cfg(feature = "tch")]
        Kind::TchCpu | Kind::TchCuda | Kind::TchMps => {
            use burn::backend::libtorch::LibTorchDevice;
            let chosen = match device.kind {
                Kind::TchCuda => LibTorchDevice::Cuda(device.index),
                Kind::TchMps => LibTorchDevice::Mps,
                _ => LibTorchDevice::Cpu,
            };
            job.run::<Autodiff<burn::backend::LibTorch>>(&chosen)
        }
        #[allow(unreachable_patterns, reason = "reached where fewer backends are compiled in")]
        kind => unreachable!("a device of {kind:?} is made only where that backend is compiled in"),
    }
}

#[cfg(all(test, feature = "flex"))]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_and_written() {
        for name in ["cpu", "auto"] {
            assert_eq!(name.parse::<Device>().unwrap().to_string(), "cpu");
        }
        assert!(matches!("gpu".parse::<Device>(), Err(Error::UnknownBackend { .. })));
        assert!(matches!("cuda:x".parse::<Device>(), Err(Error::UnknownBackend { .. })));
    }

    #[test]
    #[cfg(not(feature = "cuda"))]
    fn a_backend_that_is_not_compiled_in_is_named_with_its_feature() {
        let error = "cuda:1".parse::<Device>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "--device cuda:1: this build has no cuda backend: build Gearhead with `--features cuda`"
        );
    }
}
