//! Histories made ready to be drawn: what was overwritten left out, thinned, smoothed, and as speed.

use super::{EvaluationRecord, StepRecord};

/// The most points of one curve.
pub(super) const MAX_POINTS: usize = 1000;

/// Larger values are as good as infinite, and coordinates made of them would overflow.
const LARGEST: f64 = 1e100;

/// Whether the value can be drawn.
pub(super) fn is_drawable(value: f64) -> bool {
    value.abs() <= LARGEST
}

/// The records whose step was not done again later, in order of steps.
pub(super) fn latest<T>(records: &[T], step: impl Fn(&T) -> usize) -> Vec<&T> {
    let mut kept: Vec<&T> = Vec::with_capacity(records.len());
    for record in records.iter().rev() {
        if kept.last().is_none_or(|later| step(record) < step(later)) {
            kept.push(record);
        }
    }
    kept.reverse();
    kept
}

/// At most [`MAX_POINTS`] of the points. Of each stretch of a longer curve the lowest, the highest and one that cannot be
/// drawn are kept, so that no spike and no gap is lost, and of the whole the first and the last.
pub(super) fn thin(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let ([first, inside @ .., last], true) = (points, points.len() > MAX_POINTS) else {
        return points.to_vec();
    };
    let mut thinned = Vec::with_capacity(MAX_POINTS);
    thinned.push(*first);
    for stretch in inside.chunks(inside.len().div_ceil((MAX_POINTS - 2) / 3)) {
        let drawable = || stretch.iter().enumerate().filter(|(_, point)| is_drawable(point.1));
        let by_value = |a: &(usize, &(f64, f64)), b: &(usize, &(f64, f64))| a.1.1.total_cmp(&b.1.1);
        let lowest = drawable().min_by(by_value).map(|(index, _)| index);
        let highest = drawable().max_by(by_value).map(|(index, _)| index);
        let gap = stretch.iter().position(|point| !is_drawable(point.1));
        let mut kept: Vec<usize> = [lowest, highest, gap].into_iter().flatten().collect();
        kept.sort_unstable();
        kept.dedup();
        thinned.extend(kept.into_iter().map(|index| stretch[index]));
    }
    thinned.push(*last);
    thinned
}

/// How many points the running mean of so many takes, or `None` where there are too few to smooth.
pub(super) fn window(n_points: usize) -> Option<usize> {
    (n_points >= 24).then(|| 2 * (n_points / 100).max(2) + 1)
}

/// The running mean, at no more than half of [`MAX_POINTS`] places. It is centred, so it does not lag behind a falling loss.
pub(super) fn smooth(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let Some(window) = window(points.len()) else { return Vec::new() };
    let last = points.len() - 1;
    let n_places = points.len().min(MAX_POINTS / 2);
    let mean = |place: usize| {
        let index = place * last / (n_places - 1);
        // Narrower at the beginning, where a mean of later points would hide how high the loss was.
        let reach = (window / 2).min(index);
        let around = &points[index - reach..=(index + reach).min(last)];
        let drawable: Vec<f64> =
            around.iter().map(|point| point.1).filter(|value| is_drawable(*value)).collect();
        // Over a single gap, not into a long one.
        let is_known = 2 * drawable.len() > around.len();
        let mean = drawable.iter().sum::<f64>() / drawable.len() as f64;
        (points[index].0, if is_known { mean } else { f64::NAN })
    };
    (0..n_places).map(mean).collect()
}

/// Seconds that each of all records took. Not a number for the first after a start or a resumption: it is also the time of
/// getting going.
pub(super) fn step_seconds(steps: &[StepRecord]) -> Vec<f64> {
    let is_known = |index: usize| {
        steps[index].step_seconds > 0.0 && index > 0 && !starts_again(&steps[index - 1], &steps[index])
    };
    let places = 0..steps.len();
    places.map(|index| if is_known(index) { steps[index].step_seconds } else { f64::NAN }).collect()
}

/// Seconds of the whole training. A clock that begins again at a resumption adds to what was before.
pub(super) fn total_seconds(steps: &[StepRecord], evaluations: &[EvaluationRecord]) -> f64 {
    let ended: f64 =
        steps.windows(2).filter(|pair| pair[1].seconds < pair[0].seconds).map(|pair| pair[0].seconds).sum();
    let last_step = steps.last().map_or((0, 0.0), |step| (step.step, step.seconds));
    let last_evaluation = evaluations.last().filter(|it| it.step >= last_step.0).map_or(0.0, |it| it.seconds);
    ended + last_step.1.max(last_evaluation)
}

/// Whether a resumption lies between two records.
fn starts_again(before: &StepRecord, after: &StepRecord) -> bool {
    after.seconds < before.seconds || after.step <= before.step
}
