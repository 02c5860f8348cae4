//! Fits how much the model, the cards and the codes count.

use gearhead_data::{
    case::Case,
    knowledge::KnowledgeBase,
    manifest::{Manifest, Ranking, Thresholds},
};

use super::{
    Diagnose,
    candidates::{Scored, rank, softmax},
};
use crate::linear::{Linear, of_case};

/// Steps of the ascent; the problem has a handful of variables and is concave.
const STEPS: usize = 400;
/// The first step of each weight, in units of what moves a score by one.
const STEP: f64 = 0.3;

/// What is chosen on validation cases.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Fitted {
    /// How much each kind of evidence counts.
    pub ranking: Ranking,
    /// From when on an answer is given.
    pub thresholds: Thresholds,
}

/// Chooses how much each kind of evidence counts, and from which probability on the best cause stands as an answer.
///
/// The weights are those under which the recorded faults of `cases` are the most probable: a conditional logit model with
/// a weight for each kind of evidence, none of them negative. Since the probability of the right cause is what is
/// maximised, the weights also calibrate. Then the threshold is the least probability from which on at most the share
/// [`Thresholds::risk`] of the answers was wrong, with a confidence of nine in ten.
///
/// A case without a `fault` is known by the name of its cause. Cases whose cause the engine does not rank, or that do not
/// fit the model, say nothing; without any other the manifest's own values come back.
///
/// # Source
///
/// McFadden, *Conditional logit analysis of qualitative choice behavior*, 1974; Geifman and El-Yaniv, *Selective
/// classification for deep neural networks*, 2017, section 3, with the bound of Clopper and Pearson.
pub fn fit(engine: &dyn Diagnose, cases: &[Case]) -> Option<Fitted> {
    let manifest = engine.manifest()?;
    let mut rows: Vec<(Vec<Scored>, usize)> = Vec::new();
    for case in cases {
        let Some(right) = manifest.candidate_of(case) else { continue };
        let Ok(scored) = engine.score_causes(case) else { continue };
        if let Some(right) = scored.iter().position(|scored| scored.index == right) {
            rows.push((scored, right));
        }
    }
    if rows.is_empty() {
        return Some(Fitted { ranking: manifest.ranking, thresholds: manifest.thresholds });
    }
    let ranking = ascend(&rows, manifest.ranking);
    let answers = rows.iter().map(|(scored, right)| {
        let best = rank(scored, &ranking)[0];
        (best.probability, best.index == scored[*right].index)
    });
    let thresholds = answer_from(answers.collect(), manifest.thresholds.risk);
    Some(Fitted { ranking, thresholds })
}

/// Learns what single words and codes tell of the manifest's causes, from cases that say what they turned out to be.
/// `None` where none does.
pub fn learn_linear(
    manifest: &Manifest,
    cases: &[Case],
    knowledge: &KnowledgeBase,
    seed: u64,
) -> Option<Linear> {
    let known =
        cases.iter().filter_map(|case| Some((of_case(case, knowledge), manifest.candidate_of(case)?)));
    let (documents, classes): (Vec<_>, Vec<_>) = known.unzip();
    (!documents.is_empty()).then(|| Linear::learn(&documents, &classes, manifest.candidates.len(), seed))
}

/// The confidence with which the share of wrong answers stays below the stated risk.
const CONFIDENCE: f64 = 0.9;

/// The least probability from which on answers are wrong at most as often as `risk` says, by an upper bound; above every
/// answer where there is none.
fn answer_from(mut answers: Vec<(f64, bool)>, risk: f64) -> Thresholds {
    answers.sort_by(|a, b| b.0.total_cmp(&a.0));
    let (mut wrong, mut best) = (0_usize, None);
    for (index, (probability, is_right)) in answers.iter().enumerate() {
        wrong += usize::from(!is_right);
        let is_last_of_equals = answers.get(index + 1).is_none_or(|next| next.0 < *probability);
        if is_last_of_equals && upper_bound(wrong, index + 1) <= risk {
            best = Some((*probability, index + 1));
        }
    }
    let (answer_from, answered) = best.unwrap_or((1.0, 0));
    Thresholds { answer_from, risk, coverage: answered as f64 / answers.len() as f64 }
}

