//! What is in memory at the same time, as a step takes memory and gives it back.

use gearhead_kernels::Arena;

/// What memory is taken for within a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    Gradients,
    Activations,
    Logits,
    Workspace,
}

const USES: usize = 4;

/// Memory that was taken.
#[derive(Debug)]
#[must_use = "memory that is not given back counts for ever"]
pub(super) struct Held {
    /// What was asked for.
    bytes: u64,
    by: Use,
    /// Where it begins in the pool and how long it is there, in lines.
    place: Option<(usize, usize)>,
}

/// How the backend deals with memory that is given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reuse {
    /// Its place in a pool serves what fits in there, as `pool.rs` of the kernels has it.
    Places,
    /// It serves whatever is needed next.
    ForAnything,
}

/// Bytes of a line of the pool.
const LINE: usize = 64;

/// Buffers of fewer bytes are left to the allocator.
const SMALLEST_IN_POOL: u64 = 64 << 10;

/// What is taken now, and the most that ever was.
#[derive(Debug)]
pub(super) struct Ledger {
    reuse: Reuse,
    now: [u64; USES],
    /// By use, when most was in use.
    most: [u64; USES],
    /// Memory that does not pass through the pool.
    aside: u64,
    most_aside: u64,
    pool: Arena,
    /// Lines of the pool that were ever written: all before this one.
    written: usize,
}

impl Ledger {
    pub(super) fn new(reuse: Reuse) -> Self {
        let mut pool = Arena::new();
        pool.extend(usize::MAX / 2);
        Self { reuse, now: [0; USES], most: [0; USES], aside: 0, most_aside: 0, pool, written: 0 }
    }

    /// Memory for a tensor.
    pub(super) fn take(&mut self, bytes: u64, by: Use) -> Held {
        let is_in_pool = self.reuse == Reuse::Places && bytes >= SMALLEST_IN_POOL;
        let place = is_in_pool.then(|| {
            let lines = (bytes as usize).div_ceil(LINE);
            let start = self.pool.take(lines).expect("the pool has no end");
            self.written = self.written.max(start + lines);
            (start, lines)
        });
        self.note(Held { bytes, by, place })
    }

    /// Memory that goes back to the system when it is given back.
    pub(super) fn take_aside(&mut self, bytes: u64, by: Use) -> Held {
        self.note(Held { bytes, by, place: None })
    }

    fn note(&mut self, held: Held) -> Held {
        self.now[held.by as usize] += held.bytes;
        if self.now.iter().sum::<u64>() > self.most.iter().sum() {
            self.most = self.now;
        }
        if held.place.is_none() {
            self.aside += held.bytes;
            self.most_aside = self.most_aside.max(self.aside);
        }
        held
    }

    pub(super) fn give(&mut self, held: impl IntoIterator<Item = Held>) {
        for Held { bytes, by, place } in held {
            self.now[by as usize] -= bytes;
            match place {
                Some((start, lines)) => self.pool.give(start, lines),
                None => self.aside -= bytes,
            }
        }
    }

    /// The bytes of a use when most was in use.
    pub(super) fn most_for(&self, by: Use) -> u64 {
        self.most[by as usize]
    }

    /// The most that the process held: all of the pool that was ever written stays, and what was aside at once beside it.
    pub(super) fn total(&self) -> u64 {
        match self.reuse {
            Reuse::Places => (self.written * LINE) as u64 + self.most_aside,
            Reuse::ForAnything => self.most.iter().sum(),
        }
    }
}

impl IntoIterator for Held {
    type Item = Self;
    type IntoIter = std::iter::Once<Self>;

    fn into_iter(self) -> Self::IntoIter {
        std::iter::once(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    #[test]
    fn a_place_serves_what_fits_in_and_places_that_touch_are_one() {
        let mut ledger = Ledger::new(Reuse::Places);
        let [activation, gradient] =
            [(8, Use::Activations), (2, Use::Gradients)].map(|(size, by)| ledger.take(size * MIB, by));
        ledger.give(activation);
        let parts = [5, 3].map(|size| ledger.take(size * MIB, Use::Workspace));
        assert_eq!(ledger.total(), 10 << 20);
        ledger.give(parts);
        let whole = ledger.take(8 * MIB, Use::Workspace);
        assert_eq!(ledger.total(), 10 << 20);
        let larger = ledger.take(MIB, Use::Workspace);
        assert_eq!(ledger.total(), 11 << 20);
        assert_eq!([Use::Activations, Use::Gradients].map(|by| ledger.most_for(by)), [0, 2 << 20]);
        ledger.give([gradient, whole, larger]);
    }

    #[test]
    fn what_goes_back_to_the_system_serves_anything() {
        let mut ledger = Ledger::new(Reuse::ForAnything);
        for size in [8, 3, 5] {
            let held = ledger.take(size * MIB, Use::Workspace);
            ledger.give(held);
        }
        assert_eq!(ledger.total(), 8 << 20);
    }
}
