//! Blocks of 256 whose 16 or 8 parts have scales, and some least numbers, in few bits of their own.

use super::half_at;

pub(super) fn q2_k(block: &[u8], out: &mut [f32]) {
    let (scales, numbers) = (&block[..16], &block[16..80]);
    let (scale, least) = (half_at(block, 80), half_at(block, 82));
    for (part, out) in out.chunks_exact_mut(16).enumerate() {
        let scale = scale * f32::from(scales[part] & 0xf);
        let least = least * f32::from(scales[part] >> 4);
        let (start, shift) = sixteenth(part);
        for (out, number) in out.iter_mut().zip(&numbers[start..]) {
            *out = scale * f32::from((number >> shift) & 3) - least;
        }
    }
}

pub(super) fn q3_k(block: &[u8], out: &mut [f32]) {
    let (high, numbers, scales) = (&block[..32], &block[32..96], &block[96..108]);
    let all = half_at(block, 108);
    for (part, out) in out.chunks_exact_mut(16).enumerate() {
        // Six bits: four in the first eight bytes, two in the last four.
        let low = if part < 8 { scales[part] & 0xf } else { scales[part - 8] >> 4 };
        let top = (scales[8 + part % 4] >> (2 * (part / 4))) & 3;
        let scale = all * (f32::from(low | top << 4) - 32.0);
        let (start, shift) = sixteenth(part);
        for (index, out) in out.iter_mut().enumerate() {
            let third = (high[16 * (part % 2) + index] >> (part / 2)) & 1;
            *out = scale * (f32::from((numbers[start + index] >> shift) & 3 | third << 2) - 4.0);
        }
    }
}

/// Where the two bits of the numbers of a part of 16 stand: from which byte on, and how far up.
fn sixteenth(part: usize) -> (usize, usize) {
    (32 * (part / 8) + 16 * (part % 2), 2 * (part / 2 % 4))
}

/// Scale and least number of one of 8 parts, in six bits each.
fn six_bits(scales: &[u8], part: usize) -> (f32, f32) {
    let (scale, least) = if part < 4 {
        (scales[part] & 63, scales[part + 4] & 63)
    } else {
        let both = scales[part + 4];
        (both & 0xf | (scales[part - 4] >> 6) << 4, both >> 4 | (scales[part] >> 6) << 4)
    };
    (scale.into(), least.into())
}

pub(super) fn q4_k(block: &[u8], out: &mut [f32]) {
    let (scales, numbers) = (&block[4..16], &block[16..144]);
    with_scales(block, scales, out, |part, index| {
        (numbers[32 * (part / 2) + index] >> (4 * (part % 2))) & 0xf
    });
}

pub(super) fn q5_k(block: &[u8], out: &mut [f32]) {
    let (scales, fifth, numbers) = (&block[4..16], &block[16..48], &block[48..176]);
    with_scales(block, scales, out, |part, index| {
        let low = (numbers[32 * (part / 2) + index] >> (4 * (part % 2))) & 0xf;
        low | ((fifth[index] >> part) & 1) << 4
    });
}

/// Eight parts of 32, of which `number` gives the whole numbers.
fn with_scales(block: &[u8], scales: &[u8], out: &mut [f32], number: impl Fn(usize, usize) -> u8) {
    let (all_scale, all_least) = (half_at(block, 0), half_at(block, 2));
    for (part, out) in out.chunks_exact_mut(32).enumerate() {
        let (scale, least) = six_bits(scales, part);
        let (scale, least) = (all_scale * scale, all_least * least);
        for (index, out) in out.iter_mut().enumerate() {
            *out = scale * f32::from(number(part, index)) - least;
        }
    }
}

pub(super) fn q6_k(block: &[u8], out: &mut [f32]) {
    let (low, high, scales) = (&block[..128], &block[128..192], &block[192..208]);
    let all = half_at(block, 208);
    for (index, out) in out.iter_mut().enumerate() {
        // Two halves of 128, each of four quarters of 32.
        let (half, quarter, place) = (index / 128, index / 32 % 4, index % 32);
        let four = (low[64 * half + 32 * (quarter % 2) + place] >> (4 * (quarter / 2))) & 0xf;
        let two = (high[32 * half + place] >> (2 * quarter)) & 3;
        let scale = all * f32::from(scales[index / 16] as i8);
        *out = scale * (f32::from(four | two << 4) - 32.0);
    }
}
