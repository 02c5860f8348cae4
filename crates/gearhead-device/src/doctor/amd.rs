//! AMD's compute driver, and what ROCm needs beside it.

use super::{Check, Context, any_compiled};
use crate::{
    amd::settings,
    device::Kind,
    system::{AMD, text},
};

const GROUP: &str = "amd";

pub(super) fn examine(context: &Context<'_>) -> Vec<Check> {
    let is_used = any_compiled(&[Kind::Rocm, Kind::TchCuda]);
    if !context.has_gpu(AMD) && context.system.kfd.is_empty() {
        let absent = Check::note(GROUP, "AMD", "no GPU of AMD");
        return if is_used { vec![absent] } else { Vec::new() };
    }
    let missing = "load the kernel's module: sudo modprobe amdgpu; in a container, pass the device through: \
                   --device /dev/kfd --device /dev/dri";
    let mut checks = context.nodes(GROUP, "/dev/kfd", missing);
    checks.extend(context.nodes(GROUP, "/dev/dri/renderD", missing));
    if context.system.kfd.is_empty() {
        checks.push(Check::fault(GROUP, "compute driver", "it offers no GPU", missing));
    }
    for gpu in &context.system.kfd {
        let kind = if gpu.integrated { "integrated" } else { "discrete" };
        let name = format!("{} at {}", gpu.gfx, gpu.pci_address);
        let found = format!("compute node {}, {kind}", gpu.node);
        checks.push(if gpu.gfx.is_known_to_burn() {
            Check::good(GROUP, name, found)
        } else {
            let mend = "use the vulkan backend: Burn 0.21's ROCm backend does not know this chip";
            Check::fault(GROUP, name, found, mend)
        });
    }
    for setting in settings(context.system, |name| std::env::var_os(name).is_some()) {
        let found = format!("{}: set to {} when a backend of AMD is used", setting.reason, setting.value);
        checks.push(Check::note(GROUP, setting.name, found));
    }
    if is_used {
        checks.extend(rocm(context));
    }
    checks
}

/// The libraries that Burn's backend opens when it starts.
fn rocm(context: &Context<'_>) -> Vec<Check> {
    let mend =
        "install ROCm's HIP runtime (hip-runtime-amd, or the distribution's libamdhip64 and libhiprtc)";
    let folders = ["opt/rocm/lib", "opt/rocm/lib64"];
    let version = text(&context.system.path("opt/rocm/.info/version"));
    let version = version.map(|version| Check::good(GROUP, "ROCm", version));
    let libraries =
        ["libamdhip64.so", "libhiprtc.so"].map(|name| context.library(GROUP, name, &folders, mend));
    version.into_iter().chain(libraries).collect()
}
