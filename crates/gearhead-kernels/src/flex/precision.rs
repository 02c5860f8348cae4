//! Numbers of 16 bits: an operation computes in f32 what it is given in 16 bits, some rows at a time (attention a head of a
//! document, products all), and its results are rounded once.

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

/// Numbers as a tensor has them: f32, or 16 bits, which are computed with in f32.
pub(super) trait Stored: Element + Pod + Send + Sync {
    /// The numbers, in f32.
    fn widen(wide: &mut [f32], numbers: &[Self]);

    /// The nearest numbers to those in f32.
    fn round(numbers: &mut [Self], wide: &[f32]);

    /// The numbers, if they are f32.
    fn as_f32(numbers: &[Self]) -> Option<&[f32]> {
        (Self::dtype() == DType::F32).then(|| bytemuck::cast_slice(numbers))
    }

    /// In f32: in `room`, unless they are.
    fn read<'a>(numbers: &'a [Self], room: &'a mut Vec<f32>) -> &'a [f32] {
        if let Some(numbers) = Self::as_f32(numbers) {
            return numbers;
        }
        room.resize(numbers.len(), 0.0);
        Self::widen(room, numbers);
        room
    }

    /// Rounds what is computed in f32: in `room`, unless the numbers are f32.
    fn write(numbers: &mut [Self], room: &mut Vec<f32>, compute: impl FnOnce(&mut [f32])) {
        if Self::dtype() == DType::F32 {
            return compute(bytemuck::cast_slice_mut(numbers));
        }
        room.resize(numbers.len(), 0.0);
        compute(room);
        Self::round(numbers, room);
    }

    /// Changes numbers in f32, and rounds them.
    fn change(numbers: &mut [Self], room: &mut Vec<f32>, compute: impl FnOnce(&mut [f32])) {
        if Self::dtype() == DType::F32 {
            return compute(bytemuck::cast_slice_mut(numbers));
        }
        Self::read(numbers, room);
        compute(room);
        Self::round(numbers, room);
    }
}

impl Stored for f32 {
    fn widen(wide: &mut [f32], numbers: &[Self]) {
        wide.copy_from_slice(numbers);
    }

    fn round(numbers: &mut [Self], wide: &[f32]) {
        numbers.copy_from_slice(wide);
    }
}

impl Stored for f16 {
    fn widen(wide: &mut [f32], numbers: &[Self]) {
        Isa::best().widen_half(wide, numbers);
    }

    fn round(numbers: &mut [Self], wide: &[f32]) {
        numbers.convert_from_f32_slice(wide);
    }
}

impl Stored for bf16 {
    fn widen(wide: &mut [f32], numbers: &[Self]) {
        Isa::best().widen_bf16(wide, numbers);
    }

    fn round(numbers: &mut [Self], wide: &[f32]) {
        numbers.convert_from_f32_slice(wide);
    }
}

/// Calls a function for the type of a tensor's numbers: f32, f16 or bf16.
macro_rules! by_type {
    ($dtype:expr, $type:ident => $call:expr) => {
        match $dtype {
            burn::tensor::DType::F16 => {
                type $type = half::f16;
                $call
            }
            burn::tensor::DType::BF16 => {
                type $type = half::bf16;
                $call
            }
            _ => {
                type $type = f32;
                $call
            }
        }
    };
}
pub(super) use by_type;

/// The numbers of a tensor that [`contiguous`] made.
pub(super) fn numbers<T: Stored>(tensor: &FlexTensor) -> &[T] {
    tensor.as_slice().expect("the caller made the tensor contiguous, and knows its type")
}

/// How many rows, at least one, are in f32 at a time: few enough to stay near.
pub(super) fn rows_at_once(row_len: usize) -> usize {
    (2048 / row_len.max(1)).max(1)
}

/// Whether tensors are of the numbers that the operations by hand take: f32 and 16 bits.
pub(super) fn all_by_hand<'a>(tensors: impl IntoIterator<Item = &'a FlexTensor>) -> bool {
    tensors.into_iter().all(|tensor| matches!(tensor.dtype(), DType::F32 | DType::F16 | DType::BF16))
}

/// A tensor of 16 bits in f32, and others as they are.
pub(super) fn wide(tensor: FlexTensor) -> FlexTensor {
    match tensor.dtype() {
        DType::F16 => widened::<f16>(&tensor),
        DType::BF16 => widened::<bf16>(&tensor),
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

/// A tensor of f32 or 16 bits in one of these types.
pub(super) fn in_type(tensor: FlexTensor, dtype: DType) -> FlexTensor {
    if tensor.dtype() == dtype { tensor } else { narrowed(wide(tensor), dtype) }
}

fn widened<T: Stored>(tensor: &FlexTensor) -> FlexTensor {
    let tensor = contiguous(tensor);
    let halves = numbers::<T>(&tensor);
    let mut wide = Buffer::new(halves.len());
    each(wide.par_chunks_mut(TASK).zip(halves.par_chunks(TASK)), |(wide, halves)| T::widen(wide, halves));
    wide.into_tensor(tensor.layout().shape().clone())
}

fn rounded<T: Stored>(tensor: &FlexTensor) -> FlexTensor {
    let tensor = contiguous(tensor);
    let wide = elements(&tensor);
    let mut halves = Buffer::of::<T>(wide.len());
    let pieces = halves.as_mut::<T>(wide.len()).par_chunks_mut(TASK).zip(wide.par_chunks(TASK));
    each(pieces, |(halves, wide)| T::round(halves, wide));
    halves.into_tensor_of::<T>(tensor.layout().shape().clone())
}
