//! What the system's own files say of its GPUs. No driver is loaded and no program is run.

mod kfd;
mod nodes;
mod nvidia;
mod pci;

use std::{
    fs,
    path::{Path, PathBuf},
};

pub use kfd::KfdGpu;
pub use nodes::{Access, DeviceNode};
pub use pci::PciGpu;
pub(crate) use pci::{AMD, INTEL, NVIDIA, vendor};

/// What the files of a system say. On systems other than Linux they say nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct System {
    /// Where its files begin.
    pub root: PathBuf,
    /// GPUs on the PCI bus, in the order of their addresses.
    pub pci: Vec<PciGpu>,
    /// GPUs that AMD's compute driver offers, in the order in which HIP counts them.
    pub kfd: Vec<KfdGpu>,
    /// The version of NVIDIA's kernel driver, where it is loaded.
    pub nvidia_driver: Option<String>,
}

impl System {
    /// Reads the files of this system.
    pub fn read() -> Self {
        Self::read_under(Path::new("/"))
    }

    /// Reads a system whose files are under another folder, such as the root of a container.
    pub fn read_under(root: &Path) -> Self {
        let mut pci = pci::read(root);
        nvidia::name(root, &mut pci);
        Self { root: root.to_owned(), pci, kfd: kfd::read(root), nvidia_driver: nvidia::driver_version(root) }
    }

    /// The GPU of AMD's compute driver at an address on the PCI bus.
    pub fn kfd_at(&self, pci_address: &str) -> Option<&KfdGpu> {
        self.kfd.iter().find(|gpu| gpu.pci_address == pci_address)
    }

    /// The GPU at an address on the PCI bus.
    pub fn pci_at(&self, pci_address: &str) -> Option<&PciGpu> {
        self.pci.iter().find(|gpu| gpu.address == pci_address)
    }

    /// A file or folder, given by its path from the root.
    pub(crate) fn path(&self, from_root: &str) -> PathBuf {
        self.root.join(from_root)
    }
}

/// The text of a small file without the space around it; none where it cannot be read or is empty.
pub(crate) fn text(path: &Path) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// The names in a folder, sorted; none where it cannot be read.
pub(crate) fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    names
}
