//! Root mean square normalisation: one read and one write of each row.

use burn_flex::FlexTensor;
use multiversion::multiversion;
use rayon::prelude::*;

use super::{buffer::Buffer, contiguous, dims, each, elements, math, rows_per_task};

pub(super) fn forward(x: &FlexTensor, weight: &FlexTensor, eps: f32) -> FlexTensor {
    let (x, weight) = (contiguous(x), contiguous(weight));
    let [n, d] = dims(&x);
    let (x, weight) = (elements(&x), elements(&weight));
    let mut y = Buffer::new(x.len());
    let task = rows_per_task(d) * d.max(1);
    let pieces = y.par_chunks_mut(task).zip(x.par_chunks(task));
    each(pieces, |(y, x)| forward_rows(y, x, weight, eps));
    y.into_tensor([n, d])
}

#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2+fma"))]
fn forward_rows(y: &mut [f32], x: &[f32], weight: &[f32], eps: f32) {
    let d = weight.len();
    for (y, x) in y.chunks_exact_mut(d).zip(x.chunks_exact(d)) {
        let inverse_rms = (math::dot(x, x) / d as f32 + eps).sqrt().recip();
        for ((y, x), weight) in y.iter_mut().zip(x).zip(weight) {
            *y = x * inverse_rms * weight;
        }
    }
}

/// See `rms_norm::portable_backward` for the formula.
pub(super) fn backward(
    x: &FlexTensor,
    weight: &FlexTensor,
    grad: &FlexTensor,
    beside: Option<&FlexTensor>,
    eps: f32,
) -> (FlexTensor, FlexTensor) {
    let (x, weight, grad) = (contiguous(x), contiguous(weight), contiguous(grad));
    let [n, d] = dims(&x);
    let (x, weight, grad) = (elements(&x), elements(&weight), elements(&grad));
    let mut x_grad = beside
        .map_or_else(|| Buffer::zeros(x.len()), |beside| Buffer::copy_of(elements(&contiguous(beside))));
    let task = rows_per_task(d) * d.max(1);
    let partial: Vec<Vec<f32>> = x_grad
        .par_chunks_mut(task)
        .zip(x.par_chunks(task).zip(grad.par_chunks(task)))
        .map(|(x_grad, (x, grad))| {
            let mut weight_grad = vec![0.0; d];
            backward_rows(x_grad, &mut weight_grad, x, weight, grad, eps);
            weight_grad
        })
        .collect();
    // Summed in the order of the rows, whichever thread did them.
    let mut weight_grad = Buffer::zeros(d);
    for part in &partial {
        math::add_scaled(&mut weight_grad, 1.0, part);
    }
    (x_grad.into_tensor([n, d]), weight_grad.into_tensor([d]))
}

/// Adds to `x_grad` and `weight_grad`.
#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2+fma"))]
fn backward_rows(
    x_grad: &mut [f32],
    weight_grad: &mut [f32],
    x: &[f32],
    weight: &[f32],
    grad: &[f32],
    eps: f32,
) {
    let d = weight.len();
    let mut scaled = vec![0.0; d];
    let rows = x_grad.chunks_exact_mut(d).zip(x.chunks_exact(d).zip(grad.chunks_exact(d)));
    for (x_grad, (x, grad)) in rows {
        let inverse_rms = (math::dot(x, x) / d as f32 + eps).sqrt().recip();
        for i in 0..d {
            scaled[i] = grad[i] * weight[i];
            weight_grad[i] += grad[i] * x[i] * inverse_rms;
        }
        let mean = math::dot(&scaled, x) * inverse_rms * inverse_rms / d as f32;
        for i in 0..d {
            x_grad[i] += inverse_rms * (scaled[i] - x[i] * mean);
        }
    }
}
