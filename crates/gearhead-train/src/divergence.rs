//! Whether a step shows that a training goes wrong.

use serde::{Deserialize, Serialize};

/// What is done where the loss of a step leaps up or is no number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnDivergence {
    /// The training stops before the step is taken.
    #[default]
    Stop,
    /// The step is left out; after ten in a row, the training stops.
    Skip,
    /// Leaps are taken as they come; only what is no number stops the training.
    Ignore,
}

/// Steps in a row that are left out before it is clear that the cases are not to blame.
pub(crate) const MOST_SKIPPED: usize = 10;
/// Losses by which the next is judged.
const REMEMBERED: usize = 64;
/// With fewer, nothing is judged.
const FEWEST: usize = 16;
/// Nats above the usual that are no leap whatever the spread.
const LEAST_LEAP: f64 = 1.0;
/// A leap in mean absolute deviations from the median.
const DEVIATIONS: f64 = 8.0;

/// The usual loss, if the loss of a step is a leap from it: more than [`DEVIATIONS`] mean absolute deviations and more than
/// a nat above the median of the last losses.
pub(crate) fn leap_from(losses: &[f64], loss: f64) -> Option<f64> {
    if losses.len() < FEWEST {
        return None;
    }
    let mut sorted = losses.to_vec();
    sorted.sort_by(f64::total_cmp);
    let median = sorted[sorted.len() / 2];
    let deviation = losses.iter().map(|loss| (loss - median).abs()).sum::<f64>() / losses.len() as f64;
    (loss - median > LEAST_LEAP.max(DEVIATIONS * deviation)).then_some(median)
}

/// Adds the loss of a step that was taken, and forgets the oldest.
pub(crate) fn remember(losses: &mut Vec<f64>, loss: f64) {
    if losses.len() == REMEMBERED {
        losses.remove(0);
    }
    losses.push(loss);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leap_is_told_from_noise() {
        let mut losses = Vec::new();
        for step in 0..100 {
            let loss = 2.0 + 0.3 * f64::from(step % 7 - 3);
            assert_eq!(leap_from(&losses, loss), None);
            remember(&mut losses, loss);
        }
        assert_eq!(losses.len(), 64);
        assert_eq!(leap_from(&losses, 4.5), None);
        assert_eq!(leap_from(&losses, 7.0), Some(2.0));
        // With hardly any noise, a nat is a leap and half a nat is none.
        let losses = [0.01; 20];
        assert_eq!(leap_from(&losses, 0.5), None);
        assert_eq!(leap_from(&losses, 1.2), Some(0.01));
        assert_eq!(leap_from(&losses[..15], 1.2), None);
    }
}
