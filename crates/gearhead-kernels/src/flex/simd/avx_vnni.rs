//! AVX2 with AVX-VNNI.
#![allow(clippy::wildcard_imports, reason = "the names of instructions say what they are of")]

use std::arch::x86_64::*;

use super::{
    Output, Token, Weights, Write,
    avx2::{add_scaled, fours, half_line as eights, halves, ints, no_floats, no_ints, put},
    prefetch,
    tiles::{AHEAD, four, int_tiles},
};

const MOST_INTS: usize = 4;
const PARTS: usize = 2;
const TOO_LARGE: i32 = 128;

/// Adds to each sum the products of four weights, not negative, and four values.
#[target_feature(enable = "avx2,avxvnni")]
#[inline]
fn add_dot_8(sums: __m256i, weights: __m256i, values: i32) -> __m256i {
    _mm256_dpbusd_avx_epi32(sums, weights, ints(values))
}

#[target_feature(enable = "avx2,avxvnni")]
#[inline]
fn add_dot_4(sums: __m256i, weights: __m256i, values: i32) -> __m256i {
    add_dot_8(sums, weights, values)
}

int_tiles!("avx2,fma,f16c,avxvnni");
