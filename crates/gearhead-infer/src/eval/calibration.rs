//! Whether a probability of 0.8 is right eight times in ten.

use serde::Serialize;

/// Bins of equal width.
const BINS: usize = 10;

/// Answers whose probabilities are alike.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ReliabilityBin {
    /// The least probability that belongs here.
    pub from: f64,
    /// Where the next bin begins.
    pub to: f64,
    /// Answers.
    pub n: usize,
    /// Their mean probability.
    pub probability: f64,
    /// The share of them that was right.
    pub right: f64,
}

/// The bins that hold any answer; an answer is its probability and whether it was right.
///
/// Source: Guo et al., *On Calibration of Modern Neural Networks*, 2017, section 2.
pub(super) fn reliability(answers: &[(f64, bool)]) -> Vec<ReliabilityBin> {
    let width = 1.0 / BINS as f64;
    let of_bin = |bin: usize| {
        let inside = |probability: f64| ((probability * BINS as f64) as usize).min(BINS - 1) == bin;
        let inside: Vec<_> = answers.iter().filter(|(probability, _)| inside(*probability)).collect();
        let n = inside.len();
        (n > 0).then(|| ReliabilityBin {
            from: bin as f64 * width,
            to: (bin + 1) as f64 * width,
            n,
            probability: inside.iter().map(|(probability, _)| probability).sum::<f64>() / n as f64,
            right: inside.iter().filter(|(_, is_right)| *is_right).count() as f64 / n as f64,
        })
    };
    (0..BINS).filter_map(of_bin).collect()
}

/// Expected calibration error: how far the mean probability of a bin is from the share that was right, on average over the
/// answers.
///
/// Source: Guo et al., 2017, equation 3.
pub(super) fn expected_calibration_error(answers: &[(f64, bool)]) -> f64 {
    let of_bin = |bin: ReliabilityBin| bin.n as f64 * (bin.probability - bin.right).abs();
    reliability(answers).into_iter().map(of_bin).sum::<f64>() / answers.len().max(1) as f64
}

/// The mean squared distance of the best cause's probability from what was so: 0 where it was wrong, 1 where it was right.
///
/// Source: Brier, *Verification of forecasts expressed in terms of probability*, 1950.
pub(super) fn brier(answers: &[(f64, bool)]) -> f64 {
    let squared =
        |(probability, is_right): &(f64, bool)| (probability - f64::from(u8::from(*is_right))).powi(2);
    answers.iter().map(squared).sum::<f64>() / answers.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calibration_is_what_its_definition_says() {
        let answers = [(0.95, true), (0.55, false), (0.55, false), (0.35, false), (1.0, true)];
        // The last bin holds 0.95 and 1.0, both right.
        assert!((expected_calibration_error(&answers) - (0.05 + 1.1 + 0.35) / 5.0).abs() < 1e-12);
        let squares = 0.05_f64.powi(2) + 2.0 * 0.55_f64.powi(2) + 0.35_f64.powi(2);
        assert!((brier(&answers) - squares / 5.0).abs() < 1e-12);
        let bins = reliability(&answers);
        assert_eq!(bins.iter().map(|bin| bin.n).collect::<Vec<_>>(), [1, 2, 2]);
        assert!((bins[2].probability - 0.975).abs() < 1e-12 && (bins[2].right - 1.0).abs() < 1e-12);
        assert!(expected_calibration_error(&[]).abs() < 1e-12 && brier(&[]).abs() < 1e-12);
    }
}
