//! Linear layers whose weights have 8 or 4 bits, on activations that are rounded to 8 bits on the way.

use std::sync::Arc;

use burn_flex::FlexTensor;
use half::f16;
use rayon::prelude::*;

use super::{
    buffer::Buffer,
    contiguous, dims, each, each_if_worth, elements,
    product::{Output, Write},
    simd::{BLOCK, Isa, Line, Token, Weights},
};
use crate::quantized::{GROUP, Quantization, quantize_group};

/// Weights in one piece of work.
const TASK: usize = 1 << 15;

/// The most tokens in one piece of work, so that their features stay in the second cache.
const STRIP: usize = 192;

/// Weights `[out, in]` in blocks of 16 rows, zeros filling up the last.
#[derive(Debug, Clone)]
pub struct PackedWeight(Arc<Packed>);

#[derive(Debug)]
struct Packed {
    format: Quantization,
    rows: usize,
    inner: usize,
    /// For each block, for each group of columns, as many as a weight has bits.
    lines: Vec<Line>,
    /// For each block, for each group of columns, one of each row.
    scales: Vec<[u16; BLOCK]>,
}

impl Packed {
    fn lines_of_block(&self) -> usize {
        self.inner / GROUP * bits(self.format)
    }

    fn blocks(&self) -> usize {
        self.rows.div_ceil(BLOCK)
    }

    fn block(&self, block: usize) -> Weights<'_> {
        let (lines, groups) = (self.lines_of_block(), self.inner / GROUP);
        Weights {
            lines: &self.lines[block * lines..][..lines],
            scales: &self.scales[block * groups..][..groups],
        }
    }
}

const fn bits(format: Quantization) -> usize {
    match format {
        Quantization::Q8_0 => 8,
        Quantization::Q4_0 => 4,
    }
}

/// Where a number stands in the lines of its group: line, byte, and how far its lowest bit is from the byte's.
const fn place(format: Quantization, row: usize, column: usize) -> (usize, usize, usize) {
    match format {
        Quantization::Q8_0 => (column / 4, 4 * row + column % 4, 0),
        Quantization::Q4_0 => (column / 8, 4 * row + column % 4, column % 8 / 4 * 4),
    }
}

/// What is added to a number that is stored, so that none is negative.
const fn offset(format: Quantization) -> i16 {
    1 << (bits(format) - 1)
}

/// Weights, each `[out, in]`, one below the other.
pub(super) fn pack(weights: &[FlexTensor], format: Quantization) -> PackedWeight {
    let weights: Vec<_> = weights.iter().map(contiguous).collect();
    let inner = weights.first().map_or(0, |weight| dims::<2>(weight)[1]);
    let rows: Vec<&[f32]> =
        weights.iter().flat_map(|weight| elements(weight).chunks_exact(inner.max(1))).collect();
    let (blocks, groups) = (rows.len().div_ceil(BLOCK), inner / GROUP);
    let mut lines: Vec<Line> = bytemuck::zeroed_vec(blocks * groups * bits(format));
    let mut scales: Vec<[u16; BLOCK]> = bytemuck::zeroed_vec(blocks * groups);
    let parts =
        lines.par_chunks_mut((groups * bits(format)).max(1)).zip(scales.par_chunks_mut(groups.max(1)));
    each(rows.par_chunks(BLOCK).zip(parts), |(rows, (lines, scales))| {
        let groups = lines.chunks_exact_mut(bits(format)).zip(scales);
        for (group, (lines, scales)) in groups.enumerate() {
            for (row, stored) in scales.iter_mut().enumerate() {
                let mut numbers = [0; GROUP];
                if let Some(weights) = rows.get(row) {
                    let (scale, found) = quantize_group(&weights.as_chunks().0[group], format);
                    (*stored, numbers) = (scale.to_bits(), found);
                }
                for (column, number) in numbers.into_iter().enumerate() {
                    let (line, byte, shift) = place(format, row, column);
                    lines[line].0[byte] |= ((i16::from(number) + offset(format)) as u8) << shift;
                }
            }
        }
    });
    PackedWeight(Arc::new(Packed { format, rows: rows.len(), inner, lines, scales }))
}

/// `[out, in]`.
pub(super) fn unpack(PackedWeight(weight): &PackedWeight) -> FlexTensor {
    let mut values = Buffer::new(weight.rows * weight.inner);
    let mask = (1_u16 << bits(weight.format)) - 1;
    each(values.par_chunks_mut(weight.inner.max(1)).enumerate(), |(row, values)| {
        let Weights { lines, scales } = weight.block(row / BLOCK);
        for (column, value) in values.iter_mut().enumerate() {
            let group = column / GROUP;
            let (line, byte, shift) = place(weight.format, row % BLOCK, column % GROUP);
            let stored = u16::from(lines[group * bits(weight.format) + line].0[byte]) >> shift & mask;
            let number = stored.cast_signed() - offset(weight.format);
            *value = f16::from_bits(scales[group][row % BLOCK]).to_f32() * f32::from(number);
        }
    });
    values.into_tensor([weight.rows, weight.inner])
}

/// `x weightᵀ`, added to `residual` where there is one.
pub(super) fn linear(
    x: &FlexTensor,
    PackedWeight(weight): &PackedWeight,
    residual: Option<&FlexTensor>,
) -> FlexTensor {
    let x = contiguous(x);
    let [n, _] = dims::<2>(&x);
    let (mut y, write) = match residual {
        Some(residual) => (Buffer::copy_of(elements(&contiguous(residual))), Write::Add),
        None => (Buffer::new(n * weight.rows), Write::Over),
    };
    if n > 0 {
        products(Isa::best(), &mut y, elements(&x), weight, write);
    }
    y.into_tensor([n, weight.rows])
}

