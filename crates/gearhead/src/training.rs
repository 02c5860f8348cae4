//! Training on whatever device was chosen.

use gearhead_device::{Device, Job, run};
use gearhead_kernels::AutodiffKernels;
use gearhead_train::{Config, Event, Summary, data::TrainData};

use crate::Result;

/// Trains as the configuration says; see [`gearhead_train::train()`].
///
/// # Errors
///
/// As that function's.
pub fn train_on(
    device: &Device,
    config: &Config,
    data: &TrainData,
    on_event: &mut dyn FnMut(&Event),
) -> Result<Summary> {
    run(device, Train { config, data, on_event })
}

struct Train<'a> {
    config: &'a Config,
    data: &'a TrainData,
    on_event: &'a mut dyn FnMut(&Event),
}

impl Job for Train<'_> {
    type Output = Result<Summary>;

    fn run<B: AutodiffKernels>(self, device: &B::Device) -> Result<Summary> {
        Ok(gearhead_train::train::<B>(self.config, self.data, device, self.on_event)?)
    }
}
