//! AVX2 with AVX-VNNI.
#![allow(clippy::wildcard_imports, reason = "the names of instructions say what they are of")]

use std::arch::x86_64::*;

// Of `f32` and of bytes that are not multiplied, it has nothing that AVX2 has not.
pub(super) use super::avx2::{
    PANEL, pack_panel, panel_products, products, products_bf16, products_bytes, products_half, round_groups,
    weighted_sum, weighted_sum_bytes, weighted_sum_half, widen_bf16, widen_half,
};
use super::{
    Line, Output, Token, Weights, Write,
    avx2::{add_scaled, fours, half_line, halves, ints, no_ints, put, zero as no_floats},
    prefetch,
    tiles::{AHEAD, four, int_tiles},
};

const MOST_INTS: usize = 4;
const PARTS: usize = 2;
const TOO_LARGE: i32 = 128;

/// As they are stored.
#[target_feature(enable = "avx")]
#[inline]
fn eights(line: &Line, part: usize) -> [__m256i; 1] {
    [half_line(line, part)]
}

/// Adds to each sum the products of four weights, not negative, and four values.
#[target_feature(enable = "avx2,avxvnni")]
#[inline]
fn add_dot(sums: __m256i, weights: __m256i, values: i32) -> __m256i {
    _mm256_dpbusd_avx_epi32(sums, weights, ints(values))
}

int_tiles!(products_8, tile_8, 8, TOO_LARGE, eights, add_dot, "avx2,fma,f16c,avxvnni");
int_tiles!(products_4, tile_4, 4, 8, fours, add_dot, "avx2,fma,f16c,avxvnni");
