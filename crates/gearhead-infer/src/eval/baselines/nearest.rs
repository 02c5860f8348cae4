//! The training cases that are most like a case.

use std::collections::HashMap;

use gearhead_data::likeness::Feature;

use crate::linear::{Document, document_counts};

/// The usual constants of BM25.
const K1: f32 = 1.2;
const B: f32 = 0.75;

/// An index of documents by BM25.
///
/// # Source
///
/// Robertson and Zaragoza, *The Probabilistic Relevance Framework: BM25 and Beyond*, 2009, equation 3.15.
pub(super) struct Bm25 {
    /// For each feature the documents that have it, with its weight there.
    postings: HashMap<Feature, Vec<(u32, f32)>>,
    n_documents: usize,
}

impl Bm25 {
    pub(super) fn new(documents: &[Document]) -> Self {
        let counts = document_counts(documents);
        let length = |document: &Document| document.iter().map(|(_, count)| count).sum::<f32>();
        let n = documents.len() as f32;
        let mean_length = documents.iter().map(length).sum::<f32>() / n.max(1.0);
        let mut postings: HashMap<Feature, Vec<(u32, f32)>> = HashMap::new();
        for (number, document) in (0_u32..).zip(documents) {
            let norm = K1 * (1.0 - B + B * length(document) / mean_length);
            for (feature, count) in document {
                let with_it = counts[feature] as f32;
                let idf = (1.0 + (n - with_it + 0.5) / (with_it + 0.5)).ln();
                let weight = idf * count * (K1 + 1.0) / (count + norm);
                postings.entry(*feature).or_default().push((number, weight));
            }
        }
        Self { postings, n_documents: documents.len() }
    }

    /// The score of each document.
    pub(super) fn scores(&self, query: &Document) -> Vec<f32> {
        let mut scores = vec![0.0; self.n_documents];
        for (feature, _) in query {
            for (document, weight) in self.postings.get(feature).into_iter().flatten() {
                scores[*document as usize] += weight;
            }
        }
        scores
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_what_the_formula_says() {
        // Two documents of equal length; one feature in one of them, one in both.
        let index = Bm25::new(&[vec![(1, 2.0), (2, 1.0)], vec![(2, 3.0)]]);
        let idf = |with_it: f32| (1.0 + (2.0 - with_it + 0.5) / (with_it + 0.5)).ln();
        let expected = idf(1.0) * 2.0 * 2.2 / (2.0 + 1.2) + idf(2.0) * 2.2 / (1.0 + 1.2);
        let scores = index.scores(&vec![(1, 1.0), (2, 1.0)]);
        assert!((scores[0] - expected).abs() < 1e-5, "{scores:?} against {expected}");
        assert!(scores[1] > 0.0 && scores[1] < scores[0]);
        assert_eq!(index.scores(&vec![(9, 1.0)]), [0.0, 0.0]);
    }
}
