//! Fits how much the model, the cards and the codes count.

use gearhead_data::{
    case::Case,
    knowledge::KnowledgeBase,
    likeness::Linear,
    manifest::{Manifest, Outcomes, Ranking, Thresholds},
};

use super::{
    Diagnose,
    candidates::{Scored, rank, softmax},
};
use crate::document::of_case;

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
    /// The validation cases that say what they turned out to be, and fit the model.
    pub cases: usize,
    /// Those of them whose cause the engine does not rank: no answer to them can be right.
    pub unranked: usize,
}

/// What speaks for the causes of one validation case, and which of them is right, where it is ranked.
type Row = (Vec<Scored>, Option<usize>);

/// Whether the engine has its past cases wherever it is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PastCasesAre {
    /// Kept with the model.
    Kept,
    /// Those of whoever uses it, or none: their weight is fitted last, with the others as they are without them.
    Given,
}

/// Chooses how much each kind of evidence counts, and from which probability on the best cause stands as an answer.
///
/// The weights are those under which the recorded faults of `cases` are the most probable: a conditional logit model with
/// a weight for each kind of evidence, none of them negative. Since the probability of the right cause is what is
/// maximised, the weights also calibrate. Then the threshold is the least probability from which on at most the share
/// [`Thresholds::risk`] of the answers is wrong, with a confidence of nine in ten; each half of the cases is judged by
/// weights that were fitted on the other.
///
/// A case without a `fault` is known by the name of its cause. A case whose cause the engine does not rank counts as
/// answered wrongly, and says nothing of the weights; one that does not fit the model, or does not say what it turned out
/// to be, says nothing at all. Without any other the manifest's own values come back.
///
/// # Source
///
/// McFadden, *Conditional logit analysis of qualitative choice behavior*, 1974; Geifman and El-Yaniv, *Selective
/// classification for deep neural networks*, 2017, algorithm 1, with the bound of Clopper and Pearson.
pub fn fit(engine: &dyn Diagnose, cases: &[Case], past_cases: PastCasesAre) -> Option<Fitted> {
    let manifest = engine.manifest()?;
    let outcomes = Outcomes::new(&manifest.candidates);
    let row = |case: &Case| -> Option<Row> {
        case.label()?;
        let scored = engine.score_causes(case).ok()?;
        let right =
            outcomes.of(case).and_then(|right| scored.iter().position(|scored| scored.index == right));
        Some((scored, right))
    };
    let rows: Vec<Row> = cases.iter().filter_map(row).collect();
    let unranked = rows.iter().filter(|(_, right)| right.is_none()).count();
    let (cases, current) = (rows.len(), manifest.ranking);
    if cases == unranked {
        return Some(Fitted { ranking: current, thresholds: manifest.thresholds, cases, unranked });
    }
    let weights = |rows: &[&Row]| weights(rows, current, past_cases);
    let half = |first: usize| rows.iter().skip(first).step_by(2).collect::<Vec<&Row>>();
    let (even, odd) = (half(0), half(1));
    let judged = |rows: &[&Row], ranking: Ranking| -> Vec<(f64, bool)> {
        let answer = |(scored, right): &Row| {
            let best = rank(scored, &ranking)[0];
            (best.probability, right.is_some_and(|right| scored[right].index == best.index))
        };
        rows.iter().map(|row| answer(row)).collect()
    };
    let answers = [judged(&even, weights(&odd)), judged(&odd, weights(&even))].concat();
    let thresholds = answer_from(answers, manifest.thresholds.risk);
    Some(Fitted { ranking: weights(&rows.iter().collect::<Vec<_>>()), thresholds, cases, unranked })
}

/// The weights under which what `rows` turned out to be is the most probable.
fn weights(rows: &[&Row], current: Ranking, past_cases: PastCasesAre) -> Ranking {
    let rows: Vec<(&[Scored], usize)> =
        rows.iter().filter_map(|(scored, right)| Some((&scored[..], (*right)?))).collect();
    match past_cases {
        PastCasesAre::Kept => ascend(&rows, current, |_| true),
        PastCasesAre::Given => {
            let others = ascend(&rows, Ranking { cases: 0.0, ..current }, |kind| kind != Ranking::CASES);
            ascend(&rows, Ranking { cases: current.cases, ..others }, |kind| kind == Ranking::CASES)
        }
    }
}

