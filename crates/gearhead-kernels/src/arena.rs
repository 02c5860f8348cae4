//! Where in a row of memory there is room.

use std::collections::BTreeMap;

/// Places in one long row, taken and given back: always the beginning of the smallest gap that is large enough, and gaps
/// that touch are one (best fit with coalescing).
///
/// It knows numbers only, so that what it decides can be computed without the memory. Units are the caller's.
///
/// ```
/// use gearhead_kernels::Arena;
///
/// let mut arena = Arena::default();
/// arena.extend(100);
/// let [first, second] = [30, 20].map(|size| arena.take(size));
/// assert_eq!([first, second], [Some(0), Some(30)]);
/// arena.give(0, 30);
/// assert_eq!(arena.take(25), Some(0), "a gap of 30 is nearer than one of 50");
/// assert_eq!(arena.take(51), None);
/// ```
#[derive(Debug, Default)]
pub struct Arena {
    /// The length of each gap, by its beginning.
    gaps: BTreeMap<usize, usize>,
    end: usize,
}

impl Arena {
    /// An arena without room, which [`extend`](Self::extend) gives it.
    pub const fn new() -> Self {
        Self { gaps: BTreeMap::new(), end: 0 }
    }

    /// Adds room for `len` and says where it begins. Nothing that is taken ever spans two such rooms.
    pub fn extend(&mut self, len: usize) -> usize {
        let start = self.end;
        self.gaps.insert(start, len);
        // One place between two rooms belongs to neither, so that their gaps never touch.
        self.end = start + len + 1;
        start
    }

    /// Takes `len` places, at least one, and says where they begin; nothing where no gap is that long.
    pub fn take(&mut self, len: usize) -> Option<usize> {
        let fitting = self.gaps.iter().filter(|(_, gap)| **gap >= len);
        let (&start, &gap) = fitting.min_by_key(|(_, gap)| **gap)?;
        self.gaps.remove(&start);
        if gap > len {
            self.gaps.insert(start + len, gap - len);
        }
        Some(start)
    }

    /// Gives `len` places back, which begin at `start` and were taken at once.
    pub fn give(&mut self, mut start: usize, mut len: usize) {
        if let Some(after) = self.gaps.remove(&(start + len)) {
            len += after;
        }
        if let Some((&before, gap)) = self.gaps.range_mut(..start).next_back()
            && before + *gap == start
        {
            len += *gap;
            start = before;
        }
        self.gaps.insert(start, len);
    }

    /// The beginning and the length of each gap, in order.
    pub fn gaps(&self) -> impl Iterator<Item = (usize, usize)> {
        self.gaps.iter().map(|(start, len)| (*start, *len))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn gaps_on_both_sides_become_one() {
        let mut arena = Arena::new();
        arena.extend(60);
        for start in [0, 20, 40] {
            assert_eq!(arena.take(20), Some(start));
        }
        assert_eq!(arena.take(1), None);
        arena.give(0, 20);
        arena.give(40, 20);
        assert_eq!(arena.gaps().collect::<Vec<_>>(), [(0, 20), (40, 20)]);
        arena.give(20, 20);
        assert_eq!(arena.gaps().collect::<Vec<_>>(), [(0, 60)]);
    }

    #[test]
    fn nothing_spans_two_rooms() {
        let mut arena = Arena::new();
        let (first, second) = (arena.extend(10), arena.extend(10));
        assert_eq!(arena.take(11), None);
        assert_eq!([arena.take(10), arena.take(10)], [Some(first), Some(second)]);
        arena.give(first, 10);
        arena.give(second, 10);
        assert_eq!(arena.take(11), None);
    }

    proptest! {
        #[test]
        fn what_is_taken_overlaps_nothing_and_all_comes_back(
            steps in prop::collection::vec((1_usize..40, any::<prop::sample::Index>(), any::<bool>()), 1..200),
        ) {
            let mut arena = Arena::new();
            arena.extend(300);
            let mut owners = [false; 300];
            let mut taken: Vec<(usize, usize)> = Vec::new();
            for (len, which, gives) in steps {
                if gives && !taken.is_empty() {
                    let (start, len) = taken.swap_remove(which.index(taken.len()));
                    owners[start..start + len].fill(false);
                    arena.give(start, len);
                } else if let Some(start) = arena.take(len) {
                    prop_assert!(!owners[start..start + len].contains(&true), "taken twice");
                    owners[start..start + len].fill(true);
                    taken.push((start, len));
                } else {
                    let longest = owners.chunk_by(|a, b| a == b).filter(|run| !run[0]).map(<[bool]>::len).max();
                    prop_assert!(longest.unwrap_or(0) < len, "there was room");
                }
            }
            for (start, len) in taken {
                arena.give(start, len);
            }
            prop_assert_eq!(arena.gaps().collect::<Vec<_>>(), [(0, 300)]);
        }
    }
}
