//! The choice of a device.
//!
//! What is asked for by number is taken if it is there. `auto` is the CPU in a build without another backend, and nothing is
//! asked. Else adapters are put in order, those that cannot hold the work or compute on the processor are left out, and the
//! first that multiplies matrices faster than the CPU is taken.

use crate::{
    Adapter, Class, Device, Error, Speed, Status, Wanted,
    backend::KINDS,
    device::{Kind, Want},
    probe::{Answer, Prober, Question, measure},
    survey::{Depth, adapters},
    system::System,
};

/// A device, and what spoke for and against each that was looked at.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Choice {
    /// The device.
    pub device: Device,
    /// Its name, where a driver was asked for it.
    pub name: Option<String>,
    /// What was looked at, in order, with the verdict on each. Empty where nothing had to be decided.
    pub considered: Vec<Considered>,
    /// What went otherwise than one would expect, in a sentence.
    pub fell_back: Option<String>,
}

/// A device that was looked at.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
#[non_exhaustive]
pub struct Considered {
    /// The device, or a backend of which no device is known.
    pub device: String,
    /// Its name.
    pub name: String,
    /// Whether it was taken.
    pub chosen: bool,
    /// How fast it is, where that was measured.
    pub measured: Option<Speed>,
    /// Why it was taken or not.
    pub verdict: String,
}

/// Chooses a device for work that takes `memory_bytes` there, where that is known. It is only asked where it decides.
///
/// # Errors
///
/// [`Error::NoSuchAdapter`] where a device with a number is not there, [`Error::NotUsable`] where it, or every device of the
/// backend, cannot be used.
pub fn choose(
    wanted: Wanted,
    memory_bytes: impl FnOnce() -> Option<u64>,
    system: &System,
    prober: &Prober,
) -> Result<Choice, Error> {
    let taken = |device, name| Choice { device, name, considered: Vec::new(), fell_back: None };
    let named = |kind| listed(kind, wanted, system, prober);
    match wanted.0 {
        Want::Exactly(device) if device.kind.is_processor() || !prober.asks() => Ok(taken(device, None)),
        Want::OfBackend(kind) if !prober.asks() => Ok(taken(Device { kind, index: 0 }, None)),
        Want::Exactly(device) => {
            let adapters = named(device.kind)?;
            let Some(adapter) = adapters.get(device.index) else {
                return Err(Error::NoSuchAdapter {
                    given: wanted.to_string(),
                    there_is: there_is(device.kind, &adapters),
                });
            };
            let reason = adapter.reason.clone().filter(|_| !adapter.is_usable());
            match reason.or_else(|| failure(device, adapter, prober)) {
                Some(reason) => Err(Error::NotUsable { given: wanted.to_string(), reason }),
                None => Ok(taken(device, Some(adapter.name.clone()))),
            }
        }
        Want::OfBackend(kind) => {
            let adapters = named(kind)?;
            let usable = adapters.iter().enumerate().filter(|(_, adapter)| adapter.is_usable());
            match usable.min_by_key(|(_, adapter)| rank(adapter.class)) {
                Some((index, adapter)) => Ok(taken(Device { kind, index }, Some(adapter.name.clone()))),
                None => {
                    Err(Error::NotUsable { given: wanted.to_string(), reason: there_is(kind, &adapters) })
                }
            }
        }
        Want::Any => {
            let kinds = KINDS.iter().map(|info| info.kind);
            let gpus: Vec<Kind> = kinds.filter(|kind| kind.is_compiled() && !kind.is_processor()).collect();
            any(&gpus, memory_bytes, system, prober)
        }
    }
}

/// Why an adapter that is no GPU of hardware does not compute: such a driver is tried before the program trusts it.
fn failure(device: Device, adapter: &Adapter, prober: &Prober) -> Option<String> {
    let is_hardware = matches!(adapter.class, Class::Discrete | Class::Integrated);
    (!is_hardware).then(|| prober.ask(&Question::Try(device)).err()).flatten()
}

/// The adapters of the backend that is asked for.
fn listed(kind: Kind, wanted: Wanted, system: &System, prober: &Prober) -> Result<Vec<Adapter>, Error> {
    adapters(kind, system, prober, Depth::List)
        .map_err(|reason| Error::NotUsable { given: wanted.to_string(), reason })
}

/// What a backend has, in words.
fn there_is(kind: Kind, adapters: &[Adapter]) -> String {
    let name = |adapter: &Adapter| {
        let reason = adapter.reason.as_deref().filter(|_| !adapter.is_usable());
        let reason = reason.map_or_else(String::new, |reason| format!(": {reason}"));
        format!("{} ({}{reason})", adapter.device, adapter.name)
    };
    match adapters {
        [] => format!("{} sees no adapter", kind.name()),
        _ => format!("there is {}", adapters.iter().map(name).collect::<Vec<_>>().join(", ")),
    }
}

