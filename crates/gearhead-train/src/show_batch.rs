//! The first batch of a training as text, with what the loss is taken on.

use gearhead_data::{prompt::Document, tokenizer::Tokenizer};

use crate::{
    config::Config,
    data::{TrainData, epoch_batches},
};

/// A case of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ShownCase {
    /// Its number in the file, from 1.
    pub number: usize,
    /// Input tokens.
    pub tokens: usize,
    /// Tokens that the loss is taken on.
    pub targets: usize,
    /// Its text from front to back.
    pub runs: Vec<TokenRun>,
}

/// Tokens one after the other that all carry the loss, or none of which does.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TokenRun {
    /// Their text; special tokens by their names.
    pub text: String,
    /// Whether the loss is taken on them.
    pub is_target: bool,
}

/// The cases of the first step of a training.
pub fn first_batch(config: &Config, data: &TrainData) -> Vec<ShownCase> {
    let batches = epoch_batches(data.train.len(), config.train.batch_size, config.seed, 0);
    let show = |index: &usize| {
        let document = &data.train[*index];
        let (tokens, targets) = (document.ids.len().saturating_sub(1), document.target_count());
        ShownCase { number: index + 1, tokens, targets, runs: runs(&data.tokenizer, document) }
    };
    batches.first().into_iter().flatten().map(show).collect()
}

fn runs(tokenizer: &Tokenizer, document: &Document) -> Vec<TokenRun> {
    let tokens: Vec<(u32, bool)> =
        document.ids.iter().copied().zip(document.is_target.iter().copied()).collect();
    let run = |run: &[(u32, bool)]| {
        let bytes = |id| match tokenizer.token_bytes(id) {
            Some(bytes) => bytes,
            None => tokenizer.token(id).unwrap_or_default().into_bytes(),
        };
        let text: Vec<u8> = run.iter().flat_map(|(id, _)| bytes(*id)).collect();
        TokenRun { text: String::from_utf8_lossy(&text).into_owned(), is_target: run[0].1 }
    };
    tokens.chunk_by(|a, b| a.1 == b.1).map(run).collect()
}

#[cfg(test)]
mod tests {
    use gearhead_data::{
        case::Case,
        prompt::{LossOn, Sections, encode_case, texts},
    };

    use super::*;

    #[test]
    fn what_the_model_is_to_write_is_told_from_what_it_is_given() {
        let mut case = Case::new("CAT 320", "low power").with_codes("P0087");
        case.probable_cause = Some("Restricted fuel filter".into());
        case.solution = Some("Replace it".into());
        let corpus: Vec<String> = texts(&case).collect();
        let tokenizer = Tokenizer::train(corpus.into_iter().cycle().take(60), 300, 2).unwrap();
        let encode =
            |loss_on| encode_case(&tokenizer, &case, loss_on, Sections::CauseSolution, 500).unwrap().0;
        let shown = runs(&tokenizer, &encode(LossOn::Targets));
        let shown: Vec<_> = shown.iter().map(|run| (run.text.as_str(), run.is_target)).collect();
        assert_eq!(
            shown,
            [
                ("<s><equipment> cat 320<symptom> low power<error> P0087<cause>", false),
                (" Restricted fuel filter<solution> Replace it</s>", true)
            ]
        );
        let shown = runs(&tokenizer, &encode(LossOn::Everything));
        assert_eq!((shown[0].text.as_str(), shown.len()), ("<s>", 2), "nothing comes before the first token");
    }
}
