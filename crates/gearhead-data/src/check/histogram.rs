//! How long texts are, in memory with a limit.

use serde::Serialize;

/// Counts of whole numbers: exact below 16, in eighths of an octave above.
#[derive(Debug, Clone)]
pub(super) struct Histogram {
    bins: Vec<u64>,
    count: u64,
    sum: u64,
    max: u64,
}

const EXACT: u64 = 16;
const BINS: usize = 16 + 8 * 28;

impl Default for Histogram {
    fn default() -> Self {
        Self { bins: vec![0; BINS], count: 0, sum: 0, max: 0 }
    }
}

fn bin(value: u64) -> usize {
    if value < EXACT {
        return value as usize;
    }
    let octave = value.ilog2() as usize;
    let eighth = (value >> (octave - 3)) as usize & 7;
    (16 + (octave - 4) * 8 + eighth).min(BINS - 1)
}

/// The least value of a bin.
fn start(bin: usize) -> u64 {
    if bin < EXACT as usize {
        return bin as u64;
    }
    let (octave, eighth) = ((bin - 16) / 8 + 4, (bin - 16) % 8);
    (8 + eighth as u64) << (octave - 3)
}

impl Histogram {
    pub(super) fn add(&mut self, value: usize) {
        let value = value as u64;
        self.bins[bin(value)] += 1;
        self.count += 1;
        self.sum += value;
        self.max = self.max.max(value);
    }

    fn percentile(&self, share: f64) -> u64 {
        let rank = (share * self.count as f64).ceil().max(1.0) as u64;
        let mut seen = 0;
        let place = self.bins.iter().position(|count| {
            seen += count;
            seen >= rank
        });
        place.map_or(0, |place| start(place).min(self.max))
    }

    pub(super) fn summary(&self) -> Option<Lengths> {
        if self.count == 0 {
            return None;
        }
        let filled = self.bins.iter().enumerate().filter(|(_, count)| **count > 0);
        Some(Lengths {
            texts: self.count,
            mean: self.sum as f64 / self.count as f64,
            median: self.percentile(0.5),
            percentile_95: self.percentile(0.95),
            max: self.max,
            bins: filled
                .map(|(bin, count)| LengthBin { from: start(bin), to: start(bin + 1), texts: *count })
                .collect(),
        })
    }
}

/// How long the texts of a field are. Percentiles are exact below 16 and within an eighth of their value above.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Lengths {
    /// How many texts were measured.
    pub texts: u64,
    /// The mean.
    pub mean: f64,
    /// Half of the texts are at most about this long.
    pub median: u64,
    /// 95 % of the texts are at most about this long.
    pub percentile_95: u64,
    /// The longest.
    pub max: u64,
    /// How many texts there are of each length.
    pub bins: Vec<LengthBin>,
}

/// The texts of one range of lengths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct LengthBin {
    /// The least length.
    pub from: u64,
    /// The first length of the next range.
    pub to: u64,
    /// How many texts.
    pub texts: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_follow_each_other_and_hold_their_values() {
        for value in (0..5_000).chain([1 << 20, (1 << 31) - 1]) {
            let place = bin(value);
            assert!(start(place) <= value && value < start(place + 1), "{value}");
        }
    }

    #[test]
    fn percentiles_are_near_the_truth() {
        let mut histogram = Histogram::default();
        (1..=1_000).for_each(|value| histogram.add(value));
        let lengths = histogram.summary().unwrap();
        assert_eq!((lengths.texts, lengths.max), (1_000, 1_000));
        assert!((lengths.mean - 500.5).abs() < 1e-9);
        assert!(lengths.median.abs_diff(500) <= 500 / 8, "{}", lengths.median);
        assert!(lengths.percentile_95.abs_diff(950) <= 950 / 8, "{}", lengths.percentile_95);
        assert_eq!(lengths.bins.iter().map(|bin| bin.texts).sum::<u64>(), 1_000);
        assert!(Histogram::default().summary().is_none());
    }
}
