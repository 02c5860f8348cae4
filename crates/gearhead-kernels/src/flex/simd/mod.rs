//! Sums of products in registers, for each instruction set: what no loop over slices compiles to.
//!
//! The loops are written once, as [`tiles`]; each instruction set gives the few operations that they are made of. Which
//! one is used is found when the program runs.
#![allow(
    unsafe_code,
    reason = "instruction sets are entered, and registers loaded, through unsafe functions"
)]

#[cfg(target_arch = "x86_64")]
mod amx;
#[cfg(target_arch = "x86_64")]
mod amx_bf16;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "x86_64")]
mod avx_vnni;
mod lanes;
mod panels;
mod tiles;

use std::sync::OnceLock;

use half::{bf16, f16};

use super::product::{Output, Write};
use crate::quantized::GROUP;

/// Rows of weights in one block: a register of AVX-512 has a number for each.
pub(crate) const BLOCK: usize = 16;

/// Weights of 16 rows and 4 columns, a row after the other, in 8 bits: 128 more than the number. Or of 8 columns in 4
/// bits, 8 more than the number, the first 4 columns in the lower halves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C, align(64))]
pub(crate) struct Line(pub(crate) [u8; 64]);

/// A token's features in 8 bits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Token<'a> {
    pub(super) values: &'a [[i8; GROUP]],
    /// Of each group.
    pub(super) scales: &'a [f32],
    /// The sum of each group's values.
    pub(super) sums: &'a [i32],
}

/// A block of rows of weights.
#[derive(Debug, Clone, Copy)]
pub(super) struct Weights<'a> {
    /// Of each group of columns as many as its bits.
    pub(super) lines: &'a [Line],
    /// For each group of columns one of each row, as an IEEE 754 number of 16 bits.
    pub(super) scales: &'a [[u16; BLOCK]],
}

impl Token<'_> {
    /// The first groups: so that the compiler sees that there are as many.
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "a call would leave the caller's instruction set")]
    fn cut(self, groups: usize) -> Self {
        Self { values: &self.values[..groups], scales: &self.scales[..groups], sums: &self.sums[..groups] }
    }
}

