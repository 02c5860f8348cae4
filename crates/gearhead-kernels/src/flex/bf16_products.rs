//! Products of matrices that are rounded to bf16, by the matrix unit of the CPU, and the linear layers whose activations are bf16
//! that are made of them. Sums are f32.
//!
//! Both matrices are packed whole before they are multiplied, so that either may be read in its own direction: no pass copies a
//! transpose of numbers of 32 bits.

use std::ops::Range;

use burn::tensor::DType;
use burn_flex::FlexTensor;
use half::bf16;
use rayon::prelude::*;

use super::{
    buffer::Buffer,
    contiguous, dims, each_if_worth, elements,
    precision::{numbers, wide},
    product::{Output, Write},
    simd::{MatrixNumber, MatrixUnit, Side, Source, Sums},
};

/// Rows or columns in tiles that lie behind each other along a sum.
const HALF_BLOCK: usize = MatrixUnit::BLOCK / 2;

/// Rows and columns of a result in one piece of work.
const TASK: [usize; 2] = [2 * MatrixUnit::BLOCK, 4 * MatrixUnit::BLOCK];

/// The unit, where activations are of its type.
pub(super) fn unit_for(activations: &FlexTensor) -> Option<MatrixUnit> {
    MatrixUnit::of_bf16().filter(|_| activations.dtype() == DType::BF16)
}

/// Numbers of 32 or 16 bits.
#[derive(Clone, Copy)]
enum Numbers<'a> {
    F32(Source<'a, f32>),
    Bf16(Source<'a, bf16>),
}

/// A matrix that becomes a side of a product.
#[derive(Clone, Copy)]
pub(super) struct Factor<'a>(Numbers<'a>);

impl<'a> Factor<'a> {
    /// A contiguous tensor of f32 or bf16.
    pub(super) fn of(tensor: &'a FlexTensor, sums: Sums) -> Self {
        let [rows, columns] = dims(tensor);
        if tensor.dtype() == DType::BF16 {
            let values = numbers::<bf16>(tensor);
            return Self(Numbers::Bf16(Source { values, rows, columns, row_stride: columns, sums }));
        }
        Self::of_rows(elements(tensor), columns, sums)
    }

    /// Rows that follow each other.
    pub(super) fn of_rows(values: &'a [f32], columns: usize, sums: Sums) -> Self {
        let rows = values.len() / columns.max(1);
        Self(Numbers::F32(Source { values, rows, columns, row_stride: columns, sums }))
    }

