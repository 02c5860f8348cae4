//! gearhead
