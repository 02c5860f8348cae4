//! Axes of plots: the range, the ticks and their labels, and where a value lies.

use super::{
    plot::tenth,
    words::{exponent, grouped},
};

/// Values that span more than this factor get a logarithmic axis.
const LOGARITHMIC_FROM: f64 = 10.0;

/// An axis from one pixel to another.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Axis {
    /// The lowest and the highest value, or their decimal logarithms.
    range: (f64, f64),
    pixels: (f64, f64),
    ticks: Vec<(f64, String)>,
    is_logarithmic: bool,
}

impl Axis {
    /// An axis of step numbers with about so many ticks. It begins at 0 unless the steps begin well after it.
    pub(super) fn of_steps(steps: impl Iterator<Item = f64>, n_ticks: usize, from: f64, to: f64) -> Self {
        let (low, high) = bounds(steps).unwrap_or((0.0, 1.0));
        let low = if low <= (0.1 * high).max(1.0) { 0.0 } else { low };
        let high = if high > low { high } else { low + 1.0 };
        let spacing = spacing((high - low) / n_ticks as f64).max(1.0);
        let first = (low / spacing).ceil();
        let n_ticks = ((high / spacing).floor() - first) as usize + 1;
        let ticks = (0..n_ticks).map(|tick| (first + tick as f64) * spacing);
        let ticks = ticks.map(|step| (step, grouped(step))).collect();
        Self { range: (low, high), pixels: (from, to), ticks, is_logarithmic: false }
    }

    /// A linear axis that begins at zero.
    pub(super) fn from_zero(values: &[f64], from: f64, to: f64) -> Self {
        let (low, high) = bounds(values.iter().copied()).unwrap_or((0.0, 1.0));
        Self::linear(low.min(0.0), if high > 0.0 { high } else { 1.0 }, from, to)
    }

    /// A linear axis, or a logarithmic one where the values span orders of magnitude.
    pub(super) fn as_values_ask(values: &[f64], from: f64, to: f64) -> Self {
        let (low, high) = bounds(values.iter().copied()).unwrap_or((0.0, 1.0));
        match bounds(values.iter().copied().filter(|value| *value > 0.0)) {
            Some((least, _))
                if least >= f64::MIN_POSITIVE && high.log10() - least.log10() > LOGARITHMIC_FROM.log10() =>
            {
                Self::logarithmic(least.log10(), high.log10(), from, to)
            }
            _ => Self::linear(low, high, from, to),
        }
    }

    fn linear(low: f64, high: f64, from: f64, to: f64) -> Self {
        // Values that are all the same, but for rounding, get room on both sides.
        let room = if high - low > 1e-9 * high.abs() { 0.0 } else { (0.1 * high.abs()).max(1e-9) };
        let (low, high) = (low - room, high + room);
        let spacing = spacing((high - low) / 5.0);
        let (first, last) = ((low / spacing).floor(), (high / spacing).ceil());
        let ticks = (0..=(last - first) as usize).map(|tick| (first + tick as f64) * spacing);
        let largest = first.abs().max(last.abs()) * spacing;
        let ticks = ticks.map(|value| (value, tick_label(value, spacing, largest))).collect();
        Self { range: (first * spacing, last * spacing), pixels: (from, to), ticks, is_logarithmic: false }
    }

    fn logarithmic(low: f64, high: f64, from: f64, to: f64) -> Self {
        let decades = high - low;
        let mantissas: &[f64] = if decades < 2.5 { &[1.0, 2.0, 5.0] } else { &[1.0] };
        let every = (decades / 6.0).ceil().max(1.0);
        let (first, last) = ((low / every).floor() as i32, (high / every).ceil() as i32);
        let candidates: Vec<f64> = (first..=last)
            .flat_map(|decade| {
                mantissas.iter().map(move |mantissa| mantissa.log10() + f64::from(decade) * every)
            })
            .collect();
        let (bottom, top) = (low - 0.04 * decades, high + 0.04 * decades);
        let ticks = candidates.into_iter().filter(|tick| (bottom..=top).contains(tick));
        let ticks = ticks.map(|tick| (10f64.powf(tick), power_label(tick))).collect();
        Self { range: (bottom, top), pixels: (from, to), ticks, is_logarithmic: true }
    }

    pub(super) fn is_logarithmic(&self) -> bool {
        self.is_logarithmic
    }

    /// Values and what to write beside them.
    pub(super) fn ticks(&self) -> &[(f64, String)] {
        &self.ticks
    }

    /// Where the value lies, within the axis.
    pub(super) fn pixel(&self, value: f64) -> f64 {
        let value = if self.is_logarithmic { value.max(f64::MIN_POSITIVE).log10() } else { value };
        let share = ((value - self.range.0) / (self.range.1 - self.range.0)).clamp(0.0, 1.0);
        tenth(self.pixels.0 + (self.pixels.1 - self.pixels.0) * share)
    }
}

fn bounds(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    values.fold(None, |bounds, value| match bounds {
        None => Some((value, value)),
        Some((low, high)) => Some((value.min(low), value.max(high))),
    })
}