/// GPUs with memory of their own first; what computes on the processor last.
fn rank(class: Class) -> u8 {
    match class {
        Class::Discrete => 0,
        Class::Integrated => 1,
        Class::Virtual | Class::Other => 2,
        Class::Software | Class::Cpu => 3,
    }
}

/// The best device of the CPU and these backends of GPUs.
fn any(
    gpus: &[Kind],
    memory_bytes: impl FnOnce() -> Option<u64>,
    system: &System,
    prober: &Prober,
) -> Result<Choice, Error> {
    let cpu = Device::cpu().or_else(|_| "tch-cpu".parse()).ok();
    if let (Some(device), true) = (cpu, gpus.is_empty() || !prober.asks()) {
        return Ok(Choice { device, name: None, considered: Vec::new(), fell_back: None });
    }
    let mut looked = Looked::default();
    let mut candidates = Vec::new();
    for &kind in gpus {
        match adapters(kind, system, prober, Depth::List) {
            Ok(found) => candidates.extend(
                found.into_iter().enumerate().map(|(index, adapter)| (Device { kind, index }, adapter)),
            ),
            Err(reason) => looked.refuse_backend(kind, reason),
        }
    }
    // The sort keeps the order of backends among GPUs of one kind.
    candidates.sort_by_key(|(_, adapter)| rank(adapter.class));
    let memory_bytes = if candidates.is_empty() { None } else { memory_bytes() };
    let mut cpu_speed = None;
    for (device, adapter) in candidates {
        if let Some(reason) = left_out(&adapter, memory_bytes) {
            looked.refuse(&adapter, None, reason);
            continue;
        }
        let speed = match prober.ask(&Question::Measure(device)) {
            Ok(Answer::Computes(found)) => found.measured,
            Ok(_) => None,
            Err(reason) => {
                looked.fail(&adapter, reason);
                continue;
            }
        };
        let Some(cpu) = &cpu else {
            return Ok(looked.take(device, &adapter, speed, "the first that computes".to_owned()));
        };
        let on_cpu = *cpu_speed.get_or_insert_with(|| measure(cpu));
        let [gpu, processor] = [speed, Some(on_cpu)].map(|s| s.map_or(0.0, |speed| speed.matmul_gflops));
        let comparison = format!("{gpu:.0} billion operations a second, the CPU {processor:.0}");
        if gpu > processor {
            return Ok(looked.take(device, &adapter, speed, comparison));
        }
        looked.refuse(&adapter, speed, comparison);
    }
    match cpu {
        Some(device) => {
            let verdict = "no GPU is better".to_owned();
            Ok(looked.take(device, &crate::cpu::adapter(), cpu_speed, verdict))
        }
        None => Err(Error::NotUsable {
            given: "auto".to_owned(),
            reason: looked.fell_back.unwrap_or_else(|| "no backend of this build sees an adapter".to_owned()),
        }),
    }
}

/// Why an adapter is not even measured.
fn left_out(adapter: &Adapter, memory_bytes: Option<u64>) -> Option<String> {
    if adapter.status == Status::NotUsable {
        return Some(adapter.reason.clone().unwrap_or_else(|| "it cannot be used".to_owned()));
    }
    if rank(adapter.class) == rank(Class::Software) {
        return Some("it computes on the processor".to_owned());
    }
    let (needed, has) = memory_bytes.zip(adapter.free_memory_bytes.or(adapter.memory_bytes))?;
    (needed > has).then(|| {
        let mib = |bytes: u64| bytes.div_ceil(1 << 20);
        format!("the work needs {} MiB, of which it has {}", mib(needed), mib(has))
    })
}

/// What was looked at so far.
#[derive(Default)]
struct Looked {
    considered: Vec<Considered>,
    fell_back: Option<String>,
}

impl Looked {
    fn add(&mut self, adapter: &Adapter, measured: Option<Speed>, chosen: bool, verdict: String) {
        let (device, name) = (adapter.device.clone(), adapter.name.clone());
        self.considered.push(Considered { device, name, chosen, measured, verdict });
    }

    fn refuse(&mut self, adapter: &Adapter, measured: Option<Speed>, reason: String) {
        if adapter.class != Class::Software {
            self.note(&adapter.device, &reason);
        }
        self.add(adapter, measured, false, reason);
    }

    fn fail(&mut self, adapter: &Adapter, reason: String) {
        self.note(&adapter.device, &reason);
        self.add(adapter, None, false, reason);
    }

    fn refuse_backend(&mut self, kind: Kind, reason: String) {
        let (device, name) = (kind.name().to_owned(), String::new());
        self.considered.push(Considered { device, name, chosen: false, measured: None, verdict: reason });
    }

    /// The first reason is told.
    fn note(&mut self, device: &str, reason: &str) {
        self.fell_back.get_or_insert_with(|| format!("{device} is not used: {reason}"));
    }

    fn take(mut self, device: Device, adapter: &Adapter, measured: Option<Speed>, verdict: String) -> Choice {
        self.add(adapter, measured, true, verdict);
        let fell_back = self.fell_back.map(|why| format!("{why}; using {device}"));
        Choice { device, name: Some(adapter.name.clone()), considered: self.considered, fell_back }
    }
}

