//! Loops over arrays, which compile to whatever a CPU of the kind has.
#![allow(clippy::inline_always, reason = "a call would pass the registers through memory")]

use half::f16;

use super::{
    BLOCK, Line, Output, Token, Weights, Write, itself, of_half, prefetch, put_short,
    tiles::{AHEAD, float_tiles, four, int_tiles},
};

const FLOATS: usize = 8;
const MOST_FLOATS: usize = 1;
const MOST_INTS: usize = 1;
const PARTS: usize = 1;
const TOO_LARGE: i32 = 128;

#[inline(always)]
fn zero() -> [f32; FLOATS] {
    [0.0; FLOATS]
}

#[inline(always)]
fn load(values: &[f32; FLOATS]) -> [f32; FLOATS] {
    *values
}

#[inline(always)]
fn load_half(halves: &[f16; FLOATS]) -> [f32; FLOATS] {
    halves.map(f16::to_f32)
}

#[inline(always)]
fn all(value: f32) -> [f32; FLOATS] {
    [value; FLOATS]
}

#[inline(always)]
fn add(a: [f32; FLOATS], mut b: [f32; FLOATS]) -> [f32; FLOATS] {
    for lane in 0..FLOATS {
        b[lane] += a[lane];
    }
    b
}

#[inline(always)]
fn values(register: [f32; FLOATS]) -> [f32; FLOATS] {
    register
}

#[inline(always)]
fn multiply_add(a: [f32; FLOATS], b: [f32; FLOATS], mut c: [f32; FLOATS]) -> [f32; FLOATS] {
    for lane in 0..FLOATS {
        c[lane] += a[lane] * b[lane];
    }
    c
}

/// The sum of each register.
#[inline(always)]
fn totals(registers: [[f32; FLOATS]; 4]) -> [f32; 4] {
    registers.map(|[a, b, c, d, e, f, g, h]| ((a + e) + (c + g)) + ((b + f) + (d + h)))
}

#[inline(always)]
fn no_floats() -> [f32; BLOCK] {
    [0.0; BLOCK]
}

#[inline(always)]
fn no_ints() -> [i32; BLOCK] {
    [0; BLOCK]
}

#[inline(always)]
fn ints(value: i32) -> [i32; BLOCK] {
    [value; BLOCK]
}

#[inline(always)]
fn eights(line: &Line, _: usize) -> [[u8; 64]; 1] {
    [line.0]
}

#[inline(always)]
fn fours(line: &Line, _: usize) -> [[u8; 64]; 2] {
    [line.0.map(|both| both & 15), line.0.map(|both| both >> 4)]
}

/// Adds to each sum the products of four weights and four values.
#[inline(always)]
fn add_dot(mut sums: [i32; BLOCK], weights: [u8; 64], values: i32) -> [i32; BLOCK] {
    let values = values.to_ne_bytes().map(|byte| i32::from(byte.cast_signed()));
    for lane in 0..BLOCK {
        for byte in 0..4 {
            sums[lane] += i32::from(weights[4 * lane + byte]) * values[byte];
        }
    }
    sums
}

#[inline(always)]
fn halves(scales: &[u16; BLOCK], _: usize) -> [f32; BLOCK] {
    scales.map(|bits| f16::from_bits(bits).to_f32())
}

#[inline(always)]
fn add_scaled(
    mut floats: [f32; BLOCK],
    sums: [i32; BLOCK],
    scales: [f32; BLOCK],
    scale: f32,
) -> [f32; BLOCK] {
    for lane in 0..BLOCK {
        floats[lane] += sums[lane] as f32 * (scales[lane] * scale);
    }
    floats
}

#[inline(always)]
fn put(y: &mut [f32], floats: [f32; BLOCK], _: usize, write: Write) {
    put_short(y, &floats, write);
}

float_tiles!(products, dots, weighted_sum, f32, load, itself);
float_tiles!(products_half, dots_half, weighted_sum_half, f16, load_half, of_half);
int_tiles!(products_8, tile_8, 8, TOO_LARGE, eights, add_dot);
int_tiles!(products_4, tile_4, 4, 8, fours, add_dot);
