//! Blocks whose four bits say which of sixteen uneven steps a number is.

use super::half_at;

/// ggml's `kvalues_iq4nl`.
const STEPS: [f32; 16] = [
    -127.0, -104.0, -83.0, -65.0, -49.0, -35.0, -22.0, -10.0, 1.0, 13.0, 25.0, 38.0, 53.0, 69.0, 89.0, 113.0,
];

pub(super) fn iq4_nl(block: &[u8], out: &mut [f32]) {
    steps(half_at(block, 0), &block[2..18], out);
}

pub(super) fn iq4_xs(block: &[u8], out: &mut [f32]) {
    let all = half_at(block, 0);
    let high = u16::from_le_bytes([block[2], block[3]]);
    for (part, out) in out.chunks_exact_mut(32).enumerate() {
        let low = (block[4 + part / 2] >> (4 * (part % 2))) & 0xf;
        let top = (high >> (2 * part)) as u8 & 3;
        let scale = all * (f32::from(low | top << 4) - 32.0);
        steps(scale, &block[8 + 16 * part..24 + 16 * part], out);
    }
}

fn steps(scale: f32, numbers: &[u8], out: &mut [f32]) {
    let (first, second) = out.split_at_mut(numbers.len());
    for ((first, second), number) in first.iter_mut().zip(second).zip(numbers) {
        *first = scale * STEPS[usize::from(number & 0xf)];
        *second = scale * STEPS[usize::from(number >> 4)];
    }
}
