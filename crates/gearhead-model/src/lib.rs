//! gearhead-model
