//! Numbers of 16 bits: an operation computes in f32 what it is given in 16 bits, and its results are rounded once.

use burn::tensor::{DType, Element};
use burn_flex::FlexTensor;
use bytemuck::Pod;
use half::{bf16, f16, slice::HalfFloatSliceExt};
use rayon::prelude::*;

use super::{
    buffer::{Buffer, TASK},
    contiguous, each, elements,
    simd::Isa,
};

/// Whether tensors are of the numbers that the operations by hand take: f32, and 16 bits with [`wide`] and [`narrowed`].
pub(super) fn all_by_hand<'a>(tensors: impl IntoIterator<Item = &'a FlexTensor>) -> bool {
    tensors.into_iter().all(|tensor| matches!(tensor.dtype(), DType::F32 | DType::F16 | DType::BF16))
}

/// A tensor of 16 bits in f32, and others as they are.
pub(super) fn wide(tensor: FlexTensor) -> FlexTensor {
    match tensor.dtype() {
        DType::F16 => widened(&tensor, Isa::widen_half),
        DType::BF16 => widened(&tensor, Isa::widen_bf16),
        _ => tensor,
    }
}

/// A tensor of f32, rounded where another type is asked for.
pub(super) fn narrowed(tensor: FlexTensor, dtype: DType) -> FlexTensor {
    match dtype {
        DType::F16 => rounded::<f16>(&tensor),
        DType::BF16 => rounded::<bf16>(&tensor),
        _ => tensor,
    }
}

fn widened<H: Element + Pod + Sync>(tensor: &FlexTensor, widen: fn(Isa, &mut [f32], &[H])) -> FlexTensor {
    let tensor = contiguous(tensor);
    let halves = tensor.as_slice::<H>().expect("the caller knows the type");
    let mut wide = Buffer::new(halves.len());
    each(wide.par_chunks_mut(TASK).zip(halves.par_chunks(TASK)), |(wide, halves)| {
        widen(Isa::best(), wide, halves);
    });
    wide.into_tensor(tensor.layout().shape().clone())
}

fn rounded<H>(tensor: &FlexTensor) -> FlexTensor
where
    H: Element + Pod,
    [H]: HalfFloatSliceExt,
{
    let tensor = contiguous(tensor);
    let numbers = elements(&tensor);
    let mut halves = Buffer::of_halves(numbers.len());
    let pieces = halves.halves_mut::<H>(numbers.len()).par_chunks_mut(TASK).zip(numbers.par_chunks(TASK));
    each(pieces, |(halves, numbers)| halves.convert_from_f32_slice(numbers));
    halves.into_tensor_of_halves::<H>(tensor.layout().shape().clone())
}
