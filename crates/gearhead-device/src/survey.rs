//! What there is to compute on, and what the system has that this build cannot use.

use std::thread;

use serde::Serialize;

use crate::{
    Adapter, BackendInfo, Class, Device, Status, Wanted,
    amd::{self, Setting},
    backend::KINDS,
    cpu,
    device::{Kind, Want},
    nvidia_smi,
    probe::{Answer, Prober, Question},
    system::{self, AMD, INTEL, NVIDIA, PciGpu, System},
};

/// How much is found out about adapters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// Which there are.
    List,
    /// Whether they compute.
    Try,
    /// How fast they are.
    Measure,
}

/// What there is to compute on.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Survey {
    /// Every backend that Gearhead knows, with its adapters.
    pub backends: Vec<BackendInfo>,
    /// Every GPU that the system has.
    pub gpus: Vec<SystemGpu>,
    /// What must stand in the environment before AMD's runtime starts.
    pub settings: Vec<Setting>,
}

/// A GPU of the system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SystemGpu {
    /// Its name.
    pub name: String,
    /// Who made it.
    pub vendor: Option<&'static str>,
    /// Its address on the PCI bus.
    pub pci_address: String,
    /// The vendor's and the device's number on the PCI bus, such as `10de:2504`.
    pub pci_id: String,
    /// The kernel's driver that has it.
    pub driver: Option<String>,
    /// Its instruction set, where the kernel tells it.
    pub architecture: Option<String>,
    /// Its memory in bytes.
    pub memory_bytes: Option<u64>,
    /// What of that is free.
    pub free_memory_bytes: Option<u64>,
    /// The devices of this build that compute on it.
    pub devices: Vec<String>,
    /// Why there are none, and what to do.
    pub reason: Option<String>,
}

/// Finds out what there is to compute on. A driver that fails becomes the verdict on its adapters.
pub fn survey(system: &System, prober: &Prober, depth: Depth) -> Survey {
    // Drivers take their time, each by itself.
    let backends = thread::scope(|scope| {
        let ask = |info: &'static crate::backend::KindInfo| {
            scope.spawn(move || adapters(info.kind, system, prober, depth))
        };
        let asked: Vec<_> = KINDS.iter().map(|info| info.kind.is_compiled().then(|| ask(info))).collect();
        let answers = asked.into_iter().map(|thread| match thread {
            None => Ok(Vec::new()),
            Some(thread) => thread.join().unwrap_or_else(|_| Err("the survey of it panicked".to_owned())),
        });
        let backend = |(info, adapters): (&crate::backend::KindInfo, Result<Vec<Adapter>, String>)| {
            let (adapters, reason) = match adapters {
                Ok(adapters) => (adapters, None),
                Err(reason) => (Vec::new(), Some(reason)),
            };
            BackendInfo {
                name: info.name,
                feature: info.feature,
                compiled: info.kind.is_compiled(),
                adapters,
                reason,
            }
        };
        KINDS.iter().zip(answers).map(backend).collect::<Vec<_>>()
    });
    let mut gpus: Vec<SystemGpu> = system.pci.iter().map(|gpu| system_gpu(gpu, system, &backends)).collect();
    if prober.asks() && gpus.iter().any(|gpu| gpu.driver.as_deref() == Some("nvidia")) {
        nvidia_smi::complete(&mut gpus);
    }
    Survey { backends, gpus, settings: prober.settings().to_vec() }
}

/// The adapters of a backend, or why it cannot say.
pub(crate) fn adapters(
    kind: Kind,
    system: &System,
    prober: &Prober,
    depth: Depth,
) -> Result<Vec<Adapter>, String> {
    // The processor's backend is Rust code and crashes with nobody's driver.
    if kind == Kind::Cpu {
        let mut cpu = cpu::adapter();
        if depth == Depth::Measure {
            cpu.measured = Some(crate::probe::measure(&Device { kind, index: 0 }));
        }
        return Ok(vec![cpu]);
    }
    if !prober.asks() {
        return Ok(Vec::new());
    }
    let Answer::Adapters(mut adapters) = prober.ask(&Question::List(kind))? else {
        return Err("the probe answered another question".to_owned());
    };
    for (index, adapter) in adapters.iter_mut().enumerate() {
        add_what_the_system_knows(adapter, kind, system);
        if adapter.is_usable() {
            try_out(adapter, Device { kind, index }, prober, depth);
        }
        let has_setting = |setting: &Setting| adapter.pci_address.as_ref() == Some(&setting.pci_address);
        let needs_setting = matches!(kind, Kind::Rocm | Kind::TchCuda);
        if let Some(setting) = prober.settings().iter().find(|s| needs_setting && has_setting(s))
            && adapter.is_usable()
        {
            adapter.status = Status::ReadyWithSetting;
            adapter.reason = Some(format!("{}={}: {}", setting.name, setting.value, setting.reason));
        }
    }
    Ok(adapters)
}

