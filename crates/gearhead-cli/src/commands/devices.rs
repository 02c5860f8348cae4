//! `gearhead devices`: what this build runs on, and `gearhead probe`, by which drivers are asked.

use gearhead::device::{
    Adapter, BackendInfo, Choice, Considered, Depth, Status, Survey, System, SystemGpu, Wanted, choose,
    probe, survey,
};
use serde_json::json;

use super::{device::prober, plan::size};
use crate::{
    args::{DevicesArgs, ProbeArgs},
    failure::Failure,
    output, progress,
};

pub(crate) fn run(args: &DevicesArgs) -> Result<(), Failure> {
    let system = System::read();
    let prober = prober(&system);
    let depth = if args.measure { Depth::Measure } else { Depth::Try };
    let bar = progress::spinner("asking drivers");
    let survey = survey(&system, &prober, depth);
    let memory = || args.memory.map(|memory| memory.as_u64());
    let explained = args.explain.then(|| choose(Wanted::AUTO, memory, &system, &prober)).transpose();
    bar.finish_and_clear();
    let choice = explained?;
    if args.json {
        let auto = choice.map(|choice| {
            json!({
                "device": choice.device.to_string(),
                "considered": choice.considered,
                "fell_back": choice.fell_back,
            })
        });
        let mut json = json!(survey);
        json["auto"] = json!(auto);
        return output::json(&json);
    }
    output::text(table(&survey).trim_end())?;
    choice.map_or(Ok(()), |choice| output::text(format_args!("\n{}", explanation(&choice).trim_end())))
}

/// Answers what the program that started this one asks.
pub(crate) fn probe(args: &ProbeArgs) -> Result<(), Failure> {
    output::text(probe::answer(&args.question)?)
}

/// The survey for people.
fn table(survey: &Survey) -> String {
    let mut lines: Vec<String> = survey.backends.iter().flat_map(backend).collect();
    let unused: Vec<String> = survey.gpus.iter().filter_map(unused).collect();
    if !unused.is_empty() {
        lines.push("\nGPUs of this system that this build does not use".to_owned());
        lines.extend(unused);
    }
    if !survey.settings.is_empty() {
        lines.push("\nset before an AMD GPU is used, unless you set it yourself".to_owned());
        let setting = |setting: &gearhead::device::amd::Setting| {
            format!("  {}={} for {}: {}", setting.name, setting.value, setting.pci_address, setting.reason)
        };
        lines.extend(survey.settings.iter().map(setting));
    }
    lines.join("\n")
}

fn backend(backend: &BackendInfo) -> Vec<String> {
    let line = |text: &str| format!("{:<9} {text}", backend.name);
    if !backend.compiled {
        return vec![line(&format!("not in this build (cargo feature `{}`)", backend.feature))];
    }
    if backend.adapters.is_empty() {
        return vec![line(backend.reason.as_deref().unwrap_or("sees no adapter"))];
    }
    let mut lines = vec![line("compiled in")];
    lines.extend(backend.adapters.iter().flat_map(adapter));
    lines
}

/// An adapter: its verdict, and under that what is known of it.
fn adapter(adapter: &Adapter) -> [String; 2] {
    let status = match adapter.status {
        Status::Ready => "ready",
        Status::ReadyWithSetting => "ready with a setting",
        Status::NotTried => "not tried",
        _ => "not usable",
    };
    let reason = adapter.reason.as_ref().map_or_else(String::new, |reason| format!(": {reason}"));
    let memory = adapter.memory_bytes.map(|bytes| memory(bytes, adapter.free_memory_bytes));
    let matrix_units = adapter.matrix_units.map(|has| if has { "matrix units" } else { "no matrix units" });
    let speed = adapter.measured.map(|speed| {
        let (product, copy) = (speed.matmul_gflops, speed.copy_gb_per_s);
        format!("{product:.1} billion operations/s in a matrix product, {copy:.1} GB/s copied")
    });
    let known = [
        adapter.architecture.clone(),
        adapter.driver.as_ref().map(|driver| format!("driver {driver}")),
        memory,
        Some(adapter.dtypes.join(" ")).filter(|dtypes| !dtypes.is_empty()),
        matrix_units.map(str::to_owned),
        speed,
    ];
    let known: Vec<String> = known.into_iter().flatten().collect();
    [
        format!("  {:<11} {}: {status}{reason}", adapter.device, adapter.name),
        format!("  {:<11} {}", "", known.join(", ")),
    ]
}

fn unused(gpu: &SystemGpu) -> Option<String> {
    let reason = gpu.reason.as_ref()?;
    let memory = gpu.memory_bytes.map(|bytes| memory(bytes, gpu.free_memory_bytes));
    let driver = gpu.driver.as_ref().map(|driver| format!("driver {driver}"));
    let known: Vec<String> = [gpu.architecture.clone(), driver, memory].into_iter().flatten().collect();
    let known = if known.is_empty() { String::new() } else { format!(" ({})", known.join(", ")) };
    Some(format!("  {} {}{known}: {reason}", gpu.pci_address, gpu.name))
}

fn memory(bytes: u64, free: Option<u64>) -> String {
    match free {
        Some(free) => format!("{} memory of which {} are free", size(bytes), size(free)),
        None => format!("{} memory", size(bytes)),
    }
}

/// Why `auto` takes what it takes.
fn explanation(choice: &Choice) -> String {
    let device = choice.device;
    if choice.considered.is_empty() {
        return format!("--device auto is {device}: this build has no other backend");
    }
    let line = |considered: &Considered| {
        let mark = if considered.chosen { '*' } else { ' ' };
        format!("{mark} {:<11} {}: {}", considered.device, considered.name, considered.verdict)
    };
    let lines: Vec<String> = choice.considered.iter().map(line).collect();
    format!("--device auto is {device}\n{}", lines.join("\n"))
}
