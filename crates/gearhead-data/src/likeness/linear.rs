//! A linear model of the words of a text: multinomial logistic regression over TF-IDF. It learns in seconds what single
//! words tell; what their order and their sense tell is left to others.

use std::cmp::Reverse;

use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;
use safetensors::{SafeTensors, tensor::Dtype, tensor::TensorView};

use super::{Document, Feature, Keyed, document_counts};
use crate::{Error, Result};

const EPOCHS: usize = 8;
const STEP: f32 = 0.5;
/// At most this many features, the most frequent ones, so that the file stays small.
const MAX_FEATURES: usize = 1 << 15;

/// A weight for each feature and class, over TF-IDF: logarithmic counts times inverse document frequency, of length 1.
///
/// # Source
///
/// Salton and Buckley, *Term-weighting approaches in automatic text retrieval*, 1988; Duchi, Hazan and Singer, *Adaptive
/// subgradient methods*, 2011, with one sum of squares for all weights of a feature.
#[derive(Debug, Clone, PartialEq)]
pub struct Linear {
    /// The number of each known feature.
    numbers: Keyed<usize>,
    idf: Vec<f32>,
    weights: Weights,
    biases: Vec<f32>,
}

/// How to learn from few features.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Few {
    /// How many features are kept.
    pub max_features: usize,
    /// The length of a step; shorter ones learn less of what stands in single documents.
    pub step: f32,
    /// The same seed gives the same model.
    pub seed: u64,
}

/// The weights of feature 0 for each class, then those of feature 1, and so on.
#[derive(Debug, Clone, PartialEq)]
enum Weights {
    /// While it learns.
    Full(Vec<f32>),
    /// As it is stored: one byte for each weight, in units of the feature's own scale.
    Bytes { scales: Vec<f32>, values: Vec<i8> },
}

impl Linear {
    /// Learns from documents and their classes, of which there are `n_classes`.
    pub fn learn(documents: &[Document], classes: &[usize], n_classes: usize, seed: u64) -> Self {
        let mut features = repeated(documents);
        features.truncate(MAX_FEATURES);
        let few = Few { max_features: MAX_FEATURES, step: STEP, seed };
        Self::learn_from(&features, documents, classes, n_classes, &few)
    }

    /// Learns, and learns again from the features alone that told most.
    pub fn learn_few(documents: &[Document], classes: &[usize], n_classes: usize, few: &Few) -> Self {
        let mut features = repeated(documents);
        let all = Self::learn_from(&features, documents, classes, n_classes, few);
        let told = all.told(documents);
        let told = |feature: Feature| told[all.numbers[&feature]];
        features.sort_by(|a, b| told(b.0).total_cmp(&told(a.0)).then(a.0.cmp(&b.0)));
        features.truncate(few.max_features);
        Self::learn_from(&features, documents, classes, n_classes, few)
    }

    /// Learns from features that stand in so many documents.
    fn learn_from(
        counts: &[(Feature, u32)],
        documents: &[Document],
        classes: &[usize],
        n_classes: usize,
        few: &Few,
    ) -> Self {
        let idf = |count: u32| ((1.0 + documents.len() as f32) / count as f32).ln();
        let mut model = Self {
            numbers: counts.iter().enumerate().map(|(number, (feature, _))| (*feature, number)).collect(),
            idf: counts.iter().map(|(_, count)| idf(*count)).collect(),
            weights: Weights::Full(Vec::new()),
            biases: vec![0.0; n_classes],
        };
        let rows: Vec<Vec<(usize, f32)>> =
            documents.iter().map(|document| model.weighted(document)).collect();
        let mut learning = Learning {
            step: few.step,
            weights: vec![0.0; counts.len() * n_classes],
            squares: vec![0.0; counts.len() + 1],
        };
        let mut order: Vec<usize> = (0..rows.len()).collect();
        let mut rng = ChaCha8Rng::seed_from_u64(few.seed);
        for _ in 0..EPOCHS {
            order.shuffle(&mut rng);
            for row in &order {
                learning.step(&rows[*row], classes[*row], &mut model.biases);
            }
        }
        model.weights = Weights::Full(learning.weights);
        model
    }

