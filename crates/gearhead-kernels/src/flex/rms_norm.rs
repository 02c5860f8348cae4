//! Root mean square normalisation: one read and one write of each row.

use burn_flex::FlexTensor;
use multiversion::multiversion;
use rayon::prelude::*;

use super::{
    buffer::Buffer,
    contiguous, dims, each, elements, math,
    precision::{Stored, numbers, rows_at_once},
    rows_per_task,
};

/// `weight` is f32.
pub(super) fn forward<T: Stored>(x: &FlexTensor, weight: &FlexTensor, eps: f32) -> FlexTensor {
    let (x, weight) = (contiguous(x), contiguous(weight));
    let [n, d] = dims(&x);
    let (x, weight) = (numbers::<T>(&x), elements(&weight));
    let mut y = Buffer::of::<T>(x.len());
    let (task, few) = (rows_per_task(d) * d.max(1), rows_at_once(d) * d.max(1));
    let pieces = y.as_mut::<T>(x.len()).par_chunks_mut(task).zip(x.par_chunks(task));
    each(pieces, |(y, x)| {
        let [mut y_room, mut x_room] = [(); 2].map(|()| Vec::new());
        for (y, x) in y.chunks_mut(few).zip(x.chunks(few)) {
            let x = T::read(x, &mut x_room);
            T::write(y, &mut y_room, |y| forward_rows(y, x, weight, eps));
        }
    });
    y.into_tensor_of::<T>([n, d])
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

/// See `rms_norm::portable_backward` for the formula. `weight` and its gradient are f32, all else of the type of `x`.
pub(super) fn backward<T: Stored>(
    x: &FlexTensor,
    weight: &FlexTensor,
    grad: &FlexTensor,
    beside: Option<&FlexTensor>,
    eps: f32,
) -> (FlexTensor, FlexTensor) {
    let (x, weight, grad, beside) =
        (contiguous(x), contiguous(weight), contiguous(grad), beside.map(contiguous));
    let [n, d] = dims(&x);
    let (x, weight, grad) = (numbers::<T>(&x), elements(&weight), numbers::<T>(&grad));
    let beside = beside.as_ref().map(numbers::<T>);
    let mut x_grad = Buffer::of::<T>(x.len());
    let (task, few) = (rows_per_task(d) * d.max(1), rows_at_once(d) * d.max(1));
    let partial: Vec<Vec<f32>> = x_grad
        .as_mut::<T>(x.len())
        .par_chunks_mut(task)
        .zip(x.par_chunks(task).zip(grad.par_chunks(task)))
        .enumerate()
        .map(|(piece, (x_grad, (x, grad)))| {
            let mut weight_grad = vec![0.0; d];
            let mut scaled = vec![0.0; d];
            let [mut x_grad_room, mut x_room, mut grad_room, mut room] = [(); 4].map(|()| Vec::new());
            let pieces = x_grad.chunks_mut(few).zip(x.chunks(few).zip(grad.chunks(few)));
            for ((x_grad, (x, grad)), start) in pieces.zip((piece * task..).step_by(few)) {
                let (x, grad) = (T::read(x, &mut x_room), T::read(grad, &mut grad_room));
                let beside = beside.map(|beside| T::read(&beside[start..start + x.len()], &mut room));
                T::write(x_grad, &mut x_grad_room, |x_grad| {
                    match beside {
                        Some(beside) => x_grad.copy_from_slice(beside),
                        None => x_grad.fill(0.0),
                    }
                    backward_rows(x_grad, &mut weight_grad, x, weight, grad, &mut scaled, eps);
                });
            }
            weight_grad
        })
        .collect();
    // Summed in the order of the rows, whichever thread did them.
    let mut weight_grad = Buffer::zeros(d);
    for part in &partial {
        math::add_scaled(&mut weight_grad, 1.0, part);
    }
    (x_grad.into_tensor_of::<T>([n, d]), weight_grad.into_tensor([d]))
}

/// Adds to `x_grad` and `weight_grad`; `scaled` is room for a row.
#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2+fma"))]
fn backward_rows(
    x_grad: &mut [f32],
    weight_grad: &mut [f32],
    x: &[f32],
    weight: &[f32],
    grad: &[f32],
    scaled: &mut [f32],
    eps: f32,
) {
    let d = weight.len();
    let rows = x_grad.chunks_exact_mut(d).zip(x.chunks_exact(d).zip(grad.chunks_exact(d)));
    for (x_grad, (x, grad)) in rows {
        let inverse_rms = (math::dot(x, x) / d as f32 + eps).sqrt().recip();
        for i in 0..d {
            scaled[i] = grad[i] * weight[i];
            weight_grad[i] += grad[i] * x[i] * inverse_rms;
        }
        let mean = math::dot(scaled, x) * inverse_rms * inverse_rms / d as f32;
        for i in 0..d {
            x_grad[i] += inverse_rms * (scaled[i] - x[i] * mean);
        }
    }
}
