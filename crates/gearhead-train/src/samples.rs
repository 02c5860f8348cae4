//! What a model writes for some validation cases, so that a reader sees what the training changed.

use burn::tensor::{Int, Tensor, TensorData, backend::Backend};
use gearhead_data::prompt::Document;
use gearhead_kernels::{Documents, Kernels};
use gearhead_model::{Decoder, Precision, Predictor};

use crate::{config::Config, data::TrainData, error::Result, event::SampleText};

/// Cases that are shown.
const CASES: usize = 3;
/// The most tokens that are written for each.
const MAX_NEW_TOKENS: usize = 64;
/// The same where everything is read again for each.
const MAX_NEW_TOKENS_ANEW: usize = 24;

/// The most probable continuation of some validation cases, spread over the file.
///
/// # Errors
///
/// The tokenizer's own rules fail on what the model writes.
pub(crate) fn samples<B: Kernels>(
    decoder: &Decoder<B>,
    data: &TrainData,
    config: &Config,
) -> Result<Vec<SampleText>> {
    // What is trained on text alone knows no cases.
    let Some(markers) = data.tokenizer.markers() else { return Ok(Vec::new()) };
    let step = data.validation.len().div_ceil(CASES).max(1);
    let prompt_len = |document: &Document| document.ids.iter().position(|id| *id == markers.cause);
    let cut = |document| prompt_len(document).map(|place| document.ids.split_at(place + 1));
    let cases: Vec<(&[u32], &[u32])> = data.validation.iter().step_by(step).filter_map(cut).collect();
    let prompts: Vec<&[u32]> = cases.iter().map(|(prompt, _)| *prompt).collect();
    let texts = match config.lora {
        None => continuations(decoder, &prompts, markers.eos)?,
        // To predict, adapters would be put into weights of 32 bit, which stand beside those that are trained on.
        Some(_) => continuations_anew(decoder, &prompts, markers.eos),
    };
    let sample = |((prompt, expected), written): (&(&[u32], &[u32]), &Vec<u32>)| {
        let [prompt, expected, written] = [*prompt, *expected, written].map(|ids| marked(data, ids));
        Ok(SampleText { prompt: prompt?, expected: expected?, written: written? })
    };
    cases.iter().zip(&texts).map(sample).collect()
}

/// Text with a line for each section, begun by its marker.
fn marked(data: &TrainData, ids: &[u32]) -> Result<String> {
    let mut text = String::new();
    for run in ids.chunk_by(|_, next| data.tokenizer.token_bytes(*next).is_some()) {
        let marker = match data.tokenizer.token_bytes(run[0]) {
            None => data.tokenizer.token(run[0]).filter(|marker| !["<s>", "</s>"].contains(&&marker[..])),
            Some(_) => None,
        };
        if let Some(marker) = marker {
            text.push('\n');
            text.push_str(&marker);
        }
        text.push_str(&data.tokenizer.decode(run)?);
    }
    Ok(text.trim().to_owned())
}

/// The most probable tokens after each prompt, up to the end of the text.
fn continuations<B: Kernels>(decoder: &Decoder<B>, prompts: &[&[u32]], end: u32) -> Result<Vec<Vec<u32>>> {
    let predictor = Predictor::new(decoder, Precision::default())?;
    let mut texts = vec![Vec::new(); prompts.len()];
    let longest = prompts.iter().map(|prompt| prompt.len()).max().unwrap_or(0);
    let room = decoder.config().max_seq_len.saturating_sub(longest).min(MAX_NEW_TOKENS);
    let mut cache = predictor.cache(prompts.len(), longest + room);
    let mut new: Vec<(usize, Vec<u32>)> = prompts.iter().map(|prompt| prompt.to_vec()).enumerate().collect();
    for _ in 0..room {
        if new.is_empty() {
            break;
        }
        let given: Vec<(usize, &[u32])> = new.iter().map(|(text, ids)| (*text, &ids[..])).collect();
        let next = most_probable(predictor.next_logits(&given, &mut cache));
        let open = new.iter().zip(next).filter(|(_, id)| *id != end);
        new = open.map(|((text, _), id)| (*text, vec![id])).collect();
        for (text, id) in &new {
            texts[*text].extend(id);
        }
    }
    Ok(texts)
}

/// The same without a cache: everything is read again for each token.
fn continuations_anew<B: Kernels>(decoder: &Decoder<B>, prompts: &[&[u32]], end: u32) -> Vec<Vec<u32>> {
    let longest = prompts.iter().map(|prompt| prompt.len()).max().unwrap_or(0);
    let room = decoder.config().max_seq_len.saturating_sub(longest).min(MAX_NEW_TOKENS_ANEW);
    let mut texts = vec![Vec::new(); prompts.len()];
    let mut open: Vec<usize> = (0..prompts.len()).collect();
    for _ in 0..room {
        if open.is_empty() {
            break;
        }
        let (mut ids, mut offsets) = (Vec::new(), vec![0]);
        for text in &open {
            ids.extend(prompts[*text]);
            ids.extend(&texts[*text]);
            offsets.push(ids.len());
        }
        let hidden = decoder.forward_packed(&ids, &Documents::new(&offsets));
        let ends: Vec<i64> = offsets[1..].iter().map(|end| *end as i64 - 1).collect();
        let ends = Tensor::<B, 1, Int>::from_data(TensorData::new(ends, [open.len()]), &decoder.device());
        let next = most_probable(decoder.logits(hidden.select(0, ends)));
        let written = open.into_iter().zip(next).filter(|(_, id)| *id != end);
        open = written
            .map(|(text, id)| {
                texts[text].push(id);
                text
            })
            .collect();
    }
    texts
}

fn most_probable<B: Backend>(logits: Tensor<B, 2>) -> Vec<u32> {
    logits.argmax(1).into_data().iter::<i64>().map(|id| id as u32).collect()
}
