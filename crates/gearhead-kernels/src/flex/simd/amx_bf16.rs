//! Products of two matrices that are both rounded to bf16, by the matrix unit of a CPU (AMX), summed in f32.
//!
//! Both sides are packed as tiles of 16 rows or columns by [`DEPTH`] numbers of a sum, tile after tile along the sum. The left side has a row
//! in each row of a tile, the right side a pair of a sum's numbers of 16 columns: one is the other with rows and columns of pairs
//! exchanged, and either can be made of a matrix whose sums run along its rows or down its columns.
//!
//! A block of the result, 32 rows by 32 columns, is four tiles that stay in the unit for the whole sum.
#![allow(clippy::wildcard_imports, reason = "the names of instructions say what they are of")]

use std::{
    arch::{asm, x86_64::*},
    mem::transmute,
};

use half::bf16;

use super::{
    MatrixNumber, Output, Side, Source, Sums, Write,
    amx::{ROWS, Shapes},
    avx512::{load, transposed},
};

/// Numbers of a sum in a tile.
pub(super) const DEPTH: usize = 32;

/// Numbers of 32 bits that a tile takes.
pub(super) const TILE: usize = ROWS * DEPTH / 2;

/// Rows and columns of a block.
pub(super) const BLOCK: usize = 2 * ROWS;

/// A row of a tile.
type Row = __m512i;

/// What the products need of a type.
pub(in crate::flex) trait Number: Copy {
    /// Up to 32 numbers of a row, and zeros.
    ///
    /// # Safety
    ///
    /// The CPU has AVX-512 with BW and BF16.
    unsafe fn row(numbers: &[Self]) -> Row;

    /// Pairs of up to 16 numbers of two rows, the second of which may be missing, and zeros.
    ///
    /// # Safety
    ///
    /// As above.
    unsafe fn pairs(first: &[Self], second: &[Self]) -> Row;

    /// Puts sums in a row, or adds them: as many as there is room for.
    ///
    /// # Safety
    ///
    /// As above.
    unsafe fn put(y: &mut [Self], sums: &[f32; 16], write: Write);
}

/// A mask with the bits of the first of 16 places.
fn mask_of(count: usize) -> u16 {
    ((1_u32 << count.min(16)) - 1) as u16
}

