//! Memory for results, reused from one step to the next.
//!
//! A training step asks for the same sizes again and again. Memory that goes back to the system comes in again page by
//! page, zeroed, at a cost near that of the computation; memory that is kept costs nothing.
#![allow(unsafe_code, reason = "Burn takes memory of others through an unsafe interface only")]

use std::{
    alloc::{Layout, handle_alloc_error},
    collections::BTreeMap,
    mem::MaybeUninit,
    ops::{Deref, DerefMut},
    sync::{Mutex, MutexGuard, PoisonError},
};

use burn::tensor::{Bytes, DType, Shape};
use burn_flex::{FlexTensor, Layout as TensorLayout};
use burn_std::{AllocationController, AllocationProperty};
use bytemuck::{Pod, Zeroable};
use memmap2::MmapMut;
use rayon::prelude::*;

use super::each;

/// Sixteen numbers: a cache line, and a register of AVX-512.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C, align(64))]
struct Line([f32; LINE]);

const LINE: usize = 16;

/// Elements that one thread copies or clears at a time.
pub(super) const TASK: usize = 65_536;

/// Buffers of fewer lines (64 KiB) are left to the allocator, which keeps such sizes itself.
const SMALLEST_KEPT: usize = 1024;

/// Where the lines of a buffer are.
#[derive(Debug)]
enum Memory {
    /// Few, from the allocator.
    Allocated(Vec<Line>),
    /// Pages of their own, which go back to the system when they are dropped. The allocator would not give them back: what
    /// is above them is in use most of the time.
    Mapped(MmapMut),
}

impl Memory {
    /// Zeros. Pages come from the system one by one, when they are first written, by the threads that write them.
    fn zeroed(lines: usize) -> Self {
        if lines < SMALLEST_KEPT {
            return Self::Allocated(bytemuck::zeroed_vec(lines));
        }
        let layout = Layout::array::<Line>(lines).expect("a buffer is smaller than the address space");
        Self::Mapped(MmapMut::map_anon(layout.size()).unwrap_or_else(|_| handle_alloc_error(layout)))
    }

    fn lines(&self) -> &[Line] {
        match self {
            Self::Allocated(lines) => lines,
            Self::Mapped(pages) => bytemuck::cast_slice(pages),
        }
    }

    fn lines_mut(&mut self) -> &mut [Line] {
        match self {
            Self::Allocated(lines) => lines,
            Self::Mapped(pages) => bytemuck::cast_slice_mut(pages),
        }
    }

    fn len(&self) -> usize {
        self.lines().len()
    }
}

/// Numbers at an address that is a multiple of 64 bytes; what they are at first is arbitrary.
#[derive(Debug)]
pub(super) struct Buffer {
    memory: Memory,
    /// How many of the numbers are meant; there may be more.
    len: usize,
}