/// Asks for what will be read soon.
#[inline(always)]
#[allow(clippy::inline_always, reason = "a call would take longer")]
fn prefetch<T>(place: *const T) {
    // SAFETY: a place that is not there is not read.
    #[cfg(target_arch = "x86_64")]
    unsafe {
        std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(place.cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = place;
}

/// For rows of numbers that need no conversion.
#[inline(always)]
#[allow(clippy::inline_always, reason = "a call would leave the caller's instruction set")]
fn itself(value: f32) -> f32 {
    value
}

/// The number that 16 bits stand for.
#[inline(always)]
#[allow(clippy::inline_always, reason = "a call would leave the caller's instruction set")]
fn of_half(half: f16) -> f32 {
    half.to_f32()
}

/// The number whose upper half 16 bits are.
#[inline(always)]
#[allow(clippy::inline_always, reason = "a call would leave the caller's instruction set")]
fn of_bf16(half: bf16) -> f32 {
    // `bf16::to_f32` makes a NaN a quiet one, which keeps a loop over it from being vectorised.
    f32::from_bits(u32::from(half.to_bits()) << 16)
}

/// Puts a block's values, or adds them, in a row from its beginning on; what there is no room for is dropped.
fn put_short(y: &mut [f32], values: &[f32], write: Write) {
    for (y, value) in y.iter_mut().zip(values) {
        *y = if write == Write::Add { *y + value } else { *value };
    }
}

/// A way to compute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Isa {
    /// AVX-512 with VNNI.
    #[cfg(target_arch = "x86_64")]
    Avx512,
    /// AVX2 with AVX-VNNI.
    #[cfg(target_arch = "x86_64")]
    AvxVnni,
    /// AVX2 with FMA.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// Plain Rust, for the instructions that every CPU of its kind has.
    Lanes,
}

/// Calls the function of an instruction set.
macro_rules! by_isa {
    ($isa:expr, $function:ident($($argument:expr),*)) => {
        // SAFETY: an `Isa` is made by `available`, so the CPU has the instructions.
        match $isa {
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => unsafe { avx512::$function($($argument),*) },
            #[cfg(target_arch = "x86_64")]
            Isa::AvxVnni => unsafe { avx_vnni::$function($($argument),*) },
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => unsafe { avx2::$function($($argument),*) },
            Isa::Lanes => lanes::$function($($argument),*),
        }
    };
}

impl Isa {
    /// Those that this CPU has, the fastest first.
    pub(super) fn available() -> Vec<Self> {
        let mut available = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512vl")
                && is_x86_feature_detected!("avx512vnni")
            {
                available.push(Self::Avx512);
            }
            if is_x86_feature_detected!("avx2")
                && is_x86_feature_detected!("fma")
                && is_x86_feature_detected!("f16c")
            {
                if is_x86_feature_detected!("avxvnni") {
                    available.push(Self::AvxVnni);
                }
                available.push(Self::Avx2);
            }
        }
        available.push(Self::Lanes);
        available
    }

    /// The fastest that this CPU has.
    pub(super) fn best() -> Self {
        static BEST: OnceLock<Isa> = OnceLock::new();
        *BEST.get_or_init(|| Self::available()[0])
    }

    /// `x weightsᵀ`, both with rows of `inner` values: `y[n, out]`.
    pub(super) fn products(self, y: &mut [f32], x: &[f32], weights: &[f32], inner: usize) {
        by_isa!(self, products(y, x, weights, inner));
    }

    /// How many tokens [`panel_products`](Self::panel_products) takes side by side.
    pub(super) fn panel(self) -> usize {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => avx512::PANEL,
            #[cfg(target_arch = "x86_64")]
            Self::AvxVnni => avx_vnni::PANEL,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => avx2::PANEL,
            Self::Lanes => lanes::PANEL,
        }
    }

    /// Puts some features of at most as many tokens as a panel has, whose rows are `inner` long, in a part of a panel, from the
    /// feature `start` on.
    pub(super) fn pack_panel(self, part: &mut [f32], tokens: &[f32], inner: usize, start: usize) {
        by_isa!(self, pack_panel(part, tokens, inner, start));
    }

    /// `x weightsᵀ` of as many tokens as the output has rows, which stand in panels `[tokens / panel, inner, panel]`, the last
    /// one filled up.
    pub(super) fn panel_products(
        self,
        output: &mut Output<'_>,
        panels: &[f32],
        weights: &[f32],
        inner: usize,
        write: Write,
    ) {
        by_isa!(self, panel_products(output, panels, weights, inner, write));
    }

    /// The same as [`products`](Self::products) by weights of 16 bits, IEEE 754.
    pub(super) fn products_half(self, y: &mut [f32], x: &[f32], weights: &[f16], inner: usize) {
        by_isa!(self, products_half(y, x, weights, inner));
    }

    /// The same by weights of 16 bits that are the upper halves of 32.
    pub(super) fn products_bf16(self, y: &mut [f32], x: &[f32], weights: &[bf16], inner: usize) {
        by_isa!(self, products_bf16(y, x, weights, inner));
    }

    /// The same by whole numbers of 8 bits.
    pub(super) fn products_bytes(self, y: &mut [f32], x: &[f32], weights: &[i8], inner: usize) {
        by_isa!(self, products_bytes(y, x, weights, inner));
    }

    /// Numbers of 16 bits, IEEE 754, in 32.
    pub(super) fn widen_half(self, wide: &mut [f32], narrow: &[f16]) {
        by_isa!(self, widen_half(wide, narrow));
    }

    /// The upper halves of numbers of 32 bits, in these.
    pub(super) fn widen_bf16(self, wide: &mut [f32], narrow: &[bf16]) {
        by_isa!(self, widen_bf16(wide, narrow));
    }

    /// Adds rows as long as the output, each times its weight, to it.
    pub(super) fn weighted_sum(self, output: &mut [f32], weights: &[f32], rows: &[f32]) {
        by_isa!(self, weighted_sum(output, weights, rows));
    }

    /// The same by rows of 16 bits.
    pub(super) fn weighted_sum_half(self, output: &mut [f32], weights: &[f32], rows: &[f16]) {
        by_isa!(self, weighted_sum_half(output, weights, rows));
    }

    /// The same by rows of whole numbers of 8 bits.
    pub(super) fn weighted_sum_bytes(self, output: &mut [f32], weights: &[f32], rows: &[i8]) {
        by_isa!(self, weighted_sum_bytes(output, weights, rows));
    }

    /// Rounds groups of features to 8 bits: to whole numbers times the group's scale, and their sum.
    pub(super) fn round_groups(
        self,
        groups: &[[f32; GROUP]],
        values: &mut [[i8; GROUP]],
        scales: &mut [f32],
        sums: &mut [i32],
    ) {
        by_isa!(self, round_groups(groups, values, scales, sums));
    }

    /// A block's products with each token, from a column of the output on, by weights of 8 bits.
    pub(super) fn products_8(
        self,
        output: &mut Output<'_>,
        column: usize,
        tokens: &[Token<'_>],
        weights: Weights<'_>,
        write: Write,
    ) {
        by_isa!(self, products_8(output, column, tokens, weights, write));
    }

    /// The same by weights of 4 bits.
    pub(super) fn products_4(
        self,
        output: &mut Output<'_>,
        column: usize,
        tokens: &[Token<'_>],
        weights: Weights<'_>,
        write: Write,
    ) {
        by_isa!(self, products_4(output, column, tokens, weights, write));
    }
}

/// In which direction of a matrix the numbers of a sum stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sums {
    AlongRows,
    DownColumns,
}

