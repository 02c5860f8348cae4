//! An index of phrases.

use super::{Feature, Keyed, features};

/// An inverted index from features to phrases, with weights by how rare a feature is.
#[derive(Debug, Clone, Default)]
pub struct Phrases {
    /// For each feature its phrases, with the feature's share of each phrase's length.
    postings: Keyed<Vec<(u32, f32)>>,
    count: usize,
}

/// A phrase that is like a text.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Similar {
    /// Its number, in the order in which the phrases were given.
    pub phrase: usize,
    /// The cosine of the two, from 0 to 1.
    pub similarity: f32,
}

impl Phrases {
    /// An index of phrases, which are known by their numbers from 0.
    ///
    /// Source of the weights: Salton and Buckley, *Term-weighting approaches in automatic text retrieval*, 1988, with
    /// logarithmic counts.
    pub fn new<'a>(phrases: impl IntoIterator<Item = &'a str>) -> Self {
        let mut pairs: Vec<(Feature, u32)> = Vec::new();
        let mut count = 0;
        for (number, phrase) in (0..).zip(phrases) {
            pairs.extend(features(phrase).into_iter().map(|feature| (feature, number)));
            count += 1;
        }
        pairs.sort_unstable();
        let mut index = Self { count, ..Self::default() };
        let mut squares = vec![0.0_f32; count];
        for of_feature in pairs.chunk_by(|a, b| a.0 == b.0) {
            let counts: Vec<(u32, f32)> = of_feature
                .chunk_by(|a, b| a.1 == b.1)
                .map(|same| (same[0].1, 1.0 + (same.len() as f32).ln()))
                .collect();
            let idf = index.idf(counts.len());
            let weighted: Vec<(u32, f32)> =
                counts.into_iter().map(|(phrase, count)| (phrase, count * idf)).collect();
            for (phrase, weight) in &weighted {
                squares[*phrase as usize] += weight * weight;
            }
            index.postings.insert(of_feature[0].0, weighted);
        }
        for (phrase, weight) in index.postings.values_mut().flatten() {
            *weight /= squares[*phrase as usize].sqrt();
        }
        index
    }

    /// How many phrases it holds.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The likeness of a text to each phrase, by their numbers.
    pub fn likeness(&self, text: &str) -> Vec<f32> {
        let mut scores = vec![0.0_f32; self.count];
        let query = self.weighted(text);
        let length = query.iter().map(|(_, weight)| weight * weight).sum::<f32>().sqrt();
        if length == 0.0 {
            return scores;
        }
        for (feature, weight) in query {
            for (phrase, share) in self.postings.get(&feature).into_iter().flatten() {
                scores[*phrase as usize] += share * weight / length;
            }
        }
        scores
    }

    /// The phrases that are most like a text, at most `limit`, the best first.
    pub fn nearest(&self, text: &str, limit: usize) -> Vec<Similar> {
        let scores = self.likeness(text);
        let found = scores.into_iter().enumerate().filter(|(_, similarity)| *similarity > 0.0);
        let mut found: Vec<Similar> =
            found.map(|(phrase, similarity)| Similar { phrase, similarity }).collect();
        found.sort_by(|a, b| b.similarity.total_cmp(&a.similarity).then(a.phrase.cmp(&b.phrase)));
        found.truncate(limit);
        found
    }

    /// How much of a text, by the weight of its features, occurs in any phrase: from 0 to 1.
    pub fn coverage(&self, text: &str) -> f32 {
        let query = self.weighted(text);
        let total: f32 = query.iter().map(|(_, weight)| weight).sum();
        let known = query.iter().filter(|(feature, _)| self.postings.contains_key(feature));
        if total > 0.0 { known.map(|(_, weight)| weight).sum::<f32>() / total } else { 0.0 }
    }

    /// The weight of a feature that `with_it` phrases have.
    fn idf(&self, with_it: usize) -> f32 {
        ((1.0 + self.count as f32) / with_it as f32).ln()
    }

    /// The distinct features with their weights, in a fixed order, so that sums are the same to the last bit.
    fn weighted(&self, text: &str) -> Vec<(Feature, f32)> {
        let mut found = features(text);
        found.sort_unstable();
        found
            .chunk_by(|a, b| a == b)
            .map(|same| {
                // A feature that no phrase has is as rare as one that a single phrase has.
                let with_it = self.postings.get(&same[0]).map_or(1, Vec::len);
                (same[0], (1.0 + (same.len() as f32).ln()) * self.idf(with_it))
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_phrase_is_the_one_that_says_it() {
        let index = Phrases::new(["hydraulic pump whines", "engine overheats on grades", "no black smoke"]);
        let best = |text: &str| index.nearest(text, 1)[0].phrase;
        assert_eq!(best("HYD PMP WHINING"), 0);
        assert_eq!(best("overheating uphill"), 1);
        assert_eq!(best("does not smoke black"), 2);
        assert!((index.nearest("hydraulic pump whines", 1)[0].similarity - 1.0).abs() < 1e-5);
        assert!(index.coverage("hyd pump") > 0.9 && index.coverage("zzz qqq") < 0.1);
        assert!(index.coverage("") < 1e-9);
        assert!(Phrases::new([]).nearest("x", 3).is_empty());
    }
}
