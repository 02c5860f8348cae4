//! Bringing in a company's own records.

pub mod binary;
#[cfg(feature = "parquet")]
pub mod parquet;
#[cfg(feature = "pdf")]
pub mod pdf;
#[cfg(all(test, any(feature = "xlsx", feature = "parquet", feature = "pdf")))]
mod read_all;
pub mod review;
mod rows;
#[cfg(any(feature = "xlsx", feature = "parquet", feature = "pdf"))]
mod worker;
#[cfg(feature = "xlsx")]
pub mod xlsx;

pub use rows::{Next, Place, Row, Rows};
