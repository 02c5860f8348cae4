//! AVX2 with FMA and F16C.
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

const FLOATS: usize = 8;
/// Of 16 registers, the sums take four for each token, or two where they are whole numbers.
const MOST_FLOATS: usize = 2;
const MOST_INTS: usize = 4;
/// Two registers of sums for each row.
const MOST_ROWS: usize = 4;
pub(super) const PANEL: usize = 2 * FLOATS;
type Register = __m256;
const PARTS: usize = 2;
const TOO_LARGE: i32 = 0;

#[target_feature(enable = "avx")]
#[inline]
pub(super) fn zero() -> __m256 {
    _mm256_setzero_ps()
}

#[target_feature(enable = "avx")]
#[inline]
fn load(values: &[f32; FLOATS]) -> __m256 {
    // SAFETY: there are as many values as the register has.
    unsafe { _mm256_loadu_ps(values.as_ptr()) }
}

#[target_feature(enable = "avx,f16c")]
#[inline]
fn load_half(halves: &[f16; FLOATS]) -> __m256 {
    // SAFETY: a register of half as many bytes holds them all.
    _mm256_cvtph_ps(unsafe { _mm_loadu_si128(halves.as_ptr().cast()) })
}

#[target_feature(enable = "avx2")]
#[inline]
fn load_bf16(values: &[bf16; FLOATS]) -> __m256 {
    // SAFETY: a register of half as many bytes holds them all.
    let upper_halves = _mm256_cvtepu16_epi32(unsafe { _mm_loadu_si128(values.as_ptr().cast()) });
    _mm256_castsi256_ps(_mm256_slli_epi32::<16>(upper_halves))
}

#[target_feature(enable = "avx2")]
#[inline]
fn load_bytes(values: &[i8; FLOATS]) -> __m256 {
    // SAFETY: as many bytes are read as there are.
    _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(unsafe { _mm_loadl_epi64(values.as_ptr().cast()) }))
}

#[target_feature(enable = "avx")]
#[inline]
fn all(value: f32) -> __m256 {
    _mm256_set1_ps(value)
}

#[target_feature(enable = "avx")]
#[inline]
fn add(a: __m256, b: __m256) -> __m256 {
    _mm256_add_ps(a, b)
}

#[target_feature(enable = "avx")]
#[inline]
fn values(register: __m256) -> [f32; FLOATS] {
    let mut values = [0.0; FLOATS];
    // SAFETY: there are as many values as the register has.
    unsafe { _mm256_storeu_ps(values.as_mut_ptr(), register) };
    values
}

#[target_feature(enable = "fma")]
#[inline]
fn multiply_add(a: __m256, b: __m256, c: __m256) -> __m256 {
    _mm256_fmadd_ps(a, b, c)
}

/// The sum of each register.
#[target_feature(enable = "avx")]
#[inline]
fn totals([a, b, c, d]: [__m256; 4]) -> [f32; 4] {
    // In each half of a register: sums of two neighbours, of a, b, c and d; then of all four.
    let four = _mm256_hadd_ps(_mm256_hadd_ps(a, b), _mm256_hadd_ps(c, d));
    let half = _mm_add_ps(_mm256_castps256_ps128(four), _mm256_extractf128_ps::<1>(four));
    let mut totals = [0.0; 4];
    // SAFETY: there is room for four values.
    unsafe { _mm_storeu_ps(totals.as_mut_ptr(), half) };
    totals
}

