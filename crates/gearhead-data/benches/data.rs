//! How fast records are read.
fn main() {}
