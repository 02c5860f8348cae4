//! Answering only when sure: how many wrong answers that saves, and how many right ones it costs.

use serde::Serialize;

/// At most this many points of a curve are kept.
const POINTS: usize = 100;

/// What comes of answering only from some probability on.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Selective {
    /// Rows with a label.
    pub n: usize,
    /// The probability from which on the model answers.
    pub answer_from: f64,
    /// The share of wrong answers that it was chosen for, on the validation cases of the training.
    pub stated_risk: f64,
    /// Share of the rows that were answered.
    pub coverage: f64,
    /// Share of the answers that were wrong; 0 where nothing was answered.
    pub risk: f64,
    /// Share of the rows that were answered wrongly.
    pub false_answers: f64,
    /// Share of the rows whose best cause was right and was not given as an answer.
    pub false_refusals: f64,
    /// Share of the rows that were declined as if they were not about a fault, or asked to defeat a safety device.
    pub declined: f64,
    /// The mean risk over all coverages, the surest answers first: the area under the curve.
    pub area: f64,
    /// Risk at each coverage, if the surest answers were given first.
    pub curve: Vec<RiskPoint>,
}

/// A point of the curve of risk against coverage.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct RiskPoint {
    /// Share of the rows that are answered.
    pub coverage: f64,
    /// Share of those that are wrong.
    pub risk: f64,
}

/// One answer, as far as this goes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Answer {
    pub(super) probability: f64,
    pub(super) is_right: bool,
    pub(super) abstained: bool,
    pub(super) declined: bool,
}

pub(super) fn selective(answers: &[Answer], answer_from: f64, stated_risk: f64) -> Selective {
    let n = answers.len();
    let share = |is: &dyn Fn(&Answer) -> bool| {
        answers.iter().filter(|answer| is(answer)).count() as f64 / n.max(1) as f64
    };
    let coverage = share(&|answer| !answer.abstained);
    let false_answers = share(&|answer| !answer.abstained && !answer.is_right);
    let risks = risks(answers);
    let kept = (1..=n).filter(|answered| {
        n <= POINTS || *answered == n || answered * POINTS / n > (answered - 1) * POINTS / n
    });
    Selective {
        n,
        answer_from,
        stated_risk,
        coverage,
        risk: if coverage > 0.0 { false_answers / coverage } else { 0.0 },
        false_answers,
        false_refusals: share(&|answer| answer.abstained && answer.is_right),
        declined: share(&|answer| answer.declined),
        area: risks.iter().sum::<f64>() / n.max(1) as f64,
        curve: kept
            .map(|answered| RiskPoint { coverage: answered as f64 / n as f64, risk: risks[answered - 1] })
            .collect(),
    }
}

/// The risk after one, two and so on of the surest answers. Of answers that are equally sure any may come first, so that
/// each has its share of the wrong ones.
///
/// Source: Geifman, Uziel and El-Yaniv, *Bias-reduced uncertainty estimation for deep neural classifiers*, 2019, section 2.
fn risks(answers: &[Answer]) -> Vec<f64> {
    let mut sorted = answers.to_vec();
    sorted.sort_by(|a, b| b.probability.total_cmp(&a.probability));
    let mut risks = Vec::with_capacity(sorted.len());
    let mut wrong = 0.0;
    for equals in sorted.chunk_by(|a, b| a.probability.total_cmp(&b.probability).is_eq()) {
        let share = equals.iter().filter(|answer| !answer.is_right).count() as f64 / equals.len() as f64;
        for _ in equals {
            wrong += share;
            risks.push(wrong / (risks.len() + 1) as f64);
        }
    }
    risks
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(probability: f64, is_right: bool) -> Answer {
        Answer { probability, is_right, abstained: probability < 0.5, declined: false }
    }

    #[test]
    fn risk_and_coverage_are_what_their_definitions_say() {
        let answers = [answer(0.9, true), answer(0.4, true), answer(0.6, false), answer(0.2, false)];
        let found = selective(&answers, 0.5, 0.05);
        assert_eq!((found.n, found.coverage, found.risk), (4, 0.5, 0.5));
        assert_eq!((found.false_answers, found.false_refusals, found.declined), (0.25, 0.25, 0.0));
        // In the order right, wrong, right, wrong: 0, 1/2, 1/3, 2/4.
        assert!((found.area - (0.5 + 1.0 / 3.0 + 0.5) / 4.0).abs() < 1e-12);
        assert_eq!(found.curve.len(), 4);
        assert_eq!(found.curve[3], RiskPoint { coverage: 1.0, risk: 0.5 });
    }

    #[test]
    fn equals_share_their_mistakes_and_long_curves_are_thinned() {
        let equals = [answer(0.7, false), answer(0.7, true)];
        assert!(selective(&equals, 0.5, 0.05).curve.iter().all(|point| (point.risk - 0.5).abs() < 1e-12));
        let many: Vec<Answer> = (0..1_000).map(|i| answer(f64::from(i) / 1_000.0, true)).collect();
        let curve = selective(&many, 0.5, 0.05).curve;
        assert!(curve.len() <= 100 && (curve.last().unwrap().coverage - 1.0).abs() < 1e-12);
        assert_eq!(selective(&[], 0.5, 0.05).curve, []);
    }
}
