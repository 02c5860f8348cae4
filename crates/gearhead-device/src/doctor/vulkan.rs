//! Vulkan: its loader, and the drivers that stand in files where the loader looks.

use super::{Check, Context, any_compiled};
use crate::{device::Kind, system::names};

const GROUP: &str = "vulkan";

pub(super) fn examine(context: &Context<'_>) -> Vec<Check> {
    if !cfg!(target_os = "linux") || !any_compiled(&[Kind::Vulkan, Kind::Wgpu]) {
        return Vec::new();
    }
    let loader = "install Vulkan's loader (Debian, Ubuntu: libvulkan1)";
    let mut checks = vec![context.library(GROUP, "libvulkan.so", &[], loader)];
    let folders = ["usr/share/vulkan/icd.d", "etc/vulkan/icd.d", "usr/local/share/vulkan/icd.d"];
    let drivers: Vec<String> = folders
        .iter()
        .flat_map(|folder| names(&context.system.path(folder)))
        .filter_map(|file| file.strip_suffix(".json").map(str::to_owned))
        .collect();
    checks.push(if drivers.is_empty() {
        let mend =
            "install a driver (Debian, Ubuntu: mesa-vulkan-drivers; NVIDIA's is part of its own driver)";
        Check::fault(GROUP, "drivers", "none is installed", mend)
    } else {
        Check::good(GROUP, "drivers", drivers.join(", "))
    });
    if !context.system.pci.is_empty() && context.nodes.iter().any(|node| node.path.starts_with("/dev/dri")) {
        checks.extend(context.nodes(GROUP, "/dev/dri/renderD", ""));
    }
    checks
}