/// Brings the first half of a register and the second together in pairs.
#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
fn paired(halves: Row) -> Row {
    // Places of 16 bits: 0, 16, 1, 17 and so on.
    let first =
        _mm512_cvtepu16_epi32(_mm256_setr_epi16(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
    let places =
        _mm512_or_si512(first, _mm512_slli_epi32::<16>(_mm512_add_epi32(first, _mm512_set1_epi32(16))));
    _mm512_permutexvar_epi16(places, halves)
}

#[target_feature(enable = "avx512f")]
#[inline]
fn load_first(values: &[f32]) -> __m512 {
    // SAFETY: what the mask leaves out is not read.
    unsafe { _mm512_maskz_loadu_ps(mask_of(values.len()), values.as_ptr()) }
}

impl Number for f32 {
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16")]
    #[inline]
    unsafe fn row(numbers: &[Self]) -> Row {
        let (low, high) = numbers.split_at(numbers.len().min(16));
        // SAFETY: both are 64 bytes.
        unsafe { transmute::<__m512bh, Row>(_mm512_cvtne2ps_pbh(load_first(high), load_first(low))) }
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16")]
    #[inline]
    unsafe fn pairs(first: &[Self], second: &[Self]) -> Row {
        // SAFETY: both are 64 bytes.
        paired(unsafe {
            transmute::<__m512bh, Row>(_mm512_cvtne2ps_pbh(load_first(second), load_first(first)))
        })
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16")]
    #[inline]
    unsafe fn put(y: &mut [Self], sums: &[f32; 16], write: Write) {
        let mut sums = load(sums);
        if write == Write::Add {
            sums = _mm512_add_ps(sums, load_first(y));
        }
        // SAFETY: what the mask leaves out is not written.
        unsafe { _mm512_mask_storeu_ps(y.as_mut_ptr(), mask_of(y.len()), sums) };
    }
}

impl Number for bf16 {
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16")]
    #[inline]
    unsafe fn row(numbers: &[Self]) -> Row {
        let mask = (1_u64 << numbers.len().min(DEPTH)) - 1;
        // SAFETY: what the mask leaves out is not read.
        unsafe { _mm512_maskz_loadu_epi16(mask as u32, numbers.as_ptr().cast()) }
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16")]
    #[inline]
    unsafe fn pairs(first: &[Self], second: &[Self]) -> Row {
        paired(_mm512_inserti64x4::<1>(_mm512_castsi256_si512(load_halves(first)), load_halves(second)))
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16")]
    #[inline]
    unsafe fn put(y: &mut [Self], sums: &[f32; 16], write: Write) {
        let mut sums = load(sums);
        if write == Write::Add {
            let before = _mm512_slli_epi32::<16>(_mm512_cvtepu16_epi32(load_halves(y)));
            sums = _mm512_add_ps(sums, _mm512_castsi512_ps(before));
        }
        // SAFETY: both are 32 bytes, and what the mask leaves out is not written.
        unsafe {
            let rounded = transmute::<__m256bh, __m256i>(_mm512_cvtneps_pbh(sums));
            _mm256_mask_storeu_epi16(y.as_mut_ptr().cast(), mask_of(y.len()), rounded);
        }
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
#[inline]
fn load_halves(halves: &[bf16]) -> __m256i {
    // SAFETY: what the mask leaves out is not read.
    unsafe { _mm256_maskz_loadu_epi16(mask_of(halves.len()), halves.as_ptr().cast()) }
}

/// Packs tiles of 16 rows or columns from `outer` on, as many as there is room for along the sum, from its beginning.
///
/// # Safety
///
/// As [`super::amx::is_there`] says.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16")]
pub(super) unsafe fn pack<T: MatrixNumber>(
    tiles: &mut [f32],
    source: Source<'_, T>,
    side: Side,
    outer: usize,
) {
    for (place, tile) in tiles.chunks_exact_mut(TILE).enumerate() {
        let start = place * DEPTH;
        // SAFETY: the same as this.
        let registers = unsafe {
            match source.sums {
                Sums::AlongRows => rows_of(source, outer, start),
                Sums::DownColumns => pairs_of(source, start, outer),
            }
        };
        let is_turned = (side == Side::Left) != (source.sums == Sums::AlongRows);
        let registers = if is_turned { transposed(&registers) } else { registers };
        for (row, register) in tile.as_chunks_mut::<16>().0.iter_mut().zip(registers) {
            // SAFETY: a row has 16 numbers.
            unsafe { _mm512_storeu_ps(row.as_mut_ptr(), register) };
        }
    }
}

/// 32 columns of 16 rows.
///
/// # Safety
///
/// As [`Number`]'s.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16")]
#[inline]
unsafe fn rows_of<T: MatrixNumber>(source: Source<'_, T>, row: usize, column: usize) -> [__m512; ROWS] {
    let mut registers = [_mm512_setzero_ps(); ROWS];
    for (register, row) in registers.iter_mut().zip(row..source.rows) {
        // SAFETY: the same as this.
        *register = _mm512_castsi512_ps(unsafe { T::row(source.part(row, column, DEPTH)) });
    }
    registers
}

/// 16 columns of 32 rows, in pairs.
///
/// # Safety
///
/// As [`Number`]'s.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16")]
#[inline]
unsafe fn pairs_of<T: MatrixNumber>(source: Source<'_, T>, row: usize, column: usize) -> [__m512; ROWS] {
    let mut registers = [_mm512_setzero_ps(); ROWS];
    for (register, row) in registers.iter_mut().zip((row..source.rows).step_by(2)) {
        let second = if row + 1 < source.rows { source.part(row + 1, column, ROWS) } else { &[] };
        // SAFETY: the same as this.
        *register = _mm512_castsi512_ps(unsafe { T::pairs(source.part(row, column, ROWS), second) });
    }
    registers
}

/// Products of rows and columns that [`pack`] made tiles of, each of them `depth` tiles long and an even number of them.
///
/// # Safety
///
/// As [`super::amx::is_there`] says.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16")]
pub(super) unsafe fn multiply<T: MatrixNumber>(
    output: &mut Output<'_, T>,
    left: &[f32],
    right: &[f32],
    depth: usize,
    write: Write,
) {
    let strips = 2 * depth * TILE;
    assert!(left.len() >= output.rows().div_ceil(BLOCK) * strips, "strips for all rows");
    assert!(right.len() >= output.columns().div_ceil(BLOCK) * strips, "strips for all columns");
    let (rows, columns) = (output.rows(), output.columns());
    let mut sums = [[0.0; BLOCK]; BLOCK];
    // SAFETY: the unit is there.
    unsafe { Shapes::of(BLOCK).enter() };
    for (column, right) in (0..columns).step_by(BLOCK).zip(right.chunks_exact(strips)) {
        for (row, left) in (0..rows).step_by(BLOCK).zip(left.chunks_exact(strips)) {
            // SAFETY: the unit has been entered, and both have the tiles of two strips.
            unsafe {
                block(&mut sums, left, right, depth);
                put(output, [row, column], &sums, write);
            }
        }
    }
    // SAFETY: the unit has been entered.
    unsafe { Shapes::leave() };
}

/// Puts the sums of a block in an output, from a place on.
///
/// # Safety
///
/// As [`Number`]'s.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16")]
unsafe fn put<T: MatrixNumber>(
    output: &mut Output<'_, T>,
    [row, column]: [usize; 2],
    sums: &[[f32; BLOCK]; BLOCK],
    write: Write,
) {
    for (row, sums) in (row..output.rows()).zip(sums) {
        let y = &mut output.row(row)[column..];
        let [first, second]: &[[f32; 16]; 2] = sums.as_chunks().0.try_into().expect("two registers");
        // SAFETY: the same as this.
        unsafe {
            if y.len() >= BLOCK {
                T::put(&mut y[..16], first, write);
                T::put(&mut y[16..32], second, write);
            } else {
                let (start, end) = y.split_at_mut(y.len().min(16));
                T::put(start, first, write);
                T::put(end, second, write);
            }
        }
    }
}

/// # Safety
///
/// The unit has been entered with shapes of full tiles, and `left` and `right` are two strips of `depth` tiles, at least one.
unsafe fn block(sums: &mut [[f32; BLOCK]; BLOCK], left: &[f32], right: &[f32], depth: usize) {
    assert!(depth > 0 && [left, right].iter().all(|side| side.len() == 2 * depth * TILE), "two strips");
    let strip = depth * TILE * size_of::<f32>();
    // SAFETY: of both sides all tiles are read; of the sums all are written.
    unsafe {
        asm!(
            "tilezero tmm0",
            "tilezero tmm1",
            "tilezero tmm2",
            "tilezero tmm3",
            "2:",
            "tileloadd tmm4, [{left} + {line}]",
            "tileloadd tmm6, [{right} + {line}]",
            "tileloadd tmm7, [{second_right} + {line}]",
            "tdpbf16ps tmm0, tmm4, tmm6",
            "tileloadd tmm5, [{second_left} + {line}]",
            "tdpbf16ps tmm1, tmm4, tmm7",
            "tdpbf16ps tmm2, tmm5, tmm6",
            "tdpbf16ps tmm3, tmm5, tmm7",
            "add {left}, 1024",
            "add {second_left}, 1024",
            "add {right}, 1024",
            "add {second_right}, 1024",
            "dec {depth}",
            "jnz 2b",
            "add {line}, {line}",
            "tilestored [{sums} + {line}], tmm0",
            "tilestored [{sums} + {line} + 64], tmm1",
            "tilestored [{sums} + {line} + 2048], tmm2",
            "tilestored [{sums} + {line} + 2112], tmm3",
            left = inout(reg) left.as_ptr() => _,
            second_left = inout(reg) left.as_ptr().byte_add(strip) => _,
            right = inout(reg) right.as_ptr() => _,
            second_right = inout(reg) right.as_ptr().byte_add(strip) => _,
            line = inout(reg) 64_usize => _,
            depth = inout(reg) depth => _,
            sums = in(reg) sums.as_mut_ptr(),
            out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
            out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
            options(nostack)
        );
    }
}