/// A side of a product.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Left,
    Right,
}

/// A matrix that becomes a side of a product. Its rows may have values of others between them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Source<'a, T> {
    pub(super) values: &'a [T],
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) row_stride: usize,
    pub(super) sums: Sums,
}

#[cfg(target_arch = "x86_64")]
impl<'a, T> Source<'a, T> {
    /// As many values of a row from a column on as there are, up to a number.
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "a call would leave the caller's instruction set")]
    fn part(&self, row: usize, column: usize, most: usize) -> &'a [T] {
        let column = column.min(self.columns);
        &self.values[row * self.row_stride + column..][..most.min(self.columns - column)]
    }
}

/// Numbers that the matrix unit rounds, or are already: f32 and bf16.
#[cfg(target_arch = "x86_64")]
pub(super) use amx_bf16::Number as MatrixNumber;

/// Numbers that the matrix unit rounds, or are already: f32 and bf16.
#[cfg(not(target_arch = "x86_64"))]
pub(super) trait MatrixNumber: Copy {}
#[cfg(not(target_arch = "x86_64"))]
impl MatrixNumber for f32 {}
#[cfg(not(target_arch = "x86_64"))]
impl MatrixNumber for bf16 {}

/// The matrix unit of a CPU, where it has one that multiplies bf16: AMX.
#[cfg(target_arch = "x86_64")]
#[derive(Debug, Clone, Copy)]
pub(super) struct MatrixUnit(());

/// The matrix unit of a CPU: there is none.
#[cfg(not(target_arch = "x86_64"))]
#[derive(Debug, Clone, Copy)]
pub(super) enum MatrixUnit {}

#[cfg(target_arch = "x86_64")]
impl MatrixUnit {
    /// Features of tokens that are packed together: rows of weights are as long, or a multiple of that.
    pub(super) const FEATURES: usize = amx::FEATURES;
    /// Rows of weights that are multiplied at once.
    pub(super) const ROWS: usize = amx::STRIP;
    /// Tokens of a panel.
    pub(super) const PANEL: usize = avx512::PANEL;
    /// Room for some features of a panel.
    pub(super) const PACKED: usize = amx::PACKED;

    /// What this CPU has.
    pub(super) fn of_bf16() -> Option<Self> {
        static IS_THERE: OnceLock<bool> = OnceLock::new();
        IS_THERE.get_or_init(amx::is_there).then_some(Self(()))
    }

    /// Puts features of at most as many tokens as a panel has, whose rows are `inner` long, in a part of a panel, from the
    /// feature `start` on.
    pub(super) fn pack(self, part: &mut [f32], tokens: &[f32], inner: usize, start: usize) {
        let Self(()) = self;
        // SAFETY: there is one.
        unsafe { amx::pack(part, tokens, inner, start) };
    }

    /// As [`Isa::panel_products`].
    pub(super) fn panel_products(
        self,
        output: &mut Output<'_>,
        panels: &[f32],
        weights: &[bf16],
        inner: usize,
        write: Write,
    ) {
        let Self(()) = self;
        // SAFETY: there is one.
        unsafe { amx::panel_products(output, panels, weights, inner, write) };
    }

    /// Numbers of a sum in a tile.
    pub(super) const DEPTH: usize = amx_bf16::DEPTH;
    /// Room for a tile.
    pub(super) const TILE: usize = amx_bf16::TILE;
    /// Rows and columns of a result that are computed together: two strips of tiles of either side.
    pub(super) const BLOCK: usize = amx_bf16::BLOCK;

    /// Packs half a block of rows or columns, from `outer` on, rounded to bf16: as many tiles along the sum as there is room
    /// for, and zeros where the matrix ends.
    pub(super) fn pack_bf16<T: MatrixNumber>(
        self,
        tiles: &mut [f32],
        source: Source<'_, T>,
        side: Side,
        outer: usize,
    ) {
        let Self(()) = self;
        // SAFETY: there is one.
        unsafe { amx_bf16::pack(tiles, source, side, outer) };
    }