fn try_out(adapter: &mut Adapter, device: Device, prober: &Prober, depth: Depth) {
    let question = match depth {
        Depth::List => {
            adapter.status = Status::NotTried;
            return;
        }
        Depth::Try => Question::Try(device),
        Depth::Measure => Question::Measure(device),
    };
    match prober.ask(&question) {
        Ok(Answer::Computes(found)) => {
            adapter.dtypes = found.dtypes;
            adapter.matrix_units = found.matrix_units;
            adapter.measured = found.measured;
            if adapter.class == Class::Software {
                adapter.reason = Some("it computes on the processor, as cpu does".to_owned());
            }
        }
        Ok(_) => adapter.refuse("the probe answered another question"),
        Err(reason) => adapter.refuse(reason),
    }
}

/// What a backend does not tell of its adapter, and the kernel does.
fn add_what_the_system_knows(adapter: &mut Adapter, kind: Kind, system: &System) {
    let address = adapter.pci_address.clone();
    if let Some(gpu) = address.as_deref().and_then(|address| system.pci_at(address)) {
        adapter.vendor = adapter.vendor.take().or_else(|| system::vendor(gpu.vendor_id).map(str::to_owned));
        adapter.driver = adapter.driver.take().or_else(|| gpu.driver.clone());
        adapter.memory_bytes = adapter.memory_bytes.or(gpu.memory_bytes);
        adapter.free_memory_bytes = adapter.free_memory_bytes.or(gpu.free_memory_bytes);
    }
    if let Some(gpu) = address.as_deref().and_then(|address| system.kfd_at(address)) {
        adapter.architecture = adapter.architecture.take().or_else(|| Some(gpu.gfx.to_string()));
        adapter.memory_bytes = adapter.memory_bytes.or(gpu.memory_bytes);
        if kind == Kind::Rocm && !gpu.gfx.is_known_to_burn() {
            adapter.refuse(format!("Burn 0.21's ROCm backend does not know {}; try vulkan", gpu.gfx));
        }
    }
}

fn system_gpu(gpu: &PciGpu, system: &System, backends: &[BackendInfo]) -> SystemGpu {
    let kfd = system.kfd_at(&gpu.address);
    let adapters = backends.iter().flat_map(|backend| &backend.adapters);
    let on_it = adapters.filter(|adapter| adapter.pci_address.as_ref() == Some(&gpu.address));
    let devices: Vec<String> =
        on_it.filter(|adapter| adapter.is_usable()).map(|adapter| adapter.device.clone()).collect();
    let reason = devices.is_empty().then(|| missing(gpu, kfd.is_some(), backends));
    SystemGpu {
        name: gpu.display_name(),
        vendor: system::vendor(gpu.vendor_id),
        pci_address: gpu.address.clone(),
        pci_id: format!("{:04x}:{:04x}", gpu.vendor_id, gpu.device_id),
        driver: gpu.driver.clone(),
        architecture: kfd.map(|gpu| gpu.gfx.to_string()),
        memory_bytes: gpu.memory_bytes.or_else(|| kfd.and_then(|gpu| gpu.memory_bytes)),
        free_memory_bytes: gpu.free_memory_bytes,
        devices,
        reason,
    }
}

/// What is missing for a GPU to be used: its driver, or a backend of this build.
fn missing(gpu: &PciGpu, has_kfd: bool, backends: &[BackendInfo]) -> String {
    const VULKAN: &str = "vulkan";
    let driver = gpu.driver.as_deref();
    let compute: &[&str] = match (gpu.vendor_id, driver) {
        (_, Some("vfio-pci")) => return "it is kept for a virtual machine (driver vfio-pci)".to_owned(),
        (NVIDIA, Some("nvidia")) => &["cuda", VULKAN],
        (NVIDIA, Some(other)) => {
            return format!("its driver is {other}: install NVIDIA's own for `cuda`");
        }
        (NVIDIA, None) => return "it has no driver: install NVIDIA's".to_owned(),
        (AMD, Some("amdgpu")) if has_kfd => &["rocm", VULKAN],
        (AMD, Some("amdgpu")) | (INTEL, Some("i915" | "xe")) => &[VULKAN],
        (AMD, Some(other)) => return format!("its driver is {other}, which has no compute: use amdgpu"),
        (AMD, None) => return "it has no driver: load the kernel's amdgpu".to_owned(),
        (INTEL, _) => return "it has no driver: load the kernel's i915 or xe".to_owned(),
        _ => return "no backend is known for it; it may only show a picture".to_owned(),
    };
    let compiled = |name: &&&str| backends.iter().any(|backend| backend.name == **name && backend.compiled);
    match compute.iter().find(compiled) {
        None => format!("this build has no backend for it: build with `--features {}`", compute[0]),
        Some(name) => {
            let backend = backends.iter().find(|backend| backend.name == *name);
            let why = backend.and_then(|backend| {
                let on_it = backend.adapters.iter().find(|a| a.pci_address.as_ref() == Some(&gpu.address));
                on_it.map_or(backend.reason.clone(), |adapter| adapter.reason.clone())
            });
            let why = why.unwrap_or_else(|| "it does not list it".to_owned());
            format!("{name} cannot use it: {why}; `gearhead doctor` says more")
        }
    }
}

