//! Operations that touch each element once.

use burn_flex::FlexTensor;
use multiversion::multiversion;
use rayon::prelude::*;

use super::{contiguous, dims, elements, math, rows_per_task, tensor};

/// Elements in one piece of work.
const TASK: usize = 16_384;

pub(super) fn swiglu(gate: &FlexTensor, up: &FlexTensor) -> FlexTensor {
    let (gate, up) = (contiguous(gate), contiguous(up));
    let shape = dims::<2>(&gate);
    let (gate, up) = (elements(&gate), elements(&up));
    let mut y = vec![0.0; gate.len()];
    y.par_chunks_mut(TASK)
        .zip(gate.par_chunks(TASK).zip(up.par_chunks(TASK)))
        .for_each(|(y, (gate, up))| swiglu_piece(y, gate, up));
    tensor(y, shape)
}

#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2+fma"))]
fn swiglu_piece(y: &mut [f32], gate: &[f32], up: &[f32]) {
    for ((y, gate), up) in y.iter_mut().zip(gate).zip(up) {
        *y = gate * math::sigmoid(*gate) * up;
    }
}

/// See `swiglu::portable_backward` for the formula.
pub(super) fn swiglu_backward(
    gate: &FlexTensor,
    up: &FlexTensor,
    grad: &FlexTensor,
) -> (FlexTensor, FlexTensor) {
    let (gate, up, grad) = (contiguous(gate), contiguous(up), contiguous(grad));
    let shape = dims::<2>(&gate);
    let (gate, up, grad) = (elements(&gate), elements(&up), elements(&grad));
    let (mut gate_grad, mut up_grad) = (vec![0.0; gate.len()], vec![0.0; gate.len()]);
    gate_grad
        .par_chunks_mut(TASK)
        .zip(up_grad.par_chunks_mut(TASK))
        .zip(gate.par_chunks(TASK).zip(up.par_chunks(TASK).zip(grad.par_chunks(TASK))))
        .for_each(|((gate_grad, up_grad), (gate, (up, grad)))| {
            swiglu_backward_piece(gate_grad, up_grad, gate, up, grad);
        });
    (tensor(gate_grad, shape), tensor(up_grad, shape))
}

#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2+fma"))]
fn swiglu_backward_piece(gate_grad: &mut [f32], up_grad: &mut [f32], gate: &[f32], up: &[f32], grad: &[f32]) {
    let outputs = gate_grad.iter_mut().zip(up_grad);
    for ((gate_grad, up_grad), ((gate, up), grad)) in outputs.zip(gate.iter().zip(up).zip(grad)) {
        let sigma = math::sigmoid(*gate);
        *gate_grad = grad * up * sigma * (1.0 + gate * (1.0 - sigma));
        *up_grad = grad * gate * sigma;
    }
}

pub(super) fn rope(x: &FlexTensor, cos: &FlexTensor, sin: &FlexTensor) -> FlexTensor {
    let (x, cos, sin) = (contiguous(x), contiguous(cos), contiguous(sin));
    let [n, heads, d_head] = dims(&x);
    let (x, cos, sin) = (elements(&x), elements(&cos), elements(&sin));
    let (token, half) = ((heads * d_head).max(1), (d_head / 2).max(1));
    let tokens = rows_per_task(token);
    let mut y = vec![0.0; x.len()];
    y.par_chunks_mut(tokens * token)
        .zip(x.par_chunks(tokens * token))
        .zip(cos.par_chunks(tokens * half).zip(sin.par_chunks(tokens * half)))
        .for_each(|((y, x), (cos, sin))| rope_tokens(y, x, cos, sin, heads, half));
    tensor(y, [n, heads, d_head])
}

#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2+fma"))]
fn rope_tokens(y: &mut [f32], x: &[f32], cos: &[f32], sin: &[f32], heads: usize, half: usize) {
    for ((y, x), (cos, sin)) in y
        .chunks_exact_mut(heads * 2 * half)
        .zip(x.chunks_exact(heads * 2 * half))
        .zip(cos.chunks_exact(half).zip(sin.chunks_exact(half)))
    {
        for (y, x) in y.chunks_exact_mut(2 * half).zip(x.chunks_exact(2 * half)) {
            let ((y_low, y_high), (low, high)) = (y.split_at_mut(half), x.split_at(half));
            for i in 0..half {
                y_low[i] = low[i] * cos[i] - high[i] * sin[i];
                y_high[i] = high[i] * cos[i] + low[i] * sin[i];
            }
        }
    }
}
