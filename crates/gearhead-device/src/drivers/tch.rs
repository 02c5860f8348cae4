//! LibTorch.

use crate::{Adapter, Class, Device, cpu, device::Kind};

pub(super) fn list(kind: Kind) -> Vec<Adapter> {
    let device = |index| Device { kind, index };
    match kind {
        Kind::TchCuda => {
            let count = usize::try_from(tch::Cuda::device_count()).unwrap_or(0);
            let adapter =
                |index| Adapter::new(format!("LibTorch GPU {index}"), device(index), Class::Discrete);
            (0..count).map(adapter).collect()
        }
        Kind::TchMps if tch::utils::has_mps() => {
            vec![Adapter::new("Metal Performance Shaders", device(0), Class::Integrated)]
        }
        Kind::TchMps => Vec::new(),
        _ => vec![Adapter { device: device(0).to_string(), ..cpu::adapter() }],
    }
}
