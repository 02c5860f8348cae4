//! The sum of squares in one pass.

use burn_flex::FlexTensor;
use multiversion::multiversion;
use rayon::prelude::*;

use super::{contiguous, elements, math, ordered_sum};

/// Elements in one piece of work.
const TASK: usize = 65_536;

pub(super) fn sum(x: &FlexTensor) -> FlexTensor {
    let x = contiguous(x);
    let sums: Vec<f32> = elements(&x).par_chunks(TASK).map(sum_piece).collect();
    ordered_sum(&sums)
}

#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2+fma"))]
fn sum_piece(x: &[f32]) -> f32 {
    math::dot(x, x)
}
