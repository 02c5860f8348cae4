//! The training in words.

use super::{
    Report,
    history::History,
    series::is_drawable,
    words::{duration, error_percent, grouped, number, of, significant},
};

/// How far it came and how good it became, in two sentences.
pub(super) fn summary(report: &Report<'_>, history: &History<'_>) -> String {
    let planned = grouped(report.planned_steps as f64);
    let Some(last) = history.steps.last() else {
        return format!("No step has been done yet; {planned} are planned.");
    };
    let done = if last.step >= report.planned_steps {
        format!("All {}", of(report.planned_steps, "step"))
    } else {
        format!("{} of {}", grouped(last.step as f64), of(report.planned_steps, "step"))
    };
    let speed = history.tokens_per_second;
    let speed = speed.map_or_else(String::new, |speed| format!(", at {} tokens per second", grouped(speed)));
    let loss = match (history.best, history.evaluations.last()) {
        (Some(best), Some(last)) => {
            let after = if last.step > best.step {
                format!("; the last is {}", number(last.validation_loss))
            } else {
                String::new()
            };
            let (loss, step) = (significant(best.validation_loss), grouped(best.step as f64));
            format!("The lowest validation loss is {loss}, after step {step}{after}.")
        }
        (None, Some(_)) => "No validation loss was finite.".into(),
        _ => "The validation cases have not been evaluated yet.".into(),
    };
    format!("{done} ({}) in {}{speed}. {loss}", of(last.epoch, "epoch"), duration(history.seconds))
}

/// What the curves tell to someone who has seen many.
pub(super) fn findings(report: &Report<'_>, history: &History<'_>) -> Vec<String> {
    let mut findings = Vec::new();
    let not_finite: Vec<_> = history.steps.iter().filter(|step| !is_drawable(step.loss)).collect();
    match not_finite[..] {
        [] => {}
        [step] => findings.push(format!("The loss of step {} was not finite.", grouped(step.step as f64))),
        [first, ..] => findings.push(format!(
            "The loss was not finite in {} steps, first in step {}.",
            grouped(not_finite.len() as f64),
            grouped(first.step as f64)
        )),
    }
    if let (Some(best), Some(last)) = (history.best, history.evaluations.last()) {
        let rise = last.validation_loss / best.validation_loss - 1.0;
        if last.step > best.step && rise > 0.02 && rise.is_finite() {
            // Where the loss of the training rose too, it is something else.
            let overfits = history.training_loss_at(last.step) < history.training_loss_at(best.step);
            findings.push(format!(
                "After step {} the validation loss rose by {:.0} %{}. The best model was saved before that.",
                grouped(best.step as f64),
                100.0 * rise,
                if overfits { " while the training loss fell: the model overfits" } else { "" }
            ));
        }
        let is_done = history.steps.last().is_some_and(|step| step.step >= report.planned_steps);
        if is_done && last.step == best.step && history.evaluations.len() >= 3 {
            findings.push(
                "The last evaluation is the best: a longer training may lower the loss further.".into(),
            );
        }
    }
    if let Some((plan, measured)) = report.memory.and_then(|plan| Some((plan, plan.measured_peak_bytes?)))
        && measured > plan.predicted_peak_bytes
    {
        let more = error_percent(measured, plan.predicted_peak_bytes);
        findings.push(format!("The peak of memory was {more:.1} % above the prediction."));
    }
    findings
}
