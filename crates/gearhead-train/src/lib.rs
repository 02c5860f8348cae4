//! gearhead-train
