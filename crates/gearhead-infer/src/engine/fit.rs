//! Fits how much the model, the cards and the codes count.

use gearhead_data::{
    case::Case,
    manifest::{Ranking, cause_name},
};

use super::{
    Diagnose,
    candidates::{Scored, softmax},
};

/// Steps of the ascent; the problem has three variables and is concave.
const STEPS: usize = 400;

/// The weights under which the recorded faults of `cases` are the most probable: a conditional logit model with three
/// weights, none of them negative. A case without a `fault` is known by the name of its cause. Cases whose cause the engine
/// does not rank, or that do not fit the model, say nothing; without any other the given weights come back. Since the probability of the right cause is what is maximised, the weights also
/// calibrate.
///
/// # Source
///
/// McFadden, *Conditional logit analysis of qualitative choice behavior*, 1974.
pub fn fit_ranking(engine: &dyn Diagnose, cases: &[Case], current: Ranking) -> Ranking {
    let Some(manifest) = engine.manifest() else { return current };
    let mut rows: Vec<(Vec<Scored>, usize)> = Vec::new();
    for case in cases {
        let name = case.probable_cause.as_deref().map(cause_name);
        let is_right = |scored: &Scored| {
            let candidate = &manifest.candidates[scored.index];
            if case.fault.is_some() {
                candidate.fault == case.fault
            } else {
                name == Some(cause_name(&candidate.cause))
            }
        };
        let Ok(scored) = engine.score_causes(case) else { continue };
        if let Some(right) = scored.iter().position(is_right) {
            rows.push((scored, right));
        }
    }
    if rows.is_empty() { current } else { ascend(&rows, current) }
}

/// Gradient ascent on the mean log-probability, each weight with a step of its own (Adagrad), since the three features
/// have different scales.
fn ascend(rows: &[(Vec<Scored>, usize)], current: Ranking) -> Ranking {
    let mut weights = [current.model, current.cards, current.codes];
    let mut squares = [0.0_f64; 3];
    for _ in 0..STEPS {
        let ranking = Ranking { model: weights[0], cards: weights[1], codes: weights[2] };
        let mut gradient = [0.0_f64; 3];
        for (scored, right) in rows {
            for (scored, probability) in scored.iter().zip(softmax(scored, &ranking)) {
                for (gradient, feature) in gradient.iter_mut().zip(features(scored)) {
                    *gradient -= probability * feature;
                }
            }
            for (gradient, feature) in gradient.iter_mut().zip(features(&scored[*right])) {
                *gradient += feature;
            }
        }
        for feature in 0..3 {
            let mean = gradient[feature] / rows.len() as f64;
            squares[feature] += mean * mean;
            let scale = [0.05, 0.005, 0.05][feature];
            weights[feature] =
                (weights[feature] + scale * mean / squares[feature].sqrt().max(1e-12)).max(0.0);
        }
    }
    Ranking { model: weights[0], cards: weights[1], codes: weights[2] }
}

fn features(scored: &Scored) -> [f64; 3] {
    [scored.log_prob, scored.cards, scored.codes]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scored(index: usize, log_prob: f64, cards: f64) -> Scored {
        Scored { index, log_prob, cards, codes: 0.0 }
    }

    #[test]
    fn the_feature_that_is_right_more_often_gets_the_weight() {
        // The cards are right nine times in ten, the model five times.
        let row = |model_is_right: bool, cards_are_right: bool| {
            let log_probs = if model_is_right { [-0.1, -2.0] } else { [-2.0, -0.1] };
            let cards = if cards_are_right { [30.0, 10.0] } else { [10.0, 30.0] };
            (vec![scored(0, log_probs[0], cards[0]), scored(1, log_probs[1], cards[1])], 0)
        };
        let rows: Vec<_> = (0..20).map(|i| row(i % 2 == 0, i % 10 != 3)).collect();
        let start = Ranking::default();
        let fitted = ascend(&rows, start);
        assert!(fitted.cards > start.cards && fitted.model < start.model, "{fitted:?}");
        let probability_of_right = |ranking: &Ranking| {
            rows.iter().map(|(scored, right)| softmax(scored, ranking)[*right].ln()).sum::<f64>()
        };
        assert!(probability_of_right(&fitted) > probability_of_right(&start));
        // Nine in ten is what the cards' weight should say, where the model says nothing.
        let said = softmax(&[scored(0, 0.0, 30.0), scored(1, 0.0, 10.0)], &fitted)[0];
        assert!((said - 0.9).abs() < 0.03, "{said}");
    }
}
