//! Which devices are timed.

use gearhead::Device;

/// `GEARHEAD_DEVICES`, names as in `--device` with commas between, as the suite of `gearhead-device` reads it; without it the
/// one that `auto` picks.
pub(crate) fn devices() -> Vec<Device> {
    let names = std::env::var("GEARHEAD_DEVICES").unwrap_or_else(|_| "auto".to_owned());
    names.split(',').map(|name| name.trim().parse().unwrap()).collect()
}
