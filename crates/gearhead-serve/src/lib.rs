//! gearhead-serve
