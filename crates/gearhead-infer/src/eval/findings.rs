//! What the figures mean, in sentences: above all, where something simpler is as good.

use super::{BaselineScores, Evaluation, Interval, Lead, RankingScores};

/// At most this many baselines are named in a sentence.
const NAMED: usize = 3;

/// The sentences, the most important first.
pub(super) fn findings(evaluation: &Evaluation) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut splits: Vec<(&String, &RankingScores)> = evaluation.splits.iter().collect();
    splits.sort_by_key(|(name, _)| *name != "all");
    for (name, scores) in &splits {
        found.extend(not_beaten(name, scores));
    }
    if found.is_empty() && !splits.is_empty() {
        found.push(
            "No baseline puts the right fault first as often as Gearhead on any kind of row.".to_owned(),
        );
    }
    for (baseline, closeness) in &evaluation.text.baselines {
        if closeness.token_f1 >= evaluation.text.written.token_f1 {
            found.push(format!(
                "The text of {baseline} is as close to the recorded one as what Gearhead writes: token F1 {:.3} against {:.3}.",
                closeness.token_f1, evaluation.text.written.token_f1
            ));
        }
    }
    let checks = &evaluation.checks;
    if checks.reports > 0 && !checks.all_passed() {
        found.push("Not every check of the reports was passed: see the checks.".to_owned());
    }
    found
}

/// What is to be said of a kind of row on which a baseline is as good, or on which the language model earns nothing.
fn not_beaten(name: &str, scores: &RankingScores) -> Option<String> {
    let mut better: Vec<(&&str, &BaselineScores)> =
        scores.baselines.iter().filter(|(_, it)| it.top1 >= scores.top1).collect();
    better.sort_by(|a, b| b.1.top1.total_cmp(&a.1.top1));
    let without_model = scores.ablations.get("without_model").filter(|it| it.top1 >= scores.top1);
    let model = without_model
        .map(|it| format!("the language model earns nothing there: {}", in_words("without it", it)));
    let rows = format!("On {name} ({} rows, top-1 {:.3})", scores.n, scores.top1);
    if better.is_empty() {
        return model.map(|model| format!("{rows} {model}."));
    }
    let others = better.len().saturating_sub(NAMED);
    let mut named: Vec<String> =
        better.into_iter().take(NAMED).map(|(baseline, it)| in_words(baseline, it)).collect();
    if others > 0 {
        named.push(format!("{others} more"));
    }
    let model = model.map_or(String::new(), |model| format!("; {model}"));
    Some(format!("{rows} Gearhead does not beat {}{model}.", named.join(", ")))
}

/// The baseline, its top-1, and how far and how surely it is ahead.
fn in_words(baseline: &str, scores: &BaselineScores) -> String {
    let Lead { difference, interval } = scores.engine_lead;
    if difference == 0.0 {
        return format!("{baseline} ({:.3})", scores.top1);
    }
    let interval = interval.map_or(String::new(), |Interval { low, high }| {
        let chance = if high < 0.0 { "more than chance" } else { "within chance" };
        format!(", {chance}: 95 % interval {:.3} to {:.3}", 0.0 - high, 0.0 - low)
    });
    format!("{baseline} ({:.3}, ahead by {:.3}{interval})", scores.top1, 0.0 - difference)
}

#[cfg(test)]
mod tests {
    use super::{super::measures, *};
    use crate::eval::{
        baselines::Baseline,
        measures::{Outcome, Placed},
    };

    #[test]
    fn a_baseline_that_is_better_is_named_with_its_difference() {
        let outcomes: Vec<Outcome> = (0..40)
            .map(|row| Outcome {
                label: format!("{}", row % 8),
                placed: Placed { rank: Some(1 + usize::from(row % 2 == 0)), system_is_right: true },
                simpler: vec![Placed::default(), Placed { rank: Some(1), system_is_right: true }],
                ..Outcome::default()
            })
            .collect();
        let simpler = [Baseline::Majority, Baseline::CardsAlone];
        let of = |outcomes: &[&Outcome], simpler: &[Baseline]| {
            not_beaten("note", &measures::scores(outcomes, simpler, 1))
        };
        let all: Vec<&Outcome> = outcomes.iter().collect();
        let sentence = of(&all, &simpler).unwrap();
        let start = "On note (40 rows, top-1 0.500) Gearhead does not beat cards_alone (1.000, ahead by 0.500, more than \
                     chance: 95 % interval 0.";
        assert!(sentence.starts_with(start) && sentence.ends_with(")."), "{sentence}");
        let right: Vec<&Outcome> = outcomes.iter().skip(1).step_by(2).collect();
        assert_eq!(
            of(&right, &simpler).unwrap(),
            "On note (20 rows, top-1 1.000) Gearhead does not beat cards_alone (1.000)."
        );
        assert_eq!(of(&all, &simpler[..1]), None);
        // The language model may be what earns nothing.
        let ablation = [Baseline::Majority, Baseline::WithoutModel];
        assert_eq!(
            of(&right, &ablation).unwrap(),
            "On note (20 rows, top-1 1.000) the language model earns nothing there: without it (1.000)."
        );
    }
}
