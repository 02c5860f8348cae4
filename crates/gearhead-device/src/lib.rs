//! gearhead-device
