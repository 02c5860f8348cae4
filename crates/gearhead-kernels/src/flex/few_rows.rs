//! Linear layers of a few tokens: the weights are read once, where they lie, and not packed for a product, which would
//! take longer than the product.

use burn_flex::FlexTensor;
use rayon::prelude::*;

use super::{
    buffer::Buffer,
    dims, each_if_worth, elements,
    product::{Matrix, Output, Threads, Write, product},
    simd::Isa,
};

/// With more tokens than this, packing the weights pays.
pub(super) const FEW: usize = 256;

/// With more tokens than this, a matrix product is faster than sums of products.
const VERY_FEW: usize = 32;

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
    let x = elements(x);
    let run = |(output, part): (Output<'_>, &[f32])| {
        if n <= VERY_FEW { add_dots(output, x, part, n) } else { add_product(output, x, part, n) }
    };
    each_if_worth(n * columns * inner, outputs.into_par_iter().zip(parts), run);
}

fn add_dots(mut output: Output<'_>, x: &[f32], weights: &[f32], n: usize) {
    let columns = output.columns();
    let mut dots = Buffer::new(n * columns);
    Isa::best().products(&mut dots, x, weights, x.len() / n);
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