impl Wanted {
    /// Whether the device may be one of AMD's, so that its [`settings`](amd::settings) must stand in the environment.
    pub fn may_be_amd(&self) -> bool {
        let is_amd = |kind: Kind| matches!(kind, Kind::Rocm | Kind::TchCuda);
        match self.0 {
            Want::Any => Kind::Rocm.is_compiled() || Kind::TchCuda.is_compiled(),
            Want::OfBackend(kind) => is_amd(kind),
            Want::Exactly(device) => is_amd(device.kind),
        }
    }
}

impl Prober {
    /// This, with the settings that the system's AMD GPUs need and the environment does not have.
    #[must_use]
    pub fn for_system(self, system: &System) -> Self {
        let settings = amd::settings(system, |name| std::env::var_os(name).is_some());
        self.with_settings(settings)
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::{path::Path, time::Duration};

    use super::*;
    use crate::probe::fake::{adapter, prober};

    fn machine(name: &str) -> System {
        System::read_under(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/machines").join(name))
    }

    #[test]
    fn a_driver_that_crashes_hangs_or_panics_becomes_a_verdict() {
        let list =
            format!(r#"{{"Adapters": [{}, {}, {}]}}"#, adapter("A", ""), adapter("B", ""), adapter("C", ""));
        let good = r#"{"Computes": {"dtypes": ["f32", "f16"], "matrix_units": true}}"#;
        let prober = prober(&[
            ("list vulkan", &list),
            ("try vulkan:0", good),
            ("try vulkan:1", "hang"),
            ("try vulkan:2", "panic"),
            ("list cuda", "garbage"),
        ])
        .with_limit(Duration::from_secs(2));
        let ask = |kind| adapters(kind, &machine("none"), &prober, Depth::Try);
        let found = ask(Kind::Vulkan).unwrap();
        let verdicts: Vec<_> = found.iter().map(|a| (a.status, a.reason.as_deref().unwrap_or(""))).collect();
        assert_eq!(verdicts[0], (Status::Ready, ""));
        assert_eq!(
            (found[0].dtypes.as_slice(), found[0].matrix_units),
            (&["f32".into(), "f16".into()][..], Some(true))
        );
        assert_eq!(
            verdicts[1],
            (Status::NotUsable, "the probe gave no answer in 2 s and was stopped; it said: waiting")
        );
        assert_eq!(
            verdicts[2],
            (Status::NotUsable, "the probe ended with exit code 101; it said: no such API")
        );
        // Nobody answers for the whole backend: it crashes, or prints what is no answer.
        assert_eq!(
            ask(Kind::Rocm).unwrap_err(),
            "the probe crashed with signal 11 (SIGSEGV); it said: loading"
        );
        assert_eq!(ask(Kind::Cuda).unwrap_err(), "the probe ended without an answer");
    }

    #[test]
    fn the_kernel_completes_what_a_backend_tells() {
        let list = format!(r#"{{"Adapters": [{}]}}"#, adapter("RX", r#", "pci_address": "0000:03:00.0""#));
        let prober = prober(&[("list rocm", &list), ("try rocm:0", r#"{"Computes": {"dtypes": ["f32"]}}"#)]);
        let system = machine("rx-6750-xt");
        let prober = prober.with_settings(amd::settings(&system, |_| false));
        let [found] = &adapters(Kind::Rocm, &system, &prober, Depth::Try).unwrap()[..] else {
            panic!("one adapter was listed")
        };
        assert_eq!(found.architecture.as_deref(), Some("gfx1031"));
        assert_eq!((found.vendor.as_deref(), found.driver.as_deref()), (Some("AMD"), Some("amdgpu")));
        assert_eq!(found.free_memory_bytes, Some(12_868_124_672 - 402_653_184));
        assert_eq!(found.status, Status::ReadyWithSetting);
        assert!(found.reason.as_ref().unwrap().starts_with("HSA_OVERRIDE_GFX_VERSION=10.3.0: "));
    }

    #[test]
    fn settings_stand_in_the_environment_of_the_child() {
        let command = |_: &str| {
            let mut command = std::process::Command::new("sh");
            command.args(["-c", r#"echo "$HSA_OVERRIDE_GFX_VERSION" >&2; exit 3"#]);
            command
        };
        let settings = amd::settings(&machine("rx-6750-xt"), |_| false);
        let prober = Prober::child(command).with_settings(settings);
        let told = prober.ask(&Question::List(Kind::Rocm)).unwrap_err();
        assert_eq!(told, "the probe ended with exit code 3; it said: 10.3.0");
    }
}
