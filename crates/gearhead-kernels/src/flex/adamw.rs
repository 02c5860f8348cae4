//! AdamW in one pass over parameter, gradient and moments, in place where nothing else holds them.

use burn_flex::FlexTensor;
use multiversion::multiversion;
use rayon::prelude::*;

use super::{contiguous, each, elements};
use crate::AdamWStep;

/// Elements in one piece of work.
const TASK: usize = 16_384;

pub(super) fn step(
    parameter: FlexTensor,
    grad: &FlexTensor,
    moments: (FlexTensor, FlexTensor),
    step: &AdamWStep,
) -> (FlexTensor, FlexTensor, FlexTensor) {
    let grad = contiguous(grad);
    // A view, even a contiguous one, gets storage of its own; a whole tensor is only passed through.
    let [mut parameter, mut first, mut second] =
        [parameter, moments.0, moments.1].map(|tensor| tensor.to_contiguous());
    let pieces = parameter
        .storage_mut::<f32>()
        .par_chunks_mut(TASK)
        .zip(first.storage_mut::<f32>().par_chunks_mut(TASK))
        .zip(second.storage_mut::<f32>().par_chunks_mut(TASK))
        .zip(elements(&grad).par_chunks(TASK));
    each(pieces, |(((parameter, first), second), grad)| step_piece(parameter, first, second, grad, step));
    (parameter, first, second)
}

#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2+fma"))]
fn step_piece(parameter: &mut [f32], first: &mut [f32], second: &mut [f32], grad: &[f32], step: &AdamWStep) {
    let (correction1, correction2) = step.bias_corrections();
    let keep = 1.0 - step.learning_rate * step.weight_decay;
    let rate = step.learning_rate / correction1;
    let moments = first.iter_mut().zip(second);
    for ((parameter, grad), (first, second)) in parameter.iter_mut().zip(grad).zip(moments) {
        let grad = grad * step.grad_scale;
        *first = *first * step.beta1 + grad * (1.0 - step.beta1);
        *second = *second * step.beta2 + grad * grad * (1.0 - step.beta2);
        let denominator = (*second / correction2).sqrt() + step.epsilon;
        *parameter = *parameter * keep - rate * *first / denominator;
    }
}
