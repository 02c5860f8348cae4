//! The Burn backends of this build, the devices they see, and the choice of one.
//!
//! This is the only library crate that names concrete backends. Everything below is generic over the backend;
//! [`run`] calls such code on the backend of a [`Device`] that was chosen while the program runs.
//!
//! It refuses to know models and cases.
//!
//! ```
//! use gearhead_device::{Device, Job, run};
//! use gearhead_kernels::AutodiffKernels;
//!
//! struct NameOfBackend;
//! impl Job for NameOfBackend {
//!     type Output = String;
//!     fn run<B: AutodiffKernels>(self, device: &B::Device) -> String {
//!         B::name(device)
//!     }
//! }
//!
//! let device: Device = "auto".parse()?;
//! assert!(!run(&device, NameOfBackend).is_empty());
//! # Ok::<(), gearhead_device::Error>(())
//! ```

mod device;
mod list;
mod memory;

pub use device::{Device, Error, Job, SharedJob, run, run_on_all};
pub use list::{Adapter, BackendInfo, Status, backends};
pub use memory::resident_memory;