    /// How many classes it tells apart.
    pub fn n_classes(&self) -> usize {
        self.biases.len()
    }

    /// The most that each feature moved a logit of any document.
    fn told(&self, documents: &[Document]) -> Vec<f32> {
        let Weights::Full(weights) = &self.weights else { return Vec::new() };
        let largest = |weights: &[f32]| weights.iter().fold(0.0_f32, |largest, it| largest.max(it.abs()));
        let mut told = vec![0.0_f32; self.idf.len()];
        for (feature, value) in documents.iter().flat_map(|document| self.weighted(document)) {
            let moved = value * largest(&weights[feature * self.n_classes()..][..self.n_classes()]);
            told[feature] = told[feature].max(moved);
        }
        told
    }

    /// Each feature with its inverse document frequency and its weight for each class, in no order.
    ///
    /// # Panics
    ///
    /// It was read from a file, which keeps no full weights.
    pub fn weights(&self) -> impl Iterator<Item = (Feature, f32, &[f32])> {
        let Weights::Full(weights) = &self.weights else {
            panic!("a model that was stored has no full weights")
        };
        let of = |number: usize| &weights[number * self.n_classes()..][..self.n_classes()];
        self.numbers.iter().map(move |(feature, number)| (*feature, self.idf[*number], of(*number)))
    }

    /// The logit of each class, where no feature speaks.
    pub fn biases(&self) -> &[f32] {
        &self.biases
    }

    /// The logit of each class.
    pub fn scores(&self, document: &Document) -> Vec<f64> {
        let mut logits = self.biases.clone();
        let n_classes = logits.len();
        for (feature, value) in self.weighted(document) {
            let at = feature * n_classes..(feature + 1) * n_classes;
            match &self.weights {
                Weights::Full(weights) => {
                    logits.iter_mut().zip(&weights[at]).for_each(|(logit, weight)| *logit += value * weight);
                }
                Weights::Bytes { scales, values } => {
                    let value = value * scales[feature];
                    let weights = values[at].iter().map(|byte| f32::from(*byte));
                    logits.iter_mut().zip(weights).for_each(|(logit, weight)| *logit += value * weight);
                }
            }
        }
        logits.into_iter().map(f64::from).collect()
    }

    fn weighted(&self, document: &Document) -> Vec<(usize, f32)> {
        let known = document.iter().filter_map(|(feature, count)| Some((*self.numbers.get(feature)?, count)));
        let mut row: Vec<(usize, f32)> =
            known.map(|(number, count)| (number, (1.0 + count.ln()) * self.idf[number])).collect();
        let length = row.iter().map(|(_, value)| value * value).sum::<f32>().sqrt();
        for (_, value) in &mut row {
            *value /= length.max(f32::MIN_POSITIVE);
        }
        row
    }

    /// The model with one byte for each weight: what [`to_bytes`](Self::to_bytes) stores.
    fn in_bytes(&self) -> Self {
        let Weights::Full(weights) = &self.weights else { return self.clone() };
        let n_classes = self.n_classes().max(1);
        let (mut scales, mut values) =
            (Vec::with_capacity(self.idf.len()), Vec::with_capacity(weights.len()));
        for of_feature in weights.chunks(n_classes) {
            let largest = of_feature.iter().fold(0.0_f32, |largest, weight| largest.max(weight.abs()));
            let scale = if largest > 0.0 { largest / 127.0 } else { 1.0 };
            scales.push(scale);
            values.extend(of_feature.iter().map(|weight| (weight / scale).round() as i8));
        }
        Self { weights: Weights::Bytes { scales, values }, ..self.clone() }
    }

