//! Which devices are tested, and which numbers each computes with.

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
};

use burn::tensor::{DType, backend::DTypeUsage};
use gearhead_device::{Depth, Device, Job, System, probe::Prober, run, survey};
use gearhead_kernels::AutodiffKernels;
use libtest_mimic::{Failed, Trial};

/// Devices by their names in `--device`, with commas between.
const VARIABLE: &str = "GEARHEAD_DEVICES";

/// Types of numbers that operations may be computed with.
pub(crate) const PRECISIONS: [DType; 3] = [DType::F32, DType::F16, DType::BF16];

/// The devices that are asked for; without the variable, the first of every backend that is compiled in. LibTorch always has
/// the CPU; its other devices have to be named.
pub(crate) fn names() -> Vec<String> {
    if let Ok(names) = std::env::var(VARIABLE) {
        return names.split(',').map(|name| name.trim().to_owned()).collect();
    }
    let backends = survey(&System::read(), &Prober::files_only(), Depth::List).backends;
    let compiled = backends.into_iter().filter(|backend| backend.compiled);
    let names = compiled.map(|backend| backend.name.to_owned());
    names.filter(|name| !["tch-cuda", "tch-mps"].contains(&name.as_str())).collect()
}

/// A device that is there.
#[derive(Debug, Clone)]
pub(crate) struct Tested {
    pub(crate) device: Device,
    backend: String,
    /// What it computes with.
    pub(crate) computes: Vec<DType>,
    /// What it can hold in memory and turn into what it computes with.
    pub(crate) stores: Vec<DType>,
    /// Whether it holds weights and moments of 8 bits and fewer.
    pub(crate) holds_few_bits: bool,
}

impl Tested {
    /// A check of this device.
    pub(crate) fn trial(
        &self,
        check: impl fmt::Display,
        run: impl FnOnce(&Self) -> Result<(), Failed> + Send + 'static,
    ) -> Trial {
        let tested = self.clone();
        Trial::test(format!("{}::{check}", self.device), move || run(&tested))
    }
}

impl fmt::Display for Tested {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = |types: &[DType]| types.iter().map(DType::name).collect::<Vec<_>>().join(", ");
        let Self { device, backend, computes, stores, .. } = self;
        write!(f, "{device} is {backend}, computes with {} and stores {}", names(computes), names(stores))
    }
}

/// A device by its name, once it has been used.
pub(crate) fn open(name: &str) -> Result<Tested, String> {
    struct Ask;
    impl Job for Ask {
        type Output = (String, Vec<DType>, Vec<DType>, bool);

        fn run<B: AutodiffKernels>(self, device: &B::Device) -> Self::Output {
            let stores = |dtype: &DType| B::dtype_usage(device, *dtype).contains(DTypeUsage::Storage);
            let stored = [&PRECISIONS[..], &[DType::U8, DType::I8]].concat();
            (
                B::name(device),
                PRECISIONS.into_iter().filter(|dtype| B::supports_dtype(device, *dtype)).collect(),
                stored.into_iter().filter(stores).collect(),
                B::HOLDS_FEW_BITS,
            )
        }
    }
    let device: Device = name.parse().map_err(|error: gearhead_device::Error| error.to_string())?;
    // Where there is no adapter, wgpu and CUDA panic.
    let asked = catch_unwind(AssertUnwindSafe(|| run(&device, Ask)));
    let (backend, computes, stores, holds_few_bits) =
        asked.map_err(|_| format!("{name} cannot be opened: see above"))?;
    Ok(Tested { device, backend, computes, stores, holds_few_bits })
}