impl Buffer {
    /// `len` numbers that the caller overwrites. In a build for development they are no numbers, so that one that was
    /// forgotten shows.
    pub(super) fn new(len: usize) -> Self {
        let lines = size_class(len.div_ceil(LINE));
        let kept = (lines >= SMALLEST_KEPT).then(|| kept().take(lines)).flatten();
        let mut buffer = Self { memory: kept.unwrap_or_else(|| Memory::zeroed(lines)), len };
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
    pub(super) fn copy_of(values: &[f32]) -> Self {
        let mut buffer = Self::new(values.len());
        let pieces = buffer.par_chunks_mut(TASK).zip(values.par_chunks(TASK));
        each(pieces, |(copy, values)| copy.copy_from_slice(values));
        buffer
    }

    /// The tensor that the numbers are, row after row.
    pub(super) fn into_tensor(self, shape: impl Into<Shape>) -> FlexTensor {
        let shape = shape.into();
        assert_eq!(shape.num_elements(), self.len, "a number for each element");
        let bytes = self.len * size_of::<f32>();
        // SAFETY: every number of a buffer was written, when it was made if not since.
        let bytes = unsafe { Bytes::from_controller(Box::new(self), bytes) };
        FlexTensor::new(bytes, TensorLayout::contiguous(shape), DType::F32)
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

impl Drop for Buffer {
    fn drop(&mut self) {
        if self.memory.len() >= SMALLEST_KEPT {
            kept().put(std::mem::replace(&mut self.memory, Memory::Allocated(Vec::new())));
        }
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

/// The next of eight sizes between one power of two and the next, so that batches of nearly the same size share
/// memory, at a loss of at most an eighth.
fn size_class(lines: usize) -> usize {
    if lines < SMALLEST_KEPT {
        return lines;
    }
    lines.next_multiple_of((lines.next_power_of_two() / 16).max(1))
}

/// What was dropped, by size. All sizes are in lines.
#[derive(Default)]
struct Kept {
    by_size: BTreeMap<usize, Vec<Memory>>,
    held: usize,
    in_use: usize,
    most_in_use: usize,
}

static KEPT: Mutex<Kept> = Mutex::new(Kept { by_size: BTreeMap::new(), held: 0, in_use: 0, most_in_use: 0 });

fn kept() -> MutexGuard<'static, Kept> {
    // Nothing in here panics half-way through a change.
    KEPT.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Gives all that is kept back to the system.
pub(super) fn release() {
    let released = kept().release();
    // Outside of the lock: it takes a while.
    drop(released);
}

impl Kept {
    /// Takes out all that is kept. What was needed at once does not count for what comes next.
    fn release(&mut self) -> BTreeMap<usize, Vec<Memory>> {
        (self.held, self.most_in_use) = (0, self.in_use);
        std::mem::take(&mut self.by_size)
    }

    /// A buffer of this size, or of one that is at most a quarter larger, as batches differ by that. Where there is none,
    /// others go back to the system, the largest first, until all that is kept and used is at most a quarter more than what was
    /// ever used at once: with less, sizes that are needed at different times would drive each other out.
    fn take(&mut self, lines: usize) -> Option<Memory> {
        let mut near = self.by_size.range_mut(lines..=lines + lines / 4);
        let found = near.find_map(|(_, buffers)| buffers.pop());
        let taken = found.as_ref().map_or(lines, Memory::len);
        self.in_use += taken;
        self.most_in_use = self.most_in_use.max(self.in_use);
        if found.is_some() {
            self.held -= taken;
            return found;
        }
        while self.held + self.in_use > self.most_in_use + self.most_in_use / 4 {
            let Some(mut largest) = self.by_size.last_entry() else { break };
            match largest.get_mut().pop() {
                Some(buffer) => self.held -= buffer.len(),
                None => drop(largest.remove()),
            }
        }
        None
    }

    fn put(&mut self, buffer: Memory) {
        self.in_use -= buffer.len();
        self.held += buffer.len();
        self.by_size.entry(buffer.len()).or_default().push(buffer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_class_is_at_most_an_eighth_larger() {
        for lines in (SMALLEST_KEPT..40_000).step_by(7) {
            let class = size_class(lines);
            assert!(class >= lines && class - lines <= lines / 8, "{lines}: {class}");
            assert_eq!(size_class(class), class, "a class is its own class");
        }
        assert_eq!(size_class(3), 3);
    }

    #[test]
    fn memory_is_used_again() {
        let mut kept = Kept::default();
        assert!(kept.take(30).is_none());
        let buffer = Memory::zeroed(30);
        let address = buffer.lines().as_ptr();
        kept.put(buffer);
        assert_eq!(kept.take(30).map(|buffer| buffer.lines().as_ptr()), Some(address));
        assert!(kept.take(30).is_none(), "it was taken");
        assert_eq!((kept.held, kept.in_use, kept.most_in_use), (0, 60, 60));
    }

    #[test]
    fn no_more_is_kept_than_a_quarter_above_what_was_needed_at_once() {
        let mut kept = Kept::default();
        for lines in [10, 20, 30] {
            assert!(kept.take(lines).is_none());
        }
        for lines in [10, 20, 30] {
            kept.put(Memory::zeroed(lines));
        }
        assert!(kept.take(15).is_none());
        assert_eq!(kept.held, 60, "60 and 15 are no more than 75");
        assert!(kept.take(23).is_none());
        assert_eq!((kept.held, kept.in_use), (30, 38), "30 went");
        assert!(kept.take(20).is_some());
        assert!(kept.take(30).is_none());
    }

    #[test]
    fn a_buffer_that_is_a_little_larger_serves_too() {
        let mut kept = Kept::default();
        for _ in 0..3 {
            assert!(kept.take(100).is_none());
        }
        kept.put(Memory::zeroed(100));
        assert!(kept.take(60).is_none(), "100 is more than a quarter larger");
        assert_eq!(kept.take(80).map(|buffer| buffer.len()), Some(100));
        assert_eq!((kept.held, kept.in_use), (0, 360));
    }

    #[test]
    fn what_is_released_is_kept_no_longer() {
        let mut kept = Kept::default();
        assert!(kept.take(30).is_none() && kept.take(20).is_none());
        kept.put(Memory::zeroed(30));
        assert_eq!(
            kept.release().into_values().flatten().map(|buffer| buffer.len()).collect::<Vec<_>>(),
            [30]
        );
        assert_eq!((kept.held, kept.in_use, kept.most_in_use), (0, 20, 20));
        assert!(kept.take(30).is_none());
    }

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
