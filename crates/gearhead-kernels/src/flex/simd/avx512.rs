//! AVX-512 with VNNI.
#![allow(clippy::wildcard_imports, reason = "the names of instructions say what they are of")]

use std::arch::x86_64::*;

use half::{bf16, f16};

use self::zero as no_floats;
use super::{
    BLOCK, GROUP, Line, Output, Token, Weights, Write, itself, of_bf16, of_half,
    panels::panel_tiles,
    prefetch, put_short,
    tiles::{AHEAD, float_tiles, four, int_tiles, rounded, row_sums, widened},
};

const FLOATS: usize = 16;
/// Of 32 registers, the sums take four for each token, or two where they are whole numbers.
const MOST_FLOATS: usize = 4;
const MOST_INTS: usize = 12;
/// Two registers of sums for each row.
const MOST_ROWS: usize = 8;
pub(super) const PANEL: usize = 2 * FLOATS;
type Register = __m512;
const PARTS: usize = 1;
const TOO_LARGE: i32 = 128;

#[target_feature(enable = "avx512f")]
#[inline]
fn zero() -> __m512 {
    _mm512_setzero_ps()
}

#[target_feature(enable = "avx512f")]
#[inline]
pub(super) fn load(values: &[f32; FLOATS]) -> __m512 {
    // SAFETY: there are as many values as the register has.
    unsafe { _mm512_loadu_ps(values.as_ptr()) }
}

#[target_feature(enable = "avx512f")]
#[inline]
fn load_half(halves: &[f16; FLOATS]) -> __m512 {
    // SAFETY: a register of half as many bytes holds them all.
    _mm512_cvtph_ps(unsafe { _mm256_loadu_si256(halves.as_ptr().cast()) })
}

#[target_feature(enable = "avx512f")]
#[inline]
fn load_bf16(values: &[bf16; FLOATS]) -> __m512 {
    // SAFETY: a register of half as many bytes holds them all.
    let upper_halves = _mm512_cvtepu16_epi32(unsafe { _mm256_loadu_si256(values.as_ptr().cast()) });
    _mm512_castsi512_ps(_mm512_slli_epi32::<16>(upper_halves))
}

#[target_feature(enable = "avx512f")]
#[inline]
fn load_bytes(values: &[i8; FLOATS]) -> __m512 {
    // SAFETY: a register of a quarter as many bytes holds them all.
    _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(unsafe { _mm_loadu_si128(values.as_ptr().cast()) }))
}

#[target_feature(enable = "avx512f")]
#[inline]
fn all(value: f32) -> __m512 {
    _mm512_set1_ps(value)
}

#[target_feature(enable = "avx512f")]
#[inline]
fn add(a: __m512, b: __m512) -> __m512 {
    _mm512_add_ps(a, b)
}

#[target_feature(enable = "avx512f")]
#[inline]
fn values(register: __m512) -> [f32; FLOATS] {
    let mut values = [0.0; FLOATS];
    // SAFETY: there are as many values as the register has.
    unsafe { _mm512_storeu_ps(values.as_mut_ptr(), register) };
    values
}

#[target_feature(enable = "avx512f")]
#[inline]
fn multiply_add(a: __m512, b: __m512, c: __m512) -> __m512 {
    _mm512_fmadd_ps(a, b, c)
}

/// The sum of each register.
#[target_feature(enable = "avx512f,avx512dq")]
#[inline]
fn totals([a, b, c, d]: [__m512; 4]) -> [f32; 4] {
    // In each quarter of a register: a sum of two values of a and of b, twice, and so of c and d; then of all four.
    let ab = _mm512_add_ps(_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b));
    let cd = _mm512_add_ps(_mm512_unpacklo_ps(c, d), _mm512_unpackhi_ps(c, d));
    let four =
        _mm512_add_ps(_mm512_shuffle_ps::<0b01_00_01_00>(ab, cd), _mm512_shuffle_ps::<0b11_10_11_10>(ab, cd));
    let half = _mm256_add_ps(_mm512_castps512_ps256(four), _mm512_extractf32x8_ps::<1>(four));
    let quarter = _mm_add_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps::<1>(half));
    let mut totals = [0.0; 4];
    // SAFETY: there is room for four values.
    unsafe { _mm_storeu_ps(totals.as_mut_ptr(), quarter) };
    totals
}

