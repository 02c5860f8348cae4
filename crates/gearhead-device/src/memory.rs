//! Memory that a device still has, and that the program uses.

use sysinfo::{ProcessRefreshKind, ProcessesToUpdate, System};

use crate::{device::Device, drivers};

impl Device {
    /// Bytes that a program may still use there, where that is known: on a CPU what the system can give without swapping, and
    /// no more than the control group of the process leaves; on a GPU what its driver says is free, which CUDA tells, and the
    /// kernel of AMD's GPUs.
    pub fn available_memory(&self) -> Option<u64> {
        if !self.shares_memory() {
            return drivers::free_memory(self);
        }
        let mut system = System::new();
        system.refresh_memory();
        let available = system.available_memory();
        if available == 0 {
            return None;
        }
        // What the group uses counts with what it keeps of files, which it gives up when asked: its own limit less what its
        // processes hold.
        let of_group = system.cgroup_limits().map(|group| group.total_memory.saturating_sub(group.rss));
        Some(of_group.map_or(available, |of_group| of_group.min(available)))
    }
}

/// Bytes of memory that this process has, where the system tells it.
pub fn resident_memory() -> Option<u64> {
    let own = sysinfo::get_current_pid().ok()?;
    let mut system = System::new();
    let what = ProcessRefreshKind::nothing().with_memory();
    system.refresh_processes_specifics(ProcessesToUpdate::Some(&[own]), false, what);
    system.process(own).map(sysinfo::Process::memory).filter(|bytes| *bytes > 0)
}

#[cfg(all(test, feature = "flex"))]
mod tests {
    use super::*;

    #[test]
    fn a_machine_has_memory_left_but_not_more_than_there_is() {
        let mut system = System::new();
        system.refresh_memory();
        let available = Device::cpu().unwrap().available_memory().unwrap();
        assert!(available > 1 << 20 && available <= system.total_memory(), "{available}");
        let resident = resident_memory().unwrap();
        assert!(resident > 1 << 20 && resident < system.total_memory(), "{resident}");
    }
}
