//! Many documents end to end, without padding.
//!
//! A batch is one flat sequence of tokens with the offsets at which documents begin. Attention stays inside a
//! document and positions start again at 0 in each, so that a batch of any mixture of lengths computes exactly what
//! its documents compute alone.

use crate::prompt::Document;

/// Documents end to end, each shifted by one token: inputs on the left, what they predict on the right.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Batch {
    /// Token ids of every document but its last, end to end.
    pub inputs: Vec<u32>,
    /// Where each document begins in `inputs`, and at the end the length of `inputs`.
    pub offsets: Vec<usize>,
    /// Positions in `inputs` whose prediction counts in the loss, ascending.
    pub target_positions: Vec<usize>,
    /// The token that follows each of them.
    pub target_ids: Vec<u32>,
}

impl Batch {
    /// Packs documents. A document of fewer than two tokens predicts nothing and is left out.
    pub fn pack<'a>(documents: impl IntoIterator<Item = &'a Document>) -> Self {
        let mut batch = Self { offsets: vec![0], ..Self::default() };
        for document in documents.into_iter().filter(|document| document.ids.len() > 1) {
            let start = batch.inputs.len();
            let inputs = document.ids.len() - 1;
            batch.inputs.extend_from_slice(&document.ids[..inputs]);
            for position in 0..inputs {
                if document.is_target[position + 1] {
                    batch.target_positions.push(start + position);
                    batch.target_ids.push(document.ids[position + 1]);
                }
            }
            batch.offsets.push(batch.inputs.len());
        }
        batch
    }

    /// How many documents it holds.
    pub fn document_count(&self) -> usize {
        self.offsets.len().saturating_sub(1)
    }

    /// Pairs of a token and one that it attends to: itself, or an earlier one of its document.
    pub fn pair_count(&self) -> usize {
        let pairs = |length: usize| length * (length + 1) / 2;
        self.offsets.windows(2).map(|ends| pairs(ends[1] - ends[0])).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_shifted_apart_and_boundaries_known() {
        let a = Document { ids: vec![1, 5, 6, 7], is_target: vec![false, false, true, true], name_end: None };
        let b = Document::text(vec![1, 9]);
        let batch = Batch::pack([&a, &Document::text(vec![3]), &b]);
        assert_eq!(batch.inputs, [1, 5, 6, 1]);
        assert_eq!(batch.offsets, [0, 3, 4]);
        assert_eq!(batch.target_positions, [1, 2, 3]);
        assert_eq!(batch.target_ids, [6, 7, 9]);
        assert_eq!(batch.document_count(), 2);
        assert_eq!(batch.pair_count(), 6 + 1);
    }

    #[test]
    fn nothing_packs_to_nothing() {
        let batch = Batch::pack([]);
        assert_eq!((batch.document_count(), batch.inputs.len(), batch.offsets), (0, 0, vec![0]));
    }
}