    /// The model as the text of a safetensors file: `features` `[n]` u64, `idf` and `scales` `[n]` f32, `weights`
    /// `[n, classes]` i8, `biases` `[classes]` f32.
    ///
    /// # Errors
    ///
    /// The file format refuses it.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let stored = self.in_bytes();
        let Weights::Bytes { scales, values } = &stored.weights else { return Err(wrong("no weights")) };
        let mut features = vec![0_u64; stored.idf.len()];
        for (feature, number) in &stored.numbers {
            features[*number] = *feature;
        }
        let bytes_of =
            |values: &[f32]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
        let features: Vec<u8> = features.iter().flat_map(|feature| feature.to_le_bytes()).collect();
        let values: Vec<u8> = values.iter().map(|value| value.to_le_bytes()[0]).collect();
        let (idf, scales, biases) = (bytes_of(&stored.idf), bytes_of(scales), bytes_of(&stored.biases));
        let (n, classes) = (stored.idf.len(), stored.biases.len());
        let view = |dtype, shape, bytes| {
            TensorView::new(dtype, shape, bytes).map_err(|error| wrong(&error.to_string()))
        };
        let tensors = [
            ("biases", view(Dtype::F32, vec![classes], &biases)?),
            ("features", view(Dtype::U64, vec![n], &features)?),
            ("idf", view(Dtype::F32, vec![n], &idf)?),
            ("scales", view(Dtype::F32, vec![n], &scales)?),
            ("weights", view(Dtype::I8, vec![n, classes], &values)?),
        ];
        safetensors::serialize(tensors, None).map_err(|error| wrong(&error.to_string()))
    }

    /// Reads what [`to_bytes`](Self::to_bytes) wrote.
    ///
    /// # Errors
    ///
    /// It is something else.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let file = SafeTensors::deserialize(bytes).map_err(|error| wrong(&error.to_string()))?;
        let tensor = |name: &str, dtype: Dtype| {
            let tensor = file.tensor(name).map_err(|error| wrong(&error.to_string()))?;
            let is_right = tensor.dtype() == dtype;
            if is_right { Ok(tensor) } else { Err(wrong(&format!("{name} is {:?}", tensor.dtype()))) }
        };
        let floats = |name: &str| -> Result<Vec<f32>> {
            let tensor = tensor(name, Dtype::F32)?;
            let (floats, _) = tensor.data().as_chunks::<4>();
            Ok(floats.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
        };
        let features = tensor("features", Dtype::U64)?;
        let (features, _) = features.data().as_chunks::<8>();
        let numbers = features.iter().enumerate().map(|(number, bytes)| (u64::from_le_bytes(*bytes), number));
        let (idf, scales, biases) = (floats("idf")?, floats("scales")?, floats("biases")?);
        let values: Vec<i8> =
            tensor("weights", Dtype::I8)?.data().iter().map(|byte| i8::from_le_bytes([*byte])).collect();
        if features.len() != idf.len()
            || scales.len() != idf.len()
            || values.len() != idf.len() * biases.len()
        {
            return Err(wrong("its tensors do not fit together"));
        }
        if ![&idf, &scales, &biases].into_iter().flatten().all(|value| value.is_finite()) {
            return Err(wrong("it holds a value that is not a number"));
        }
        Ok(Self { numbers: numbers.collect(), idf, weights: Weights::Bytes { scales, values }, biases })
    }
}

/// The features that stand in two documents or more, the most frequent first.
fn repeated(documents: &[Document]) -> Vec<(Feature, u32)> {
    let mut counts: Vec<(Feature, u32)> =
        document_counts(documents).into_iter().filter(|(_, count)| *count > 1).collect();
    counts.sort_unstable_by_key(|(feature, count)| (Reverse(*count), *feature));
    counts
}

fn wrong(reason: &str) -> Error {
    Error::Linear(reason.to_owned())
}

/// What changes while it learns.
struct Learning {
    step: f32,
    weights: Vec<f32>,
    /// For each feature, and at last for the biases, the sum of the squared gradients.
    squares: Vec<f32>,
}

