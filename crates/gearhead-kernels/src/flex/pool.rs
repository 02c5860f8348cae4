//! The memory that large results are in, used again from one operation to the next.
//!
//! A training step asks for the same sizes again and again. Memory that goes back to the system comes in again page by
//! page, zeroed, at a cost near that of the computation; memory that is kept costs nothing.
#![allow(unsafe_code, reason = "parts of one mapping are lent to several owners")]

use std::{
    alloc::{Layout, handle_alloc_error},
    ops::{Deref, DerefMut},
    ptr::NonNull,
    slice,
    sync::{Mutex, MutexGuard, PoisonError},
};

use bytemuck::{Pod, Zeroable};
use memmap2::{MmapMut, MmapOptions};

use crate::Arena;

/// Sixteen numbers: a cache line, and a register of AVX-512.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C, align(64))]
pub(super) struct Line(pub(super) [f32; LINE]);

pub(super) const LINE: usize = 16;

/// Lines of address space that are asked for at once, the first that the system grants. Where it gives memory page by page, as
/// pages are written, address space costs nothing, and one long room (64 GiB) leaves fewer gaps than several. Windows, and
/// Linux where it is told to, promise memory for all of it: there the rooms are short (256 MiB).
const ROOMS: &[usize] = if cfg!(windows) { &[1 << 22] } else { &[1 << 30, 1 << 22] };

/// A multiple of the size of a page on every system, in lines.
const PAGE: usize = 1024;

/// Lines of the pool, zeros or what was there before.
#[derive(Debug)]
pub(super) struct Part {
    /// Where they are, in the arena's count.
    start: usize,
    lines: NonNull<Line>,
    len: usize,
}

// SAFETY: a part is the one owner of its lines, which are plain numbers.
unsafe impl Send for Part {}
// SAFETY: shared, it is only read.
unsafe impl Sync for Part {}

impl Part {
    /// So many lines, at least one.
    pub(super) fn new(len: usize) -> Self {
        pool().take(len)
    }
}

impl Deref for Part {
    type Target = [Line];

    fn deref(&self) -> &[Line] {
        // SAFETY: the pool lent these lines to nobody else, they are initialised (the system's pages begin as zeros), and rooms
        // are never unmapped.
        unsafe { slice::from_raw_parts(self.lines.as_ptr(), self.len) }
    }
}

impl DerefMut for Part {
    fn deref_mut(&mut self) -> &mut [Line] {
        // SAFETY: as above.
        unsafe { slice::from_raw_parts_mut(self.lines.as_ptr(), self.len) }
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        pool().arena.give(self.start, self.len);
    }
}

/// Gives the pages of all gaps back to the system.
pub(super) fn release() {
    pool().release();
}

struct Pool {
    arena: Arena,
    rooms: Vec<Room>,
}

/// Address space whose pages the system fills in when they are first written.
struct Room {
    start: usize,
    lines: NonNull<Line>,
    #[cfg_attr(not(unix), expect(dead_code, reason = "pages go back through it"))]
    mapping: MmapMut,
}

// SAFETY: the pointer is the mapping's own.
unsafe impl Send for Room {}

static POOL: Mutex<Pool> = Mutex::new(Pool { arena: Arena::new(), rooms: Vec::new() });

fn pool() -> MutexGuard<'static, Pool> {
    // Nothing in here panics half-way through a change.
    POOL.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Pool {
    fn take(&mut self, len: usize) -> Part {
        let start = self.arena.take(len).unwrap_or_else(|| {
            self.add_room(len);
            self.arena.take(len).expect("the new room is long enough")
        });
        let room = self.rooms.iter().rfind(|room| room.start <= start).expect("every place is in a room");
        // SAFETY: the arena gives places of the rooms that it was told of.
        let lines = unsafe { room.lines.add(start - room.start) };
        Part { start, lines, len }
    }

    /// Adds a room for at least `needed` lines.
    fn add_room(&mut self, needed: usize) {
        let layout = Layout::array::<Line>(needed).expect("a buffer is smaller than the address space");
        let longer = ROOMS.iter().copied().filter(|room| *room > needed);
        let mapped = longer.chain([needed]).find_map(|room| {
            let bytes = room.checked_mul(size_of::<Line>())?;
            Some((room, MmapOptions::new().len(bytes).no_reserve_swap().map_anon().ok()?))
        });
        let Some((len, mut mapping)) = mapped else { handle_alloc_error(layout) };
        // Where the system has none, pages of the usual size do.
        #[cfg(target_os = "linux")]
        let _ = mapping.advise(memmap2::Advice::HugePage);
        let lines = NonNull::new(mapping.as_mut_ptr().cast()).expect("a mapping has an address");
        let start = self.arena.extend(len);
        self.rooms.push(Room { start, lines, mapping });
    }

    fn release(&mut self) {
        #[cfg(unix)]
        for (start, len) in self.arena.gaps() {
            let Some(room) = self.rooms.iter().rfind(|room| room.start <= start) else { continue };
            // Pages that are partly in use stay.
            let first = (start - room.start).next_multiple_of(PAGE);
            let end = (start - room.start + len) / PAGE * PAGE;
            if first < end {
                let [offset, bytes] = [first, end - first].map(|lines| lines * size_of::<Line>());
                let advice = memmap2::UncheckedAdvice::DontNeed;
                // SAFETY: nobody uses a gap, and what its lines are next is arbitrary. It is advice: an error leaves them.
                let _ = unsafe { room.mapping.unchecked_advise_range(advice, offset, bytes) };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_apart_and_keep_their_numbers_through_a_release() {
        let mut parts: Vec<Part> = [1024, 3000, 1500, 5000].map(Part::new).into();
        for (number, part) in parts.iter_mut().enumerate() {
            assert_eq!(part.as_ptr() as usize % 64, 0);
            part.fill(Line([number as f32; LINE]));
        }
        drop(parts.remove(1));
        release();
        let again = Part::new(2900);
        for (number, part) in [0.0_f32, 2.0, 3.0].iter().zip(&parts) {
            let is_kept = |line: &Line| line.0.iter().all(|value| value.to_bits() == number.to_bits());
            assert!(part.iter().all(is_kept), "{number}");
        }
        assert_eq!(again.len(), 2900);
    }

    #[test]
    fn a_part_may_be_longer_than_a_room() {
        let mut pool = Pool { arena: Arena::new(), rooms: Vec::new() };
        pool.add_room(10);
        let len = ROOMS[0] + 1;
        // Only an address, where the system gives so much.
        let part = std::mem::ManuallyDrop::new(pool.take(len));
        assert_eq!((part.len, pool.rooms.len()), (len, 2));
    }
}
