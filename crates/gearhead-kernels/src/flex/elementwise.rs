//! Operations that touch each element once.

use burn_flex::FlexTensor;
use multiversion::{multiversion, target::target_cfg_f};
use rayon::prelude::*;

use super::{
    buffer::Buffer,
    contiguous, dims, each, elements, math, owned,
    precision::{Stored, numbers, rows_at_once},
    rows_per_task,
};

pub(super) fn swiglu<T: Stored>(gate_up: &FlexTensor) -> FlexTensor {
    let gate_up = contiguous(gate_up);
    let [n, columns] = dims(&gate_up);
    let d_ff = columns / 2;
    let mut y = Buffer::of::<T>(n * d_ff);
    let (rows, few) = (rows_per_task(d_ff), rows_at_once(columns));
    let pieces = y.as_mut::<T>(n * d_ff).par_chunks_mut((rows * d_ff).max(1));
    each(pieces.zip(numbers::<T>(&gate_up).par_chunks((rows * columns).max(1))), |(y, gate_up)| {
        let [mut y_room, mut gate_up_room] = [(); 2].map(|()| Vec::new());
        for (y, gate_up) in y.chunks_mut(few * d_ff).zip(gate_up.chunks(few * columns)) {
            let gate_up = T::read(gate_up, &mut gate_up_room);
            T::write(y, &mut y_room, |y| swiglu_rows(y, gate_up, d_ff));
        }
    });
    y.into_tensor_of::<T>([n, d_ff])
}

#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2+fma"))]
fn swiglu_rows(y: &mut [f32], gate_up: &[f32], d_ff: usize) {
    const FMA: bool = target_cfg_f!(target_feature = "fma");
    for (y, gate_up) in y.chunks_exact_mut(d_ff).zip(gate_up.chunks_exact(2 * d_ff)) {
        let (gate, up) = gate_up.split_at(d_ff);
        for ((y, gate), up) in y.iter_mut().zip(gate).zip(up) {
            *y = gate * math::sigmoid::<FMA>(*gate) * up;
        }
    }
}

/// See `swiglu::portable_backward` for the formula. `grad` is of the type of `gate_up`.
pub(super) fn swiglu_backward<T: Stored>(
    gate_up: &FlexTensor,
    grad: &FlexTensor,
) -> (FlexTensor, FlexTensor) {
    let (gate_up, grad) = (contiguous(gate_up), contiguous(grad));
    let [n, columns] = dims(&gate_up);
    let d_ff = columns / 2;
    let (mut gate_up_grad, mut y) = (Buffer::of::<T>(n * columns), Buffer::of::<T>(n * d_ff));
    let (rows, few) = (rows_per_task(d_ff), rows_at_once(columns));
    let (narrow, wide) = ((rows * d_ff).max(1), (rows * columns).max(1));
    let pieces = gate_up_grad
        .as_mut::<T>(n * columns)
        .par_chunks_mut(wide)
        .zip(y.as_mut::<T>(n * d_ff).par_chunks_mut(narrow))
        .zip(numbers::<T>(&gate_up).par_chunks(wide).zip(numbers::<T>(&grad).par_chunks(narrow)));
    each(pieces, |((gate_up_grad, y), (gate_up, grad))| {
        let [mut gate_up_room, mut grad_room, mut gate_up_grad_room, mut y_room] =
            [(); 4].map(|()| Vec::new());
        let (narrow, wide) = (few * d_ff, few * columns);
        let outputs = gate_up_grad.chunks_mut(wide).zip(y.chunks_mut(narrow));
        for ((gate_up_grad, y), (gate_up, grad)) in outputs.zip(gate_up.chunks(wide).zip(grad.chunks(narrow)))
        {
            let (gate_up, grad) = (T::read(gate_up, &mut gate_up_room), T::read(grad, &mut grad_room));
            T::write(gate_up_grad, &mut gate_up_grad_room, |gate_up_grad| {
                T::write(y, &mut y_room, |y| swiglu_backward_rows(gate_up_grad, y, gate_up, grad, d_ff));
            });
        }
    });
    (gate_up_grad.into_tensor_of::<T>([n, columns]), y.into_tensor_of::<T>([n, d_ff]))
}

#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2+fma"))]
fn swiglu_backward_rows(gate_up_grad: &mut [f32], y: &mut [f32], gate_up: &[f32], grad: &[f32], d_ff: usize) {
    const FMA: bool = target_cfg_f!(target_feature = "fma");
    let inputs = gate_up.chunks_exact(2 * d_ff).zip(grad.chunks_exact(d_ff));
    let outputs = gate_up_grad.chunks_exact_mut(2 * d_ff).zip(y.chunks_exact_mut(d_ff));
    for ((gate_up_grad, y), (gate_up, grad)) in outputs.zip(inputs) {
        let ((gate_grad, up_grad), (gate, up)) = (gate_up_grad.split_at_mut(d_ff), gate_up.split_at(d_ff));
        for i in 0..d_ff {
            let sigma = math::sigmoid::<FMA>(gate[i]);
            let silu = gate[i] * sigma;
            gate_grad[i] = grad[i] * up[i] * sigma * (1.0 + gate[i] * (1.0 - sigma));
            up_grad[i] = grad[i] * silu;
            y[i] = silu * up[i];
        }
    }
}

/// In place where nothing else holds `x`; `cos` and `sin` are f32.
pub(super) fn rope<T: Stored>(x: FlexTensor, cos: &FlexTensor, sin: &FlexTensor, heads: usize) -> FlexTensor {
    let (mut x, cos, sin) = (owned(x), contiguous(cos), contiguous(sin));
    let ([_, columns], [_, half]) = (dims::<2>(&x), dims::<2>(&cos));
    let (tokens, few) = (rows_per_task(columns), rows_at_once(columns));
    let pieces = x.storage_mut::<T>().par_chunks_mut((tokens * columns).max(1)).zip(
        elements(&cos)
            .par_chunks((tokens * half).max(1))
            .zip(elements(&sin).par_chunks((tokens * half).max(1))),
    );
    each(pieces, |(x, (cos, sin))| {
        let mut room = Vec::new();
        let angles = cos.chunks(few * half).zip(sin.chunks(few * half));
        for (x, (cos, sin)) in x.chunks_mut(few * columns).zip(angles) {
            T::change(x, &mut room, |x| rope_rows(x, cos, sin, columns, heads));
        }
    });
    x
}

#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2+fma"))]
fn rope_rows(x: &mut [f32], cos: &[f32], sin: &[f32], columns: usize, heads: usize) {
    let half = cos.len() / (x.len() / columns);
    let angles = cos.chunks_exact(half).zip(sin.chunks_exact(half));
    for (row, (cos, sin)) in x.chunks_exact_mut(columns).zip(angles) {
        for head in row.chunks_exact_mut(2 * half).take(heads) {
            let (low, high) = head.split_at_mut(half);
            for i in 0..half {
                (low[i], high[i]) = (low[i] * cos[i] - high[i] * sin[i], high[i] * cos[i] + low[i] * sin[i]);
            }
        }
    }
}
