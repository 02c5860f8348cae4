//! A model with further tokens.

use std::path::Path;

use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use rand_distr::{Distribution, Normal};
use safetensors::tensor::TensorView;

use crate::{
    config::ModelConfig,
    directory::{Dtype, ModelDirectory, element, stored, to_f32, write_model},
    error::{Error, Result},
    tensor_file::TensorWriter,
};

/// The table of the tokens that a model reads.
const EMBEDDING: &str = "model.embed_tokens.weight";
/// That of the tokens it writes, where it has one of its own.
const OUTPUT: &str = "lm_head.weight";

/// A token that a model is to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewToken {
    /// Its id.
    pub id: u32,
    /// Tokens that mean about the same; none where nothing does.
    pub like: Vec<u32>,
}

impl ModelDirectory {
    /// Writes the model as a new directory with further tokens, and with what begins and ends a text (`bos_id`, `eos_ids`).
    ///
    /// A new token's row in each table is the mean of the rows of those that it is like, or of all, and noise of the standard
    /// deviation of the table's numbers: by that the model can tell it from them though the row itself is never trained. The noise is
    /// the same each time. Rows between the last token and a new one are noise about the mean too. All other numbers stay, in their
    /// type, or in `dtype`.
    ///
    /// # Errors
    ///
    /// [`Error::Unsupported`] where the model has adapters, [`Error::Weight`] where the embedding is missing or a table is not of the
    /// shape that the configuration says or lacks a row that a token is like, [`Error::Io`].
    pub fn save_with_tokens(
        &self,
        tokens: &[NewToken],
        bos_id: Option<u32>,
        eos_ids: Vec<u32>,
        dtype: Option<Dtype>,
        beside: &[(&str, &[u8])],
        path: impl AsRef<Path>,
    ) -> Result<()> {
        if self.adapters.is_some() {
            let what =
                "adapters beside the weights are in the way of new tokens: merge them first".to_owned();
            return Err(Error::Unsupported { path: self.path.clone(), what });
        }
        let ModelConfig { d_model, vocab_size: rows, .. } = self.config;
        let vocab_size = tokens.iter().map(|token| token.id as usize + 1).fold(rows, usize::max);
        let mut files = Vec::with_capacity(self.weights.len());
        for file in &self.weights {
            files.push((file, file.parse()?));
        }
        let mut writer = TensorWriter::default();
        let mut main = None;
        for (file, tensors) in &files {
            for (name, view) in tensors.tensors() {
                let fault = |reason| Error::Weight { path: file.path.clone(), name: name.clone(), reason };
                let kept = dtype.unwrap_or(type_of(&view).map_err(fault)?);
                let is_table = name == EMBEDDING || name == OUTPUT;
                if is_table && view.shape() != [rows, d_model] {
                    let shape = view.shape();
                    return Err(fault(format!(
                        "has the shape {shape:?}, the configuration says [{rows}, {d_model}]"
                    )));
                }
                let like = tokens.iter().flat_map(|token| &token.like).find(|id| **id as usize >= rows);
                if let Some(id) = like.filter(|_| is_table) {
                    return Err(fault(format!("has {rows} rows, but the tokenizer has the token {id}")));
                }
                if name == EMBEDDING {
                    main = Some(kept);
                }
                let shape = if is_table { vec![vocab_size, d_model] } else { view.shape().to_vec() };
                // A type that cannot be read was refused above.
                writer.add_bytes(&name, element(kept), shape, move || {
                    match to_f32(&view).unwrap_or_default() {
                        table if is_table => {
                            stored(with_rows(table, d_model, vocab_size, tokens).into_iter(), kept)
                        }
                        _ if element(kept) == view.dtype() => view.data().to_vec(),
                        values => stored(values.into_iter(), kept),
                    }
                });
            }
        }
        let missing = || Error::Weight {
            path: self.path.clone(),
            name: EMBEDDING.to_owned(),
            reason: "is missing".to_owned(),
        };
        let main = main.ok_or_else(missing)?;
        let config = ModelConfig { vocab_size, bos_id, eos_ids, ..self.config.clone() };
        write_model(&config, main, &writer, path.as_ref(), |folder| {
            beside.iter().try_for_each(|(name, content)| std::fs::write(folder.join(name), content))
        })
    }
}

/// What a tensor is kept in.
fn type_of(view: &TensorView<'_>) -> std::result::Result<Dtype, String> {
    [Dtype::F32, Dtype::F16, Dtype::Bf16]
        .into_iter()
        .find(|dtype| element(*dtype) == view.dtype())
        .ok_or_else(|| format!("has the type {:?}, only F32, F16 and BF16 are read", view.dtype()))
}

/// A table of as many rows as there will be tokens.
fn with_rows(mut table: Vec<f32>, d_model: usize, vocab_size: usize, tokens: &[NewToken]) -> Vec<f32> {
    let rows = table.len() / d_model;
    let squares: f64 = table.iter().map(|value| f64::from(*value).powi(2)).sum();
    let mean: f64 = table.iter().copied().map(f64::from).sum::<f64>() / table.len() as f64;
    let deviation = (squares / table.len() as f64 - mean * mean).max(0.0).sqrt();
    let noise = Normal::new(0.0, deviation).expect("a root is a deviation");
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    let mean_of = |ids: &mut dyn Iterator<Item = usize>| {
        let (mut sum, mut count) = (vec![0.0; d_model], 0.0);
        for id in ids {
            count += 1.0;
            let row = &table[id * d_model..][..d_model];
            sum.iter_mut().zip(row).for_each(|(sum, value)| *sum += f64::from(*value));
        }
        sum.into_iter().map(|sum| sum / count).collect::<Vec<f64>>()
    };
    let of_all = mean_of(&mut (0..rows));
    let mut means = vec![of_all; vocab_size - rows];
    let mut replaced = Vec::new();
    for NewToken { id, like } in tokens.iter().filter(|token| !token.like.is_empty()) {
        let mean = mean_of(&mut like.iter().map(|id| *id as usize));
        match (*id as usize).checked_sub(rows) {
            Some(place) => means[place] = mean,
            None => replaced.push((*id as usize, mean)),
        }
    }
    let mut noisy = |mean: Vec<f64>| {
        mean.into_iter().map(|mean| (mean + noise.sample(&mut rng)) as f32).collect::<Vec<f32>>()
    };
    table.extend(means.into_iter().flat_map(&mut noisy));
    for (id, mean) in replaced {
        table[id * d_model..][..d_model].copy_from_slice(&noisy(mean));
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_row_lies_near_those_it_is_like_and_no_old_one_changes() {
        let table: Vec<f32> = (0..64).map(|index| (index as f32 * 0.7).sin()).collect();
        let tokens = [NewToken { id: 9, like: vec![2, 3] }, NewToken { id: 10, like: Vec::new() }];
        let extended = with_rows(table.clone(), 8, 11, &tokens);
        assert_eq!(extended.len(), 88);
        assert_eq!(extended[..64], table);
        assert_eq!(extended, with_rows(table.clone(), 8, 11, &tokens), "the same each time");
        let distances: Vec<f32> = (0..8)
            .map(|column| {
                let mean = f32::midpoint(table[16 + column], table[24 + column]);
                (extended[72 + column] - mean).abs()
            })
            .collect();
        // Numbers of a sine deviate by 0.7.
        assert!(distances.iter().all(|distance| *distance > 0.0 && *distance < 2.8), "{distances:?}");
        let mean = distances.iter().sum::<f32>() / 8.0;
        assert!((0.2..1.2).contains(&mean), "{mean}");
    }
}