#[cfg(all(test, unix, feature = "flex"))]
mod tests {
    use super::*;
    use crate::probe::fake::prober;

    fn system() -> System {
        System::read_under(std::path::Path::new("/nonexistent"))
    }

    /// A discrete GPU with 8 GiB, an integrated one, and a program that does what a GPU does.
    const ADAPTERS: &str = r#"{"Adapters": [
        {"name": "Software", "device": "vulkan:0", "class": "software", "dtypes": [], "status": "ready"},
        {"name": "Small", "device": "vulkan:1", "class": "integrated", "dtypes": [], "status": "ready"},
        {"name": "Large", "device": "vulkan:2", "class": "discrete", "dtypes": [], "status": "ready",
         "memory_bytes": 8589934592}]}"#;

    fn speed(gflops: f64) -> String {
        format!(
            r#"{{"Computes": {{"dtypes": ["f32"], "measured":
                {{"matmul_gflops": {gflops:?}, "copy_gb_per_s": 1.0}}}}}}"#
        )
    }

    fn auto(memory_bytes: Option<u64>, prober: &Prober) -> Choice {
        any(&[Kind::Vulkan], || memory_bytes, &system(), prober).expect("the CPU is there")
    }

    #[test]
    fn the_faster_of_cpu_and_gpu_is_taken() {
        let listed = ("list vulkan", ADAPTERS);
        let fast = auto(None, &prober(&[listed, ("measure vulkan:2", &speed(1e9))]));
        assert_eq!(fast.device, Device { kind: Kind::Vulkan, index: 2 });
        assert_eq!((fast.fell_back, fast.considered.len()), (None, 1));
        let slow = speed(1e-9);
        let slow = prober(&[listed, ("measure vulkan:1", &slow), ("measure vulkan:2", &slow)]);
        let choice = auto(None, &slow);
        assert_eq!(choice.device, Device::cpu().unwrap());
        let order: Vec<&str> = choice.considered.iter().map(|found| found.device.as_str()).collect();
        assert_eq!(order, ["vulkan:2", "vulkan:1", "vulkan:0", "cpu"]);
        assert!(choice.fell_back.unwrap().starts_with("vulkan:2 is not used: 0 billion operations"));
    }

    #[test]
    fn a_gpu_that_cannot_hold_the_work_or_crashes_loses_to_the_next() {
        let listed = ("list vulkan", ADAPTERS);
        let fast = speed(1e9);
        let both = prober(&[listed, ("measure vulkan:1", &fast), ("measure vulkan:2", &fast)]);
        let choice = auto(Some(9 << 30), &both);
        assert_eq!(choice.device, Device { kind: Kind::Vulkan, index: 1 });
        assert_eq!(
            choice.fell_back.unwrap(),
            "vulkan:2 is not used: the work needs 9216 MiB, of which it has 8192; using vulkan:1"
        );
        let crashing = prober(&[listed, ("measure vulkan:1", &fast)]);
        let choice = auto(None, &crashing);
        assert_eq!(choice.device, Device { kind: Kind::Vulkan, index: 1 });
        let told = choice.fell_back.unwrap();
        assert!(told.contains("vulkan:2 is not used: the probe crashed with signal 11 (SIGSEGV)"), "{told}");
    }

    #[test]
    fn without_another_backend_nothing_is_asked() {
        let nobody = Prober::child(|_| panic!("a probe was started"));
        let choice = any(&[], || panic!("memory was asked for"), &system(), &nobody).unwrap();
        assert_eq!(choice.device, Device::cpu().unwrap());
        assert!(choice.considered.is_empty());
    }

    #[test]
    fn a_device_that_is_not_there_is_refused_with_what_is() {
        let prober = prober(&[("list vulkan", ADAPTERS)]);
        let ask = |want| choose(Wanted(want), || None, &system(), &prober);
        let error = ask(Want::Exactly(Device { kind: Kind::Vulkan, index: 7 })).unwrap_err();
        assert_eq!(
            error.to_string(),
            "--device vulkan:7: there is no such adapter; there is vulkan:0 (Software), vulkan:1 (Small), vulkan:2 (Large)"
        );
        // The best of a backend, and one that is there.
        for want in [Want::OfBackend(Kind::Vulkan), Want::Exactly(Device { kind: Kind::Vulkan, index: 2 })] {
            assert_eq!(ask(want).unwrap().device, Device { kind: Kind::Vulkan, index: 2 });
        }
        // What is no hardware is tried before it is trusted; the script crashes at questions that it does not know.
        let error = ask(Want::Exactly(Device { kind: Kind::Vulkan, index: 0 })).unwrap_err();
        assert!(error.to_string().contains("crashed with signal 11"), "{error}");
        let error = ask(Want::OfBackend(Kind::Cuda)).unwrap_err();
        assert!(matches!(error, Error::NotUsable { .. }), "{error}");
    }
}
