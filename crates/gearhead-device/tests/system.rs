//! What is read of the machines in `tests/machines`, and what is proposed for them.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

use std::path::{Path, PathBuf};

use gearhead_device::{
    Depth, System, amd,
    amd::Setting,
    doctor::{self, Verdict},
    probe::Prober,
    survey,
};

fn machine(name: &str) -> System {
    System::read_under(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/machines").join(name))
}

/// Why each GPU is not used, by its address.
fn reasons(system: &System) -> Vec<(String, String)> {
    let gpus = survey(system, &Prober::files_only(), Depth::List).gpus;
    gpus.into_iter().map(|gpu| (gpu.pci_address, gpu.reason.unwrap())).collect()
}

fn settings(system: &System) -> Vec<(String, String)> {
    let pair = |setting: Setting| (setting.name, setting.value);
    amd::settings(system, |_| false).into_iter().map(pair).collect()
}

#[test]
fn an_rx_6750_xt_passes_for_an_rx_6800() {
    let system = machine("rx-6750-xt");
    let [pci] = &system.pci[..] else { panic!("{:?}", system.pci) };
    assert_eq!((pci.address.as_str(), pci.driver.as_deref()), ("0000:03:00.0", Some("amdgpu")));
    assert_eq!(pci.name.as_deref(), Some("AMD Navi 22 [Radeon RX 6700/6700 XT/6750 XT / 6800M/6850M XT]"));
    assert_eq!(pci.memory_bytes, Some(12_868_124_672));
    assert_eq!(pci.free_memory_bytes, Some(12_868_124_672 - 402_653_184));
    let [gpu] = &system.kfd[..] else { panic!("{:?}", system.kfd) };
    assert_eq!((gpu.node, gpu.gfx.to_string().as_str(), gpu.integrated), (1, "gfx1031", false));
    assert_eq!((gpu.pci_address.as_str(), gpu.render_minor), ("0000:03:00.0", Some(128)));
    assert_eq!(gpu.memory_bytes, Some(12_868_124_672));
    assert_eq!(settings(&system), [("HSA_OVERRIDE_GFX_VERSION".to_owned(), "10.3.0".to_owned())]);
    // Whoever has set it knows better, also by the name of the one GPU.
    assert!(amd::settings(&system, |name| name == "HSA_OVERRIDE_GFX_VERSION").is_empty());
}

/// A folder with the compute node of an RX 6750 XT, and that node.
fn rx_6750_xt_without_memory() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let node = "sys/class/kfd/kfd/topology/nodes/1";
    let from = machine("rx-6750-xt").root.join(node);
    let to = folder.path().join(node);
    std::fs::create_dir_all(&to).unwrap();
    std::fs::copy(from.join("properties"), to.join("properties")).unwrap();
    (folder, to)
}

#[test]
fn memory_of_the_system_is_not_counted_as_the_gpus() {
    let (folder, node) = rx_6750_xt_without_memory();
    assert_eq!(System::read_under(folder.path()).kfd[0].memory_bytes, None);
    for (bank, heap_type, bytes) in [(0, 0, 100), (1, 1, 20), (2, 2, 3)] {
        let bank = node.join(format!("mem_banks/{bank}"));
        std::fs::create_dir_all(&bank).unwrap();
        let properties = format!("heap_type {heap_type}\nsize_in_bytes {bytes}\nflags 0\n");
        std::fs::write(bank.join("properties"), properties).unwrap();
    }
    assert_eq!(System::read_under(folder.path()).kfd[0].memory_bytes, Some(23));
}

#[test]
fn a_system_whose_rocblas_has_code_for_the_chip_needs_no_setting() {
    let (folder, _) = rx_6750_xt_without_memory();
    let library = folder.path().join("opt/rocm/lib/rocblas/library");
    std::fs::create_dir_all(&library).unwrap();
    let ships = |chip: &str| std::fs::write(library.join(format!("TensileLibrary_lazy_{chip}.dat")), "");
    // Not even the code of the relative: there is nothing to pass for.
    ships("gfx1100").unwrap();
    assert!(settings(&System::read_under(folder.path())).is_empty());
    ships("gfx1030").unwrap();
    assert_eq!(settings(&System::read_under(folder.path())).len(), 1);
    ships("gfx1031").unwrap();
    assert!(settings(&System::read_under(folder.path())).is_empty());
}