/// The first values of all registers in the first, the second ones in the second, and so on.
#[target_feature(enable = "avx")]
#[inline]
fn transposed(registers: &[__m256; FLOATS]) -> [__m256; FLOATS] {
    let mut fours = [[zero(); 4]; 2];
    let mut transposed = *registers;
    for four in 0..2 {
        let [a, b, c, d] =
            [registers[4 * four], registers[4 * four + 1], registers[4 * four + 2], registers[4 * four + 3]];
        // In each half of a register: two values of a and b, of c and d; then one of all four.
        let low_ab = _mm256_castps_pd(_mm256_unpacklo_ps(a, b));
        let low_cd = _mm256_castps_pd(_mm256_unpacklo_ps(c, d));
        let high_ab = _mm256_castps_pd(_mm256_unpackhi_ps(a, b));
        let high_cd = _mm256_castps_pd(_mm256_unpackhi_ps(c, d));
        fours[four] = [
            _mm256_castpd_ps(_mm256_unpacklo_pd(low_ab, low_cd)),
            _mm256_castpd_ps(_mm256_unpackhi_pd(low_ab, low_cd)),
            _mm256_castpd_ps(_mm256_unpacklo_pd(high_ab, high_cd)),
            _mm256_castpd_ps(_mm256_unpackhi_pd(high_ab, high_cd)),
        ];
    }
    for place in 0..4 {
        transposed[place] = _mm256_permute2f128_ps::<0x20>(fours[0][place], fours[1][place]);
        transposed[4 + place] = _mm256_permute2f128_ps::<0x31>(fours[0][place], fours[1][place]);
    }
    transposed
}

#[target_feature(enable = "avx")]
#[inline]
pub(super) fn no_ints() -> __m256i {
    _mm256_setzero_si256()
}

#[target_feature(enable = "avx")]
#[inline]
pub(super) fn ints(value: i32) -> __m256i {
    _mm256_set1_epi32(value)
}

/// Half of a line as it is stored: eight rows.
#[target_feature(enable = "avx")]
#[inline]
pub(super) fn half_line(line: &Line, part: usize) -> __m256i {
    let half: &[u8; 32] = line.0[part * 32..][..32].try_into().expect("32 bytes");
    // SAFETY: there are as many bytes as the register has.
    unsafe { _mm256_loadu_si256(half.as_ptr().cast()) }
}

/// The weights with their signs.
#[target_feature(enable = "avx2")]
#[inline]
fn eights(line: &Line, part: usize) -> [__m256i; 1] {
    [_mm256_xor_si256(half_line(line, part), _mm256_set1_epi8(-128))]
}

#[target_feature(enable = "avx2")]
#[inline]
pub(super) fn fours(line: &Line, part: usize) -> [__m256i; 2] {
    let (both, mask) = (half_line(line, part), _mm256_set1_epi8(15));
    [_mm256_and_si256(both, mask), _mm256_and_si256(_mm256_srli_epi16::<4>(both), mask)]
}

/// Adds to each sum the products of four weights and four values, neither of which is -128: two products of their
/// amounts fit into 16 bits.
#[target_feature(enable = "avx2")]
#[inline]
fn add_dot_8(sums: __m256i, weights: __m256i, values: i32) -> __m256i {
    let values = _mm256_sign_epi8(ints(values), weights);
    let pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(weights), values);
    _mm256_add_epi32(sums, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)))
}

#[target_feature(enable = "avx2")]
#[inline]
fn add_dot_4(sums: __m256i, weights: __m256i, values: i32) -> __m256i {
    let pairs = _mm256_maddubs_epi16(weights, ints(values));
    _mm256_add_epi32(sums, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)))
}

#[target_feature(enable = "avx,f16c")]
#[inline]
pub(super) fn halves(scales: &[u16; BLOCK], part: usize) -> __m256 {
    let half: &[u16; 8] = scales[part * 8..][..8].try_into().expect("8 scales");
    // SAFETY: a register of half as many bytes holds these scales.
    _mm256_cvtph_ps(unsafe { _mm_loadu_si128(half.as_ptr().cast()) })
}

#[target_feature(enable = "avx2,fma")]
#[inline]
pub(super) fn add_scaled(floats: __m256, sums: __m256i, scales: __m256, scale: f32) -> __m256 {
    _mm256_fmadd_ps(_mm256_cvtepi32_ps(sums), _mm256_mul_ps(scales, _mm256_set1_ps(scale)), floats)
}

