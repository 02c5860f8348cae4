//! NVIDIA's driver, and what CUDA needs beside it.

use std::path::Path;

use super::{Check, Context, any_compiled};
use crate::{device::Kind, system::NVIDIA};

const GROUP: &str = "nvidia";

pub(super) fn examine(context: &Context<'_>) -> Vec<Check> {
    let is_used = any_compiled(&[Kind::Cuda, Kind::TchCuda]);
    let has_gpu = context.has_gpu(NVIDIA);
    if !has_gpu && context.system.nvidia_driver.is_none() {
        let absent = Check::note(GROUP, "NVIDIA", "no GPU of NVIDIA");
        return if is_used { vec![absent] } else { Vec::new() };
    }
    let mut checks = vec![match &context.system.nvidia_driver {
        Some(version) => Check::good(GROUP, "kernel driver", version),
        None => Check::fault(
            GROUP,
            "kernel driver",
            "NVIDIA's is not loaded",
            "install NVIDIA's driver from the distribution (Debian: nvidia-driver, Ubuntu: ubuntu-drivers install) and \
             restart; nouveau has no CUDA",
        ),
    }];
    let missing =
        "load the driver: sudo modprobe nvidia nvidia-uvm; in a container, start it with --gpus all";
    checks.extend(context.nodes(GROUP, "/dev/nvidia", missing));
    let driver = "install NVIDIA's driver: the library is part of it";
    checks.push(context.library(GROUP, "libcuda.so", &[], driver));
    if is_used {
        let toolkit = "install the CUDA toolkit (nvrtc, and the headers): kernels are compiled when they are first used";
        let folders = ["usr/local/cuda/lib64", "usr/local/cuda/targets/x86_64-linux/lib"];
        checks.push(context.library(GROUP, "libnvrtc.so", &folders, toolkit));
        checks.push(headers(context, toolkit));
    }
    checks
}

/// The headers that kernels include, where Burn's backend looks for them.
fn headers(context: &Context<'_>, mend: &str) -> Check {
    let own = std::env::var("CUDA_PATH").ok();
    let folders = own.as_deref().map_or_else(|| vec!["usr/local/cuda", "opt/cuda", "usr"], |own| vec![own]);
    let folders = folders.into_iter().map(|folder| context.system.path(folder.trim_start_matches('/')));
    let folder = folders.clone().find(|folder| has_headers(folder)).or_else(|| folders.clone().next());
    let folder = folder.unwrap_or_default();
    let found = folder.join("include").display().to_string();
    if has_headers(&folder) {
        Check::good(GROUP, "CUDA headers", found)
    } else {
        Check::fault(GROUP, "CUDA headers", "not found", format!("{mend}; CUDA_PATH names its folder"))
    }
}

fn has_headers(folder: &Path) -> bool {
    folder.join("include/cuda_fp16.h").is_file()
}
