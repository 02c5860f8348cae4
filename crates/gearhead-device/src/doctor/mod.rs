//! What a program needs to compute here, whether it is there, and how to mend it.

mod amd;
mod nvidia;
mod vulkan;

use serde::Serialize;

use crate::{
    Survey,
    backend::KINDS,
    cpu,
    device::Kind,
    system::{Access, DeviceNode, System, names},
};

/// Something that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Check {
    /// What it belongs to: `adapters`, `program`, `cpu`, `system`, `nvidia`, `amd` or `vulkan`.
    pub group: &'static str,
    /// What was looked at.
    pub name: String,
    /// The verdict.
    pub verdict: Verdict,
    /// What was found.
    pub found: String,
    /// How to mend it, where there is something to mend.
    pub mend: Option<String>,
}

/// What a check came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Verdict {
    /// As it should be.
    Good,
    /// Only told.
    Note,
    /// Something is missing or in the way.
    Fault,
}

/// The version of Burn, whose crates do not tell it.
const BURN: &str = "0.21.0";

/// Looks at the system's files. No driver is loaded.
pub fn examine(system: &System) -> Vec<Check> {
    let mut checks = program();
    checks.push(processor());
    checks.extend(gpus(system));
    let nodes = system.device_nodes();
    let groups = groups_of_process(system);
    let context = Context { system, nodes: &nodes, groups: &groups };
    checks.extend(nvidia::examine(&context));
    checks.extend(amd::examine(&context));
    checks.extend(vulkan::examine(&context));
    checks
}

/// What the parts of an examination look at.
struct Context<'a> {
    system: &'a System,
    nodes: &'a [DeviceNode],
    groups: &'a [String],
}

impl Check {
    fn good(group: &'static str, name: impl Into<String>, found: impl Into<String>) -> Self {
        Self { group, name: name.into(), verdict: Verdict::Good, found: found.into(), mend: None }
    }

    fn note(group: &'static str, name: impl Into<String>, found: impl Into<String>) -> Self {
        Self { verdict: Verdict::Note, ..Self::good(group, name, found) }
    }

    fn fault(
        group: &'static str,
        name: impl Into<String>,
        found: impl Into<String>,
        mend: impl Into<String>,
    ) -> Self {
        Self { verdict: Verdict::Fault, mend: Some(mend.into()), ..Self::good(group, name, found) }
    }
}

fn program() -> Vec<Check> {
    let version = format!("Gearhead {}, Burn {BURN}", env!("CARGO_PKG_VERSION"));
    let mut checks = vec![Check::good("program", "version", version)];
    let (compiled, other): (Vec<_>, Vec<_>) = KINDS.iter().partition(|info| info.kind.is_compiled());
    let names = |infos: &[&crate::backend::KindInfo]| {
        infos.iter().map(|info| info.name).collect::<Vec<_>>().join(", ")
    };
    checks.push(Check::good("program", "backends", names(&compiled)));
    if !other.is_empty() {
        checks.push(Check::note("program", "not in this build", names(&other)));
    }
    checks
}

fn processor() -> Check {
    let adapter = cpu::adapter();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let extensions = adapter.architecture.map_or_else(String::new, |names| format!(", {names}"));
    Check::good("cpu", adapter.name, format!("{threads} threads{extensions}"))
}

fn gpus(system: &System) -> Vec<Check> {
    if system.pci.is_empty() {
        let text = if cfg!(target_os = "linux") {
            "none on the PCI bus"
        } else {
            "only Linux is looked at without a backend"
        };
        return vec![Check::note("system", "GPUs", text)];
    }
    let check = |gpu: &crate::system::PciGpu| {
        let name = format!("{} at {}", gpu.display_name(), gpu.address);
        if let Some(driver) = &gpu.driver {
            return Check::good("system", name, format!("driver {driver}"));
        }
        let mend = "install the driver of its vendor, or load the kernel's module for it";
        Check::fault("system", name, "no driver", mend)
    };
    system.pci.iter().map(check).collect()
}

