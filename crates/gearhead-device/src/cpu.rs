//! The processor as an adapter.

use gearhead_kernels::cpu_has_matrix_unit;
use sysinfo::System;

use crate::{Adapter, Class, Device, device::Kind};

pub(crate) fn adapter() -> Adapter {
    let mut system = System::new();
    system.refresh_memory();
    let device = Device { kind: Kind::Cpu, index: 0 };
    Adapter {
        architecture: architecture(),
        memory_bytes: Some(system.total_memory()).filter(|bytes| *bytes > 0),
        free_memory_bytes: device.available_memory(),
        dtypes: vec!["f32".to_owned()],
        matrix_units: cpu_has_matrix_unit().then_some(true),
        ..Adapter::new(name(), device, Class::Cpu)
    }
}

/// What Linux calls it, or the architecture that the program was built for.
fn name() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with("model name"));
    let name = line.and_then(|line| line.split_once(':')).map(|(_, name)| name.trim().to_owned());
    name.unwrap_or_else(|| std::env::consts::ARCH.to_owned())
}

/// The extensions that the kernels choose between.
#[cfg(target_arch = "x86_64")]
fn architecture() -> Option<String> {
    let has = [
        ("AVX2", is_x86_feature_detected!("avx2")),
        ("AVX-VNNI", is_x86_feature_detected!("avxvnni")),
        ("AVX-512", is_x86_feature_detected!("avx512f")),
        ("AVX-512 VNNI", is_x86_feature_detected!("avx512vnni")),
        ("AMX", cpu_has_matrix_unit()),
    ];
    let names: Vec<&str> = has.into_iter().filter(|(_, has)| *has).map(|(name, _)| name).collect();
    (!names.is_empty()).then(|| names.join(", "))
}

#[cfg(not(target_arch = "x86_64"))]
fn architecture() -> Option<String> {
    None
}
