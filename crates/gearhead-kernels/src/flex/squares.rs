//! The sum of squares in one pass.

use burn_flex::FlexTensor;
use multiversion::multiversion;
use rayon::prelude::*;

use super::{buffer::Buffer, contiguous, elements, math};

/// Elements in one piece of work.
const TASK: usize = 65_536;

pub(super) fn sum(x: &FlexTensor) -> FlexTensor {
    let x = contiguous(x);
    let sums: Vec<f32> = elements(&x).par_chunks(TASK).map(sum_piece).collect();
    // In the order of the pieces: the same sum for any number of threads.
    let sum: f64 = sums.into_iter().map(f64::from).sum();
    Buffer::copy_of(&[sum as f32]).into_tensor([1])
}

#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2+fma"))]
fn sum_piece(x: &[f32]) -> f32 {
    math::dot(x, x)
}
