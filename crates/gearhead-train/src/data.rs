//! Cases as tokenised documents, and the batches of each epoch.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use gearhead_data::{
    case::{Case, read_cases},
    manifest::Manifest,
    prompt::{Document, encode_case},
    tokenizer::Tokenizer,
};
use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;

use crate::{
    checkpoint::hash_of,
    config::Config,
    error::{Error, Result},
};

/// What a training reads.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct TrainData {
    /// The tokenizer, which is saved with the model.
    pub tokenizer: Tokenizer,
    /// What the model directory will say of the training.
    pub manifest: Manifest,
    /// Documents to learn from.
    pub train: Vec<Document>,
    /// Documents to choose by.
    pub validation: Vec<Document>,
    /// The training cases, where they are to be kept beside the model.
    pub kept_cases: Vec<Case>,
    /// Tokens that did not fit `model.max_seq_len` and were cut off the ends of targets.
    pub cut_tokens: usize,
    /// Hashes of the files that were read.
    pub hashes: BTreeMap<PathBuf, String>,
}

impl TrainData {
    /// Reads the files that the configuration names.
    ///
    /// # Errors
    ///
    /// Names the file and line that is wrong; a case without a cause and a solution cannot be trained on.
    pub fn load(config: &Config) -> Result<Self> {
        let mut hashes = BTreeMap::new();
        for path in [&config.tokenizer, &config.data.train, &config.data.validation] {
            hashes.insert(path.clone(), hash_of(path)?);
        }
        let tokenizer = Tokenizer::open(&config.tokenizer)?;
        let train = with_targets(&config.data.train)?;
        let validation = with_targets(&config.data.validation)?;
        let manifest = Manifest::of_cases(&train, config.data.sections);
        if manifest.candidates.is_empty() {
            return Err(Error::Data {
                path: config.data.train.clone(),
                reason: "no case has a `probable_cause`, so there would be no cause to rank".into(),
            });
        }
        let mut cut_tokens = 0;
        let mut encode = |cases: &[Case], path: &Path| -> Result<Vec<Document>> {
            let mut documents = Vec::with_capacity(cases.len());
            for (index, case) in cases.iter().enumerate() {
                let encoded = encode_case(
                    &tokenizer,
                    case,
                    config.data.loss_on,
                    config.data.sections,
                    config.model.max_seq_len,
                );
                let (document, cut) = encoded.map_err(|error| Error::Data {
                    path: path.to_owned(),
                    reason: format!("case {}: {error}", index + 1),
                })?;
                cut_tokens += cut;
                documents.push(document);
            }
            Ok(documents)
        };
        let kept_cases = if config.data.keep_cases { train.clone() } else { Vec::new() };
        let train = encode(&train, &config.data.train)?;
        let share = config.data.text_share;
        // Spread evenly: the whole part of `index * share` rises by one for each case that is kept whole.
        let is_whole = |index: usize| ((index + 1) as f64 * share).floor() > (index as f64 * share).floor();
        let train = train.into_iter().enumerate();
        let train = train
            .map(|(index, document)| if is_whole(index) { document } else { document.up_to_name() })
            .collect();
        let validation = encode(&validation, &config.data.validation)?;
        Ok(Self { tokenizer, manifest, train, validation, kept_cases, cut_tokens, hashes })
    }
}

fn with_targets(path: &PathBuf) -> Result<Vec<Case>> {
    let cases = read_cases(path)?;
    if let Some(index) = cases.iter().position(|case| !case.has_target()) {
        return Err(Error::Data {
            path: path.clone(),
            reason: format!("case {} has neither `probable_cause` nor `solution` to learn from", index + 1),
        });
    }
    Ok(cases)
}

/// The documents of each step of an epoch, in an order that depends on the seed and the epoch alone.
pub fn epoch_batches(count: usize, batch_size: usize, seed: u64, epoch: usize) -> Vec<Vec<usize>> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(epoch as u64 + 1);
    let mut order: Vec<usize> = (0..count).collect();
    order.shuffle(&mut rng);
    order.chunks(batch_size).map(<[usize]>::to_vec).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_document_comes_once_an_epoch_and_epochs_differ() {
        let batches = epoch_batches(10, 4, 7, 0);
        assert_eq!(batches.iter().map(Vec::len).collect::<Vec<_>>(), [4, 4, 2]);
        let mut all: Vec<usize> = batches.concat();
        all.sort_unstable();
        assert_eq!(all, (0..10).collect::<Vec<_>>());
        assert_eq!(batches, epoch_batches(10, 4, 7, 0));
        assert_ne!(batches, epoch_batches(10, 4, 7, 1));
        assert_ne!(batches, epoch_batches(10, 4, 8, 0));
    }
}
