//! What this build can run on.

use serde::Serialize;

use crate::device::{Device, Kind};

/// Every backend: its kind, its name in `--device`, its cargo feature. Those that `auto` prefers come first.
pub(crate) const KINDS: &[(Kind, &str, &str)] = &[
    (Kind::Cpu, "cpu", "flex"),
    (Kind::Cuda, "cuda", "cuda"),
    (Kind::Rocm, "rocm", "rocm"),
    (Kind::Metal, "metal", "metal"),
    (Kind::Vulkan, "vulkan", "vulkan"),
    (Kind::Wgpu, "wgpu", "wgpu"),
    (Kind::TchCuda, "tch-cuda", "tch"),
    (Kind::TchMps, "tch-mps", "tch"),
    (Kind::TchCpu, "tch-cpu", "tch"),
];

/// A backend of this program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct BackendInfo {
    /// Its name in `--device`.
    pub name: &'static str,
    /// Its cargo feature.
    pub feature: &'static str,
    /// Whether it is part of this build.
    pub compiled: bool,
    /// The adapters it is known to see.
    pub adapters: Vec<Adapter>,
}

/// Something to compute on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Adapter {
    /// Its name.
    pub name: String,
    /// Its memory in bytes, where it is known.
    pub memory_bytes: Option<u64>,
    /// Types of numbers it computes with.
    pub dtypes: Vec<&'static str>,
    /// Whether it can be used.
    pub status: Status,
    /// Why not, or what to bear in mind.
    pub reason: Option<String>,
}

/// Whether an adapter can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Status {
    /// It can.
    Ready,
}

/// Every backend that Gearhead knows, with the CPU as the one adapter that is always seen. GPUs are not probed: a
/// backend that is compiled in is tried when a device of it is asked for.
pub fn backends() -> Vec<BackendInfo> {
    KINDS
        .iter()
        .map(|(kind, name, feature)| {
            let compiled = Device::is_compiled(*kind);
            let adapters = if *kind == Kind::Cpu && compiled { vec![cpu()] } else { Vec::new() };
            BackendInfo { name, feature, compiled, adapters }
        })
        .collect()
}

fn cpu() -> Adapter {
    Adapter {
        name: proc("/proc/cpuinfo", "model name").unwrap_or_else(|| std::env::consts::ARCH.to_owned()),
        memory_bytes: proc("/proc/meminfo", "MemTotal")
            .and_then(|text| text.trim_end_matches("kB").trim().parse::<u64>().ok())
            .map(|kib| kib * 1024),
        dtypes: vec!["f32"],
        status: Status::Ready,
        reason: None,
    }
}

/// The value of the first `key: value` line of one of Linux's descriptions of the machine.
fn proc(file: &str, key: &str) -> Option<String> {
    let text = std::fs::read_to_string(file).ok()?;
    let line = text.lines().find(|line| line.starts_with(key))?;
    line.split_once(':').map(|(_, value)| value.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_backend_is_listed_and_the_cpu_is_ready() {
        let backends = backends();
        assert_eq!(backends.len(), KINDS.len());
        let cpu = &backends[0];
        assert_eq!(cpu.compiled, cfg!(feature = "flex"));
        assert!(cpu.adapters.iter().all(|adapter| adapter.status == Status::Ready));
    }
}
