//! Device files, which a program needs the right to open.

use std::path::Path;

use super::{System, names};

/// A device file.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeviceNode {
    /// Its path from the root, such as `/dev/kfd`.
    pub path: String,
    /// Whether this process may read and write it.
    pub access: Access,
    /// The group that owns it, where that has a name.
    pub group: Option<String>,
}

/// Whether a file may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// It may be read and written.
    Granted,
    /// It may not.
    Denied,
}

impl System {
    /// The device files of GPUs: `/dev/kfd`, `/dev/dri/renderD*`, `/dev/nvidia*` and `/dev/dxg`. They are not opened.
    pub fn device_nodes(&self) -> Vec<DeviceNode> {
        let mut paths = Vec::new();
        for (folder, prefixes) in [("dev", &["kfd", "nvidia", "dxg"][..]), ("dev/dri", &["renderD"])] {
            let names = names(&self.path(folder));
            let wanted = names.into_iter().filter(|name| prefixes.iter().any(|p| name.starts_with(p)));
            paths.extend(wanted.map(|name| format!("/{folder}/{name}")));
        }
        // Folders, such as that of NVIDIA's capabilities, are no device files.
        paths.retain(|path| !self.path(&path[1..]).is_dir());
        let groups = super::text(&self.path("etc/group")).unwrap_or_default();
        paths.into_iter().map(|path| node(&self.path(&path[1..]), path, &groups)).collect()
    }
}

#[cfg(unix)]
fn node(file: &Path, path: String, groups: &str) -> DeviceNode {
    use std::os::unix::fs::MetadataExt;

    let allowed = rustix::fs::access(file, rustix::fs::Access::READ_OK | rustix::fs::Access::WRITE_OK);
    let id = std::fs::metadata(file).map(|metadata| metadata.gid().to_string()).unwrap_or_default();
    // name:password:id:members
    let fields = groups.lines().map(|line| line.split(':').collect::<Vec<_>>());
    let group = fields.filter(|fields| fields.get(2) == Some(&id.as_str())).find_map(|f| f.first().copied());
    let access = if allowed.is_ok() { Access::Granted } else { Access::Denied };
    DeviceNode { path, access, group: group.map(str::to_owned) }
}

#[cfg(not(unix))]
fn node(_: &Path, path: String, _: &str) -> DeviceNode {
    DeviceNode { path, access: Access::Denied, group: None }
}