/// The next of 1, 2, 5, 10, 20, 50 and so on, upwards.
fn spacing(at_least: f64) -> f64 {
    let power = 10f64.powf(at_least.log10().floor());
    [1.0, 2.0, 5.0]
        .map(|mantissa| mantissa * power)
        .into_iter()
        .find(|it| *it >= at_least * 0.999_999)
        .unwrap_or(10.0 * power)
}

/// With as many decimals as tell two ticks apart.
fn tick_label(value: f64, spacing: f64, largest: f64) -> String {
    let value = if value.abs() < spacing / 2.0 { 0.0 } else { value };
    if value == 0.0 {
        return "0".into();
    }
    if !(1e-2..1e6).contains(&largest) {
        let decimals = (value.abs().log10().floor() - spacing.log10().floor()).clamp(0.0, 6.0) as usize;
        return exponent(format!("{value:.decimals$e}"));
    }
    let decimals = (-spacing.log10().floor()).max(0.0) as usize;
    if decimals == 0 { grouped(value) } else { format!("{value:.decimals$}") }
}

fn power_label(logarithm: f64) -> String {
    let value = 10f64.powf(logarithm);
    if (-2.5..5.5).contains(&logarithm) {
        let decimals = (-(logarithm + 1e-9).floor()).max(0.0) as usize;
        if decimals == 0 { grouped(value) } else { format!("{value:.decimals$}") }
    } else {
        exponent(format!("{value:.0e}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(axis: &Axis) -> Vec<&str> {
        axis.ticks.iter().map(|tick| tick.1.as_str()).collect()
    }

    #[test]
    fn linear_ticks_are_round() {
        let axis = Axis::as_values_ask(&[1.13, 4.4], 200.0, 0.0);
        assert_eq!(labels(&axis), ["1", "2", "3", "4", "5"]);
        assert_eq!((axis.pixel(1.0), axis.pixel(5.0), axis.pixel(3.0)), (200.0, 0.0, 100.0));
        let axis = Axis::from_zero(&[3e-4, 1e-5], 200.0, 0.0);
        assert_eq!(labels(&axis), ["0", "1e-4", "2e-4", "3e-4"]);
        let axis = Axis::from_zero(&[5120.0], 200.0, 0.0);
        assert_eq!(labels(&axis), ["0", "2,000", "4,000", "6,000"]);
        let axis = Axis::as_values_ask(&[0.512, 0.548], 200.0, 0.0);
        assert_eq!(labels(&axis), ["0.51", "0.52", "0.53", "0.54", "0.55"]);
    }

    #[test]
    fn many_orders_of_magnitude_are_logarithmic() {
        let axis = Axis::as_values_ask(&[0.3, 9.0], 200.0, 0.0);
        assert!(axis.is_logarithmic());
        assert_eq!(labels(&axis), ["0.5", "1", "2", "5", "10"]);
        let axis = Axis::as_values_ask(&[0.0, 1e-8, 1e4], 130.0, 0.0);
        assert_eq!(labels(&axis), ["1e-8", "1e-6", "1e-4", "0.01", "1", "100", "10,000"]);
        // Zero has no logarithm and lies at the bottom.
        assert_eq!((axis.pixel(0.0), axis.pixel(1e-8)), (130.0, 125.2));
        assert_eq!((axis.pixel(1e-2), axis.pixel(1e4)), (65.0, 4.8));
        assert!(!Axis::as_values_ask(&[1.0, 9.0], 200.0, 0.0).is_logarithmic());
    }

    #[test]
    fn steps_have_whole_ticks() {
        assert_eq!(labels(&Axis::of_steps([1.0].into_iter(), 4, 0.0, 100.0)), ["0", "1"]);
        assert_eq!(
            labels(&Axis::of_steps([1.0, 2500.0].into_iter(), 5, 0.0, 100.0)),
            ["0", "500", "1,000", "1,500", "2,000", "2,500"]
        );
        assert_eq!(labels(&Axis::of_steps([0.0].into_iter(), 4, 0.0, 100.0)), ["0", "1"]);
        assert_eq!(labels(&Axis::of_steps([501.0, 700.0].into_iter(), 2, 0.0, 100.0)), ["600", "700"]);
    }

    #[test]
    fn any_values_give_an_axis_of_finite_numbers() {
        let lists: &[&[f64]] = &[
            &[],
            &[0.0],
            &[0.0, 0.0],
            &[1.0, 1.0 + 1e-16],
            &[-3.0],
            &[1e100, -1e100],
            &[1e-300, 1e100],
            &[5e-324, 1.0],
            &[1e-300],
            &[-1.0, 0.0, 1e-5],
            &[1e100, 1e100],
        ];
        for values in lists {
            for axis in [Axis::from_zero(values, 200.0, 0.0), Axis::as_values_ask(values, 200.0, 0.0)] {
                assert!(axis.ticks.len() < 20, "{values:?}: {axis:?}");
                for value in values.iter().copied().chain(axis.ticks.iter().map(|tick| tick.0)) {
                    assert!((0.0..=200.0).contains(&axis.pixel(value)), "{values:?}: {axis:?}");
                }
            }
        }
    }
}