    /// Products of two sides that [`pack_bf16`](Self::pack_bf16) made, `depth` tiles long.
    pub(super) fn multiply_bf16<T: MatrixNumber>(
        self,
        output: &mut Output<'_, T>,
        [left, right]: [&[f32]; 2],
        depth: usize,
        write: Write,
    ) {
        let Self(()) = self;
        // SAFETY: there is one.
        unsafe { amx_bf16::multiply(output, left, right, depth, write) };
    }
}

#[cfg(not(target_arch = "x86_64"))]
impl MatrixUnit {
    pub(super) const FEATURES: usize = 1;
    pub(super) const ROWS: usize = 1;
    pub(super) const PANEL: usize = 1;
    pub(super) const PACKED: usize = 1;

    pub(super) fn of_bf16() -> Option<Self> {
        None
    }

    pub(super) fn pack(self, _: &mut [f32], _: &[f32], _: usize, _: usize) {
        match self {}
    }

    pub(super) fn panel_products(self, _: &mut Output<'_>, _: &[f32], _: &[bf16], _: usize, _: Write) {
        match self {}
    }

    pub(super) const DEPTH: usize = 1;
    pub(super) const TILE: usize = 1;
    pub(super) const BLOCK: usize = 2;

    pub(super) fn pack_bf16<T>(self, _: &mut [f32], _: Source<'_, T>, _: Side, _: usize) {
        match self {}
    }

    pub(super) fn multiply_bf16<T>(self, _: &mut Output<'_, T>, _: [&[f32]; 2], _: usize, _: Write) {
        match self {}
    }
}

#[cfg(test)]
mod tests {
    use std::ops::Range;

    use super::*;

    fn sines(count: usize, phase: f32) -> Vec<f32> {
        (0..count).map(|index| (1.7 * index as f32 + phase).sin()).collect()
    }

    fn assert_close(what: &str, ours: &[f32], expected: &[f64]) {
        assert_eq!(ours.len(), expected.len());
        for (index, (ours, expected)) in ours.iter().zip(expected).enumerate() {
            let allowed = 1e-4_f64.max(1e-5 * expected.abs());
            assert!(
                (f64::from(*ours) - expected).abs() < allowed,
                "{what}, [{index}]: {ours}, not {expected}"
            );
        }
    }

    /// What this CPU has is tested, and always plain Rust, which a CPU without any of it would take.
    #[test]
    fn plain_rust_is_always_there_and_last() {
        assert_eq!(Isa::available().last(), Some(&Isa::Lanes));
        assert_eq!(Isa::available()[0], Isa::best());
    }

    #[test]
    fn products_are_the_same_by_every_instruction_set() {
        for (n, out, inner) in [(1, 1, 1), (1, 5, 16), (2, 4, 33), (3, 9, 70), (7, 13, 48), (13, 6, 100)] {
            let (x, weights) = (sines(n * inner, 0.0), sines(out * inner, 1.0));
            let halves: Vec<f16> = weights.iter().map(|weight| f16::from_f32(*weight)).collect();
            let expected = |weights: &[f32]| -> Vec<f64> {
                let dot = |x: &[f32], row: &[f32]| x.iter().zip(row).map(|(a, b)| f64::from(a * b)).sum();
                x.chunks(inner).flat_map(|x| weights.chunks(inner).map(move |row| dot(x, row))).collect()
            };
            for isa in Isa::available() {
                let what = format!("{isa:?}, {n} x {inner} x {out}");
                let mut y = vec![7.0; n * out];
                isa.products(&mut y, &x, &weights, inner);
                assert_close(&what, &y, &expected(&weights));
                isa.products_half(&mut y, &x, &halves, inner);
                let of_halves: Vec<f32> = halves.iter().map(|half| half.to_f32()).collect();
                assert_close(&what, &y, &expected(&of_halves));
                let halves: Vec<bf16> = weights.iter().map(|weight| bf16::from_f32(*weight)).collect();
                isa.products_bf16(&mut y, &x, &halves, inner);
                let of_halves: Vec<f32> = halves.iter().map(|half| half.to_f32()).collect();
                assert_close(&what, &y, &expected(&of_halves));
                let bytes: Vec<i8> = weights.iter().map(|weight| (127.0 * weight) as i8).collect();
                isa.products_bytes(&mut y, &x, &bytes, inner);
                assert_close(
                    &what,
                    &y,
                    &expected(&bytes.iter().map(|byte| f32::from(*byte)).collect::<Vec<_>>()),
                );
            }
        }
    }

