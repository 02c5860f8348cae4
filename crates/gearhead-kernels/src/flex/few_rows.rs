//! Linear layers of some tokens: the weights are read once, where they lie, and not packed for a product, which would
//! take longer than the product. Of more than a few tokens, these are packed instead.

use burn_flex::FlexTensor;
use rayon::prelude::*;

use super::{
    buffer::Buffer,
    dims, each_if_worth, elements,
    product::{Output, Write},
    simd::Isa,
};

/// With more tokens than this, packing the weights pays.
pub(super) const FEW: usize = 256;

/// With more tokens than this, products of panels of tokens are faster than sums of products.
const VERY_FEW: usize = 20;

/// Weights in one piece of work.
const TASK: usize = 1 << 15;

/// Features of tokens in one piece of the work to pack them.
const FEATURES: usize = 128;

/// Rows of weights in one piece of work are as many times this: no tile of any instruction set is left unfilled.
const ROWS: usize = 8;

/// `x weightᵀ` for each weight, side by side, to `y`; the tensors are contiguous.
pub(super) fn linear(y: &mut [f32], x: &FlexTensor, weights: &[FlexTensor], write: Write) {
    let [n, inner] = dims(x);
    if n * inner == 0 {
        if write == Write::Over {
            y.fill(0.0);
        }
        return;
    }
    let columns: usize = weights.iter().map(|weight| dims::<2>(weight)[0]).sum();
    let rows = (TASK / inner).max(1).next_multiple_of(ROWS);
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
    let (isa, x, work) = (Isa::best(), elements(x), n * columns * inner);
    if n <= VERY_FEW {
        let run = |(output, part): (Output<'_>, &[f32])| dots(isa, output, x, part, n, write);
        each_if_worth(work, outputs.into_par_iter().zip(parts), run);
    } else {
        let panels = panels(isa, x, inner);
        let run = |(mut output, part): (Output<'_>, &[f32])| {
            isa.panel_products(&mut output, &panels, part, inner, write);
        };
        each_if_worth(work, outputs.into_par_iter().zip(parts), run);
    }
}

fn dots(isa: Isa, mut output: Output<'_>, x: &[f32], weights: &[f32], n: usize, write: Write) {
    let columns = output.columns();
    let mut dots = Buffer::new(n * columns);
    isa.products(&mut dots, x, weights, x.len() / n);
    for (token, dots) in dots.chunks_exact(columns).enumerate() {
        for (y, dot) in output.row(token).iter_mut().zip(dots) {
            *y = if write == Write::Add { *y + dot } else { *dot };
        }
    }
}

/// The tokens as [`Isa::panel_products`] takes them, the last panel filled up with zeros.
fn panels(isa: Isa, x: &[f32], inner: usize) -> Buffer {
    let width = isa.panel();
    let mut panels = Buffer::new((x.len() / inner).next_multiple_of(width) * inner);
    let parts: Vec<_> = panels
        .chunks_exact_mut(width * inner)
        .zip(x.chunks(width * inner))
        .flat_map(|(panel, tokens)| {
            let parts = panel.chunks_mut(FEATURES * width).enumerate();
            parts.map(move |(part, values)| (values, tokens, part * FEATURES))
        })
        .collect();
    each_if_worth(x.len(), parts.into_par_iter(), |(part, tokens, start)| {
        isa.pack_panel(part, tokens, inner, start);
    });
    panels
}