    /// Some of the columns.
    fn columns_of(self, columns: Range<usize>) -> Self {
        fn part<T: Copy>(source: Source<'_, T>, columns: Range<usize>) -> Source<'_, T> {
            assert!(columns.start <= columns.end && columns.end <= source.columns, "the columns exist");
            let values = &source.values[columns.start.min(source.values.len())..];
            Source { values, columns: columns.len(), ..source }
        }
        Self(match self.0 {
            Numbers::F32(source) => Numbers::F32(part(source, columns)),
            Numbers::Bf16(source) => Numbers::Bf16(part(source, columns)),
        })
    }

    /// Some of the rows.
    pub(super) fn rows_of(self, rows: Range<usize>) -> Self {
        fn part<T: Copy>(source: Source<'_, T>, rows: Range<usize>) -> Source<'_, T> {
            assert!(rows.start <= rows.end && rows.end <= source.rows, "the rows exist");
            Source { values: &source.values[rows.start * source.row_stride..], rows: rows.len(), ..source }
        }
        Self(match self.0 {
            Numbers::F32(source) => Numbers::F32(part(source, rows)),
            Numbers::Bf16(source) => Numbers::Bf16(part(source, rows)),
        })
    }

    /// How many results of the other side each number counts for, and how many numbers are summed.
    fn extents(self) -> [usize; 2] {
        let (rows, columns, sums) = match self.0 {
            Numbers::F32(source) => (source.rows, source.columns, source.sums),
            Numbers::Bf16(source) => (source.rows, source.columns, source.sums),
        };
        match sums {
            Sums::AlongRows => [rows, columns],
            Sums::DownColumns => [columns, rows],
        }
    }

    /// Tiles along the sum.
    fn depth(self) -> usize {
        self.extents()[1].div_ceil(MatrixUnit::DEPTH)
    }

    fn pack(self, unit: MatrixUnit, tiles: &mut [f32], side: Side, outer: usize) {
        match self.0 {
            Numbers::F32(source) => unit.pack_bf16(tiles, source, side, outer),
            Numbers::Bf16(source) => unit.pack_bf16(tiles, source, side, outer),
        }
    }
}

/// A side of a product, in tiles.
pub(super) struct Packed {
    tiles: Buffer,
    /// Rows, or columns.
    len: usize,
    /// Numbers that are summed.
    sum: usize,
    /// Tiles along a sum.
    depth: usize,
}

impl Packed {
    pub(super) fn of(unit: MatrixUnit, factor: Factor<'_>, side: Side) -> Self {
        Self::of_all(unit, &[factor], side)
    }

    /// Matrices whose products are added up: a sum runs through all of them.
    fn of_all(unit: MatrixUnit, factors: &[Factor<'_>], side: Side) -> Self {
        let len = factors.first().map_or(0, |factor| factor.extents()[0]);
        assert!(factors.iter().all(|factor| factor.extents()[0] == len), "all have as many");
        let depth: usize = factors.iter().map(|factor| factor.depth()).sum();
        let (strip, strips) = (depth * MatrixUnit::TILE, 2 * len.div_ceil(MatrixUnit::BLOCK));
        let mut tiles = Buffer::new(strips * strip);
        let numbers = tiles.len();
        each_if_worth(numbers, tiles.par_chunks_mut(strip.max(1)).enumerate(), |(place, mut strip)| {
            for factor in factors {
                let (own, rest) = strip.split_at_mut(factor.depth() * MatrixUnit::TILE);
                factor.pack(unit, own, side, place * HALF_BLOCK);
                strip = rest;
            }
        });
        let sum = factors.iter().map(|factor| factor.extents()[1]).sum();
        Self { tiles, len, sum, depth }
    }

    /// `self · right` to as many columns of rows of `row_len`, from `column` on.
    pub(super) fn multiply<T: MatrixNumber + Default + Send>(
        &self,
        unit: MatrixUnit,
        right: &Self,
        y: &mut [T],
        row_len: usize,
        column: usize,
        write: Write,
    ) {
        assert!(self.sum == right.sum && self.depth == right.depth, "sums are as long");
        let groups = |start: usize, len: usize, task: usize| -> Vec<Range<usize>> {
            (0..len).step_by(task).map(|at| start + at..start + (at + task).min(len)).collect()
        };
        let (rows, columns) = (groups(0, self.len, TASK[0]), groups(column, right.len, TASK[1]));
        let outputs = Output::cut(y, row_len, rows.iter().cloned(), &columns);
        if self.depth == 0 {
            if write == Write::Over {
                for mut output in outputs {
                    output.fill_zero();
                }
            }
            return;
        }
        let task = |packed: &Self, len: usize| len / HALF_BLOCK * packed.depth * MatrixUnit::TILE;
        let (left_task, right_task) = (task(self, TASK[0]), task(right, TASK[1]));
        let lefts = self.tiles.chunks(left_task);
        let sides = lefts.flat_map(|left| right.tiles.chunks(right_task).map(move |right| [left, right]));
        let mut pieces: Vec<_> = outputs.into_iter().zip(sides).enumerate().collect();
        if right.len > self.len {
            // The smaller side as a whole is near while the larger is gone through once.
            pieces.sort_by_key(|(place, _)| place % columns.len());
        }
        let multiplications = self.len * right.len * self.depth * MatrixUnit::DEPTH;
        each_if_worth(multiplications, pieces.into_par_iter(), |(_, (mut output, sides))| {
            unit.multiply_bf16(&mut output, sides, self.depth, write);
        });
    }
}

/// `x weightᵀ` for each weight, of 32 or 16 bits, side by side.
pub(super) fn forward(unit: MatrixUnit, x: &FlexTensor, weights: &[FlexTensor]) -> FlexTensor {
    let [n, _] = dims(x);
    let columns: usize = weights.iter().map(|weight| dims::<2>(weight)[0]).sum();
    let mut y = Buffer::of::<bf16>(n * columns);
    linear(unit, y.as_mut(n * columns), x, weights, Write::Over);
    y.into_tensor_of::<bf16>([n, columns])
}

/// `residual + x weightᵀ`.
pub(super) fn forward_add(
    unit: MatrixUnit,
    x: &FlexTensor,
    weight: FlexTensor,
    residual: &FlexTensor,
) -> FlexTensor {
    let residual = taken(residual);
    let len = numbers::<bf16>(&residual).len();
    let mut y = Buffer::copy_of(numbers::<bf16>(&residual));
    linear(unit, y.as_mut(len), x, &[weight], Write::Add);
    y.into_tensor_of::<bf16>(dims::<2>(&residual))
}

fn linear(unit: MatrixUnit, y: &mut [bf16], x: &FlexTensor, weights: &[FlexTensor], write: Write) {
    let x = taken(x);
    let x = Packed::of(unit, Factor::of(&x, Sums::AlongRows), Side::Left);
    let columns: usize = weights.iter().map(|weight| dims::<2>(weight)[0]).sum();
    let mut column = 0;
    for weight in weights {
        let weight = taken(weight);
        let weight = Packed::of(unit, Factor::of(&weight, Sums::AlongRows), Side::Right);
        x.multiply(unit, &weight, y, columns, column, write);
        column += weight.len;
    }
}

/// `grad weight`, summed over the weights, each with its columns of `grad`.
pub(super) fn input_grad(unit: MatrixUnit, grad: &FlexTensor, weights: &[FlexTensor]) -> FlexTensor {
    let grad = taken(grad);
    let ([n, _], columns) = (dims::<2>(&grad), weights.first().map_or(0, |weight| dims::<2>(weight)[1]));
    let weights: Vec<_> = weights.iter().map(taken).collect();
    let weights: Vec<_> = weights.iter().map(|weight| Factor::of(weight, Sums::DownColumns)).collect();
    let mut start = 0;
    let parts = weights.iter().map(|weight| {
        let own = start..start + weight.extents()[1];
        start = own.end;
        Factor::of(&grad, Sums::AlongRows).columns_of(own)
    });
    let grad = Packed::of_all(unit, &parts.collect::<Vec<_>>(), Side::Left);
    let weights = Packed::of_all(unit, &weights, Side::Right);
    let mut x_grad = Buffer::of::<bf16>(n * columns);
    grad.multiply(unit, &weights, x_grad.as_mut::<bf16>(n * columns), columns, 0, Write::Over);
    x_grad.into_tensor_of::<bf16>([n, columns])
}

/// `gradᵀ x` for some columns of `grad`, in f32.
pub(super) fn weight_grad(
    unit: MatrixUnit,
    grad: &FlexTensor,
    columns: Range<usize>,
    x: &FlexTensor,
) -> FlexTensor {
    let (grad, x) = (taken(grad), taken(x));
    let grad = Factor::of(&grad, Sums::DownColumns).columns_of(columns);
    let grad = Packed::of(unit, grad, Side::Left);
    let x = Packed::of(unit, Factor::of(&x, Sums::DownColumns), Side::Right);
    let mut weight_grad = Buffer::new(grad.len * x.len);
    grad.multiply(unit, &x, &mut weight_grad, x.len, 0, Write::Over);
    weight_grad.into_tensor([grad.len, x.len])
}

/// A contiguous tensor of bf16 or f32.
pub(super) fn taken(tensor: &FlexTensor) -> FlexTensor {
    let tensor = contiguous(tensor);
    if tensor.dtype() == DType::F16 { wide(tensor) } else { tensor }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sines(count: usize, phase: f32) -> Vec<f32> {
        (0..count).map(|index| (1.7 * index as f32 + phase).sin()).collect()
    }

    /// Rows of a matrix in f32 or bf16.
    fn tensor(values: &[f32], shape: [usize; 2], dtype: DType) -> FlexTensor {
        super::super::precision::narrowed(Buffer::copy_of(values).into_tensor(shape), dtype)
    }

    fn rounded(values: &[f32]) -> Vec<f64> {
        values.iter().map(|value| f64::from(bf16::from_f32(*value).to_f32())).collect()
    }

    /// Sums of as many products as `inner`, of places of the two sides, to f32's rounding.
    fn assert_products(
        what: &str,
        y: &[f32],
        columns: usize,
        inner: usize,
        product: impl Fn(usize, usize, usize) -> f64,
    ) {
        for (place, y) in y.iter().enumerate() {
            let products = (0..inner).map(|at| product(place / columns, place % columns, at));
            let [expected, size] =
                products.fold([0.0, 1e-9], |[sum, size], product| [sum + product, size + product.abs()]);
            assert!((f64::from(*y) - expected).abs() < 1e-6 * size, "{what}, [{place}]: {y}, not {expected}");
        }
    }

    #[test]
    fn products_are_those_of_rounded_numbers_in_every_direction() {
        let Some(unit) = MatrixUnit::of_bf16() else {
            println!("this CPU has no matrix unit, or the system does not let it be used");
            return;
        };
        let shapes = [(1, 1, 1), (16, 32, 16), (17, 31, 33), (33, 70, 5), (70, 64, 149), (129, 97, 130)];
        for (n, inner, out) in shapes {
            let (x, weight) = (sines(n * inner, 0.0), sines(out * inner, 1.0));
            let turned = |values: &[f32], rows: usize| -> Vec<f32> {
                let columns = values.len() / rows;
                (0..values.len()).map(|at| values[at % rows * columns + at / rows]).collect()
            };
            let (exact_x, exact_weight) = (rounded(&x), rounded(&weight));
            let product = |row: usize, column: usize, at: usize| {
                exact_x[row * inner + at] * exact_weight[column * inner + at]
            };
            for dtype in [DType::F32, DType::BF16] {
                let lefts = [
                    (tensor(&x, [n, inner], dtype), Sums::AlongRows),
                    (tensor(&turned(&x, n), [inner, n], dtype), Sums::DownColumns),
                ];
                let rights = [
                    (tensor(&weight, [out, inner], dtype), Sums::AlongRows),
                    (tensor(&turned(&weight, out), [inner, out], dtype), Sums::DownColumns),
                ];
                for (left, left_sums) in &lefts {
                    for (right, right_sums) in &rights {
                        let what = format!("{n} x {inner} x {out}, {dtype:?}, {left_sums:?}, {right_sums:?}");
                        let left = Packed::of(unit, Factor::of(left, *left_sums), Side::Left);
                        let right = Packed::of(unit, Factor::of(right, *right_sums), Side::Right);
                        // A column of others stands on either side.
                        let mut y = vec![7.0_f32; n * (out + 2)];
                        left.multiply(unit, &right, &mut y, out + 2, 1, Write::Over);
                        left.multiply(unit, &right, &mut y, out + 2, 1, Write::Add);
                        let own: Vec<_> = y
                            .chunks(out + 2)
                            .flat_map(|row| row[1..=out].to_vec())
                            .map(|y| y / 2.0)
                            .collect();
                        assert_products(&what, &own, out, inner, product);
                        let is_other = |row: &[f32]| row[0].to_bits() == row[out + 1].to_bits();
                        assert!(y.chunks(out + 2).all(|row| is_other(row) && (row[0] - 7.0).abs() < 1e-9));
                        // Rounded to bf16 once: what is nearest to the sum in f32.
                        let mut narrow = vec![bf16::ONE; n * (out + 2)];
                        left.multiply(unit, &right, &mut narrow, out + 2, 1, Write::Over);
                        for (narrow, y) in narrow.chunks(out + 2).zip(own.chunks(out)) {
                            let nearest = y.iter().map(|y| bf16::from_f32(*y));
                            assert!(narrow[1..=out].iter().copied().eq(nearest), "{what}");
                            assert!(narrow[0] == bf16::ONE && narrow[out + 1] == bf16::ONE);
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn sums_run_through_several_matrices_and_some_columns() {
        let Some(unit) = MatrixUnit::of_bf16() else { return };
        let (n, outs, inner) = (35, [20, 40], 50);
        let grad = tensor(&sines(n * 60, 0.0), [n, 60], DType::BF16);
        let weights = outs.map(|out| tensor(&sines(out * inner, out as f32), [out, inner], DType::F32));
        let x_grad = super::super::precision::wide(input_grad(unit, &grad, &weights));
        let (exact_grad, exact) =
            (rounded(&sines(n * 60, 0.0)), outs.map(|out| rounded(&sines(out * inner, out as f32))));
        for (place, found) in elements(&x_grad).iter().enumerate() {
            let weight = |at: usize| {
                let (of, row) = if at < outs[0] { (0, at) } else { (1, at - outs[0]) };
                exact[of][row * inner + place % inner]
            };
            let expected: f64 = (0..60).map(|at| exact_grad[place / inner * 60 + at] * weight(at)).sum();
            assert!(
                (f64::from(*found) - expected).abs() < 0.004 * expected.abs() + 1e-4,
                "{found}, not {expected}"
            );
        }
        let x = tensor(&sines(n * inner, 2.0), [n, inner], DType::BF16);
        let exact_x = rounded(&sines(n * inner, 2.0));
        let found = weight_grad(unit, &grad, 20..60, &x);
        assert_products("of a weight", elements(&found), inner, n, |row, column, at| {
            exact_grad[at * 60 + 20 + row] * exact_x[at * inner + column]
        });
    }

    #[test]
    fn what_is_empty_is_zero() {
        let Some(unit) = MatrixUnit::of_bf16() else { return };
        let empty = tensor(&[], [0, 8], DType::BF16);
        let found = weight_grad(unit, &empty, 0..8, &tensor(&[], [0, 3], DType::BF16));
        assert!(elements(&found).iter().all(|value| value.to_bits() == 0) && elements(&found).len() == 24);
        assert_eq!(dims::<2>(&forward(unit, &empty, &[tensor(&sines(40, 0.0), [5, 8], DType::F32)])), [0, 5]);
    }
}
