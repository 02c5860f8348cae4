//! The output layer and the cross-entropy, some rows at a time.
#![allow(clippy::inline_always, reason = "a call would leave the caller's instruction set")]

use burn::{backend::Flex, tensor::ops::IntTensor};
use burn_flex::FlexTensor;
use multiversion::{multiversion, target::target_cfg_f};
use rayon::prelude::*;

use super::{
    buffer::Buffer,
    contiguous, dims, each_if_worth, elements, ids, math, ordered_sum, owned,
    product::{Matrix, Output, Threads, Write, product},
};
use crate::linear_cross_entropy::{OutputWeight, chunks};

/// The summed loss `[1]`.
pub(super) fn loss(hidden: &FlexTensor, weight: &FlexTensor, targets: IntTensor<Flex>) -> FlexTensor {
    let mut losses = Vec::new();
    for_each_chunk(hidden, weight, targets, |logits, targets, _| {
        let vocab_size = logits.len() / targets.len();
        let rows = logits.par_chunks_mut(vocab_size).zip(targets);
        losses.par_extend(rows.map(|(row, target)| row_loss(row, *target as usize)));
    });
    ordered_sum(&losses)
}

/// The summed loss `[1]`, and the gradients of `scale` times it for `hidden` and, where it is trained, `weight`.
pub(super) fn loss_with_grads(
    hidden: &FlexTensor,
    weight: &FlexTensor,
    targets: IntTensor<Flex>,
    output: OutputWeight,
    scale: f32,
) -> (FlexTensor, FlexTensor, Option<FlexTensor>) {
    let ([n, d_model], [vocab_size, _]) = (dims::<2>(hidden), dims::<2>(weight));
    let mut hidden_grad = Buffer::new(n * d_model);
    let mut weight_grad = (output == OutputWeight::Trained).then(|| Buffer::zeros(vocab_size * d_model));
    let (hidden, weight) = (contiguous(hidden), contiguous(weight));
    let mut losses = Vec::new();
    for_each_chunk(&hidden, &weight, targets, |logits, targets, start| {
        let rows = logits.par_chunks_mut(vocab_size).zip(targets);
        losses.par_extend(rows.map(|(row, target)| row_loss_and_grad(row, *target as usize, scale)));
        let grads = Matrix::new(logits, targets.len(), vocab_size);
        let chunk = start * d_model..(start + targets.len()) * d_model;
        let output = Output::new(&mut hidden_grad[chunk.clone()], targets.len(), d_model);
        let weight = Matrix::new(elements(&weight), vocab_size, d_model);
        product(output, grads, weight, 1.0, Write::Over, Threads::All);
        if let Some(weight_grad) = &mut weight_grad {
            let hidden = Matrix::new(&elements(&hidden)[chunk], targets.len(), d_model);
            let output = Output::new(weight_grad, vocab_size, d_model);
            product(output, grads.transposed(), hidden, 1.0, Write::Add, Threads::All);
        }
    });
    (
        ordered_sum(&losses),
        hidden_grad.into_tensor([n, d_model]),
        weight_grad.map(|grad| grad.into_tensor([vocab_size, d_model])),
    )
}

/// Of each row of logits, which are overwritten where nothing else holds them, the log-probability of a class: `[n]`.
pub(super) fn log_probs(logits: FlexTensor, of: IntTensor<Flex>) -> FlexTensor {
    let mut logits = owned(logits);
    let [n, classes] = dims(&logits);
    let mut log_probs = Buffer::new(n);
    let of = ids(of);
    let rows = logits.storage_mut::<f32>().par_chunks_mut(classes.max(1)).zip(of.par_iter());
    each_if_worth(n * classes, rows.zip(log_probs.par_iter_mut()), |((row, of), log_prob)| {
        *log_prob = -row_loss(row, *of as usize);
    });
    log_probs.into_tensor([n])
}

/// Computes the logits of some rows at a time and hands them on with their targets and the first of their rows.
fn for_each_chunk(
    hidden: &FlexTensor,
    weight: &FlexTensor,
    targets: IntTensor<Flex>,
    mut visit: impl FnMut(&mut [f32], &[i64], usize),
) {
    let (hidden, weight) = (contiguous(hidden), contiguous(weight));
    let ([n, d_model], [vocab_size, _]) = (dims::<2>(&hidden), dims::<2>(&weight));
    let targets = ids(targets);
    let classes = Matrix::new(elements(&weight), vocab_size, d_model).transposed();
    let mut logits = Buffer::new(chunks(n, vocab_size).next().map_or(0, |rows| rows.len() * vocab_size));
    for rows in chunks(n, vocab_size) {
        let logits = &mut logits[..rows.len() * vocab_size];
        let hidden = Matrix::new(&elements(&hidden)[rows.start * d_model..], rows.len(), d_model);
        let output = Output::new(logits, rows.len(), vocab_size);
        product(output, hidden, classes, 1.0, Write::Over, Threads::All);
        visit(logits, &targets[rows.clone()], rows.start);
    }
}

/// The loss of a row of logits.
#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2+fma"))]
fn row_loss(row: &mut [f32], target: usize) -> f32 {
    const FMA: bool = target_cfg_f!(target_feature = "fma");
    exponentials::<FMA>(row, target).0
}

/// Turns a row of logits into the gradient of `scale` times the loss, and returns the loss.
#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2+fma"))]
fn row_loss_and_grad(row: &mut [f32], target: usize, scale: f32) -> f32 {
    const FMA: bool = target_cfg_f!(target_feature = "fma");
    let (loss, sum) = exponentials::<FMA>(row, target);
    let inverse = scale / sum;
    for value in row.iter_mut() {
        *value *= inverse;
    }
    row[target] -= scale;
    loss
}

/// The loss of a row of logits, and the sum of the exponentials, which take the place of the logits.
#[inline(always)]
fn exponentials<const FMA: bool>(row: &mut [f32], target: usize) -> (f32, f32) {
    let (largest, at_target) = (math::max(row), row[target]);
    let sum = math::exp_minus::<FMA>(row, largest);
    // The difference first: it is exact where the target has nearly all the probability.
    (sum.ln() + (largest - at_target), sum)
}
