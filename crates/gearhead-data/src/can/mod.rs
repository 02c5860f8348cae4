//! Fault codes on the bus of a machine: recordings, frames, messages, and what they report.
//!
//! In reading order: [`frame`], one CAN frame and its identifier; [`log`], the recordings of every common tool;
//! [`transport`], messages of more than 8 bytes; [`dm`], what DM1 and DM2 say; [`obd`], the same for OBD-II; [`Tally`],
//! each distinct code of each controller. [`fault_log`](crate::fault_log) does all of it for a file.

pub mod dm;
pub mod frame;
pub mod log;
pub mod obd;
mod tally;
pub mod transport;

pub use tally::{LoggedCode, ReportedBy, Sighting, Source, Tally, TallySummary};
