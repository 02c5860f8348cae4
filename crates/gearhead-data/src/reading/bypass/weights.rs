//! A linear model of two classes that takes six bytes for each feature, where [`Linear`] takes eighteen.

use safetensors::{SafeTensors, tensor::Dtype, tensor::TensorView};

use crate::{
    error::{Error, Result},
    likeness::{Document, Feature, Linear},
};

/// Inverse document frequencies are stored in units of this; the largest is that of one text in e^8 = 3,000 or more.
const IDF_UNIT: f32 = 1.0 / 28.0;

/// How much more each feature speaks for one class than for the other.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Weights {
    /// The upper halves of the features, in order.
    keys: Vec<u32>,
    /// In units of [`IDF_UNIT`].
    idf: Vec<u8>,
    /// In units of `scale`.
    values: Vec<i8>,
    scale: f32,
    /// The score of a text without a known feature.
    pub(super) bias: f32,
}

impl Weights {
    /// What speaks for class `this` rather than for class `that`.
    pub(super) fn new(linear: &Linear, this: usize, that: usize) -> Self {
        let features = linear.weights().map(|(feature, idf, weights)| {
            let idf = (idf / IDF_UNIT).round().clamp(0.0, 255.0) as u8;
            (key(feature), idf, weights[this] - weights[that])
        });
        let mut features: Vec<(u32, u8, f32)> = features.collect();
        features.sort_by(|a, b| a.0.cmp(&b.0).then(b.2.abs().total_cmp(&a.2.abs())));
        // Of two features with one key, the one that tells more.
        features.dedup_by_key(|(key, ..)| *key);
        let largest = features.iter().fold(0.0_f32, |largest, (.., weight)| largest.max(weight.abs()));
        let scale = if largest > 0.0 { largest / 127.0 } else { 1.0 };
        Self {
            keys: features.iter().map(|(key, ..)| *key).collect(),
            idf: features.iter().map(|(_, idf, _)| *idf).collect(),
            values: features.iter().map(|(.., weight)| (weight / scale).round() as i8).collect(),
            scale,
            bias: linear.biases()[this] - linear.biases()[that],
        }
    }

    /// The difference of the logits of the two classes, with the features weighed as [`Linear`] does.
    pub(super) fn score(&self, document: &Document) -> f32 {
        let (mut sum, mut squares) = (0.0_f32, 0.0_f32);
        for (feature, count) in document {
            let Ok(at) = self.keys.binary_search(&key(*feature)) else { continue };
            let value = (1.0 + count.ln()) * f32::from(self.idf[at]) * IDF_UNIT;
            sum += value * f32::from(self.values[at]) * self.scale;
            squares += value * value;
        }
        self.bias + sum / squares.sqrt().max(f32::MIN_POSITIVE)
    }

    /// The text of a safetensors file: `keys` `[n]` u32, `idf` `[n]` u8, `weights` `[n]` i8, `scale_and_bias` `[2]` f32.
    ///
    /// # Errors
    ///
    /// The file format refuses it.
    pub(super) fn to_bytes(&self) -> Result<Vec<u8>> {
        let n = self.keys.len();
        let keys: Vec<u8> = self.keys.iter().flat_map(|key| key.to_le_bytes()).collect();
        let values: Vec<u8> = self.values.iter().map(|weight| weight.to_le_bytes()[0]).collect();
        let pair = [self.scale.to_le_bytes(), self.bias.to_le_bytes()].concat();
        let view = |dtype, shape, bytes| {
            TensorView::new(dtype, shape, bytes).map_err(|error| wrong(&error.to_string()))
        };
        let tensors = [
            ("idf", view(Dtype::U8, vec![n], &self.idf)?),
            ("keys", view(Dtype::U32, vec![n], &keys)?),
            ("scale_and_bias", view(Dtype::F32, vec![2], &pair)?),
            ("weights", view(Dtype::I8, vec![n], &values)?),
        ];
        safetensors::serialize(tensors, None).map_err(|error| wrong(&error.to_string()))
    }

    /// Reads what [`to_bytes`](Self::to_bytes) wrote.
    ///
    /// # Errors
    ///
    /// It is something else.
    pub(super) fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let file = SafeTensors::deserialize(bytes).map_err(|error| wrong(&error.to_string()))?;
        let tensor = |name: &str, dtype: Dtype| {
            let tensor = file.tensor(name).map_err(|error| wrong(&error.to_string()))?;
            let is_right = tensor.dtype() == dtype;
            if is_right { Ok(tensor.data()) } else { Err(wrong(&format!("{name} is {:?}", tensor.dtype()))) }
        };
        let (keys, _) = tensor("keys", Dtype::U32)?.as_chunks::<4>();
        let keys: Vec<u32> = keys.iter().map(|bytes| u32::from_le_bytes(*bytes)).collect();
        let idf = tensor("idf", Dtype::U8)?.to_vec();
        let values: Vec<i8> =
            tensor("weights", Dtype::I8)?.iter().map(|byte| i8::from_le_bytes([*byte])).collect();
        let (pair, _) = tensor("scale_and_bias", Dtype::F32)?.as_chunks::<4>();
        let &[scale, bias] = pair else { return Err(wrong("it has no scale and bias")) };
        let (scale, bias) = (f32::from_le_bytes(scale), f32::from_le_bytes(bias));
        if keys.len() != idf.len() || keys.len() != values.len() || !keys.is_sorted() {
            return Err(wrong("its tensors do not fit together"));
        }
        if !scale.is_finite() || !bias.is_finite() {
            return Err(wrong("it holds a value that is not a number"));
        }
        Ok(Self { keys, idf, values, scale, bias })
    }
}

fn key(feature: Feature) -> u32 {
    (feature >> 32) as u32
}

fn wrong(reason: &str) -> Error {
    Error::Linear(reason.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_are_those_of_the_linear_model_and_a_damaged_file_is_refused() {
        // Feature 7 stands everywhere and tells nothing; 1 and 2 tell the class.
        let feature = |number: u64| number << 40;
        let classes: Vec<usize> = (0..60).map(|row| row % 2).collect();
        let documents: Vec<Document> =
            classes.iter().map(|class| vec![(feature(*class as u64 + 1), 1.0), (feature(7), 1.0)]).collect();
        let linear = Linear::learn(&documents, &classes, 2, 5);
        let weights = Weights::new(&linear, 1, 0);
        let bytes = weights.to_bytes().unwrap();
        assert_eq!(Weights::from_bytes(&bytes).unwrap(), weights);
        for number in [1, 2] {
            let document = vec![(feature(number), 1.0), (feature(7), 2.0), (feature(99), 1.0)];
            let scores = linear.scores(&document);
            let (expected, score) = (scores[1] - scores[0], f64::from(weights.score(&document)));
            assert!((score - expected).abs() < 0.05 * expected.abs(), "{score} against {expected}");
        }
        assert!(Weights::from_bytes(&bytes[..bytes.len() - 4]).is_err());
        assert!(Weights::from_bytes(b"nothing").is_err());
        let broken = Weights { bias: f32::NAN, ..weights };
        assert!(Weights::from_bytes(&broken.to_bytes().unwrap()).is_err());
    }
}
