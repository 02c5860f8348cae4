//! Numbers one by one, and blocks of 32 with one scale.

use gearhead_kernels::quantized::GROUP;
use half::bf16;

use super::half_at;

const HALF: usize = GROUP / 2;

pub(super) fn f32(block: &[u8], out: &mut [f32]) {
    out[0] = f32::from_le_bytes([block[0], block[1], block[2], block[3]]);
}

pub(super) fn f16(block: &[u8], out: &mut [f32]) {
    out[0] = half_at(block, 0);
}

pub(super) fn bf16(block: &[u8], out: &mut [f32]) {
    out[0] = bf16::from_le_bytes([block[0], block[1]]).to_f32();
}

pub(super) fn q8_0(block: &[u8], out: &mut [f32]) {
    let scale = half_at(block, 0);
    for (out, number) in out.iter_mut().zip(&block[2..]) {
        *out = f32::from(*number as i8) * scale;
    }
}

/// The four bits of number `index`: the first half of a block stands in low bits, the second in high ones.
fn nibble(numbers: &[u8], index: usize) -> u8 {
    if index < HALF { numbers[index] & 0xf } else { numbers[index - HALF] >> 4 }
}

/// The same with a fifth bit of its own.
fn five_bits(numbers: &[u8], fifth: &[u8], index: usize) -> u8 {
    nibble(numbers, index) | ((fifth[index / 8] >> (index % 8)) & 1) << 4
}

pub(super) fn q4_0(block: &[u8], out: &mut [f32]) {
    let scale = half_at(block, 0);
    for (index, out) in out.iter_mut().enumerate() {
        *out = (f32::from(nibble(&block[2..], index)) - 8.0) * scale;
    }
}

pub(super) fn q4_1(block: &[u8], out: &mut [f32]) {
    let (scale, least) = (half_at(block, 0), half_at(block, 2));
    for (index, out) in out.iter_mut().enumerate() {
        *out = f32::from(nibble(&block[4..], index)) * scale + least;
    }
}

pub(super) fn q5_0(block: &[u8], out: &mut [f32]) {
    let scale = half_at(block, 0);
    for (index, out) in out.iter_mut().enumerate() {
        *out = (f32::from(five_bits(&block[6..], &block[2..6], index)) - 16.0) * scale;
    }
}

pub(super) fn q5_1(block: &[u8], out: &mut [f32]) {
    let (scale, least) = (half_at(block, 0), half_at(block, 2));
    for (index, out) in out.iter_mut().enumerate() {
        *out = f32::from(five_bits(&block[8..], &block[4..8], index)) * scale + least;
    }
}
