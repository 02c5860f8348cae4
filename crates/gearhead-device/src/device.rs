//! A device by name.

use std::{fmt, str::FromStr};

use crate::backend::{KINDS, KindInfo};

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

/// What a user asks for: a device, the best of a backend, or the best of all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted(pub(crate) Want);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Want {
    Any,
    OfBackend(Kind),
    Exactly(Device),
}

impl Wanted {
    /// Whatever is best for the work.
    pub const AUTO: Self = Self(Want::Any);
}

impl From<Device> for Wanted {
    fn from(device: Device) -> Self {
        Self(Want::Exactly(device))
    }
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
    /// The backend has no adapter of this number.
    #[error("--device {given}: there is no such adapter; {there_is}")]
    NoSuchAdapter {
        /// What was asked for.
        given: String,
        /// What there is.
        there_is: String,
    },
    /// The adapter, or all of them, cannot be used.
    #[error("--device {given}: {reason}")]
    NotUsable {
        /// What was asked for.
        given: String,
        /// Why not.
        reason: String,
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
    /// A probe was asked something else than probes are asked.
    #[error("there is no such question to a probe: {given}")]
    UnknownQuestion {
        /// What was asked.
        given: String,
    },
}

impl Kind {
    /// Whether the backend is part of this build.
    pub(crate) const fn is_compiled(self) -> bool {
        match self {
            Self::Cpu => cfg!(feature = "flex"),
            Self::Cuda => cfg!(feature = "cuda"),
            Self::Rocm => cfg!(feature = "rocm"),
            Self::Wgpu => cfg!(feature = "wgpu"),
            Self::Vulkan => cfg!(feature = "vulkan"),
            Self::Metal => cfg!(feature = "metal"),
            Self::TchCpu | Self::TchCuda | Self::TchMps => cfg!(feature = "tch"),
        }
    }

    /// Its line in the table of backends.
    ///
    /// # Panics
    ///
    /// Never: a test holds that every backend stands there.
    pub(crate) fn info(self) -> &'static KindInfo {
        let info = KINDS.iter().find(|info| info.kind == self);
        info.unwrap_or_else(|| unreachable!("{self:?} stands in the table"))
    }

    /// Its name in `--device`.
    pub(crate) fn name(self) -> &'static str {
        self.info().name
    }

    /// Whether it computes on a processor.
    pub(crate) fn is_processor(self) -> bool {
        matches!(self, Self::Cpu | Self::TchCpu)
    }
}

impl Device {
    /// Whether it computes in the memory of the program itself.
    pub fn shares_memory(&self) -> bool {
        self.kind.is_processor()
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

impl FromStr for Wanted {
    type Err = Error;

    /// Reads `auto`, a backend such as `cuda`, or a backend with the number of its adapter, such as `cuda:0`.
    fn from_str(given: &str) -> Result<Self, Error> {
        if given == "auto" {
            return Ok(Self::AUTO);
        }
        let unknown = || Error::UnknownBackend { given: given.to_owned() };
        let (name, index) = match given.split_once(':') {
            Some((name, index)) => (name, Some(index.parse().map_err(|_| unknown())?)),
            None => (given, None),
        };
        let info = KINDS.iter().find(|info| info.name == name).ok_or_else(unknown)?;
        if !info.kind.is_compiled() {
            return Err(Error::NotCompiled { given: given.to_owned(), backend: info.feature });
        }
        match index {
            Some(1..) if !info.is_numbered => {
                let there_is = format!("{name} has no numbers");
                Err(Error::NoSuchAdapter { given: given.to_owned(), there_is })
            }
            None if info.is_numbered => Ok(Self(Want::OfBackend(info.kind))),
            index => Ok(Self(Want::Exactly(Device { kind: info.kind, index: index.unwrap_or(0) }))),
        }
    }
}

impl FromStr for Device {
    type Err = Error;

    /// Reads as [`Wanted`] does, without asking any driver: `auto` is the first backend of the build, which is the CPU wherever
    /// the build has it, and a backend without a number its first adapter.
    fn from_str(given: &str) -> Result<Self, Error> {
        match given.parse::<Wanted>()?.0 {
            Want::Exactly(device) => Ok(device),
            Want::OfBackend(kind) => Ok(Self { kind, index: 0 }),
            Want::Any => {
                let first = KINDS.iter().find(|info| info.kind.is_compiled());
                let first = first.ok_or_else(|| Error::UnknownBackend { given: given.to_owned() })?;
                Ok(Self { kind: first.kind, index: 0 })
            }
        }
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let info = self.kind.info();
        if info.is_numbered { write!(f, "{}:{}", info.name, self.index) } else { f.write_str(info.name) }
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Want::Any => f.write_str("auto"),
            Want::OfBackend(kind) => f.write_str(kind.name()),
            Want::Exactly(device) => device.fmt(f),
        }
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
        assert_eq!("auto".parse::<Wanted>().unwrap(), Wanted::AUTO);
        assert_eq!("cpu:0".parse::<Wanted>().unwrap().to_string(), "cpu");
        assert!(matches!("cpu:1".parse::<Wanted>(), Err(Error::NoSuchAdapter { .. })));
        assert!(matches!("gpu".parse::<Device>(), Err(Error::UnknownBackend { .. })));
        assert!(matches!("cuda:x".parse::<Device>(), Err(Error::UnknownBackend { .. })));
    }

    #[test]
    fn every_backend_stands_in_the_table_once() {
        use Kind::{Cpu, Cuda, Metal, Rocm, TchCpu, TchCuda, TchMps, Vulkan, Wgpu};
        for kind in [Cpu, Cuda, Rocm, Wgpu, Vulkan, Metal, TchCpu, TchCuda, TchMps] {
            assert_eq!(KINDS.iter().filter(|info| info.kind == kind).count(), 1, "{kind:?}");
        }
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
