//! BM25 over counted features: the index of the fault cards, and of training cases in an evaluation.

use gearhead_data::likeness::{Document, Feature, Keyed};

/// An inverted index from features to documents.
///
/// # Source
///
/// Robertson and Zaragoza, *The Probabilistic Relevance Framework: BM25 and Beyond*, 2009, equation 3.15.
#[derive(Debug)]
pub(crate) struct Bm25 {
    /// For each feature the documents that have it, with its weight there.
    postings: Keyed<Vec<(u32, f32)>>,
    n_documents: usize,
}

impl Bm25 {
    /// An index with a saturation `k1` of a feature's count and a weight `b` of a document's length.
    pub(crate) fn new(documents: &[Document], k1: f32, b: f32) -> Self {
        let length = |document: &Document| document.iter().map(|(_, count)| count).sum::<f32>();
        let lengths: Vec<f32> = documents.iter().map(length).collect();
        let mean_length = lengths.iter().sum::<f32>() / lengths.len().max(1) as f32;
        let mut postings: Keyed<Vec<(u32, f32)>> = Keyed::default();
        for (number, document) in (0..).zip(documents) {
            for (feature, count) in document {
                postings.entry(*feature).or_default().push((number, *count));
            }
        }
        for of_feature in postings.values_mut() {
            let idf = idf(documents.len(), of_feature.len());
            for (document, weight) in of_feature {
                let (count, length) = (*weight, lengths[*document as usize] / mean_length);
                *weight = idf * count * (k1 + 1.0) / (count + k1 * (1.0 - b + b * length));
            }
        }
        Self { postings, n_documents: documents.len() }
    }

    /// The score of each document. A feature of the query counts as often as it stands there, at most `limit` times.
    pub(crate) fn scores(&self, query: &Document, limit: f32) -> Vec<f32> {
        let mut scores = vec![0.0; self.n_documents];
        for (feature, count) in query {
            for (document, weight) in self.postings.get(feature).into_iter().flatten() {
                scores[*document as usize] += weight * count.min(limit);
            }
        }
        scores
    }

    /// How rare a feature is; `None` of one that no document has.
    pub(crate) fn idf(&self, feature: Feature) -> Option<f32> {
        Some(idf(self.n_documents, self.postings.get(&feature)?.len()))
    }
}

/// The weight of a feature that `with_it` of `n` documents have.
fn idf(n: usize, with_it: usize) -> f32 {
    let (n, with_it) = (n as f32, with_it as f32);
    (1.0 + (n - with_it + 0.5) / (with_it + 0.5)).ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_what_the_formula_says() {
        // Two documents of equal length; one feature in one of them, one in both.
        let index = Bm25::new(&[vec![(1, 2.0), (2, 1.0)], vec![(2, 3.0)]], 1.2, 0.75);
        let idf = |with_it: f32| (1.0 + (2.0 - with_it + 0.5) / (with_it + 0.5)).ln();
        let expected = idf(1.0) * 2.0 * 2.2 / (2.0 + 1.2) + idf(2.0) * 2.2 / (1.0 + 1.2);
        let scores = index.scores(&vec![(1, 1.0), (2, 1.0)], 1.0);
        assert!((scores[0] - expected).abs() < 1e-5, "{scores:?} against {expected}");
        assert!(scores[1] > 0.0 && scores[1] < scores[0]);
        assert_eq!(index.scores(&vec![(9, 1.0)], 1.0), [0.0, 0.0]);
        assert_eq!((index.idf(2), index.idf(9)), (Some(idf(2.0)), None));
        let twice = index.scores(&vec![(1, 3.0)], 2.0);
        assert!((twice[0] - 2.0 * index.scores(&vec![(1, 3.0)], 1.0)[0]).abs() < 1e-5);
    }
}
