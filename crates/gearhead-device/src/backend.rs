//! Backends and what they compute on.

use serde::{Deserialize, Serialize};

use crate::{Device, device::Kind};

/// A backend in the table of all.
pub(crate) struct KindInfo {
    pub(crate) kind: Kind,
    /// Its name in `--device`.
    pub(crate) name: &'static str,
    /// Its cargo feature.
    pub(crate) feature: &'static str,
    /// Whether its adapters have numbers.
    pub(crate) is_numbered: bool,
}

const fn info(kind: Kind, name: &'static str, feature: &'static str, is_numbered: bool) -> KindInfo {
    KindInfo { kind, name, feature, is_numbered }
}

/// Every backend. Where several see the same GPU, those that `auto` prefers come first.
pub(crate) const KINDS: &[KindInfo] = &[
    info(Kind::Cpu, "cpu", "flex", false),
    info(Kind::Cuda, "cuda", "cuda", true),
    info(Kind::Rocm, "rocm", "rocm", true),
    info(Kind::Metal, "metal", "metal", true),
    info(Kind::Vulkan, "vulkan", "vulkan", true),
    info(Kind::Wgpu, "wgpu", "wgpu", true),
    info(Kind::TchCuda, "tch-cuda", "tch", true),
    info(Kind::TchMps, "tch-mps", "tch", false),
    info(Kind::TchCpu, "tch-cpu", "tch", false),
];

/// A backend of this program.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct BackendInfo {
    /// Its name in `--device`.
    pub name: &'static str,
    /// Its cargo feature.
    pub feature: &'static str,
    /// Whether it is part of this build.
    pub compiled: bool,
    /// The adapters that it sees, in the order of their numbers.
    pub adapters: Vec<Adapter>,
    /// Why it sees none, where that is not for want of a GPU.
    pub reason: Option<String>,
}

/// Something to compute on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Adapter {
    /// Its name.
    pub name: String,
    /// How to ask for it: what stands behind `--device`.
    pub device: String,
    /// What it is.
    pub class: Class,
    /// Who made it.
    pub vendor: Option<String>,
    /// Its instruction set: compute capability, gfx number, family of Metal, or the extensions of a CPU.
    pub architecture: Option<String>,
    /// The driver and its version.
    pub driver: Option<String>,
    /// Its address on the PCI bus.
    pub pci_address: Option<String>,
    /// Its memory in bytes.
    pub memory_bytes: Option<u64>,
    /// What of that is free.
    pub free_memory_bytes: Option<u64>,
    /// Types of numbers it computes with.
    pub dtypes: Vec<String>,
    /// Whether the backend can use hardware that multiplies matrices.
    pub matrix_units: Option<bool>,
    /// How fast it is, where that was measured.
    pub measured: Option<Speed>,
    /// Whether it can be used.
    pub status: Status,
    /// Why not, or what to bear in mind.
    pub reason: Option<String>,
}

impl Adapter {
    pub(crate) fn new(name: impl Into<String>, device: Device, class: Class) -> Self {
        Self {
            name: name.into(),
            device: device.to_string(),
            class,
            vendor: None,
            architecture: None,
            driver: None,
            pci_address: None,
            memory_bytes: None,
            free_memory_bytes: None,
            dtypes: Vec::new(),
            matrix_units: None,
            measured: None,
            status: Status::Ready,
            reason: None,
        }
    }

    pub(crate) fn refuse(&mut self, reason: impl Into<String>) {
        (self.status, self.reason) = (Status::NotUsable, Some(reason.into()));
    }

    pub(crate) fn is_usable(&self) -> bool {
        self.status != Status::NotUsable
    }
}

/// What an adapter is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Class {
    /// The processor.
    Cpu,
    /// A GPU with memory of its own.
    Discrete,
    /// A GPU that shares the processor's memory.
    Integrated,
    /// A part of a GPU that a host lends to a virtual machine.
    Virtual,
    /// A program that does what a GPU does, on the processor.
    Software,
    /// Not known.
    Other,
}

/// How fast an adapter is.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Speed {
    /// Billions of floating-point operations a second of a product of two matrices in `f32`.
    pub matmul_gflops: f64,
    /// Gigabytes a second that are read and written when a tensor is copied on the adapter.
    pub copy_gb_per_s: f64,
}

/// Whether an adapter can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Status {
    /// It can.
    Ready,
    /// It can, with the settings that stand beside the backends.
    ReadyWithSetting,
    /// It was listed, and not tried.
    NotTried,
    /// It cannot.
    NotUsable,
}
