//! Graphics APIs, by way of wgpu: Vulkan, or Metal on macOS, as Burn's backend chooses.

use std::sync::OnceLock;

use burn::backend::wgpu::WgpuDevice;
use cubecl::{Runtime, wgpu::WgpuRuntime};
use wgpu::{Backends, DeviceType, Instance, InstanceDescriptor};

use crate::{
    Adapter, Class, Device, System, apple,
    device::Kind,
    system::{self, AMD},
};

/// An adapter, and by which name Burn's backend finds it.
struct Found {
    info: wgpu::AdapterInfo,
    device: Option<WgpuDevice>,
}

/// The one graphics API that Burn's backend uses on this system.
const API: Backends = if cfg!(target_os = "macos") { Backends::METAL } else { Backends::VULKAN };

/// All adapters, in the order in which the API lists them, which is that of their numbers.
fn found() -> &'static [Found] {
    static FOUND: OnceLock<Vec<Found>> = OnceLock::new();
    FOUND.get_or_init(|| {
        let descriptor =
            InstanceDescriptor { backends: API, ..InstanceDescriptor::new_without_display_handle() };
        let adapters = Instance::new(descriptor).enumerate_adapters(API);
        let infos: Vec<_> =
            futures_lite::future::block_on(adapters).iter().map(wgpu::Adapter::get_info).collect();
        let kinds: Vec<DeviceType> = infos.iter().map(|info| info.device_type).collect();
        let devices = (0..infos.len()).map(|index| burn_device(&kinds, index));
        devices.zip(infos.iter().cloned()).map(|(device, info)| Found { info, device }).collect()
    })
}

/// By which name Burn's backend finds the adapter of a number: it counts each kind for itself. Adapters of no kind are found
/// under a kind of which there are not as many.
fn burn_device(kinds: &[DeviceType], index: usize) -> Option<WgpuDevice> {
    let of = |kind: DeviceType| kinds.iter().filter(|found| **found == kind).count();
    let before = kinds[..index].iter().filter(|kind| **kind == kinds[index]).count();
    match kinds[index] {
        DeviceType::DiscreteGpu => Some(WgpuDevice::DiscreteGpu(before)),
        DeviceType::IntegratedGpu => Some(WgpuDevice::IntegratedGpu(before)),
        DeviceType::VirtualGpu => Some(WgpuDevice::VirtualGpu(before)),
        DeviceType::Cpu => (before == 0).then_some(WgpuDevice::Cpu),
        DeviceType::Other if of(DeviceType::VirtualGpu) <= before => Some(WgpuDevice::VirtualGpu(before)),
        DeviceType::Other if of(DeviceType::DiscreteGpu) <= before => Some(WgpuDevice::DiscreteGpu(before)),
        DeviceType::Other if of(DeviceType::IntegratedGpu) <= before => {
            Some(WgpuDevice::IntegratedGpu(before))
        }
        DeviceType::Other => None,
    }
}

/// The device of Burn's backend for the adapter of a number.
///
/// # Panics
///
/// Where there is no such adapter.
pub(crate) fn device(index: usize) -> WgpuDevice {
    let device = found().get(index).and_then(|found| found.device.clone());
    device.unwrap_or_else(|| panic!("there is no adapter {index}"))
}

pub(super) fn list(kind: Kind) -> Result<Vec<Adapter>, String> {
    if kind == Kind::Metal && API != Backends::METAL {
        return Err("Metal is a graphics API of macOS".to_owned());
    }
    if kind == Kind::Vulkan && API != Backends::VULKAN {
        return Err("on macOS the backend uses Metal".to_owned());
    }
    let numbered = found().iter().enumerate();
    Ok(numbered.map(|(index, found)| adapter(found, Device { kind, index })).collect())
}

fn adapter(found: &Found, device: Device) -> Adapter {
    let info = &found.info;
    let class = match info.device_type {
        DeviceType::DiscreteGpu => Class::Discrete,
        DeviceType::IntegratedGpu => Class::Integrated,
        DeviceType::VirtualGpu => Class::Virtual,
        DeviceType::Cpu => Class::Software,
        DeviceType::Other => Class::Other,
    };
    let (vendor, family) = if info.backend == wgpu::Backend::Metal {
        // Metal has names only.
        let begins = |vendor: &&str| info.name.starts_with(vendor);
        (["Apple", "AMD", "Intel", "NVIDIA"].into_iter().find(begins), apple::metal_family(&info.name))
    } else {
        // Numbers of vendors are those of the PCI bus; Vulkan has a range of its own above them.
        (system::vendor(u16::try_from(info.vendor & 0xffff).unwrap_or_default()), None)
    };
    let driver = [info.driver.as_str(), info.driver_info.as_str()];
    let driver = driver.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
    let mut adapter = Adapter {
        vendor: vendor.map(str::to_owned),
        architecture: family.map(str::to_owned),
        driver: (!driver.is_empty()).then_some(driver),
        pci_address: (!info.device_pci_bus_id.is_empty()).then(|| info.device_pci_bus_id.clone()),
        ..Adapter::new(&info.name, device, class)
    };
    if found.device.is_none() {
        adapter.refuse("Burn's backend cannot tell it from another adapter");
    }
    adapter
}

pub(super) fn has_matrix_units(index: usize) -> Option<bool> {
    let device = found().get(index)?.device.clone()?;
    Some(!WgpuRuntime::client(&device).features().matmul.cmma.is_empty())
}

/// Graphics APIs do not tell it; AMD's kernel driver does.
pub(super) fn free_memory(index: usize) -> Option<u64> {
    let address = &found().get(index)?.info.device_pci_bus_id;
    let system = System::read();
    system.pci_at(address).filter(|gpu| gpu.vendor_id == AMD)?.free_memory_bytes
}
