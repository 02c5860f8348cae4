//! What NVIDIA's kernel driver says: `/proc/driver/nvidia`.

use std::path::Path;

use super::{PciGpu, names, text};

/// The version in `NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.14  Thu Feb 22 …`: the first word that is
/// numbers with dots between them.
pub(super) fn driver_version(root: &Path) -> Option<String> {
    let text = text(&root.join("proc/driver/nvidia/version"))?;
    let line = text.lines().find(|line| line.starts_with("NVRM version"))?;
    let is_version = |word: &&str| {
        word.contains('.')
            && word.split('.').all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()))
    };
    line.split_whitespace().find(is_version).map(str::to_owned)
}

/// Gives the GPUs the names that the driver has for them.
pub(super) fn name(root: &Path, gpus: &mut [PciGpu]) {
    let folder = root.join("proc/driver/nvidia/gpus");
    for address in names(&folder) {
        let Some(gpu) = gpus.iter_mut().find(|gpu| gpu.address == address) else { continue };
        let Some(information) = text(&folder.join(&address).join("information")) else { continue };
        let model = information.lines().find_map(|line| line.strip_prefix("Model:"));
        gpu.name = model.map(|model| model.trim().to_owned()).or(gpu.name.take());
    }
}
