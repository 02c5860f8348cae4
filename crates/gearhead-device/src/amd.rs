//! AMD's instruction sets, and the setting with which a chip passes for its nearest relative.
//!
//! Programs that bring finished GPU code with them, such as LibTorch with its rocBLAS, bring it for some chips only. The chips of
//! one family run each other's code; `HSA_OVERRIDE_GFX_VERSION` makes the runtime take one for another. Burn's ROCm backend
//! compiles its code on the spot and needs no such thing, but is not harmed by it.

use std::{collections::BTreeSet, fmt, path::PathBuf};

use serde::Serialize;

use crate::system::{System, names};

/// An instruction set: major and minor version, and stepping.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Gfx {
    /// The generation.
    pub major: u32,
    /// The family in it.
    pub minor: u32,
    /// The chip.
    pub stepping: u32,
}

/// Chips for which rocBLAS has code, where no rocBLAS is found that could be asked.
///
/// Source: the lists of `TensileLibrary_lazy_*.dat` in github.com/ROCm/legacy-rocm-build issue 3015 (2024-04-15, ROCm 6.0) and
/// ROCm/AMDMIGraphX pull request 3517 (2024-10-09); gfx1200 and gfx1201 since ROCm 6.4.1, gfx950 since ROCm 7.0 (AMD's release notes).
const SHIPPED: &[&str] = &[
    "gfx900", "gfx906", "gfx908", "gfx90a", "gfx942", "gfx950", "gfx1010", "gfx1012", "gfx1030", "gfx1100",
    "gfx1101", "gfx1102", "gfx1200", "gfx1201",
];

/// Chips that run the code of another: the chip, and the other.
///
/// Source: for RDNA 2, "the gfx1030 instruction set is identical to the gfx1031 instruction set in all but name … generally
/// applicable to any discrete RDNA 2 GPUs" (ROCm/rocBLAS issue 1339, 2023-07-05); for RDNA 1, rocBLAS issue 1331 (2023-06-26) and
/// 1339 (2023-08-14). Integrated RDNA 2 chips and gfx1103 stand in LLVM's AMDGPU user guide in one generic family with the chip
/// that they pass for (gfx10-3-generic, gfx11-generic); gfx1103 has as many vector registers as gfx1102, and fewer than gfx1100.
const RELATIVES: &[(&str, Gfx)] = &[
    ("gfx1011", Gfx::new(10, 1, 0)),
    ("gfx1013", Gfx::new(10, 1, 0)),
    ("gfx1031", Gfx::new(10, 3, 0)),
    ("gfx1032", Gfx::new(10, 3, 0)),
    ("gfx1033", Gfx::new(10, 3, 0)),
    ("gfx1034", Gfx::new(10, 3, 0)),
    ("gfx1035", Gfx::new(10, 3, 0)),
    ("gfx1036", Gfx::new(10, 3, 0)),
    ("gfx1103", Gfx::new(11, 0, 2)),
];

/// Chips that are parts of processors (LLVM's AMDGPU user guide, table of processors, column dGPU/APU).
const INTEGRATED: &[&str] = &[
    "gfx902", "gfx909", "gfx90c", "gfx1013", "gfx1033", "gfx1035", "gfx1036", "gfx1103", "gfx1150",
    "gfx1151", "gfx1152", "gfx1153",
];

/// The variable that makes a chip pass for another: for all GPUs, or with the number of a node behind it for one.
const OVERRIDE: &str = "HSA_OVERRIDE_GFX_VERSION";

impl Gfx {
    const fn new(major: u32, minor: u32, stepping: u32) -> Self {
        Self { major, minor, stepping }
    }

    /// Reads the kernel's `gfx_target_version`: two decimal digits each for minor version and stepping. 0 is a processor.
    pub fn from_kfd(version: u64) -> Option<Self> {
        let version = u32::try_from(version).ok().filter(|version| *version > 0)?;
        Some(Self::new(version / 10_000, version / 100 % 100, version % 100))
    }

