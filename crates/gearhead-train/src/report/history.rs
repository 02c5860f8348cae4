//! What the records of a training come to.

use super::{
    EvaluationRecord, Report, StepRecord,
    series::{is_drawable, latest, smooth, step_seconds, total_seconds},
};

/// What the records come to.
pub(super) struct History<'a> {
    /// Without those that were done again.
    pub(super) steps: Vec<&'a StepRecord>,
    pub(super) evaluations: Vec<&'a EvaluationRecord>,
    pub(super) best: Option<&'a EvaluationRecord>,
    pub(super) seconds: f64,
    pub(super) tokens: f64,
    pub(super) tokens_per_second: Option<f64>,
    /// Of the matrix products that the model asks for.
    pub(super) flops_per_second: Option<f64>,
    /// Steps with tokens per second.
    pub(super) speed: Vec<(f64, f64)>,
}

impl<'a> History<'a> {
    /// Of the records of the report.
    pub(super) fn of(report: &Report<'a>) -> Self {
        let took = step_seconds(report.steps);
        let timed: Vec<(&StepRecord, f64)> = report.steps.iter().zip(took).collect();
        let timed = latest(&timed, |(step, _)| step.step);
        let known = || timed.iter().filter(|(_, seconds)| seconds.is_finite());
        let seconds: f64 = known().map(|(_, seconds)| seconds).sum();
        let timed_tokens: f64 = known().map(|(step, _)| step.tokens as f64).sum();
        let timed_flops: f64 = known().map(|(step, _)| step.flops).sum();
        let speed = known().map(|(step, seconds)| (step.step as f64, step.tokens as f64 / seconds)).collect();
        let evaluations = latest(report.evaluations, |evaluation| evaluation.step);
        let best = evaluations
            .iter()
            .copied()
            .filter(|evaluation| is_drawable(evaluation.validation_loss))
            .min_by(|a, b| a.validation_loss.total_cmp(&b.validation_loss));
        Self {
            steps: timed.iter().map(|(step, _)| *step).collect(),
            evaluations,
            best,
            seconds: total_seconds(report.steps, report.evaluations),
            tokens: timed.iter().map(|(step, _)| step.tokens as f64).sum(),
            tokens_per_second: (seconds > 0.0).then_some(timed_tokens / seconds),
            flops_per_second: Some(timed_flops / seconds).filter(|flops| flops.is_finite()),
            speed,
        }
    }

    /// A value of each step.
    pub(super) fn of_steps(&self, value: impl Fn(&StepRecord) -> f64) -> Vec<(f64, f64)> {
        self.steps.iter().map(|step| (step.step as f64, value(step))).collect()
    }

    /// The smoothed loss near a step.
    pub(super) fn training_loss_at(&self, step: usize) -> f64 {
        let losses = self.of_steps(|step| step.loss);
        let mean = smooth(&losses);
        let curve = if mean.is_empty() { losses } else { mean };
        let distance = |point: &(f64, f64)| (point.0 - step as f64).abs();
        curve.into_iter().min_by(|a, b| distance(a).total_cmp(&distance(b))).map_or(f64::NAN, |point| point.1)
    }

    /// The peak that was measured, or the largest of the records.
    pub(super) fn peak_bytes(&self, report: &Report<'_>) -> Option<u64> {
        let resident = self.steps.iter().filter_map(|step| step.resident_bytes).max();
        report.memory.and_then(|plan| plan.measured_peak_bytes).or(resident)
    }
}