/// The first values of all registers in the first, the second ones in the second, and so on.
#[target_feature(enable = "avx512f")]
#[inline]
pub(super) fn transposed(registers: &[__m512; FLOATS]) -> [__m512; FLOATS] {
    let mut fours = [[zero(); 4]; 4];
    let mut transposed = *registers;
    for four in 0..4 {
        let [a, b, c, d] =
            [registers[4 * four], registers[4 * four + 1], registers[4 * four + 2], registers[4 * four + 3]];
        // In each quarter of a register: two values of a and b, of c and d; then one of all four.
        let low_ab = _mm512_castps_pd(_mm512_unpacklo_ps(a, b));
        let low_cd = _mm512_castps_pd(_mm512_unpacklo_ps(c, d));
        let high_ab = _mm512_castps_pd(_mm512_unpackhi_ps(a, b));
        let high_cd = _mm512_castps_pd(_mm512_unpackhi_ps(c, d));
        fours[four] = [
            _mm512_castpd_ps(_mm512_unpacklo_pd(low_ab, low_cd)),
            _mm512_castpd_ps(_mm512_unpackhi_pd(low_ab, low_cd)),
            _mm512_castpd_ps(_mm512_unpacklo_pd(high_ab, high_cd)),
            _mm512_castpd_ps(_mm512_unpackhi_pd(high_ab, high_cd)),
        ];
    }
    for place in 0..4 {
        // Every other quarter of two registers, and again.
        let [a, b, c, d] = [fours[0][place], fours[1][place], fours[2][place], fours[3][place]];
        let (even_ab, even_cd) =
            (_mm512_shuffle_f32x4::<0b10_00_10_00>(a, b), _mm512_shuffle_f32x4::<0b10_00_10_00>(c, d));
        let (odd_ab, odd_cd) =
            (_mm512_shuffle_f32x4::<0b11_01_11_01>(a, b), _mm512_shuffle_f32x4::<0b11_01_11_01>(c, d));
        transposed[place] = _mm512_shuffle_f32x4::<0b10_00_10_00>(even_ab, even_cd);
        transposed[4 + place] = _mm512_shuffle_f32x4::<0b10_00_10_00>(odd_ab, odd_cd);
        transposed[8 + place] = _mm512_shuffle_f32x4::<0b11_01_11_01>(even_ab, even_cd);
        transposed[12 + place] = _mm512_shuffle_f32x4::<0b11_01_11_01>(odd_ab, odd_cd);
    }
    transposed
}

#[target_feature(enable = "avx512f")]
#[inline]
fn no_ints() -> __m512i {
    _mm512_setzero_si512()
}

#[target_feature(enable = "avx512f")]
#[inline]
fn ints(value: i32) -> __m512i {
    _mm512_set1_epi32(value)
}

#[target_feature(enable = "avx512f")]
#[inline]
fn eights(line: &Line, _: usize) -> [__m512i; 1] {
    // SAFETY: a line has as many bytes as the register, and lies at a multiple of them.
    [unsafe { _mm512_load_si512(line.0.as_ptr().cast()) }]
}

#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
fn fours(line: &Line, _: usize) -> [__m512i; 2] {
    let ([both], mask) = (eights(line, 0), _mm512_set1_epi8(15));
    [_mm512_and_si512(both, mask), _mm512_and_si512(_mm512_srli_epi16::<4>(both), mask)]
}

/// Adds to each sum the products of four weights, not negative, and four values.
#[target_feature(enable = "avx512f,avx512vnni")]
#[inline]
fn add_dot(sums: __m512i, weights: __m512i, values: i32) -> __m512i {
    _mm512_dpbusd_epi32(sums, weights, ints(values))
}

#[target_feature(enable = "avx512f")]
#[inline]
fn halves(scales: &[u16; BLOCK], _: usize) -> __m512 {
    // SAFETY: a register of half as many bytes holds all the scales.
    _mm512_cvtph_ps(unsafe { _mm256_loadu_si256(scales.as_ptr().cast()) })
}

#[target_feature(enable = "avx512f")]
#[inline]
fn add_scaled(floats: __m512, sums: __m512i, scales: __m512, scale: f32) -> __m512 {
    _mm512_fmadd_ps(_mm512_cvtepi32_ps(sums), _mm512_mul_ps(scales, _mm512_set1_ps(scale)), floats)
}