    /// Whether it is a part of a processor.
    pub fn is_integrated(self) -> bool {
        INTEGRATED.contains(&self.to_string().as_str())
    }

    /// Whether Burn's ROCm backend runs on it: its table of chips, in cubecl-cpp 0.10, stops with a panic at any other.
    pub(crate) fn is_known_to_burn(self) -> bool {
        let name = self.to_string();
        matches!(self.major, 10..=12)
            || ["gfx908", "gfx90a"].contains(&name.as_str())
            || name.starts_with("gfx94")
    }

    /// The chip whose code it runs, where `shipped` has that one's and not its own.
    fn relative(self, shipped: &BTreeSet<String>) -> Option<Self> {
        let own = self.to_string();
        if shipped.contains(&own) {
            return None;
        }
        let (_, relative) = RELATIVES.iter().find(|(chip, _)| *chip == own)?;
        shipped.contains(&relative.to_string()).then_some(*relative)
    }
}

impl fmt::Display for Gfx {
    /// As compilers write it: minor version and stepping are hexadecimal digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "gfx{}{:x}{:x}", self.major, self.minor, self.stepping)
    }
}

/// A variable of the environment that makes a GPU usable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Setting {
    /// The variable.
    pub name: String,
    /// Its value.
    pub value: String,
    /// The GPU it is for, as an address on the PCI bus.
    pub pci_address: String,
    /// Why it is needed.
    pub reason: String,
}

/// What must stand in the environment before HIP starts, so that programs with finished code run on the system's AMD GPUs.
/// A variable that `is_set` already is left as it is.
///
/// Where all GPUs pass for the same chip, one variable says so; else each has its own, which ROCm's runtime prefers to the
/// general one (`topology.c` of its kernel interface, `HSA_OVERRIDE_GFX_VERSION_%d` with the number of the node).
pub fn settings(system: &System, is_set: impl Fn(&str) -> bool) -> Vec<Setting> {
    let shipped = shipped(system);
    let relatives: Vec<Option<Gfx>> = system.kfd.iter().map(|gpu| gpu.gfx.relative(&shipped)).collect();
    let for_all = relatives.windows(2).all(|pair| pair[0] == pair[1]);
    if is_set(OVERRIDE) {
        return Vec::new();
    }
    let mut settings = Vec::new();
    for (gpu, relative) in system.kfd.iter().zip(relatives) {
        let Some(relative) = relative else { continue };
        let name = if for_all { OVERRIDE.to_owned() } else { format!("{OVERRIDE}_{}", gpu.node) };
        if is_set(&name) || settings.iter().any(|setting: &Setting| setting.name == name) {
            continue;
        }
        settings.push(Setting {
            name,
            value: format!("{}.{}.{}", relative.major, relative.minor, relative.stepping),
            pci_address: gpu.pci_address.clone(),
            reason: format!("no GPU code is shipped for {}, which runs that of {relative}", gpu.gfx),
        });
    }
    settings
}

/// Chips for which the rocBLAS of this system has code, or, where there is none, those that AMD ships.
fn shipped(system: &System) -> BTreeSet<String> {
    let mut folders: Vec<PathBuf> = ["opt/rocm/lib/rocblas/library", "usr/lib64/rocblas/library"]
        .map(|folder| system.path(folder))
        .into();
    // Debian keeps several versions side by side.
    let debian = system.path("usr/lib/x86_64-linux-gnu/rocblas");
    folders.extend(names(&debian).iter().map(|version| debian.join(version).join("library")));
    let files = folders.iter().flat_map(|folder| names(folder));
    // TensileLibrary_lazy_gfx1030.dat
    let chip = |file: String| {
        let chip = file.strip_prefix("TensileLibrary_lazy_")?.strip_suffix(".dat")?;
        Some(chip.to_owned())
    };
    let found: BTreeSet<String> = files.filter_map(chip).collect();
    if found.is_empty() { SHIPPED.iter().map(|chip| (*chip).to_owned()).collect() } else { found }
}
