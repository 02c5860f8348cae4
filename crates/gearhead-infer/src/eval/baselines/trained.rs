//! The baselines that learn from training cases.

use std::{cmp::Reverse, collections::HashMap};

use gearhead_data::{case::Case, knowledge::KnowledgeBase, likeness::Linear};

use super::{super::labels::Labels, Baseline, naive_bayes::NaiveBayes};
use crate::{
    bm25::Bm25,
    document::{of_case, of_words},
};

/// The usual constants of BM25.
const K1: f32 = 1.2;
const B: f32 = 0.75;

/// What was learned from the training cases that say what they turned out to be.
pub(in super::super) struct Trained<'a> {
    knowledge: &'a KnowledgeBase,
    /// The labels, the most frequent first.
    labels: Vec<String>,
    /// How often each label was recorded for each machine.
    by_equipment: HashMap<String, Vec<f64>>,
    /// How often each label was recorded.
    frequencies: Vec<f64>,
    cases: Vec<Case>,
    /// The label of each case, by its number.
    classes: Vec<usize>,
    nearest: Bm25,
    bayes: NaiveBayes,
    logistic: Linear,
}

impl<'a> Trained<'a> {
    /// Learns; nothing where no case has a label.
    pub(in super::super) fn new(
        cases: &[Case],
        labels: &Labels<'_>,
        knowledge: &'a KnowledgeBase,
        seed: u64,
    ) -> Option<Self> {
        let labelled: Vec<(&Case, String)> =
            cases.iter().filter_map(|case| Some((case, labels.of(case)?))).collect();
        let mut counts: HashMap<&str, usize> = HashMap::new();
        for (_, label) in &labelled {
            *counts.entry(label).or_default() += 1;
        }
        let mut sorted: Vec<(&str, usize)> = counts.into_iter().collect();
        sorted.sort_unstable_by_key(|(label, count)| (Reverse(*count), *label));
        let numbers: HashMap<&str, usize> =
            sorted.iter().enumerate().map(|(number, (label, _))| (*label, number)).collect();
        let n_labels = sorted.len();
        if n_labels == 0 {
            return None;
        }
        let classes: Vec<usize> = labelled.iter().map(|(_, label)| numbers[label.as_str()]).collect();
        let mut by_equipment: HashMap<String, Vec<f64>> = HashMap::new();
        for ((case, _), class) in labelled.iter().zip(&classes) {
            by_equipment.entry(machine(case)).or_insert_with(|| vec![0.0; n_labels])[*class] += 1.0;
        }
        let words: Vec<_> = labelled.iter().map(|(case, _)| of_words(case)).collect();
        let documents: Vec<_> = labelled.iter().map(|(case, _)| of_case(case, knowledge)).collect();
        Some(Self {
            knowledge,
            frequencies: sorted.iter().map(|(_, count)| *count as f64 / labelled.len() as f64).collect(),
            nearest: Bm25::new(&words, K1, B),
            bayes: NaiveBayes::new(&documents, &classes, n_labels),
            logistic: Linear::learn(&documents, &classes, n_labels, seed),
            by_equipment,
            classes,
            labels: sorted.into_iter().map(|(label, _)| label.to_owned()).collect(),
            cases: labelled.into_iter().map(|(case, _)| case.clone()).collect(),
        })
    }

    /// The labels as a baseline that learns ranks them, the best first; of equals the more frequent one.
    pub(super) fn rank(&self, baseline: Baseline, case: &Case) -> Vec<&str> {
        let scores = match baseline {
            Baseline::EquipmentOnly => self.by_equipment(case),
            Baseline::NearestCase => self.by_nearest_case(case),
            Baseline::NaiveBayes => self.bayes.scores(&of_case(case, self.knowledge)),
            Baseline::TfidfLogistic => self.logistic.scores(&of_case(case, self.knowledge)),
            _ => self.frequencies.clone(),
        };
        let mut order: Vec<usize> = (0..self.labels.len()).collect();
        order.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]).then(a.cmp(b)));
        order.into_iter().map(|label| self.labels[label].as_str()).collect()
    }

    /// By how often the machine had it; then by how often any machine had it.
    fn by_equipment(&self, case: &Case) -> Vec<f64> {
        let Some(counts) = self.by_equipment.get(&machine(case)) else { return self.frequencies.clone() };
        counts.iter().zip(&self.frequencies).map(|(count, frequency)| count + frequency).collect()
    }

    /// The score of each training case; each feature counts once.
    fn alike(&self, case: &Case) -> Vec<f32> {
        self.nearest.scores(&of_words(case), 1.0)
    }

    /// By the score of the nearest case of each label.
    fn by_nearest_case(&self, case: &Case) -> Vec<f64> {
        let mut best = vec![0.0_f64; self.labels.len()];
        for (score, class) in self.alike(case).into_iter().zip(&self.classes) {
            best[*class] = best[*class].max(f64::from(score));
        }
        best
    }

    /// The training case that is most like a case.
    pub(in super::super) fn nearest_case(&self, case: &Case) -> Option<&Case> {
        let scores = self.alike(case);
        let best = (0..scores.len()).max_by(|a, b| scores[*a].total_cmp(&scores[*b]).then(b.cmp(a)))?;
        Some(&self.cases[best])
    }

    /// The first training case of the most frequent label.
    pub(in super::super) fn majority_case(&self) -> Option<&Case> {
        let first = self.classes.iter().position(|class| *class == 0)?;
        Some(&self.cases[first])
    }
}

fn machine(case: &Case) -> String {
    case.equipment.trim().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(equipment: &str, symptom: &str, fault: &str) -> Case {
        let mut case = Case::new(equipment, symptom);
        case.fault = Some(fault.to_owned());
        case
    }

    #[test]
    fn each_baseline_learns_what_it_is_to_learn() {
        let knowledge = KnowledgeBase::builtin();
        let labels = Labels::new(None, knowledge);
        let mut cases = Vec::new();
        for _ in 0..3 {
            cases.push(case("CAT 320", "hydraulic pump whines when cold", "pump"));
            cases.push(case("CAT 320", "hydraulic pump is noisy", "pump"));
            cases.push(case("Komatsu PC200", "battery is flat in the morning", "battery"));
        }
        let trained = Trained::new(&cases, &labels, knowledge, 1).unwrap();
        assert_eq!(trained.labels, ["pump", "battery"]);
        let best = |baseline, case: &Case| trained.rank(baseline, case)[0].to_owned();
        let flat = Case::new("CAT 320", "batteries flat this morning");
        assert_eq!(best(Baseline::EquipmentOnly, &flat), "pump");
        assert_eq!(best(Baseline::EquipmentOnly, &Case::new("komatsu pc200 ", "x")), "battery");
        assert_eq!(best(Baseline::EquipmentOnly, &Case::new("another", "x")), "pump");
        for baseline in [Baseline::NearestCase, Baseline::NaiveBayes, Baseline::TfidfLogistic] {
            assert_eq!(best(baseline, &flat), "battery", "{baseline:?}");
        }
        assert_eq!(trained.nearest_case(&flat).unwrap().fault.as_deref(), Some("battery"));
        assert_eq!(trained.majority_case().unwrap().symptom, "hydraulic pump whines when cold");
        assert!(Trained::new(&[Case::new("a", "b")], &labels, knowledge, 1).is_none());
    }
}