fn products(isa: Isa, y: &mut [f32], x: &[f32], weight: &Packed, write: Write) {
    let (n, groups) = (x.len() / weight.inner, weight.inner / GROUP);
    let activations = Activations::of(isa, x);
    let tokens: Vec<_> = (0..n).map(|token| activations.token(token, groups)).collect();
    let some_blocks = (TASK / (BLOCK * weight.inner)).max(1);
    let blocks: Vec<_> = (0..weight.blocks())
        .step_by(some_blocks)
        .map(|start| start..(start + some_blocks).min(weight.blocks()))
        .collect();
    let columns: Vec<_> =
        blocks.iter().map(|some| some.start * BLOCK..(some.end * BLOCK).min(weight.rows)).collect();
    let strips = (0..n).step_by(STRIP).map(|start| start..(start + STRIP).min(n));
    let outputs = Output::cut(y, weight.rows, strips, &columns);
    let work = |(index, mut output): (usize, Output<'_>)| {
        let start = index / blocks.len() * STRIP;
        let tokens = &tokens[start..(start + STRIP).min(n)];
        for (place, block) in blocks[index % blocks.len()].clone().enumerate() {
            let (column, weights) = (place * BLOCK, weight.block(block));
            match weight.format {
                Quantization::Q8_0 => isa.products_8(&mut output, column, tokens, weights, write),
                Quantization::Q4_0 => isa.products_4(&mut output, column, tokens, weights, write),
            }
        }
    };
    each_if_worth(n * weight.rows * weight.inner, outputs.into_par_iter().enumerate(), work);
}

/// Features of tokens in 8 bits.
struct Activations {
    /// Groups of bytes.
    values: Buffer,
    scales: Buffer,
    sums: Vec<i32>,
}

impl Activations {
    fn of(isa: Isa, x: &[f32]) -> Self {
        /// Groups in one piece of work.
        const SOME: usize = 128;
        let count = x.len() / GROUP;
        let mut activations =
            Self { values: Buffer::new(x.len() / 4), scales: Buffer::new(count), sums: vec![0; count] };
        let parts = bytemuck::cast_slice_mut::<_, [i8; GROUP]>(&mut activations.values)
            .par_chunks_mut(SOME)
            .zip(activations.scales.par_chunks_mut(SOME).zip(activations.sums.par_chunks_mut(SOME)));
        let groups = x.as_chunks::<GROUP>().0.par_chunks(SOME);
        each_if_worth(x.len(), groups.zip(parts), |(groups, (values, (scales, sums)))| {
            isa.round_groups(groups, values, scales, sums);
        });
        activations
    }

    fn token(&self, token: usize, groups: usize) -> Token<'_> {
        let own = token * groups..(token + 1) * groups;
        let values = &bytemuck::cast_slice(&self.values)[own.clone()];
        Token { values, scales: &self.scales[own.clone()], sums: &self.sums[own] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sines(count: usize, phase: f32) -> Buffer {
        let values: Vec<f32> = (0..count).map(|index| (1.7 * index as f32 + phase).sin()).collect();
        Buffer::copy_of(&values)
    }

    #[test]
    fn products_are_the_same_by_every_instruction_set() {
        for format in [Quantization::Q8_0, Quantization::Q4_0] {
            for (n, rows, inner) in [(1, 16, 32), (2, 5, 64), (7, 40, 96), (25, 33, 64)] {
                let PackedWeight(weight) =
                    pack(&[sines(rows * inner, 1.0).into_tensor([rows, inner])], format);
                let x = sines(n * inner, 0.0);
                let run = |isa, write| {
                    let mut y = Buffer::copy_of(&vec![2.0_f32; n * rows]);
                    products(isa, &mut y, &x, &weight, write);
                    y.to_vec()
                };
                let expected = run(Isa::Lanes, Write::Over);
                for isa in Isa::available() {
                    let (over, add) = (run(isa, Write::Over), run(isa, Write::Add));
                    for ((over, add), expected) in over.iter().zip(add).zip(&expected) {
                        let what = format!("{isa:?} {format} {n} x {inner} x {rows}");
                        assert!((over - expected).abs() < 1e-4, "{what}: {over}, not {expected}");
                        assert!(
                            (add - 2.0 - expected).abs() < 1e-4,
                            "{what}, added: {add}, not 2 + {expected}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn the_largest_numbers_overflow_nowhere() {
        // Every product is 127 times 127, or its opposite.
        for signs in [[1.0, 1.0], [1.0, -1.0], [-1.0, -1.0]] {
            let [w, x] = signs.map(|sign| Buffer::copy_of(&vec![sign; 16 * 64]));
            let PackedWeight(weight) = pack(&[w.into_tensor([16, 64])], Quantization::Q8_0);
            for isa in Isa::available() {
                let mut y = Buffer::zeros(16);
                products(isa, &mut y, &x[..64], &weight, Write::Over);
                let expected = 64.0 * signs[0] * signs[1];
                assert!(y.iter().all(|y| (y - expected).abs() < 0.05), "{isa:?}: {:?}", &*y);
            }
        }
    }
}