/// The values of one of two parts.
#[target_feature(enable = "avx")]
#[inline]
pub(super) fn put(y: &mut [f32], floats: __m256, part: usize, write: Write) {
    let y = y.get_mut(8 * part..).unwrap_or_default();
    let Some(y) = y.first_chunk_mut::<8>() else {
        let mut values = [0.0; 8];
        // SAFETY: there are as many values as the register has.
        unsafe { _mm256_storeu_ps(values.as_mut_ptr(), floats) };
        return put_short(y, &values, write);
    };
    // SAFETY: there are as many values as the register has.
    unsafe {
        let sums =
            if write == Write::Add { _mm256_add_ps(_mm256_loadu_ps(y.as_ptr()), floats) } else { floats };
        _mm256_storeu_ps(y.as_mut_ptr(), sums);
    }
}

float_tiles!(products, dots, f32, load, itself, "avx2,fma,f16c");
float_tiles!(products_half, dots_half, f16, load_half, of_half, "avx2,fma,f16c");
float_tiles!(products_bf16, dots_bf16, bf16, load_bf16, of_bf16, "avx2,fma,f16c");
float_tiles!(products_bytes, dots_bytes, i8, load_bytes, f32::from, "avx2,fma,f16c");
widened!(widen_half, f16, load_half, of_half, "avx2,fma,f16c");
widened!(widen_bf16, bf16, load_bf16, of_bf16, "avx2,fma,f16c");
row_sums!(weighted_sum, f32, load, itself, "avx2,fma,f16c");
row_sums!(weighted_sum_half, f16, load_half, of_half, "avx2,fma,f16c");
row_sums!(weighted_sum_bytes, i8, load_bytes, f32::from, "avx2,fma,f16c");
/// The largest amount of a group.
#[target_feature(enable = "avx")]
#[inline]
fn largest(group: &[f32; GROUP]) -> f32 {
    let (parts, _) = group.as_chunks();
    let sign = all(-0.0);
    let mut amounts = zero();
    for part in parts {
        amounts = _mm256_max_ps(amounts, _mm256_andnot_ps(sign, load(part)));
    }
    let four = _mm_max_ps(_mm256_castps256_ps128(amounts), _mm256_extractf128_ps::<1>(amounts));
    let two = _mm_max_ps(four, _mm_movehl_ps(four, four));
    _mm_cvtss_f32(_mm_max_ss(two, _mm_shuffle_ps::<1>(two, two)))
}

/// Whole numbers near a group's values times a factor, which are below 128, and their sum.
#[target_feature(enable = "avx2")]
#[inline]
fn round(group: &[f32; GROUP], factor: f32, rounded: &mut [i8; GROUP]) -> i32 {
    let (parts, _) = group.as_chunks();
    let mut numbers = [_mm256_setzero_si256(); 4];
    for part in 0..4 {
        numbers[part] = _mm256_cvtps_epi32(_mm256_mul_ps(load(&parts[part]), all(factor)));
    }
    // Each puts halves of registers side by side; the last puts them in order.
    let [a, b] = [_mm256_packs_epi32(numbers[0], numbers[1]), _mm256_packs_epi32(numbers[2], numbers[3])];
    let order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    let bytes = _mm256_permutevar8x32_epi32(_mm256_packs_epi16(a, b), order);
    // SAFETY: there is room for as many bytes as the register has.
    unsafe { _mm256_storeu_si256(rounded.as_mut_ptr().cast(), bytes) };
    let eight =
        _mm256_add_epi32(_mm256_add_epi32(numbers[0], numbers[1]), _mm256_add_epi32(numbers[2], numbers[3]));
    let four = _mm_add_epi32(_mm256_castsi256_si128(eight), _mm256_extracti128_si256::<1>(eight));
    let two = _mm_add_epi32(four, _mm_shuffle_epi32::<0b11_10>(four));
    _mm_cvtsi128_si32(_mm_add_epi32(two, _mm_shuffle_epi32::<1>(two)))
}

rounded!(round_groups, largest, round, "avx2,fma,f16c");
panel_tiles!(pack_panel, panel_products, panel_tile, put_sums, "avx2,fma,f16c");
int_tiles!(products_8, tile_8, 8, TOO_LARGE, eights, add_dot_8, "avx2,fma,f16c");
int_tiles!(products_4, tile_4, 4, 8, fours, add_dot_4, "avx2,fma,f16c");
