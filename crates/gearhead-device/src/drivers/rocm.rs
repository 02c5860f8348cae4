//! AMD's HIP. What it says of a GPU is read from the kernel's files instead, which have the GPUs in the same order.

use cubecl::{
    Runtime,
    hip::{AmdDevice, HipRuntime},
};

use crate::{Adapter, Class, Device, System, device::Kind, system::KfdGpu};

pub(super) fn list() -> Result<Vec<Adapter>, String> {
    let system = System::read();
    let (count, known) = gpus(&system);
    let adapter = |index| {
        let device = Device { kind: Kind::Rocm, index };
        let Some(gpu) = known.get(index) else {
            return Adapter::new(format!("AMD GPU {index}"), device, Class::Other);
        };
        let class = if gpu.integrated { Class::Integrated } else { Class::Discrete };
        let pci = system.pci_at(&gpu.pci_address);
        let name = pci.map_or_else(|| format!("AMD GPU {}", gpu.gfx), |pci| pci.display_name());
        Adapter {
            architecture: Some(gpu.gfx.to_string()),
            pci_address: Some(gpu.pci_address.clone()),
            memory_bytes: gpu.memory_bytes,
            ..Adapter::new(name, device, class)
        }
    };
    Ok((0..count).map(adapter).collect())
}

/// How many GPUs HIP has, and what the kernel says of them. With some hidden from HIP, its files cannot tell which are left.
fn gpus(system: &System) -> (usize, &[KfdGpu]) {
    let count = HipRuntime::enumerate_devices(0, &()).len();
    (count, if count == system.kfd.len() { &system.kfd } else { &[] })
}

pub(super) fn has_matrix_units(index: usize) -> bool {
    !HipRuntime::client(&AmdDevice::new(index)).features().matmul.cmma.is_empty()
}

pub(super) fn free_memory(index: usize) -> Option<u64> {
    let system = System::read();
    let (_, known) = gpus(&system);
    system.pci_at(&known.get(index)?.pci_address)?.free_memory_bytes
}
