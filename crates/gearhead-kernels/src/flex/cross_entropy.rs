//! Cross-entropy and its gradient in two passes over each row of logits.

use burn::tensor::{Int, Tensor};
use burn::{backend::Flex, tensor::ops::IntTensor};
use burn_flex::FlexTensor;
use multiversion::multiversion;
use rayon::prelude::*;

use super::{contiguous, dims, elements, math, tensor};

/// The summed loss `[1]` and `softmax(logits) - onehot(target)` `[n, vocab_size]`.
pub(super) fn forward(logits: &FlexTensor, targets: IntTensor<Flex>) -> (FlexTensor, FlexTensor) {
    let logits = contiguous(logits);
    let [n, vocab_size] = dims(&logits);
    let targets: Vec<i64> =
        Tensor::<Flex, 1, Int>::from_primitive(targets).into_data().iter::<i64>().collect();
    let mut grad = elements(&logits).to_vec();
    let mut losses = vec![0.0_f32; n];
    grad.par_chunks_mut(vocab_size.max(1)).zip(&mut losses).zip(&targets).for_each(
        |((row, loss), target)| {
            *loss = row_loss(row, *target as usize);
        },
    );
    // In f64 and in the order of the rows: the same sum for any number of threads.
    let loss: f64 = losses.iter().map(|loss| f64::from(*loss)).sum();
    (tensor(vec![loss as f32], [1]), tensor(grad, [n, vocab_size]))
}

/// Turns a row of logits into its gradient and returns the loss.
#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2+fma"))]
fn row_loss(row: &mut [f32], target: usize) -> f32 {
    let (largest, at_target) = (math::max(row), row[target]);
    let sum = math::exp_minus(row, largest);
    let inverse = sum.recip();
    for value in row.iter_mut() {
        *value *= inverse;
    }
    row[target] -= 1.0;
    // The difference first: it is exact where the target has nearly all the probability.
    sum.ln() + (largest - at_target)
}