impl Learning {
    /// One step down the cross-entropy of one document.
    fn step(&mut self, row: &[(usize, f32)], class: usize, biases: &mut [f32]) {
        let n_classes = biases.len();
        let mut gradient = biases.to_vec();
        for (feature, value) in row {
            let weights = &self.weights[feature * n_classes..][..n_classes];
            gradient.iter_mut().zip(weights).for_each(|(logit, weight)| *logit += value * weight);
        }
        let largest = gradient.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        for logit in &mut gradient {
            *logit = (*logit - largest).exp();
        }
        let total: f32 = gradient.iter().sum();
        for probability in &mut gradient {
            *probability /= total;
        }
        gradient[class] -= 1.0;
        let square = gradient.iter().map(|it| it * it).sum::<f32>();
        let change = |weights: &mut [f32], sum: &mut f32, value: f32| {
            *sum += value * value * square;
            let step = self.step * value / (sum.sqrt() + 1e-6);
            weights.iter_mut().zip(&gradient).for_each(|(weight, gradient)| *weight -= step * gradient);
        };
        let bias = self.squares.len() - 1;
        change(biases, &mut self.squares[bias], 1.0);
        for (feature, value) in row {
            let weights = &mut self.weights[feature * n_classes..][..n_classes];
            change(weights, &mut self.squares[*feature], *value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn toy() -> (Vec<Document>, Vec<usize>) {
        // Feature 7 stands everywhere and tells nothing; 1, 2 and 3 tell the class.
        let classes: Vec<usize> = (0..60).map(|row| row % 3).collect();
        let documents = classes.iter().map(|class| vec![(*class as u64 + 1, 1.0), (7, 1.0)]).collect();
        (documents, classes)
    }

    #[test]
    fn a_toy_set_is_learned_and_the_same_seed_gives_the_same_weights() {
        let (documents, classes) = toy();
        let model = Linear::learn(&documents, &classes, 3, 5);
        let stored = Linear::from_bytes(&model.to_bytes().unwrap()).unwrap();
        for class in 0..3 {
            let document = vec![(class as u64 + 1, 1.0), (7, 2.0), (99, 1.0)];
            for model in [&model, &stored] {
                let scores = model.scores(&document);
                let best = (0..3).max_by(|a, b| scores[*a].total_cmp(&scores[*b])).unwrap();
                assert_eq!(best, class, "{scores:?}");
            }
            for (full, bytes) in model.scores(&document).iter().zip(stored.scores(&document)) {
                assert!((full - bytes).abs() < 0.02 * (1.0 + full.abs()), "{full} against {bytes}");
            }
        }
        assert_eq!(Linear::learn(&documents, &classes, 3, 5), model);
        assert_ne!(Linear::learn(&documents, &classes, 3, 6), model);
        let few = Few { max_features: 3, step: 0.5, seed: 5 };
        let small = Linear::learn_few(&documents, &classes, 3, &few);
        let mut kept: Vec<Feature> = small.weights().map(|(feature, ..)| feature).collect();
        kept.sort_unstable();
        assert_eq!(kept, [1, 2, 3], "feature 7 tells nothing");
        // Nothing known: the biases decide.
        assert_eq!(model.scores(&vec![(99, 1.0)]).len(), model.n_classes());
    }

    #[test]
    fn a_damaged_file_is_refused() {
        let (documents, classes) = toy();
        let bytes = Linear::learn(&documents, &classes, 3, 5).to_bytes().unwrap();
        assert!(Linear::from_bytes(&bytes[..bytes.len() - 4]).is_err());
        assert!(Linear::from_bytes(b"nothing").is_err());
        let mut broken = Linear::from_bytes(&bytes).unwrap();
        broken.biases[0] = f32::NAN;
        assert!(Linear::from_bytes(&broken.to_bytes().unwrap()).is_err());
    }
}
