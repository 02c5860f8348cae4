//! Texts as counted features.

use super::{Feature, Keyed};

/// The features of a text or of several, each with how often it stands there, in a fixed order.
pub type Document = Vec<(Feature, f32)>;

/// The distinct features, counted.
pub fn counted(mut found: Vec<Feature>) -> Document {
    found.sort_unstable();
    found.chunk_by(|a, b| a == b).map(|same| (same[0], same.len() as f32)).collect()
}

/// In how many documents each feature stands.
pub fn document_counts(documents: &[Document]) -> Keyed<u32> {
    let mut counts = Keyed::default();
    for (feature, _) in documents.iter().flatten() {
        *counts.entry(*feature).or_default() += 1;
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_are_counted_in_a_text_and_texts_with_them() {
        let documents = [counted(vec![3, 1, 3]), counted(vec![3])];
        assert_eq!(documents, [vec![(1, 1.0), (3, 2.0)], vec![(3, 1.0)]]);
        let counts = document_counts(&documents);
        assert_eq!((counts[&1], counts[&3]), (1, 2));
    }
}