#[test]
fn an_rx_7900_xtx_is_left_as_it_is() {
    let system = machine("rx-7900-xtx");
    assert_eq!(system.kfd[0].gfx.to_string(), "gfx1100");
    // There is no list of names on this machine.
    assert_eq!(reasons(&system)[0].0, "0000:03:00.0");
    assert!(settings(&system).is_empty());
}

#[test]
fn eight_mi300x_are_found_though_they_show_no_picture() {
    let system = machine("mi300x");
    assert_eq!((system.pci.len(), system.kfd.len()), (8, 8));
    assert_eq!(system.pci[0].name.as_deref(), Some("AMD Instinct MI300X OAM"));
    for (pci, kfd) in system.pci.iter().zip(&system.kfd) {
        assert_eq!(pci.address, kfd.pci_address);
        assert_eq!((kfd.gfx.to_string().as_str(), kfd.integrated), ("gfx942", false));
        assert_eq!(kfd.memory_bytes, Some(206_141_652_992));
    }
    assert_eq!(system.kfd[7].pci_address, "0000:e5:00.0");
    assert!(settings(&system).is_empty());
}

#[test]
fn the_gpu_of_a_processor_passes_for_another_without_the_card_doing_so() {
    let system = machine("apu-beside-card");
    let found: Vec<_> =
        system.kfd.iter().map(|gpu| (gpu.node, gpu.gfx.to_string(), gpu.integrated)).collect();
    assert_eq!(found, [(1, "gfx1100".to_owned(), false), (10, "gfx1036".to_owned(), true)]);
    assert_eq!(settings(&system), [("HSA_OVERRIDE_GFX_VERSION_10".to_owned(), "10.3.0".to_owned())]);
    let setting = &amd::settings(&system, |_| false)[0];
    assert_eq!(setting.pci_address, "0000:7a:00.0");
}

#[test]
#[cfg(not(any(feature = "cuda", feature = "vulkan", feature = "rocm")))]
fn what_is_missing_is_named() {
    let named = [
        ("0000:00:02.0", "--features vulkan"),
        ("0000:01:00.0", "--features cuda"),
        ("0000:02:00.0", "its driver is nouveau: install NVIDIA's own"),
        ("0000:04:00.0", "may only show a picture"),
        ("0000:05:00.0", "kept for a virtual machine"),
    ];
    let system = machine("rtx-3060");
    assert_eq!(system.pci_at("0000:01:00.0").unwrap().name.as_deref(), Some("NVIDIA GeForce RTX 3060"));
    assert_eq!(system.nvidia_driver.as_deref(), Some("550.54.14"));
    let found = reasons(&system);
    assert_eq!(found.len(), named.len());
    for ((address, reason), (expected, text)) in found.iter().zip(named) {
        assert!(address == expected && reason.contains(text), "{address}: {reason}");
    }
    assert!(reasons(&machine("mi300x"))[0].1.contains("--features rocm"));
}

#[test]
fn the_doctor_names_what_to_mend() {
    let of = |name: &str| doctor::examine(&machine(name));
    let mend = |name: &str, check: &str| {
        let checks = of(name);
        let found = checks.iter().find(|found| found.name == check).unwrap_or_else(|| panic!("{checks:#?}"));
        (found.verdict, found.mend.clone().unwrap_or_default())
    };
    // The machines have no device files but for those of the one with NVIDIA's driver.
    let (verdict, text) = mend("rx-6750-xt", "/dev/kfd");
    assert!(verdict == Verdict::Fault && text.contains("modprobe amdgpu"), "{text}");
    assert_eq!(mend("rtx-3060", "/dev/nvidia0").0, Verdict::Good);
    assert_eq!(mend("rtx-3060", "kernel driver").0, Verdict::Good);
    let (verdict, text) = mend("rtx-3060", "libcuda.so");
    assert!(verdict == Verdict::Fault && text.contains("NVIDIA's driver"), "{text}");
    assert_eq!(mend("rx-6750-xt", "HSA_OVERRIDE_GFX_VERSION").0, Verdict::Note);
    assert!(of("none").iter().all(|check| check.verdict != Verdict::Fault));
}

#[test]
fn a_machine_without_a_gpu_says_so() {
    let system = machine("none");
    assert!(system.pci.is_empty() && system.kfd.is_empty() && system.nvidia_driver.is_none());
    let survey = survey(&system, &Prober::files_only(), Depth::List);
    assert!(survey.gpus.is_empty() && survey.settings.is_empty());
}