    #[test]
    fn products_of_panels_are_the_same_by_every_instruction_set() {
        for (n, out, inner) in
            [(1, 1, 1), (3, 4, 33), (16, 12, 16), (17, 29, 40), (33, 19, 7), (70, 6, 50), (33, 149, 300)]
        {
            let (x, weights) = (sines(n * inner, 0.0), sines(out * inner, 1.0));
            let dot = |x: &[f32], row: &[f32]| x.iter().zip(row).map(|(a, b)| f64::from(a * b)).sum::<f64>();
            let expected: Vec<f64> =
                x.chunks(inner).flat_map(|x| weights.chunks(inner).map(move |row| dot(x, row))).collect();
            for isa in Isa::available() {
                let what = format!("{isa:?}, {n} x {inner} x {out}");
                let width = isa.panel();
                let mut panels = vec![f32::NAN; n.next_multiple_of(width) * inner];
                for (panel, x) in panels.chunks_mut(width * inner).zip(x.chunks(width * inner)) {
                    let (some, others) = panel.split_at_mut(inner / 2 * width);
                    isa.pack_panel(some, x, inner, 0);
                    isa.pack_panel(others, x, inner, inner / 2);
                }
                // Columns of others stand on both sides.
                let mut y = vec![7.0; n * (out + 2)];
                let run = |y: &mut [f32], write| {
                    let columns = [Range { start: 1, end: out + 1 }];
                    let mut outputs = Output::cut(y, out + 2, std::iter::once(0..n), &columns);
                    isa.panel_products(&mut outputs[0], &panels, &weights, inner, write);
                };
                run(&mut y, Write::Over);
                run(&mut y, Write::Add);
                for (row, expected) in y.chunks(out + 2).zip(expected.chunks(out)) {
                    assert_close(&what, &[row[0], row[out + 1]], &[7.0, 7.0]);
                    let halves: Vec<f32> = row[1..=out].iter().map(|y| y / 2.0).collect();
                    assert_close(&what, &halves, expected);
                }
            }
        }
    }

    #[test]
    fn numbers_of_16_bits_are_widened_alike_by_every_instruction_set() {
        let bits = || (0..=u16::MAX).step_by(3);
        let halves: Vec<f16> = bits().map(f16::from_bits).filter(|half| half.is_finite()).collect();
        let bf16s: Vec<bf16> = bits().map(bf16::from_bits).filter(|half| half.is_finite()).collect();
        let of = |wide: &[f32]| wide.iter().map(|wide| wide.to_bits()).collect::<Vec<_>>();
        let expected_halves: Vec<f32> = halves.iter().map(|half| half.to_f32()).collect();
        let expected_bf16s: Vec<f32> = bf16s.iter().map(|half| half.to_f32()).collect();
        for isa in Isa::available() {
            let (mut wide_halves, mut wide_bf16s) = (vec![7.0; halves.len()], vec![7.0; bf16s.len()]);
            isa.widen_half(&mut wide_halves, &halves);
            isa.widen_bf16(&mut wide_bf16s, &bf16s);
            assert_eq!(of(&wide_halves), of(&expected_halves), "{isa:?}");
            assert_eq!(of(&wide_bf16s), of(&expected_bf16s), "{isa:?}");
        }
    }

    #[test]
    fn weighted_sums_are_the_same_by_every_instruction_set() {
        for (rows, len) in [(0, 5), (1, 64), (2, 7), (7, 32), (5, 80), (9, 131), (3, 250)] {
            let (weights, values) = (sines(rows, 0.0), sines(rows * len, 1.0));
            let halves: Vec<f16> = values.iter().map(|value| f16::from_f32(*value)).collect();
            let expected = |values: &[f32]| -> Vec<f64> {
                let at = |place: usize| {
                    let products =
                        weights.iter().zip(values.chunks(len)).map(|(weight, row)| weight * row[place]);
                    products.map(f64::from).sum::<f64>() + 1.0
                };
                (0..len).map(at).collect()
            };
            for isa in Isa::available() {
                let what = format!("{isa:?}, {rows} x {len}");
                let mut y = vec![1.0; len];
                isa.weighted_sum(&mut y, &weights, &values);
                assert_close(&what, &y, &expected(&values));
                let mut y = vec![1.0; len];
                isa.weighted_sum_half(&mut y, &weights, &halves);
                let of_halves: Vec<f32> = halves.iter().map(|half| half.to_f32()).collect();
                assert_close(&what, &y, &expected(&of_halves));
                let bytes: Vec<i8> = values.iter().map(|value| (127.0 * value) as i8).collect();
                let mut y = vec![1.0; len];
                isa.weighted_sum_bytes(&mut y, &weights, &bytes);
                assert_close(
                    &what,
                    &y,
                    &expected(&bytes.iter().map(|byte| f32::from(*byte)).collect::<Vec<_>>()),
                );
            }
        }
    }
}