impl Context<'_> {
    /// Whether a vendor's GPU is there.
    fn has_gpu(&self, vendor: u16) -> bool {
        self.system.pci.iter().any(|gpu| gpu.vendor_id == vendor)
    }

    /// Whether this process may use device files, of which there should be at least one.
    fn nodes(&self, group: &'static str, prefix: &str, missing: &str) -> Vec<Check> {
        let nodes: Vec<_> = self.nodes.iter().filter(|node| node.path.starts_with(prefix)).collect();
        if nodes.is_empty() {
            return vec![Check::fault(group, prefix, "not there", missing)];
        }
        nodes.into_iter().map(|node| self.node(group, node)).collect()
    }

    fn node(&self, group: &'static str, node: &DeviceNode) -> Check {
        if node.access == Access::Granted {
            return Check::good(group, &node.path, "may be read and written");
        }
        let (owner, mend) = match &node.group {
            Some(owner) if self.groups.contains(owner) => {
                (owner.as_str(), format!("let its group read and write it: chmod g+rw {}", node.path))
            }
            Some(owner) => (
                owner.as_str(),
                format!("join the group and log in again: sudo usermod -a -G {owner} \"$USER\""),
            ),
            None => ("of no known name", format!("let this user read and write {}", node.path)),
        };
        Check::fault(group, &node.path, format!("may not be used; its group is {owner}"), mend)
    }

    /// Where the loader would find a library.
    fn library(&self, group: &'static str, library: &str, folders: &[&str], mend: &str) -> Check {
        match self.find(library, folders) {
            Some(path) => Check::good(group, library, path),
            None => Check::fault(group, library, "not found", mend),
        }
    }

    /// The first file whose name begins as a library's, in the folders of the loader and in others, given from the root.
    fn find(&self, library: &str, folders: &[&str]) -> Option<String> {
        const LOADER: [&str; 6] = [
            "usr/lib/x86_64-linux-gnu",
            "usr/lib/aarch64-linux-gnu",
            "usr/lib64",
            "usr/lib",
            "lib/x86_64-linux-gnu",
            "usr/local/lib",
        ];
        let own = std::env::var("LD_LIBRARY_PATH").unwrap_or_default();
        let own =
            own.split(':').map(|folder| folder.trim_start_matches('/')).filter(|folder| !folder.is_empty());
        own.chain(LOADER).chain(folders.iter().copied()).find_map(|folder| {
            let name = names(&self.system.path(folder)).into_iter().find(|name| name.starts_with(library))?;
            Some(format!("/{folder}/{name}"))
        })
    }
}

/// The names of the groups that this process is in.
fn groups_of_process(system: &System) -> Vec<String> {
    let status = crate::system::text(&system.path("proc/self/status")).unwrap_or_default();
    let of =
        |key: &str| status.lines().find_map(|line| line.strip_prefix(key)).unwrap_or_default().to_owned();
    let ids = format!("{} {}", of("Gid:"), of("Groups:"));
    let ids: Vec<&str> = ids.split_whitespace().collect();
    let groups = crate::system::text(&system.path("etc/group")).unwrap_or_default();
    let named = groups.lines().filter_map(|line| {
        let fields: Vec<&str> = line.split(':').collect();
        ids.contains(fields.get(2)?).then(|| fields[0].to_owned())
    });
    named.collect()
}

/// Whether one of the backends is compiled in.
fn any_compiled(kinds: &[Kind]) -> bool {
    kinds.iter().any(|kind| kind.is_compiled())
}

/// What a survey found, as checks: every adapter, and every GPU that this build does not use.
pub fn of_survey(survey: &Survey) -> Vec<Check> {
    let mut checks = Vec::new();
    for backend in survey.backends.iter().filter(|backend| backend.compiled) {
        if let Some(reason) = &backend.reason {
            let mend = "mend what is named below, or use another backend";
            checks.push(Check::fault("adapters", backend.name, reason, mend));
        }
        for adapter in &backend.adapters {
            let name = format!("{} ({})", adapter.device, adapter.name);
            let reason = adapter.reason.clone().unwrap_or_else(|| "ready".to_owned());
            checks.push(if adapter.is_usable() {
                Check::good("adapters", name, reason)
            } else {
                Check::fault("adapters", name, reason, "update its driver, or use another device")
            });
        }
    }
    let unused = survey.gpus.iter().filter_map(|gpu| Some((gpu, gpu.reason.as_ref()?)));
    checks.extend(unused.map(|(gpu, reason)| {
        Check::note("adapters", format!("{} at {}", gpu.name, gpu.pci_address), format!("not used: {reason}"))
    }));
    checks
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn the_version_of_burn_is_the_pinned_one() {
        let workspace = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.toml"));
        assert!(workspace.contains(&format!("\nburn = {{ version = \"={BURN}\"")));
    }

    #[test]
    fn a_device_file_that_may_not_be_used_is_mended_by_its_group() {
        let system = System::read_under(Path::new("/nonexistent"));
        let denied = |path: &str, group: Option<&str>| DeviceNode {
            path: path.to_owned(),
            access: Access::Denied,
            group: group.map(str::to_owned),
        };
        let nodes = [
            denied("/dev/kfd", Some("render")),
            denied("/dev/dri/renderD128", Some("video")),
            denied("/dev/x", None),
        ];
        let groups = ["video".to_owned()];
        let context = Context { system: &system, nodes: &nodes, groups: &groups };
        let mend = |prefix: &str| context.nodes("amd", prefix, "load it")[0].mend.clone().unwrap();
        assert_eq!(mend("/dev/kfd"), "join the group and log in again: sudo usermod -a -G render \"$USER\"");
        assert_eq!(mend("/dev/dri"), "let its group read and write it: chmod g+rw /dev/dri/renderD128");
        assert_eq!(mend("/dev/x"), "let this user read and write /dev/x");
        assert_eq!(mend("/dev/nothing"), "load it");
    }
}
