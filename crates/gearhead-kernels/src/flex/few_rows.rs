//! Linear layers of some tokens: the weights are read once, where they lie, and not packed for a product, which would
//! take longer than the product. Of more than a few tokens, these are packed instead.
//!
//! Weights of 16 bits are widened in registers where they are multiplied with few tokens, and else some rows at a time, so that
//! they never stand in memory in 32 bits as a whole. Those of bf16 are multiplied as they are where the CPU has a unit for that.

use std::ops::Range;

use burn::tensor::DType;
use burn_flex::FlexTensor;
use half::{bf16, f16};
use rayon::prelude::*;

use super::{
    buffer::Buffer,
    dims, each_if_worth, elements,
    product::{Output, Write},
    simd::{Isa, MatrixUnit},
};

/// With more tokens than this, packing weights of 32 bits pays.
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
    let way = Way::of(n, inner, weights);
    let rows = (TASK / inner).max(1).next_multiple_of(way.rows());
    let (mut cuts, mut parts, mut first) = (Vec::new(), Vec::new(), 0);
    for weight in weights {
        let [out, _] = dims::<2>(weight);
        for start in (0..out).step_by(rows) {
            let own = start..(start + rows).min(out);
            cuts.push(first + own.start..first + own.end);
            parts.push(Rows::of(weight, own.start * inner..own.end * inner));
        }
        first += out;
    }
    let outputs = Output::cut(y, columns, std::iter::once(0..n), &cuts);
    let x = elements(x);
    let panels = way.panels(x, inner);
    let run = |(mut output, rows): (Output<'_>, Rows<'_>)| match (way, rows) {
        (Way::Dots(isa), rows) => dots(output, n, write, |dots| rows.products(isa, dots, x, inner)),
        (Way::Tiles(unit), Rows::Bf16(rows)) => unit.panel_products(&mut output, &panels, rows, inner, write),
        (Way::Tiles(_), _) => unreachable!("all weights are of bf16"),
        (Way::Panels(isa), rows) => {
            let mut room = Buffer::new(0);
            isa.panel_products(&mut output, &panels, rows.wide(isa, &mut room), inner, write);
        }
    };
    each_if_worth(n * columns * inner, outputs.into_par_iter().zip(parts), run);
}

/// What `products` computes, `n` rows as long as those of the output.
fn dots(mut output: Output<'_>, n: usize, write: Write, products: impl FnOnce(&mut [f32])) {
    let columns = output.columns();
    let mut dots = Buffer::new(n * columns);
    products(&mut dots);
    for (token, dots) in dots.chunks_exact(columns).enumerate() {
        for (y, dot) in output.row(token).iter_mut().zip(dots) {
            *y = if write == Write::Add { *y + dot } else { *dot };
        }
    }
}

/// How a product is computed.
#[derive(Clone, Copy)]
enum Way {
    /// As sums of products.
    Dots(Isa),
    /// Of panels of tokens and weights in 32 bits.
    Panels(Isa),
    /// Of panels of tokens and weights of bf16, by the matrix unit.
    Tiles(MatrixUnit),
}

impl Way {
    fn of(n: usize, inner: usize, weights: &[FlexTensor]) -> Self {
        if n <= VERY_FEW {
            return Self::Dots(Isa::best());
        }
        let are_taken = inner.is_multiple_of(MatrixUnit::FEATURES)
            && weights.iter().all(|weight| weight.dtype() == DType::BF16);
        MatrixUnit::of_bf16().filter(|_| are_taken).map_or_else(|| Self::Panels(Isa::best()), Self::Tiles)
    }

    /// Rows of weights in one piece of work are a multiple of this.
    const fn rows(self) -> usize {
        match self {
            Self::Dots(_) | Self::Panels(_) => ROWS,
            Self::Tiles(_) => MatrixUnit::ROWS,
        }
    }

    /// The tokens in panels, where they are computed so, the last one filled up with zeros.
    fn panels(self, x: &[f32], inner: usize) -> Buffer {
        // Tokens of a panel, and what room its features need.
        let (width, packed) = match self {
            Self::Dots(_) => return Buffer::new(0),
            Self::Panels(isa) => (isa.panel(), isa.panel() * inner),
            Self::Tiles(_) => (MatrixUnit::PANEL, inner / MatrixUnit::FEATURES * MatrixUnit::PACKED),
        };
        let of_part = packed / inner * FEATURES;
        let mut panels = Buffer::new((x.len() / inner).div_ceil(width) * packed);
        let parts: Vec<_> = panels
            .chunks_exact_mut(packed)
            .zip(x.chunks(width * inner))
            .flat_map(|(panel, tokens)| {
                let parts = panel.chunks_mut(of_part).enumerate();
                parts.map(move |(part, values)| (values, tokens, part * FEATURES))
            })
            .collect();
        each_if_worth(x.len(), parts.into_par_iter(), |(part, tokens, start)| match self {
            Self::Dots(_) => {}
            Self::Panels(isa) => isa.pack_panel(part, tokens, inner, start),
            Self::Tiles(unit) => unit.pack(part, tokens, inner, start),
        });
        panels
    }
}

/// Rows of weights.
#[derive(Clone, Copy)]
enum Rows<'a> {
    F32(&'a [f32]),
    F16(&'a [f16]),
    Bf16(&'a [bf16]),
}

impl<'a> Rows<'a> {
    /// Some weights of a contiguous tensor.
    fn of(weight: &'a FlexTensor, own: Range<usize>) -> Self {
        const EXPECT: &str = "the caller made the tensor contiguous";
        match weight.dtype() {
            DType::F16 => Self::F16(&weight.as_slice().expect(EXPECT)[own]),
            DType::BF16 => Self::Bf16(&weight.as_slice().expect(EXPECT)[own]),
            _ => Self::F32(&elements(weight)[own]),
        }
    }

    /// See [`Isa::products`].
    fn products(self, isa: Isa, y: &mut [f32], x: &[f32], inner: usize) {
        match self {
            Self::F32(rows) => isa.products(y, x, rows, inner),
            Self::F16(rows) => isa.products_half(y, x, rows, inner),
            Self::Bf16(rows) => isa.products_bf16(y, x, rows, inner),
        }
    }

    /// In 32 bits, in `room` unless they are.
    fn wide(self, isa: Isa, room: &'a mut Buffer) -> &'a [f32] {
        match self {
            Self::F32(rows) => return rows,
            Self::F16(rows) => {
                *room = Buffer::new(rows.len());
                isa.widen_half(room, rows);
            }
            Self::Bf16(rows) => {
                *room = Buffer::new(rows.len());
                isa.widen_bf16(room, rows);
            }
        }
        room
    }
}
