//! AdamW with moments in 8 bits, a block at a time: the codes are read, the step is taken and the codes are written while
//! the numbers are in the cache of the processor.
#![allow(clippy::inline_always, reason = "a call would leave the caller's instruction set")]

use burn_flex::FlexTensor;
use multiversion::multiversion;
use rayon::prelude::*;

use super::{contiguous, each, elements};
use crate::{
    AdamWStep,
    adamw_8bit::{CODES, Code, MOMENT_BLOCK},
};

/// Blocks in one piece of work.
const TASK: usize = 64;

pub(super) fn step(
    parameter: FlexTensor,
    grad: &FlexTensor,
    codes: [FlexTensor; 2],
    scales: [FlexTensor; 2],
    step: &AdamWStep,
) -> (FlexTensor, [FlexTensor; 2], [FlexTensor; 2]) {
    let grad = contiguous(grad);
    let ([first, second], [first_scale, second_scale]) = (codes, scales);
    // A view, even a contiguous one, gets storage of its own; a whole tensor is only passed through.
    let [mut parameter, mut first, mut second, mut first_scale, mut second_scale] =
        [parameter, first, second, first_scale, second_scale].map(|tensor| tensor.to_contiguous());
    let pieces = parameter
        .storage_mut::<f32>()
        .par_chunks_mut(TASK * MOMENT_BLOCK)
        .zip(elements(&grad).par_chunks(TASK * MOMENT_BLOCK))
        .zip(first.storage_mut::<u8>().par_chunks_mut(TASK * MOMENT_BLOCK))
        .zip(second.storage_mut::<u8>().par_chunks_mut(TASK * MOMENT_BLOCK))
        .zip(first_scale.storage_mut::<f32>().par_chunks_mut(TASK))
        .zip(second_scale.storage_mut::<f32>().par_chunks_mut(TASK))
        .enumerate();
    each(pieces, |(piece, (((((parameter, grad), first), second), first_scale), second_scale))| {
        let blocks = parameter.as_chunks_mut().0.iter_mut().zip(grad.as_chunks().0);
        let codes = first.as_chunks_mut().0.iter_mut().zip(second.as_chunks_mut().0);
        let scales = first_scale.iter_mut().zip(second_scale);
        for (block, ((parameter, grad), (codes, scales))) in blocks.zip(codes.zip(scales)).enumerate() {
            let start = ((piece * TASK + block) * MOMENT_BLOCK) as u32;
            step_block(parameter, grad, codes.0, codes.1, scales.0, scales.1, start, step);
        }
    });
    (parameter, [first, second], [first_scale, second_scale])
}

type Block<T> = [T; MOMENT_BLOCK];

#[allow(clippy::too_many_arguments, reason = "what a block is made of")]
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512bw", "x86_64+avx2+fma"))]
fn step_block(
    parameter: &mut Block<f32>,
    grad: &Block<f32>,
    first_codes: &mut Block<u8>,
    second_codes: &mut Block<u8>,
    first_scale: &mut f32,
    second_scale: &mut f32,
    start: u32,
    step: &AdamWStep,
) {
    let (correction1, correction2) = step.bias_corrections();
    let keep = 1.0 - step.learning_rate * step.weight_decay;
    let rate = step.learning_rate / correction1;
    let (mut first, mut second) = ([0.0_f32; MOMENT_BLOCK], [0.0_f32; MOMENT_BLOCK]);
    decode(first_codes, *first_scale, CODES[0], &mut first);
    decode(second_codes, *second_scale, CODES[1], &mut second);
    for index in 0..MOMENT_BLOCK {
        let grad = grad[index] * step.grad_scale;
        first[index] = first[index] * step.beta1 + grad * (1.0 - step.beta1);
        second[index] = second[index] * step.beta2 + grad * grad * (1.0 - step.beta2);
        let denominator = (second[index] / correction2).sqrt() + step.epsilon;
        parameter[index] = parameter[index] * keep - rate * first[index] / denominator;
    }
    *first_scale = largest(&first);
    *second_scale = largest(&second);
    let mut random = [0_u32; MOMENT_BLOCK];
    for (index, random) in random.iter_mut().enumerate() {
        *random = hash(start.wrapping_add(index as u32), step.step);
    }
    encode(&first, *first_scale, CODES[0], &random, 0, first_codes);
    encode(&second, *second_scale, CODES[1], &random, 12, second_codes);
}

/// The bits of a mantissa that a code leaves away.
const DROPPED: u32 = 20;

/// What the bits of the smallest number that has a code are.
#[inline(always)]
const fn lowest(code: Code) -> u32 {
    ((127 - code.exponents) as u32) << 23
}

#[inline(always)]
fn decode(codes: &Block<u8>, scale: f32, code: Code, values: &mut Block<f32>) {
    for (value, byte) in values.iter_mut().zip(codes) {
        let byte = u32::from(*byte);
        let (amount, sign) = if code.signed { (byte & 127, (byte >> 7) << 31) } else { (byte, 0) };
        let bits = lowest(code).wrapping_add(amount.wrapping_sub(1) << DROPPED) | sign;
        let bits = if amount == 0 { 0 } else { bits };
        *value = f32::from_bits(bits) * scale;
    }
}

#[inline(always)]
fn encode(
    values: &Block<f32>,
    scale: f32,
    code: Code,
    random: &Block<u32>,
    shift: u32,
    codes: &mut Block<u8>,
) {
    let inverse = if scale > 0.0 { scale.recip() } else { 0.0 };
    let (lowest, highest) = (lowest(code), 1.0_f32.to_bits());
    let smallest = f32::from_bits(lowest);
    for index in 0..MOMENT_BLOCK {
        let bits = values[index].to_bits();
        let amount = (f32::from_bits(bits & 0x7fff_ffff) * inverse).min(1.0);
        let random = (random[index] >> shift) & ((1 << DROPPED) - 1);
        // To add what the dropped bits may hold at most makes the next code as probable as it is near.
        let rounded = (amount.to_bits() + random).min(highest);
        let above = (rounded.wrapping_sub(lowest) >> DROPPED) + 1;
        let below = if code.signed {
            u32::from(amount > smallest * (random as f32 / (1 << DROPPED) as f32))
        } else {
            // Rounded to zero, a second moment would make a step large.
            u32::from(amount > 0.0)
        };
        let place = if amount < smallest { below } else { above };
        let sign = if code.signed && place > 0 { (bits >> 31) << 7 } else { 0 };
        codes[index] = (place | sign) as u8;
    }
}

#[inline(always)]
fn largest(values: &Block<f32>) -> f32 {
    let mut lanes = [0.0_f32; 16];
    for chunk in values.as_chunks::<16>().0 {
        for (lane, value) in lanes.iter_mut().zip(chunk) {
            *lane = lane.max(value.abs());
        }
    }
    let mut largest = 0.0_f32;
    for lane in lanes {
        largest = largest.max(lane);
    }
    largest
}

/// Bits that look random, of the place of a number and of the step.
///
/// # Source
///
/// Appleby, *MurmurHash3*, 2011, the last mixing of 32 bits.
#[inline(always)]
fn hash(place: u32, step: u32) -> u32 {
    let mut bits = place.wrapping_mul(0x9e37_79b9) ^ step.wrapping_mul(0x7feb_352d);
    bits ^= bits >> 16;
    bits = bits.wrapping_mul(0x85eb_ca6b);
    bits ^= bits >> 13;
    bits = bits.wrapping_mul(0xc2b2_ae35);
    bits ^ (bits >> 16)
}
