//! How far a figure can be trusted: intervals by resampling.

use std::collections::BTreeMap;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::Serialize;

/// How often the rows are drawn anew.
const REPLICATES: usize = 1_000;
/// With fewer clusters than this an interval would say little and claim much.
const MIN_CLUSTERS: usize = 5;

/// An interval that holds the true figure with a confidence of 95 %, as far as the rows are like those to come.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Interval {
    /// Its lower end.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
}

/// Rows in clusters, and the clusters drawn anew many times. All figures of the same rows are judged on the same draws, so
/// that differences are paired.
///
/// # Source
///
/// Efron and Tibshirani, *An Introduction to the Bootstrap*, 1993, chapter 13 (percentile interval); clusters are drawn
/// whole, as Davison and Hinkley, *Bootstrap Methods and their Application*, 1997, section 3.8 advise for grouped data:
/// rows of one fault resemble each other, and single rows would make the interval too narrow.
pub(super) struct Bootstrap {
    clusters: Vec<Vec<usize>>,
    /// For each replicate, how often each cluster was drawn.
    draws: Vec<Vec<u32>>,
}

impl Bootstrap {
    /// The clusters of rows by what stands for each row.
    pub(super) fn new<'a>(labels: impl IntoIterator<Item = &'a str>, seed: u64) -> Self {
        let mut by_label: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (row, label) in labels.into_iter().enumerate() {
            by_label.entry(label).or_default().push(row);
        }
        let clusters: Vec<Vec<usize>> = by_label.into_values().collect();
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut draw = || {
            let mut counts = vec![0; clusters.len()];
            for _ in 0..clusters.len() {
                counts[rng.random_range(0..clusters.len())] += 1;
            }
            counts
        };
        let enough = clusters.len() >= MIN_CLUSTERS;
        let draws = (0..if enough { REPLICATES } else { 0 }).map(|_| draw()).collect();
        Self { clusters, draws }
    }

    /// The interval of the mean of a value of each row; none where there are too few clusters.
    pub(super) fn interval(&self, values: &[f64]) -> Option<Interval> {
        let sums: Vec<(f64, f64)> = self
            .clusters
            .iter()
            .map(|rows| (rows.iter().map(|row| values[*row]).sum(), rows.len() as f64))
            .collect();
        let mean = |counts: &Vec<u32>| {
            let drawn = counts
                .iter()
                .zip(&sums)
                .map(|(count, (sum, n))| (f64::from(*count) * sum, f64::from(*count) * n));
            let (sum, n) = drawn.fold((0.0, 0.0), |total, drawn| (total.0 + drawn.0, total.1 + drawn.1));
            sum / n
        };
        let mut means: Vec<f64> = self.draws.iter().map(mean).collect();
        means.sort_by(f64::total_cmp);
        (!means.is_empty()).then(|| Interval { low: quantile(&means, 0.025), high: quantile(&means, 0.975) })
    }
}

/// A quantile of sorted values, by linear interpolation.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let at = share * (sorted.len() - 1) as f64;
    let (below, above) = (sorted[at.floor() as usize], sorted[at.ceil() as usize]);
    below + (above - below) * at.fract()
}

/// The mean; 0 of none.
pub(super) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_interpolated() {
        assert!((quantile(&[0.0, 1.0, 2.0, 3.0, 4.0], 0.5) - 2.0).abs() < 1e-12);
        assert!((quantile(&[0.0, 10.0], 0.025) - 0.25).abs() < 1e-12);
        assert!((mean(&[1.0, 0.0, 0.5]) - 0.5).abs() < 1e-12);
    }

    /// Draws many samples of a known rate: about 95 of 100 intervals must hold it.
    #[test]
    fn the_interval_covers_the_true_rate() {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let labels: Vec<String> = (0..300).map(|row| format!("{}", row % 60)).collect();
        let covers = (0..200).filter(|seed| {
            // Rows of one cluster share a rate of their own, whose mean is 0.7.
            let rates: Vec<f64> = (0..60).map(|_| if rng.random_bool(0.5) { 0.9 } else { 0.5 }).collect();
            let values: Vec<f64> =
                (0..300).map(|row| f64::from(u8::from(rng.random_bool(rates[row % 60])))).collect();
            let bootstrap = Bootstrap::new(labels.iter().map(String::as_str), *seed);
            let interval = bootstrap.interval(&values).unwrap();
            interval.low <= 0.7 && 0.7 <= interval.high && interval.high - interval.low < 0.2
        });
        let covered = covers.count();
        assert!((180..=200).contains(&covered), "{covered} of 200");
    }

    #[test]
    fn clusters_widen_the_interval_and_too_few_have_none() {
        let values: Vec<f64> = (0..100).map(|row| f64::from(u8::from(row / 10 % 2 == 0))).collect();
        let width = |labels: Vec<String>| {
            let bootstrap = Bootstrap::new(labels.iter().map(String::as_str), 1);
            bootstrap.interval(&values).map(|interval| interval.high - interval.low)
        };
        let by_row = width((0..100).map(|row| format!("{row:03}")).collect()).unwrap();
        let by_cluster = width((0..100).map(|row| format!("{}", row / 10)).collect()).unwrap();
        assert!(by_cluster > 2.0 * by_row, "{by_cluster} against {by_row}");
        assert_eq!(width((0..100).map(|row| format!("{}", row % 4)).collect()), None);
    }
}
