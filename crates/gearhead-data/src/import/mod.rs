//! Bringing in a company's own records.

mod rows;

pub use rows::{Next, Place, Row, Rows};