/// Learns what single words and codes tell of the manifest's causes, from cases that say what they turned out to be.
/// `None` where none does.
pub fn learn_linear(
    manifest: &Manifest,
    cases: &[Case],
    knowledge: &KnowledgeBase,
    seed: u64,
) -> Option<Linear> {
    let outcomes = Outcomes::new(&manifest.candidates);
    let known = cases.iter().filter_map(|case| Some((of_case(case, knowledge), outcomes.of(case)?)));
    let (documents, classes): (Vec<_>, Vec<_>) = known.unzip();
    (!documents.is_empty()).then(|| Linear::learn(&documents, &classes, manifest.candidates.len(), seed))
}

/// The confidence with which the share of wrong answers stays below the stated risk.
const CONFIDENCE: f64 = 0.9;

/// The least probability from which on answers are wrong at most as often as `risk` says, by an upper bound that holds for
/// all the thresholds that are looked at; [`Thresholds::NEVER`] where none keeps to it.
fn answer_from(mut answers: Vec<(f64, bool)>, risk: f64) -> Thresholds {
    answers.sort_by(|a, b| b.0.total_cmp(&a.0));
    let looks = answers.len().max(1).ilog2() + 1;
    let left_over = (1.0 - CONFIDENCE) / f64::from(looks);
    let mut found = Thresholds { answer_from: Thresholds::NEVER, risk, coverage: 0.0 };
    // So few answers keep to no risk, not even if all are right.
    let too_few = (left_over.ln() / (1.0 - risk).ln()).ceil() as usize - 1;
    // More than so many answers keep to the risk, and more than that many do not: half of what is between is looked at.
    let (mut least, mut most) = (too_few.min(answers.len()), answers.len());
    while least < most {
        let middle = (least + most).div_ceil(2);
        let probability = answers[middle - 1].0;
        let answered = answers.partition_point(|(other, _)| *other >= probability);
        let wrong = answers[..answered].iter().filter(|(_, is_right)| !is_right).count();
        if upper_bound(wrong, answered, left_over) <= risk {
            let coverage = answered as f64 / answers.len() as f64;
            found = Thresholds { answer_from: probability, coverage, ..found };
            least = answered;
        } else {
            most = middle - 1;
        }
    }
    found
}

