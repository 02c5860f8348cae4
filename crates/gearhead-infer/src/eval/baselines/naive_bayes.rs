//! Multinomial naive Bayes.

use std::collections::{BTreeMap, HashMap};

use gearhead_data::likeness::{Document, Feature};

/// What is added to each count: Lidstone's smoothing.
const ALPHA: f64 = 0.1;

/// Log-probabilities of features in classes.
///
/// # Source
///
/// McCallum and Nigam, *A comparison of event models for naive Bayes text classification*, 1998.
pub(super) struct NaiveBayes {
    log_prior: Vec<f64>,
    /// Of a known feature that the class never had.
    log_unseen: Vec<f64>,
    /// For each known feature the classes that had it, with how much more probable it is there than an unseen one.
    gains: HashMap<Feature, Vec<(usize, f64)>>,
}

impl NaiveBayes {
    /// Learns from documents and their classes, of which there are `n_classes`, each with a document.
    pub(super) fn new(documents: &[Document], classes: &[usize], n_classes: usize) -> Self {
        let mut counts: HashMap<Feature, BTreeMap<usize, f64>> = HashMap::new();
        let (mut totals, mut sizes) = (vec![0.0; n_classes], vec![0.0; n_classes]);
        for (document, class) in documents.iter().zip(classes) {
            sizes[*class] += 1.0;
            for (feature, count) in document {
                *counts.entry(*feature).or_default().entry(*class).or_default() += f64::from(*count);
                totals[*class] += f64::from(*count);
            }
        }
        let vocabulary = counts.len() as f64;
        let gain = |count: f64| ((count + ALPHA) / ALPHA).ln();
        let gains = counts.into_iter().map(|(feature, of_classes)| {
            (feature, of_classes.into_iter().map(|(class, count)| (class, gain(count))).collect())
        });
        Self {
            log_prior: sizes.iter().map(|size: &f64| (size / documents.len() as f64).ln()).collect(),
            log_unseen: totals
                .iter()
                .map(|total: &f64| (ALPHA / (total + ALPHA * vocabulary)).ln())
                .collect(),
            gains: gains.collect(),
        }
    }

    /// The log-probability of each class with the document, up to a constant. Features that no class had say nothing.
    pub(super) fn scores(&self, document: &Document) -> Vec<f64> {
        let mut scores = self.log_prior.clone();
        for (feature, count) in document {
            let (Some(gains), count) = (self.gains.get(feature), f64::from(*count)) else { continue };
            scores.iter_mut().zip(&self.log_unseen).for_each(|(score, unseen)| *score += count * unseen);
            for (class, gain) in gains {
                scores[*class] += count * gain;
            }
        }
        scores
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_are_counted() {
        let documents = [vec![(1, 3.0), (2, 1.0)], vec![(2, 2.0)], vec![(2, 1.0), (3, 1.0)]];
        let bayes = NaiveBayes::new(&documents, &[0, 1, 1], 2);
        let scores = bayes.scores(&vec![(1, 1.0), (9, 4.0)]);
        // Three words are known; class 0 has four, class 1 four.
        let expected = [(1.0_f64 / 3.0 * 3.1 / 4.3).ln(), (2.0_f64 / 3.0 * 0.1 / 4.3).ln()];
        for (score, expected) in scores.iter().zip(expected) {
            assert!((score - expected).abs() < 1e-12, "{score} against {expected}");
        }
        let of_two = bayes.scores(&vec![(2, 1.0)]);
        assert!(of_two[1] > of_two[0]);
    }
}
