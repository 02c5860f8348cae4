//! Loops over arrays, which compile to whatever a CPU of the kind has.
#![allow(clippy::inline_always, reason = "a call would pass the registers through memory")]

use half::{bf16, f16};

use super::{
    BLOCK, GROUP, Line, Output, Token, Weights, Write, itself, of_bf16, of_half,
    panels::panel_tiles,
    prefetch, put_short,
    tiles::{AHEAD, float_tiles, four, int_tiles, rounded, row_sums, widened},
};

const FLOATS: usize = 8;
const MOST_FLOATS: usize = 1;
const MOST_INTS: usize = 1;
const MOST_ROWS: usize = 2;
pub(super) const PANEL: usize = 2 * FLOATS;
type Register = [f32; FLOATS];
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
fn load_bf16(values: &[bf16; FLOATS]) -> [f32; FLOATS] {
    values.map(of_bf16)
}

#[inline(always)]
fn load_bytes(values: &[i8; FLOATS]) -> [f32; FLOATS] {
    values.map(f32::from)
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

/// The first values of all registers in the first, the second ones in the second, and so on.
#[inline(always)]
fn transposed(registers: &[[f32; FLOATS]; FLOATS]) -> [[f32; FLOATS]; FLOATS] {
    std::array::from_fn(|place| registers.map(|register| register[place]))
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

float_tiles!(products, dots, f32, load, itself);
float_tiles!(products_half, dots_half, f16, load_half, of_half);
float_tiles!(products_bf16, dots_bf16, bf16, load_bf16, of_bf16);
float_tiles!(products_bytes, dots_bytes, i8, load_bytes, f32::from);
widened!(widen_half, f16, load_half, of_half);
widened!(widen_bf16, bf16, load_bf16, of_bf16);
row_sums!(weighted_sum, f32, load, itself);
row_sums!(weighted_sum_half, f16, load_half, of_half);
row_sums!(weighted_sum_bytes, i8, load_bytes, f32::from);
/// The largest amount of a group.
#[inline(always)]
fn largest(group: &[f32; GROUP]) -> f32 {
    let mut amounts = group.map(f32::abs);
    // By halves: one after the other, each would wait for the one before.
    for half in [16, 8, 4, 2, 1] {
        for lane in 0..half {
            let (a, b) = (amounts[lane], amounts[lane + half]);
            amounts[lane] = if a > b { a } else { b };
        }
    }
    amounts[0]
}

/// Whole numbers near a group's values times a factor, which are below 128, and their sum.
#[inline(always)]
fn round(group: &[f32; GROUP], factor: f32, rounded: &mut [i8; GROUP]) -> i32 {
    /// Adding it rounds a small number to a whole one, which then stands in the last bits.
    const ROUND: f32 = 12_582_912.0;
    let mut sum = 0;
    for lane in 0..GROUP {
        let number = (group[lane] * factor + ROUND).to_bits().cast_signed() - ROUND.to_bits().cast_signed();
        rounded[lane] = number as i8;
        sum += number;
    }
    sum
}

rounded!(round_groups, largest, round);
panel_tiles!(pack_panel, panel_products, panel_tile, put_sums);
int_tiles!(products_8, tile_8, 8, TOO_LARGE, eights, add_dot);
int_tiles!(products_4, tile_4, 4, 8, fours, add_dot);