/// The upper bound of a share of which `k` of `n` were seen, which the share `left_over` of all samples exceeds.
///
/// Source: Clopper and Pearson, *The use of confidence or fiducial limits*, 1934: the share under which seeing so few has
/// the probability left over, found by halving.
fn upper_bound(k: usize, n: usize, left_over: f64) -> f64 {
    let (mut low, mut high) = (k as f64 / n as f64, 1.0);
    for _ in 0..50 {
        let middle = 0.5 * (low + high);
        if at_most(k, n, middle) > left_over { low = middle } else { high = middle }
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

/// Gradient ascent on the mean log-probability in the weights that are free, each with a step of its own (Adagrad), since
/// the kinds of evidence have different scales. It begins at 0, and a weight is held to a normal distribution of the
/// spread of its evidence, as if that were one case more: a few cases that are all told right would else take it without
/// end. The others stay as they are, and so do those of evidence that is the same for every cause: it says nothing.
fn ascend(rows: &[(&[Scored], usize)], current: Ranking, is_free: impl Fn(usize) -> bool) -> Ranking {
    let mut weights = current.to_array();
    let mut squares = [0.0_f64; Ranking::LEN];
    let spreads = spreads(rows);
    let is_fitted = |kind: usize| is_free(kind) && spreads[kind] > 0.0;
    for kind in (0..Ranking::LEN).filter(|kind| is_fitted(*kind)) {
        weights[kind] = 0.0;
    }
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
        for kind in (0..Ranking::LEN).filter(|kind| is_fitted(*kind)) {
            let pull = weights[kind] * spreads[kind];
            let mean = (gradient[kind] / spreads[kind] - pull) / rows.len() as f64;
            squares[kind] += mean * mean;
            let step = STEP * mean / squares[kind].sqrt().max(1e-12);
            weights[kind] = (weights[kind] + step / spreads[kind]).max(0.0);
        }
    }
    Ranking::from_array(weights)
}

/// How far each kind of evidence is spread among the causes of a case, on average.
fn spreads(rows: &[(&[Scored], usize)]) -> [f64; Ranking::LEN] {
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
#[allow(clippy::float_cmp, reason = "values that are handed on, not computed")]
mod tests {
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    #[test]
    fn the_bound_is_the_published_one() {
        // Nothing of n: 1 - 0.1^(1/n).
        assert!((upper_bound(0, 50, 0.1) - (1.0 - 0.1_f64.powf(1.0 / 50.0))).abs() < 1e-9);
        // Three of a hundred, one-sided 90 %.
        assert!((upper_bound(3, 100, 0.1) - 0.0657).abs() < 5e-4, "{}", upper_bound(3, 100, 0.1));
    }

    #[test]
    fn answers_are_given_from_where_few_enough_are_wrong() {
        let answers = |n: usize| (0..n).map(|i| (1.0 - i as f64 / n as f64, i < n / 2)).collect::<Vec<_>>();
        let found = answer_from(answers(400), 0.05);
        assert!((0.46..0.52).contains(&found.coverage), "{found:?}");
        assert!((0.48..0.54).contains(&found.answer_from) && found.answers(0.9), "{found:?}");
        let none = answer_from(vec![(1.0, false), (0.8, true)], 0.05);
        assert!(none.coverage == 0.0 && !none.answers(1.0), "{none:?}");
        // Of 100, half are too few to tell anything by.
        let few = answer_from((0..100).map(|i| (1.0 - f64::from(i) / 1000.0, true)).collect(), 0.05);
        assert!(few.coverage == 1.0 && few.answers(0.95), "{few:?}");
        let too_few = answer_from(vec![(0.9, true); 70], 0.05);
        assert!(too_few.coverage == 0.0 && !too_few.answers(1.0), "{too_few:?}");
        let equal = answer_from(vec![(0.7, true); 300], 0.05);
        assert!(equal.answer_from == 0.7 && equal.coverage == 1.0, "{equal:?}");
    }

    #[test]
    fn the_stated_risk_is_kept_nine_times_in_ten() {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let mut answer = || {
            let probability: f64 = rng.random();
            (probability, rng.random::<f64>() < probability)
        };
        let kept = (0..200).filter(|_| {
            let found = answer_from((0..500).map(|_| answer()).collect(), 0.1);
            // An answer of probability p is right with probability p, so from p on (1 - p) / 2 of them are wrong.
            found.coverage == 0.0 || (1.0 - found.answer_from) / 2.0 <= 0.1
        });
        assert!(kept.count() >= 180);
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
            (vec![scored(0, log_probs[0], cards[0]), scored(1, log_probs[1], cards[1])], Some(0))
        };
        let rows: Vec<Row> = (0..200).map(|i| row(i % 2 == 0, i % 10 != 3)).collect();
        let start = Ranking { cases: 0.4, ..Ranking::default() };
        let fitted = weights(&rows.iter().collect::<Vec<_>>(), start, PastCasesAre::Given);
        // No past case says anything here.
        assert!(fitted.cases == 0.4, "{fitted:?}");
        assert!(fitted.cards > start.cards && fitted.model < start.model, "{fitted:?}");
        let probability_of_right =
            |ranking: &Ranking| rows.iter().map(|(scored, _)| softmax(scored, ranking)[0].ln()).sum::<f64>();
        assert!(probability_of_right(&fitted) > probability_of_right(&start));
        // Nine in ten is what the cards' weight should say, where the model says nothing.
        let said = softmax(&[scored(0, 0.0, 30.0), scored(1, 0.0, 10.0)], &fitted)[0];
        assert!((said - 0.9).abs() < 0.03, "{said}");
    }
}
