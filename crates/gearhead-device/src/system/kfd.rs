//! GPUs of AMD's compute driver, KFD: `/sys/class/kfd/kfd/topology/nodes`.
//!
//! A node is a folder with a number. `gpu_id` is 0 for a CPU; `properties` has a name and a number in each line, and so has
//! `mem_banks/*/properties`. A node that the control group hides cannot be read.

use std::path::Path;

use super::{names, text};
use crate::amd::Gfx;

/// A GPU that AMD's compute driver offers.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct KfdGpu {
    /// The number of its node.
    pub node: u32,
    /// Its instruction set.
    pub gfx: Gfx,
    /// Its address on the PCI bus.
    pub pci_address: String,
    /// Which of AMD's devices it is.
    pub device_id: u16,
    /// Whether it is a part of a processor and shares that one's memory.
    pub integrated: bool,
    /// Its memory in bytes.
    pub memory_bytes: Option<u64>,
    /// Number of its render node: `/dev/dri/renderD128` is 128.
    pub render_minor: Option<u64>,
}

pub(super) fn read(root: &Path) -> Vec<KfdGpu> {
    let folder = root.join("sys/class/kfd/kfd/topology/nodes");
    let mut nodes: Vec<u32> = names(&folder).iter().filter_map(|name| name.parse().ok()).collect();
    // As text, 10 comes before 2.
    nodes.sort_unstable();
    nodes.into_iter().filter_map(|node| gpu(&folder.join(node.to_string()), node)).collect()
}

fn gpu(folder: &Path, node: u32) -> Option<KfdGpu> {
    let properties = text(&folder.join("properties"))?;
    let number = |name: &str| property(&properties, name);
    let gfx = Gfx::from_kfd(number("gfx_target_version")?)?;
    let location = number("location_id")?;
    let integrated = gfx.is_integrated() || number("cpu_cores_count").is_some_and(|cores| cores > 0);
    Some(KfdGpu {
        node,
        gfx,
        // Eight bits of the bus, five of the device, three of the function.
        pci_address: format!(
            "{:04x}:{:02x}:{:02x}.{}",
            number("domain").unwrap_or(0),
            (location >> 8) & 0xff,
            (location >> 3) & 0x1f,
            location & 0x7
        ),
        device_id: u16::try_from(number("device_id")?).ok()?,
        integrated,
        memory_bytes: memory(folder).or_else(|| number("local_mem_size").filter(|bytes| *bytes > 0)),
        render_minor: number("drm_render_minor").filter(|minor| *minor > 0),
    })
}

/// The sum of the banks that are the GPU's own: those of heap type 1 and 2, of which the processor sees all or nothing. Type 0
/// is memory of the system.
fn memory(folder: &Path) -> Option<u64> {
    let banks = folder.join("mem_banks");
    let of_bank = |bank: &String| {
        let properties = text(&banks.join(bank).join("properties"))?;
        let own = matches!(property(&properties, "heap_type")?, 1 | 2);
        own.then(|| property(&properties, "size_in_bytes")).flatten()
    };
    let bytes: u64 = names(&banks).iter().filter_map(of_bank).sum();
    (bytes > 0).then_some(bytes)
}

fn property(properties: &str, name: &str) -> Option<u64> {
    let mut pairs = properties.lines().filter_map(|line| line.split_once(' '));
    pairs.find(|(found, _)| *found == name)?.1.trim().parse().ok()
}
