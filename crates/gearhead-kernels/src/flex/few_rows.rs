//! Linear layers of a few tokens: the weights are read once, where they lie, at the speed of the memory.

use burn_flex::FlexTensor;
use multiversion::{multiversion, target::target_cfg_f};
use rayon::prelude::*;

use super::{dims, elements, math, product::Output};

/// With more tokens than this, the arithmetic takes longer than the memory, and a matrix product is faster.
pub(super) const FEW: usize = 64;

/// Multiplications that pay for waking another thread.
const WORTH_A_THREAD: usize = 1 << 16;

/// Weights in one piece of work.
const TASK: usize = 1 << 15;

/// Adds `x weightᵀ` for each weight, side by side, to `y`; the tensors are contiguous.
pub(super) fn add(y: &mut [f32], x: &FlexTensor, weights: &[FlexTensor]) {
    let [n, inner] = dims(x);
    if n * inner == 0 {
        return;
    }
    let columns: usize = weights.iter().map(|weight| dims::<2>(weight)[0]).sum();
    let rows = (TASK / inner).max(4);
    let (mut cuts, mut parts, mut first) = (Vec::new(), Vec::new(), 0);
    for weight in weights {
        let [out, _] = dims::<2>(weight);
        for start in (0..out).step_by(rows) {
            let own = start..(start + rows).min(out);
            cuts.push(first + own.start..first + own.end);
            parts.push(&elements(weight)[own.start * inner..own.end * inner]);
        }
        first += out;
    }
    let outputs = Output::cut(y, columns, std::iter::once(0..n), &cuts);
    let pieces: Vec<_> = outputs.into_iter().zip(parts).collect();
    let x = elements(x);
    let run = |(mut output, part): (Output<'_>, &[f32])| {
        let mut dots = vec![0.0; n * output.columns()];
        multiply(&mut dots, x, part, inner);
        for (token, dots) in dots.chunks_exact(output.columns()).enumerate() {
            for (y, dot) in output.row(token).iter_mut().zip(dots) {
                *y += dot;
            }
        }
    };
    if n * columns * inner < WORTH_A_THREAD {
        pieces.into_iter().for_each(run);
    } else {
        pieces.into_par_iter().for_each(run);
    }
}

/// `x weightsᵀ`, both with rows of `inner` values.
#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2+fma"))]
fn multiply(y: &mut [f32], x: &[f32], weights: &[f32], inner: usize) {
    const FMA: bool = target_cfg_f!(target_feature = "fma");
    let out = weights.len() / inner;
    let fours = out / 4 * 4;
    for first in (0..fours).step_by(4) {
        let rows = &weights[first * inner..][..4 * inner];
        let ((a, b), (c, d)) = (rows[..2 * inner].split_at(inner), rows[2 * inner..].split_at(inner));
        for (y, x) in y.chunks_mut(2 * out).zip(x.chunks(2 * inner)) {
            if x.len() > inner {
                let (x, next) = x.split_at(inner);
                let [dots, next] = math::dots::<FMA, 2>([x, next], [a, b, c, d]);
                y[first..first + 4].copy_from_slice(&dots);
                y[out + first..out + first + 4].copy_from_slice(&next);
            } else {
                let [dots] = math::dots::<FMA, 1>([x], [a, b, c, d]);
                y[first..first + 4].copy_from_slice(&dots);
            }
        }
    }
    for (index, row) in weights.chunks_exact(inner).enumerate().skip(fours) {
        for (y, x) in y.chunks_exact_mut(out).zip(x.chunks_exact(inner)) {
            y[index] = math::dot(x, row);
        }
    }
}
