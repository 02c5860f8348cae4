//! The learning rate of each step.

use crate::config::TrainConfig;

/// A linear rise over `warmup_steps`, then half a cosine down to the final share.
///
/// # Source
///
/// Loshchilov and Hutter, *SGDR*, 2017, equation 5, without restarts.
pub fn learning_rate(config: &TrainConfig, step: usize, steps: usize) -> f64 {
    let warmup = config.warmup_steps.min(steps / 2);
    if step < warmup {
        return config.learning_rate * (step + 1) as f64 / warmup as f64;
    }
    let progress = (step - warmup) as f64 / (steps - warmup).saturating_sub(1).max(1) as f64;
    let cosine = 0.5 * (1.0 + (std::f64::consts::PI * progress.min(1.0)).cos());
    let floor = config.min_learning_rate_share;
    config.learning_rate * (floor + (1.0 - floor) * cosine)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rises_to_the_peak_and_falls_to_the_floor() {
        let config = TrainConfig { warmup_steps: 10, learning_rate: 1.0, ..TrainConfig::default() };
        let rate = |step| learning_rate(&config, step, 110);
        assert!((rate(0) - 0.1).abs() < 1e-12);
        assert!((rate(9) - 1.0).abs() < 1e-12);
        assert!((rate(10) - 1.0).abs() < 1e-12);
        assert!((rate(109) - 0.1).abs() < 1e-12);
        assert!((10..109).all(|step| rate(step) >= rate(step + 1)));
        assert!(learning_rate(&config, 0, 1).is_finite());
    }
}
