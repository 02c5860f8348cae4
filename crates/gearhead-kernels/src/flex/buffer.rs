//! Numbers that a kernel computes, and the tensor that they become.
#![allow(unsafe_code, reason = "Burn takes memory of others through an unsafe interface only")]

use std::{
    mem::MaybeUninit,
    ops::{Deref, DerefMut},
};

use burn::tensor::{Bytes, Element, Shape};
use burn_flex::{FlexTensor, Layout as TensorLayout};
use burn_std::{AllocationController, AllocationProperty};
use bytemuck::Pod;
use rayon::prelude::*;

use super::{
    each,
    pool::{LINE, Line, Part},
};

/// Elements that one thread copies or clears at a time.
pub(super) const TASK: usize = 65_536;

/// Buffers of fewer lines (64 KiB) are left to the allocator, which keeps such sizes itself.
const SMALLEST_IN_POOL: usize = 1024;

/// Where the lines of a buffer are.
#[derive(Debug)]
enum Memory {
    Allocator(Vec<Line>),
    Pool(Part),
}

impl Memory {
    /// Some lines that are written before they are read.
    fn new(lines: usize) -> Self {
        if lines < SMALLEST_IN_POOL {
            Self::Allocator(bytemuck::zeroed_vec(lines))
        } else {
            Self::Pool(Part::new(lines))
        }
    }

    fn lines(&self) -> &[Line] {
        match self {
            Self::Allocator(lines) => lines,
            Self::Pool(part) => part,
        }
    }

    fn lines_mut(&mut self) -> &mut [Line] {
        match self {
            Self::Allocator(lines) => lines,
            Self::Pool(part) => part,
        }
    }
}

/// Numbers at an address that is a multiple of 64 bytes; what they are at first is arbitrary.
#[derive(Debug)]
pub(super) struct Buffer {
    memory: Memory,
    /// How many of the numbers are meant; the last line may have more.
    len: usize,
}

impl Buffer {
    /// `len` numbers that the caller overwrites. In a build for development they are no numbers, so that one that was
    /// forgotten shows.
    pub(super) fn new(len: usize) -> Self {
        let mut buffer = Self { memory: Memory::new(len.div_ceil(LINE)), len };
        if cfg!(debug_assertions) {
            buffer.fill(f32::NAN);
        }
        buffer
    }

    /// `len` zeros.
    pub(super) fn zeros(len: usize) -> Self {
        let mut buffer = Self::new(len);
        each(buffer.par_chunks_mut(TASK), |piece| piece.fill(0.0));
        buffer
    }

    /// The same numbers.
    pub(super) fn copy_of<T: Pod + Send + Sync>(values: &[T]) -> Self {
        let mut buffer = Self::of::<T>(values.len());
        let pieces = buffer.as_mut(values.len()).par_chunks_mut(TASK).zip(values.par_chunks(TASK));
        each(pieces, |(copy, values)| copy.copy_from_slice(values));
        buffer
    }

    /// `len` numbers of a type that has 32 bits at most, which the caller overwrites.
    pub(super) fn of<T: Pod>(len: usize) -> Self {
        Self::new((len * size_of::<T>()).div_ceil(size_of::<f32>()))
    }

    /// The first `len` numbers as those of a type.
    pub(super) fn as_mut<T: Pod>(&mut self, len: usize) -> &mut [T] {
        &mut bytemuck::cast_slice_mut(self)[..len]
    }

    /// The tensor that the numbers are, row after row.
    pub(super) fn into_tensor(self, shape: impl Into<Shape>) -> FlexTensor {
        let shape = shape.into();
        assert_eq!(shape.num_elements(), self.len, "a number for each element");
        self.into_tensor_of::<f32>(shape)
    }

    /// The tensor that its numbers are as those of a type, row after row.
    pub(super) fn into_tensor_of<E: Element>(self, shape: impl Into<Shape>) -> FlexTensor {
        let shape = shape.into();
        let bytes = shape.num_elements() * size_of::<E>();
        assert!(bytes <= self.len * size_of::<f32>(), "the elements are in the buffer");
        // SAFETY: every number of a buffer was written, when it was made if not since.
        let bytes = unsafe { Bytes::from_controller(Box::new(self), bytes) };
        FlexTensor::new(bytes, TensorLayout::contiguous(shape), E::dtype())
    }
}

impl Deref for Buffer {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        &bytemuck::cast_slice(self.memory.lines())[..self.len]
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut bytemuck::cast_slice_mut(self.memory.lines_mut())[..self.len]
    }
}

impl AllocationController for Buffer {
    fn alloc_align(&self) -> usize {
        // Of what Burn makes itself, which may take the place of this: the most that it can.
        align_of::<u128>()
    }

    fn duplicate(&self) -> Option<Box<dyn AllocationController>> {
        Some(Box::new(Self::copy_of(self)))
    }

    fn property(&self) -> AllocationProperty {
        AllocationProperty::Other
    }

    unsafe fn memory_mut(&mut self) -> &mut [MaybeUninit<u8>] {
        let bytes: &mut [u8] = bytemuck::cast_slice_mut(self);
        // SAFETY: the same bytes; the caller promises to write nothing that is not initialised.
        unsafe { &mut *(std::ptr::from_mut(bytes) as *mut [MaybeUninit<u8>]) }
    }

    fn memory(&self) -> &[MaybeUninit<u8>] {
        let bytes: &[u8] = bytemuck::cast_slice(self);
        // SAFETY: the same bytes, and what is initialised may be seen as what need not be.
        unsafe { &*(std::ptr::from_ref(bytes) as *const [MaybeUninit<u8>]) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tensor_has_the_numbers_and_keeps_them_through_a_copy_on_write() {
        let mut buffer = Buffer::new(20_000);
        for (index, value) in buffer.iter_mut().enumerate() {
            *value = index as f32;
        }
        assert_eq!(buffer.as_ptr() as usize % 64, 0);
        let tensor = buffer.into_tensor([200, 100]);
        let mut other = tensor.clone();
        other.storage_mut::<f32>()[7] = -1.0;
        assert_eq!(tensor.storage::<f32>()[7].to_bits(), 7.0_f32.to_bits());
        assert_eq!(other.storage::<f32>()[19_999].to_bits(), 19_999.0_f32.to_bits());
    }
}
