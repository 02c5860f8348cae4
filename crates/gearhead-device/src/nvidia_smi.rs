//! What NVIDIA's own tool says of GPUs of which the kernel's files say little.

use std::{process::Command, time::Duration};

use crate::{SystemGpu, probe::run_limited};

/// The tool waits for the driver, which may have to wake the GPU.
const LIMIT: Duration = Duration::from_secs(5);

/// Adds architecture and memory. Where the tool is missing or fails, they stay unknown.
pub(crate) fn complete(gpus: &mut [SystemGpu]) {
    let mut command = Command::new("nvidia-smi");
    command.args([
        "--query-gpu=pci.bus_id,compute_cap,memory.total,memory.free",
        "--format=csv,noheader,nounits",
    ]);
    let output = run_limited(command, LIMIT).output;
    for line in output.lines() {
        add(line, gpus);
    }
}

/// Reads a line such as `00000000:01:00.0, 8.6, 12288, 11900`, with sizes in MiB. What the tool does not know is `[N/A]`.
fn add(line: &str, gpus: &mut [SystemGpu]) {
    let fields: Vec<&str> = line.split(',').map(str::trim).collect();
    let &[address, capability, total, free] = &fields[..] else { return };
    let address = address.to_ascii_lowercase();
    // The tool writes eight digits of the domain, the kernel four.
    let Some(gpu) = gpus.iter_mut().find(|gpu| address.ends_with(&gpu.pci_address)) else { return };
    let bytes = |mib: &str| Some(mib.parse::<u64>().ok()? << 20);
    gpu.memory_bytes = gpu.memory_bytes.or_else(|| bytes(total));
    gpu.free_memory_bytes = gpu.free_memory_bytes.or_else(|| bytes(free));
    if gpu.architecture.is_none() && capability.parse::<f32>().is_ok() {
        gpu.architecture = Some(format!("compute capability {capability}"));
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::{Depth, System, probe::Prober, survey};

    #[test]
    fn lines_are_read_and_what_is_not_known_stays_unknown() {
        let machine = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/machines/rtx-3060");
        let system = System::read_under(&machine);
        let mut gpus = survey(&system, &Prober::files_only(), Depth::List).gpus;
        for line in ["00000000:01:00.0, 8.6, 12288, 11900", "00000000:02:00.0, [N/A], [N/A], 5", "nonsense"] {
            add(line, &mut gpus);
        }
        let of = |address: &str| gpus.iter().find(|gpu| gpu.pci_address == address).unwrap();
        let geforce = of("0000:01:00.0");
        assert_eq!(geforce.architecture.as_deref(), Some("compute capability 8.6"));
        assert_eq!(geforce.memory_bytes, Some(12_288 << 20));
        assert_eq!(geforce.free_memory_bytes, Some(11_900 << 20));
        assert_eq!((of("0000:02:00.0").memory_bytes, of("0000:02:00.0").architecture.as_ref()), (None, None));
    }
}
