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
//!
//! Modules in reading order: `device` and `run` are what most programs need. [`system`] reads the system's files, `drivers`
//! asks each backend's driver, and [`probe`] does that in a process of its own. [`survey`](survey()) puts both together,
//! [`choose`](choose()) picks a device, and [`doctor`] says what is wrong and how to mend it. [`amd`] knows which AMD chips need
//! a setting, and [`apple`] which family of Metal a GPU is of.
//!
//! ```
//! use gearhead_device::{Depth, System, Wanted, choose, probe::Prober, survey};
//!
//! let system = System::read();
//! // In this process; `Prober::child` is safer where the program can call itself.
//! let prober = Prober::in_process();
//! for backend in survey(&system, &prober, Depth::Try).backends {
//!     println!("{}: {} adapters", backend.name, backend.adapters.len());
//! }
//! let choice = choose(Wanted::AUTO, || None, &system, &prober)?;
//! println!("{}", choice.device);
//! # Ok::<(), gearhead_device::Error>(())
//! ```

pub mod amd;
pub mod apple;
mod backend;
mod choose;
mod cpu;
mod device;
pub mod doctor;
mod drivers;
mod memory;
mod nvidia_smi;
pub mod probe;
mod run;
mod survey;
pub mod system;

pub use backend::{Adapter, BackendInfo, Class, Speed, Status};
pub use choose::{Choice, Considered, choose};
pub use device::{Device, Error, Wanted};
pub use memory::resident_memory;
pub use run::{Job, SharedJob, run, run_on_all};
pub use survey::{Depth, Survey, SystemGpu, survey};
pub use system::System;