/// The upper bound of a share of which `k` of `n` were seen, one-sided with `CONFIDENCE`.
///
/// Source: Clopper and Pearson, *The use of confidence or fiducial limits*, 1934: the share under which seeing so few has
/// the probability left over, found by halving.
fn upper_bound(k: usize, n: usize) -> f64 {
    let (mut low, mut high) = (k as f64 / n as f64, 1.0);
    for _ in 0..50 {
        let middle = 0.5 * (low + high);
        if at_most(k, n, middle) > 1.0 - CONFIDENCE { low = middle } else { high = middle }
    }
    high
}

/// The probability of at most `k` of `n` where each has probability `p`.
fn at_most(k: usize, n: usize, p: f64) -> f64 {
    let mut log_term = n as f64 * (1.0 - p).ln();
    let mut sum = log_term.exp();
    for i in 0..k {
        log_term += ((n - i) as f64 / (i + 1) as f64).ln() + (p / (1.0 - p)).ln();
        sum += log_term.exp();
    }
    sum.min(1.0)
}

/// Gradient ascent on the mean log-probability, each weight with a step of its own (Adagrad), since the kinds of evidence
/// have different scales.
fn ascend(rows: &[(Vec<Scored>, usize)], current: Ranking) -> Ranking {
    let mut weights = current.to_array();
    let mut squares = [0.0_f64; Ranking::LEN];
    let spreads = spreads(rows);
    for _ in 0..STEPS {
        let ranking = Ranking::from_array(weights);
        let mut gradient = [0.0_f64; Ranking::LEN];
        for (scored, right) in rows {
            for (scored, probability) in scored.iter().zip(softmax(scored, &ranking)) {
                for (gradient, evidence) in gradient.iter_mut().zip(scored.evidence.to_array()) {
                    *gradient -= probability * evidence;
                }
            }
            for (gradient, evidence) in gradient.iter_mut().zip(scored[*right].evidence.to_array()) {
                *gradient += evidence;
            }
        }
        for kind in 0..Ranking::LEN {
            // Evidence that is the same for every cause says nothing.
            if spreads[kind] == 0.0 {
                weights[kind] = 0.0;
                continue;
            }
            let mean = gradient[kind] / spreads[kind] / rows.len() as f64;
            squares[kind] += mean * mean;
            let step = STEP * mean / squares[kind].sqrt().max(1e-12);
            weights[kind] = (weights[kind] + step / spreads[kind]).max(0.0);
        }
    }
    Ranking::from_array(weights)
}

/// How far each kind of evidence is spread among the causes of a case, on average.
fn spreads(rows: &[(Vec<Scored>, usize)]) -> [f64; Ranking::LEN] {
    let mut spreads = [0.0; Ranking::LEN];
    for (scored, _) in rows {
        for (kind, spread) in spreads.iter_mut().enumerate() {
            let values = || scored.iter().map(|scored| scored.evidence.to_array()[kind]);
            let mean = values().sum::<f64>() / scored.len() as f64;
            let variance = values().map(|value| (value - mean).powi(2)).sum::<f64>() / scored.len() as f64;
            *spread += variance.sqrt() / rows.len() as f64;
        }
    }
    spreads
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_is_the_published_one() {
        // Nothing of n: 1 - 0.1^(1/n).
        assert!((upper_bound(0, 50) - (1.0 - 0.1_f64.powf(1.0 / 50.0))).abs() < 1e-9);
        // Three of a hundred, one-sided 90 %.
        assert!((upper_bound(3, 100) - 0.0657).abs() < 5e-4, "{}", upper_bound(3, 100));
    }

    #[test]
    fn answers_are_given_from_where_few_enough_are_wrong() {
        let answers = |n: usize| (0..n).map(|i| (1.0 - i as f64 / n as f64, i < n / 2)).collect::<Vec<_>>();
        let found = answer_from(answers(200), 0.05);
        assert!(
            (0.48..0.52).contains(&found.coverage) && (0.48..0.53).contains(&found.answer_from),
            "{found:?}"
        );
        let none = answer_from(vec![(0.9, false), (0.8, true)], 0.05);
        assert_eq!((none.answer_from, none.coverage), (1.0, 0.0));
    }

    fn scored(index: usize, log_prob: f64, cards: f64) -> Scored {
        let evidence = Ranking { model: log_prob, cards, ..Ranking::from_array([0.0; Ranking::LEN]) };
        Scored { index, evidence }
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
