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
    /// Devices that are to work together are of different backends.
    #[error("--device: {first} and {other} are of different backends, which cannot work together")]
    DifferentBackends {
        /// The first device.
        first: Device,
        /// One of another backend.
        other: Device,
    },
    /// Devices that are to work together are the same one.
    #[error("--device: {0} is named twice")]
    NamedTwice(Device),
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

    /// Whether it computes in the memory of the program itself.
    pub fn shares_memory(&self) -> bool {
        matches!(self.kind, Kind::Cpu | Kind::TchCpu)
    }

    /// Whether it has the operations that are written by hand for the CPU.
    pub fn is_cpu(&self) -> bool {
        self.kind == Kind::Cpu
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
/// Where the device's backend is not compiled in, which [`Device`]'s constructors rule out.
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
            use burn::backend::wgpu::WgpuDevice;
            // The system's own choice comes first; numbers count the discrete GPUs from 1.
            let chosen = |device: &Device| match device.index {
                0 => WgpuDevice::DefaultDevice,
                number => WgpuDevice::DiscreteGpu(number - 1),
            };
            job.run::<Autodiff<burn::backend::Wgpu>>(&devices.iter().map(chosen).collect::<Vec<_>>())
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
