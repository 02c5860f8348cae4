//! Linear layers of a few tokens: the weights are read once, where they lie, and not packed for a product, which would
//! take longer than the product.

use burn_flex::FlexTensor;
use multiversion::{multiversion, target::target_cfg_f};
use rayon::prelude::*;

use super::{
    buffer::Buffer,
    dims, elements, math,
    product::{Matrix, Output, Threads, Write, product},
};

/// With more tokens than this, packing the weights pays.
pub(super) const FEW: usize = 256;

/// With more tokens than this, a matrix product is faster than sums of products.
const VERY_FEW: usize = 4;

/// Multiplications that pay for waking another thread.
const WORTH_A_THREAD: usize = 1 << 16;

/// Weights in one piece of work.
const TASK: usize = 1 << 15;

/// The fewest rows of weights in one piece of work: the tokens are packed for each.
const FEWEST_ROWS: usize = 64;

/// Adds `x weightᵀ` for each weight, side by side, to `y`; the tensors are contiguous.
pub(super) fn add(y: &mut [f32], x: &FlexTensor, weights: &[FlexTensor]) {
    let [n, inner] = dims(x);
    if n * inner == 0 {
        return;
    }
    let columns: usize = weights.iter().map(|weight| dims::<2>(weight)[0]).sum();
    let rows = (TASK / inner).max(FEWEST_ROWS);
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
    let run = |(output, part): (Output<'_>, &[f32])| {
        if n <= VERY_FEW { add_dots(output, x, part, n) } else { add_product(output, x, part, n) }
    };
    if n * columns * inner < WORTH_A_THREAD {
        pieces.into_iter().for_each(run);
    } else {
        pieces.into_par_iter().for_each(run);
    }
}

fn add_dots(mut output: Output<'_>, x: &[f32], weights: &[f32], n: usize) {
    let columns = output.columns();
    let mut dots = Buffer::new(n * columns);
    multiply(&mut dots, x, weights, x.len() / n);
    for (token, dots) in dots.chunks_exact(columns).enumerate() {
        for (y, dot) in output.row(token).iter_mut().zip(dots) {
            *y += dot;
        }
    }
}

/// The product has the weights on its left, as they lie, so that its rows are the columns of the output.
fn add_product(mut output: Output<'_>, x: &[f32], weights: &[f32], n: usize) {
    let (columns, inner) = (output.columns(), x.len() / n);
    let mut transposed = Buffer::new(columns * n);
    let tokens = Matrix::new(x, n, inner).transposed();
    let rows = Matrix::new(weights, columns, inner);
    product(Output::new(&mut transposed, columns, n), rows, tokens, 1.0, Write::Over, Threads::One);
    // A few columns at a time, so that what is read in jumps is read from the cache the next time.
    for (block, some) in transposed.chunks(16 * n).enumerate() {
        for token in 0..n {
            let to = &mut output.row(token)[block * 16..];
            for (y, value) in to.iter_mut().zip(some[token..].iter().step_by(n)) {
                *y += value;
            }
        }
    }
}

/// `x weightsᵀ`, both with rows of `inner` values.
#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2+fma"))]
pub(super) fn multiply(y: &mut [f32], x: &[f32], weights: &[f32], inner: usize) {
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
