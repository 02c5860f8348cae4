//! The output layer and the cross-entropy, some rows at a time.
#![allow(clippy::inline_always, reason = "a call would leave the caller's instruction set")]

use std::ops::Range;

use burn::{backend::Flex, tensor::ops::IntTensor};
use burn_flex::FlexTensor;
use multiversion::{multiversion, target::target_cfg_f};
use rayon::prelude::*;

use super::{
    bf16_products::{self, Factor, Packed},
    buffer::Buffer,
    contiguous, dims, each_if_worth, elements, ids, math, ordered_sum, owned,
    precision::wide,
    product::{Matrix, Output, Threads, Write, product},
    simd::{MatrixUnit, Side, Sums},
};
use crate::linear_cross_entropy::{OutputWeight, chunks};

/// The summed loss `[1]`.
pub(super) fn loss(hidden: &FlexTensor, weight: &FlexTensor, targets: IntTensor<Flex>) -> FlexTensor {
    let mut losses = Vec::new();
    OutputLayer::new(hidden, weight).for_each_chunk(targets, |logits, targets, _| {
        let vocab_size = logits.len() / targets.len();
        let rows = logits.par_chunks_mut(vocab_size).zip(targets);
        losses.par_extend(rows.map(|(row, target)| row_loss(row, *target as usize)));
    });
    ordered_sum(&losses)
}

/// The summed loss `[1]`, and the gradients of `scale` times it for `hidden` and, where it is trained, `weight`: all in f32.
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
    let layer = OutputLayer::new(hidden, weight);
    let weight_down = layer.packed_weight(Sums::DownColumns);
    let mut losses = Vec::new();
    layer.for_each_chunk(targets, |logits, targets, tokens| {
        let rows = logits.par_chunks_mut(vocab_size).zip(targets);
        losses.par_extend(rows.map(|(row, target)| row_loss_and_grad(row, *target as usize, scale)));
        let hidden_grad = &mut hidden_grad[tokens.start * d_model..tokens.end * d_model];
        layer.hidden_grad(hidden_grad, logits, weight_down.as_ref());
        if let Some(weight_grad) = &mut weight_grad {
            layer.add_weight_grad(weight_grad, logits, tokens);
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

/// The products of the output layer: by the matrix unit where the hidden states are of its type, else in f32.
struct OutputLayer {
    unit: Option<MatrixUnit>,
    /// `[n, d_model]`.
    hidden: FlexTensor,
    /// `[vocab_size, d_model]`.
    weight: FlexTensor,
}

impl OutputLayer {
    fn new(hidden: &FlexTensor, weight: &FlexTensor) -> Self {
        let unit = bf16_products::unit_for(hidden);
        let taken = |tensor: &FlexTensor| {
            if unit.is_some() { bf16_products::taken(tensor) } else { contiguous(&wide(tensor.clone())) }
        };
        Self { unit, hidden: taken(hidden), weight: taken(weight) }
    }

    /// Computes the logits of some tokens at a time and hands them on with the targets of these.
    fn for_each_chunk(
        &self,
        targets: IntTensor<Flex>,
        mut visit: impl FnMut(&mut [f32], &[i64], Range<usize>),
    ) {
        let ([n, d_model], [vocab_size, _]) = (dims::<2>(&self.hidden), dims::<2>(&self.weight));
        let targets = ids(targets);
        let classes = self.packed_weight(Sums::AlongRows);
        let mut logits = Buffer::new(chunks(n, vocab_size).next().map_or(0, |rows| rows.len() * vocab_size));
        for tokens in chunks(n, vocab_size) {
            let logits = &mut logits[..tokens.len() * vocab_size];
            if let (Some(unit), Some(classes)) = (self.unit, &classes) {
                let hidden = Factor::of(&self.hidden, Sums::AlongRows).rows_of(tokens.clone());
                Packed::of(unit, hidden, Side::Left).multiply(
                    unit,
                    classes,
                    logits,
                    vocab_size,
                    0,
                    Write::Over,
                );
            } else {
                let hidden =
                    Matrix::new(&elements(&self.hidden)[tokens.start * d_model..], tokens.len(), d_model);
                let classes = Matrix::new(elements(&self.weight), vocab_size, d_model).transposed();
                let output = Output::new(logits, tokens.len(), vocab_size);
                product(output, hidden, classes, 1.0, Write::Over, Threads::All);
            }
            visit(logits, &targets[tokens.clone()], tokens);
        }
    }

    /// The weight as the matrix unit takes it for sums along its rows, as logits are, or down its columns, as
    /// [`hidden_grad`](Self::hidden_grad) is.
    fn packed_weight(&self, sums: Sums) -> Option<Packed> {
        let unit = self.unit?;
        Some(Packed::of(unit, Factor::of(&self.weight, sums), Side::Right))
    }

    /// The gradient for the hidden states of some tokens, of those for their logits.
    fn hidden_grad(&self, hidden_grad: &mut [f32], grads: &[f32], weight: Option<&Packed>) {
        let [vocab_size, d_model] = dims(&self.weight);
        if let (Some(unit), Some(weight)) = (self.unit, weight) {
            let grads = Factor::of_rows(grads, vocab_size, Sums::AlongRows);
            Packed::of(unit, grads, Side::Left).multiply(unit, weight, hidden_grad, d_model, 0, Write::Over);
            return;
        }
        let tokens = grads.len() / vocab_size;
        let weight = Matrix::new(elements(&self.weight), vocab_size, d_model);
        let grads = Matrix::new(grads, tokens, vocab_size);
        product(Output::new(hidden_grad, tokens, d_model), grads, weight, 1.0, Write::Over, Threads::All);
    }

    /// Adds the gradient for the weight of some tokens, of those for their logits.
    fn add_weight_grad(&self, weight_grad: &mut [f32], grads: &[f32], tokens: Range<usize>) {
        let [vocab_size, d_model] = dims(&self.weight);
        if let Some(unit) = self.unit {
            let hidden = Factor::of(&self.hidden, Sums::DownColumns).rows_of(tokens);
            let grads = Factor::of_rows(grads, vocab_size, Sums::DownColumns);
            Packed::of(unit, grads, Side::Left).multiply(
                unit,
                &Packed::of(unit, hidden, Side::Right),
                weight_grad,
                d_model,
                0,
                Write::Add,
            );
            return;
        }
        let hidden = Matrix::new(&elements(&self.hidden)[tokens.start * d_model..], tokens.len(), d_model);
        let grads = Matrix::new(grads, tokens.len(), vocab_size).transposed();
        product(Output::new(weight_grad, vocab_size, d_model), grads, hidden, 1.0, Write::Add, Threads::All);
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
