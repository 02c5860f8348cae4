//! How urgent a fault is.

use serde::{Deserialize, Serialize};

/// What to do with the machine, the mildest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Repair at the next opportunity.
    Plan,
    /// Finish the task at hand, then park; repair before the next shift.
    FinishAndPark,
    /// Stop now: damage or injury is near.
    Stop,
}
