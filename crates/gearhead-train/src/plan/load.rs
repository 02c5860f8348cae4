//! How many tokens the parts of a training's steps have.

use gearhead_data::{batch::Batch, prompt::Document};

use crate::data::{TrainData, epoch_batches};

/// What is computed at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Load {
    pub(super) tokens: usize,
    pub(super) targets: usize,
    pub(super) documents: usize,
    /// Tokens of the longest document.
    pub(super) longest: usize,
}

impl Load {
    fn of(document: &Document) -> Self {
        let batch = Batch::pack([document]);
        let (tokens, targets) = (batch.inputs.len(), batch.target_ids.len());
        Self { tokens, targets, documents: batch.document_count(), longest: tokens }
    }

    fn sum<'a>(loads: impl IntoIterator<Item = &'a Self>) -> Self {
        loads.into_iter().fold(Self::default(), |sum, load| Self {
            tokens: sum.tokens + load.tokens,
            targets: sum.targets + load.targets,
            documents: sum.documents + load.documents,
            longest: sum.longest.max(load.longest),
        })
    }
}

/// The documents of a training, each as what it adds to a step.
#[derive(Debug)]
pub(super) struct Documents {
    train: Vec<Load>,
    validation: Vec<Load>,
}

/// Epochs whose order is looked at: the largest part of a step changes little from one to the next.
const EPOCHS: usize = 3;

impl Documents {
    pub(super) fn of(data: &TrainData) -> Self {
        let loads = |documents: &[Document]| documents.iter().map(Load::of).collect();
        Self { train: loads(&data.train), validation: loads(&data.validation) }
    }

    /// Input tokens of one epoch.
    pub(super) fn epoch_tokens(&self) -> usize {
        Load::sum(&self.train).tokens
    }

    /// The steps of the first epochs, each as its parts.
    pub(super) fn steps(
        &self,
        batch_size: usize,
        accumulation: usize,
        seed: u64,
        epochs: usize,
    ) -> Vec<Vec<Load>> {
        let mut steps = Vec::new();
        for epoch in 0..epochs.min(EPOCHS) {
            for batch in epoch_batches(self.train.len(), batch_size, seed, epoch) {
                let of_part = batch.len().div_ceil(accumulation).max(1);
                let sum = |part: &[usize]| Load::sum(part.iter().map(|index| &self.train[*index]));
                steps.push(batch.chunks(of_part).map(sum).collect());
            }
        }
        steps
    }

    /// What an evaluation computes at once, each as the one part that it is.
    pub(super) fn evaluations(&self, batch_size: usize) -> Vec<Vec<Load>> {
        self.validation.chunks(batch_size.max(1)).map(|documents| vec![Load::sum(documents)]).collect()
    }
}

/// Steps that are walked through: the sizes between them are like theirs.
const WALKED: usize = 16;

/// Some steps that stand for all, the one with the largest part among them, in the order in which they come: what a small part
/// leaves behind does not serve a larger one.
pub(super) fn spread(steps: &[Vec<Load>]) -> impl Iterator<Item = &Vec<Load>> {
    let largest = (0..steps.len()).max_by_key(|place| largest_part(&steps[*place]));
    let stride = steps.len().div_ceil(WALKED).max(1);
    let is_walked = move |place: usize| place.is_multiple_of(stride) || Some(place) == largest;
    steps.iter().enumerate().filter(move |(place, _)| is_walked(*place)).map(|(_, step)| step)
}

/// Tokens of the largest part of a step.
pub(super) fn largest_part(step: &[Load]) -> usize {
    step.iter().map(|load| load.tokens).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_those_that_a_step_packs() {
        let document = |len: usize| Document::text((0..len as u32).collect());
        let train: Vec<Document> = [5, 9, 1, 30, 2].map(document).to_vec();
        let loads: Vec<Load> = train.iter().map(Load::of).collect();
        let documents = Documents { train: loads, validation: Vec::new() };
        let parts = documents.steps(4, 2, 3, 2).concat();
        let mut expected = Vec::new();
        for epoch in 0..2 {
            for batch in epoch_batches(5, 4, 3, epoch) {
                let picked: Vec<&Document> = batch.iter().map(|index| &train[*index]).collect();
                for part in picked.chunks(picked.len().div_ceil(2)) {
                    let batch = Batch::pack(part.iter().copied());
                    expected.push((batch.inputs.len(), batch.target_ids.len(), batch.document_count()));
                }
            }
        }
        let found: Vec<_> = parts.iter().map(|load| (load.tokens, load.targets, load.documents)).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn the_largest_load_always_counts() {
        let tokens = |place: usize| if place == 77 { 9000 } else { place };
        let step = |place: usize| vec![Load { tokens: tokens(place), ..Load::default() }];
        let steps: Vec<Vec<Load>> = (0..1000).map(step).collect();
        let some: Vec<usize> = spread(&steps).map(|step| largest_part(step)).collect();
        assert_eq!((some.len(), some[0], some[1], some[2]), (WALKED + 1, 0, 63, 9000));
        assert_eq!(spread(&[]).count(), 0);
    }
}