#[target_feature(enable = "avx512f")]
#[inline]
fn put(y: &mut [f32], floats: __m512, _: usize, write: Write) {
    let Some(y) = y.first_chunk_mut::<BLOCK>() else {
        let mut values = [0.0; BLOCK];
        // SAFETY: there are as many values as the register has.
        unsafe { _mm512_storeu_ps(values.as_mut_ptr(), floats) };
        return put_short(y, &values, write);
    };
    // SAFETY: there are as many values as the register has.
    unsafe {
        let sums =
            if write == Write::Add { _mm512_add_ps(_mm512_loadu_ps(y.as_ptr()), floats) } else { floats };
        _mm512_storeu_ps(y.as_mut_ptr(), sums);
    }
}

float_tiles!(products, dots, f32, load, itself, "avx512f,avx512dq,avx512bw,avx512vl,avx512vnni");
float_tiles!(
    products_half,
    dots_half,
    f16,
    load_half,
    of_half,
    "avx512f,avx512dq,avx512bw,avx512vl,avx512vnni"
);
float_tiles!(
    products_bf16,
    dots_bf16,
    bf16,
    load_bf16,
    of_bf16,
    "avx512f,avx512dq,avx512bw,avx512vl,avx512vnni"
);
float_tiles!(
    products_bytes,
    dots_bytes,
    i8,
    load_bytes,
    f32::from,
    "avx512f,avx512dq,avx512bw,avx512vl,avx512vnni"
);
widened!(widen_half, f16, load_half, of_half, "avx512f,avx512dq,avx512bw,avx512vl,avx512vnni");
widened!(widen_bf16, bf16, load_bf16, of_bf16, "avx512f,avx512dq,avx512bw,avx512vl,avx512vnni");
row_sums!(weighted_sum, f32, load, itself, "avx512f,avx512dq,avx512bw,avx512vl,avx512vnni");
row_sums!(weighted_sum_half, f16, load_half, of_half, "avx512f,avx512dq,avx512bw,avx512vl,avx512vnni");
row_sums!(weighted_sum_bytes, i8, load_bytes, f32::from, "avx512f,avx512dq,avx512bw,avx512vl,avx512vnni");
/// The largest amount of a group.
#[target_feature(enable = "avx512f")]
#[inline]
fn largest(group: &[f32; GROUP]) -> f32 {
    let (halves, _) = group.as_chunks();
    let [a, b] = [_mm512_abs_ps(load(&halves[0])), _mm512_abs_ps(load(&halves[1]))];
    _mm512_reduce_max_ps(_mm512_max_ps(a, b))
}

/// Whole numbers near a group's values times a factor, which are below 128, and their sum.
#[target_feature(enable = "avx512f")]
#[inline]
fn round(group: &[f32; GROUP], factor: f32, rounded: &mut [i8; GROUP]) -> i32 {
    let (halves, _) = group.as_chunks();
    let a = _mm512_cvtps_epi32(_mm512_mul_ps(load(&halves[0]), all(factor)));
    let b = _mm512_cvtps_epi32(_mm512_mul_ps(load(&halves[1]), all(factor)));
    let bytes = [_mm512_cvtepi32_epi8(a), _mm512_cvtepi32_epi8(b)];
    for (rounded, bytes) in rounded.as_chunks_mut::<16>().0.iter_mut().zip(bytes) {
        // SAFETY: there is room for as many bytes as the register has.
        unsafe { _mm_storeu_si128(rounded.as_mut_ptr().cast(), bytes) };
    }
    _mm512_reduce_add_epi32(_mm512_add_epi32(a, b))
}

rounded!(round_groups, largest, round, "avx512f,avx512dq,avx512bw,avx512vl,avx512vnni");
panel_tiles!(
    pack_panel,
    panel_products,
    panel_tile,
    put_sums,
    "avx512f,avx512dq,avx512bw,avx512vl,avx512vnni"
);
int_tiles!(
    products_8,
    tile_8,
    8,
    TOO_LARGE,
    eights,
    add_dot,
    "avx512f,avx512dq,avx512bw,avx512vl,avx512vnni"
);
int_tiles!(products_4, tile_4, 4, 8, fours, add_dot, "avx512f,avx512dq,avx512bw,avx512vl,avx512vnni");
