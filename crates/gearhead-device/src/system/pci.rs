//! GPUs on the PCI bus: `/sys/bus/pci/devices`.

use std::{fs, path::Path};

use super::{names, text};

/// A GPU on the PCI bus.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PciGpu {
    /// Domain, bus, device and function, such as `0000:03:00.0`.
    pub address: String,
    /// Who made it, as the PCI bus numbers them.
    pub vendor_id: u16,
    /// Which of the vendor's devices it is.
    pub device_id: u16,
    /// The kernel's driver that has it, if one has.
    pub driver: Option<String>,
    /// Its name, where the system knows it.
    pub name: Option<String>,
    /// Its own memory, where the driver tells it.
    pub memory_bytes: Option<u64>,
    /// What of that is free.
    pub free_memory_bytes: Option<u64>,
}

pub(crate) const AMD: u16 = 0x1002;
pub(crate) const NVIDIA: u16 = 0x10de;
pub(crate) const INTEL: u16 = 0x8086;

/// Vendors of GPUs, and of adapters that only show a picture.
const VENDORS: &[(u16, &str)] = &[
    (AMD, "AMD"),
    (NVIDIA, "NVIDIA"),
    (INTEL, "Intel"),
    (0x106b, "Apple"),
    (0x13b5, "Arm"),
    (0x5143, "Qualcomm"),
    (0x1ed5, "Moore Threads"),
    (0x1414, "Microsoft"),
    (0x15ad, "VMware"),
    (0x1af4, "virtio"),
    (0x1234, "QEMU"),
    (0x1b36, "Red Hat"),
    (0x1013, "Cirrus Logic"),
    (0x1a03, "ASPEED"),
    (0x102b, "Matrox"),
    // Mesa's software drivers have a number in Vulkan's own range.
    (0x0005, "Mesa"),
];

/// The vendor's name.
pub(crate) fn vendor(id: u16) -> Option<&'static str> {
    VENDORS.iter().find(|(known, _)| *known == id).map(|(_, name)| *name)
}

impl PciGpu {
    /// Its name, or what is known of it.
    pub(crate) fn display_name(&self) -> String {
        self.name.clone().unwrap_or_else(|| {
            let vendor = vendor(self.vendor_id).unwrap_or("unknown vendor");
            format!("{vendor} GPU {:04x}:{:04x}", self.vendor_id, self.device_id)
        })
    }
}

pub(super) fn read(root: &Path) -> Vec<PciGpu> {
    let folder = root.join("sys/bus/pci/devices");
    names(&folder).into_iter().filter_map(|address| gpu(root, &folder.join(&address), address)).collect()
}

fn gpu(root: &Path, folder: &Path, address: String) -> Option<PciGpu> {
    let number = |file: &str| hexadecimal(&text(&folder.join(file))?);
    let (class, vendor_id, device_id) = (number("class")?, number("vendor")?, number("device")?);
    // The upper byte of a class: 03 is a display controller. AMD's Instinct cards are 12, processing accelerators.
    let is_gpu = match class >> 16 {
        0x03 => true,
        0x12 => vendor_id == u32::from(AMD),
        _ => false,
    };
    if !is_gpu {
        return None;
    }
    let (vendor_id, device_id) = (u16::try_from(vendor_id).ok()?, u16::try_from(device_id).ok()?);
    let driver = fs::read_link(folder.join("driver")).ok();
    let bytes = |file: &str| text(&folder.join(file))?.parse::<u64>().ok();
    let memory_bytes = bytes("mem_info_vram_total");
    let used = bytes("mem_info_vram_used");
    Some(PciGpu {
        address,
        vendor_id,
        device_id,
        driver: driver.and_then(|link| link.file_name()?.to_str().map(str::to_owned)),
        name: text(&folder.join("product_name")).or_else(|| name_in_database(root, vendor_id, device_id)),
        memory_bytes,
        free_memory_bytes: memory_bytes.zip(used).map(|(total, used)| total.saturating_sub(used)),
    })
}

fn hexadecimal(text: &str) -> Option<u32> {
    u32::from_str_radix(text.strip_prefix("0x").unwrap_or(text), 16).ok()
}

/// The name in the list of PCI ids that most distributions install.
///
/// A vendor's line begins with its number, a device's with a tab and its number.
fn name_in_database(root: &Path, vendor_id: u16, device_id: u16) -> Option<String> {
    let files = ["usr/share/hwdata/pci.ids", "usr/share/misc/pci.ids"];
    let list = files.iter().find_map(|file| fs::read(root.join(file)).ok())?;
    let list = String::from_utf8_lossy(&list);
    let of_vendor = format!("{vendor_id:04x}  ");
    let of_device = format!("\t{device_id:04x}  ");
    let mut lines = list.lines().skip_while(|line| !line.starts_with(&of_vendor)).skip(1);
    let name = lines
        .by_ref()
        .take_while(|line| line.starts_with('\t') || line.starts_with('#') || line.is_empty())
        .find_map(|line| line.strip_prefix(&of_device))?;
    let vendor = vendor(vendor_id).unwrap_or_default();
    Some(format!("{vendor} {}", name.trim()).trim().to_owned())
}
