//! gearhead-infer
