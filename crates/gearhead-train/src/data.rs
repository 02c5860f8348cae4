//! Cases or text as tokenised documents, and the batches of each epoch.

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
use gearhead_model::ModelDirectory;
use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;

use crate::{
    checkpoint::hash_of,
    config::Config,
    error::{Error, Result},
    text,
};

/// What a training reads.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct TrainData {
    /// The tokenizer, which is saved with the model.
    pub tokenizer: Tokenizer,
    /// What the model directory will say of the training on cases.
    pub manifest: Option<Manifest>,
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
        let path = config.tokenizer_path();
        let tokenizer = Tokenizer::open(&path)?;
        if config.from.is_some() && tokenizer.vocab_size() > config.model.vocab_size {
            let (tokens, known) = (tokenizer.vocab_size(), config.model.vocab_size);
            let reason = format!("has {tokens} tokens, the model that is trained on knows {known}");
            return Err(Error::Data { path, reason });
        }
        let data = &config.data;
        let mut hashes = BTreeMap::new();
        for path in [Some(&path), data.train.as_ref(), data.validation.as_ref()]
            .into_iter()
            .flatten()
            .chain(&data.text)
        {
            hashes.insert(path.clone(), hash_of(path)?);
        }
        if let Some(from) = &config.from {
            for path in ModelDirectory::open(from)?.weight_files() {
                hashes.insert(path.to_owned(), hash_of(path)?);
            }
        }
        let read = match (&data.train, &data.validation) {
            (Some(train), Some(validation)) => Self::of_cases(config, tokenizer, train, validation)?,
            _ => Self::of_text(config, tokenizer)?,
        };
        Ok(Self { hashes, ..read })
    }

    fn of_cases(config: &Config, tokenizer: Tokenizer, train: &Path, validation: &Path) -> Result<Self> {
        let train_cases = with_targets(train)?;
        let validation_cases = with_targets(validation)?;
        let mut manifest = Manifest::of_cases(&train_cases, config.data.sections);
        manifest.tokens = Some(tokenizer.vocab_size());
        if manifest.candidates.is_empty() {
            return Err(Error::Data {
                path: train.to_owned(),
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
        let share = config.data.text_share;
        let documents = encode(&train_cases, train)?.into_iter().enumerate();
        let documents = documents
            .map(|(index, document)| if is_picked(index, share) { document } else { document.up_to_name() })
            .collect();
        let validation = encode(&validation_cases, validation)?;
        let kept_cases = if config.data.keep_cases { train_cases } else { Vec::new() };
        Ok(Self {
            tokenizer,
            manifest: Some(manifest),
            train: documents,
            validation,
            kept_cases,
            cut_tokens,
            hashes: BTreeMap::new(),
        })
    }

    fn of_text(config: &Config, tokenizer: Tokenizer) -> Result<Self> {
        let mut pieces = Vec::new();
        for path in &config.data.text {
            pieces.extend(text::pieces(&tokenizer, path, &config.model)?);
        }
        let share = config.data.validation_share;
        let (validation, train): (Vec<_>, Vec<_>) =
            pieces.into_iter().enumerate().partition(|(index, _)| is_picked(*index, share));
        let [train, validation] =
            [train, validation].map(|pieces| pieces.into_iter().map(|(_, piece)| piece).collect::<Vec<_>>());
        for (documents, what) in [(&train, "learn from"), (&validation, "choose the best model by")] {
            if documents.is_empty() {
                let path = config.data.text.first().cloned().unwrap_or_default();
                let reason = format!(
                    "the text is too short: no piece of {} tokens is left to {what} with data.validation_share = {share}",
                    config.model.max_seq_len
                );
                return Err(Error::Data { path, reason });
            }
        }
        Ok(Self {
            tokenizer,
            manifest: None,
            train,
            validation,
            kept_cases: Vec::new(),
            cut_tokens: 0,
            hashes: BTreeMap::new(),
        })
    }
}

/// Whether an index belongs to a share of all, spread evenly: the whole part of `index * share` rises by one for each that
/// does.
fn is_picked(index: usize, share: f64) -> bool {
    ((index + 1) as f64 * share).floor() > (index as f64 * share).floor()
}

fn with_targets(path: &Path) -> Result<Vec<Case>> {
    let cases = read_cases(path)?;
    if let Some(index) = cases.iter().position(|case| !case.has_target()) {
        return Err(Error::Data {
            path: path.to_owned(),
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
