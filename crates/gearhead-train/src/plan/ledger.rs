//! What is in memory at the same time, as a step takes memory and gives it back.

use std::collections::BTreeMap;

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
    buffer: Option<Buffer>,
}

/// Memory that is kept when it is given back.
#[derive(Debug)]
struct Buffer {
    size: u64,
    /// As much of it as was ever used: pages that nobody writes take no memory.
    written: u64,
}

/// How the backend deals with memory that is given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reuse {
    /// It is kept for tensors of about the same size, as `buffer.rs` of the kernels does.
    BySize,
    /// It serves whatever is needed next.
    ForAnything,
}

/// Buffers of fewer bytes are left to the allocator.
const SMALLEST_KEPT: u64 = 64 << 10;

/// What is taken now, and the most that ever was.
#[derive(Debug)]
pub(super) struct Ledger {
    reuse: Reuse,
    now: [u64; USES],
    /// By use, when most was in use.
    most: [u64; USES],
    /// Memory that does not pass through buffers.
    aside: u64,
    most_aside: u64,
    kept: BTreeMap<u64, Vec<Buffer>>,
    kept_size: u64,
    in_use: u64,
    most_in_use: u64,
    written: u64,
    most_written: u64,
}

impl Ledger {
    pub(super) fn new(reuse: Reuse) -> Self {
        Self {
            reuse,
            now: [0; USES],
            most: [0; USES],
            aside: 0,
            most_aside: 0,
            kept: BTreeMap::new(),
            kept_size: 0,
            in_use: 0,
            most_in_use: 0,
            written: 0,
            most_written: 0,
        }
    }

    /// Memory for a tensor of so many `f32`.
    pub(super) fn take(&mut self, numbers: usize, by: Use) -> Held {
        let bytes = 4 * numbers as u64;
        let is_kept = self.reuse == Reuse::BySize && bytes >= SMALLEST_KEPT;
        let buffer = is_kept.then(|| self.buffer(bytes));
        self.note(Held { bytes, by, buffer })
    }

    /// Memory that goes back to the system when it is given back.
    pub(super) fn take_aside(&mut self, numbers: usize, by: Use) -> Held {
        self.note(Held { bytes: 4 * numbers as u64, by, buffer: None })
    }

    fn note(&mut self, held: Held) -> Held {
        self.now[held.by as usize] += held.bytes;
        if self.now.iter().sum::<u64>() > self.most.iter().sum() {
            self.most = self.now;
        }
        if held.buffer.is_none() {
            self.aside += held.bytes;
            self.most_aside = self.most_aside.max(self.aside);
        }
        held
    }

    /// As `Kept::take` of the kernels: one of this size or a quarter larger; else a new one, and the largest go until all
    /// is at most a quarter more than what was ever used at once.
    fn buffer(&mut self, bytes: u64) -> Buffer {
        let size = size_class(bytes);
        let found = self.kept.range_mut(size..=size + size / 4).find_map(|(_, buffers)| buffers.pop());
        let taken = found.as_ref().map_or(size, |buffer| buffer.size);
        self.in_use += taken;
        self.most_in_use = self.most_in_use.max(self.in_use);
        let mut buffer = if let Some(buffer) = found {
            self.kept_size -= taken;
            buffer
        } else {
            self.make_room();
            Buffer { size, written: 0 }
        };
        self.written += bytes.saturating_sub(buffer.written);
        buffer.written = buffer.written.max(bytes);
        self.most_written = self.most_written.max(self.written);
        buffer
    }

    fn make_room(&mut self) {
        while self.kept_size + self.in_use > self.most_in_use + self.most_in_use / 4 {
            let Some(mut largest) = self.kept.last_entry() else { break };
            match largest.get_mut().pop() {
                Some(buffer) => {
                    self.kept_size -= buffer.size;
                    self.written -= buffer.written;
                }
                None => drop(largest.remove()),
            }
        }
    }

    pub(super) fn give(&mut self, held: impl IntoIterator<Item = Held>) {
        for Held { bytes, by, buffer } in held {
            self.now[by as usize] -= bytes;
            match buffer {
                Some(buffer) => {
                    self.in_use -= buffer.size;
                    self.kept_size += buffer.size;
                    self.kept.entry(buffer.size).or_default().push(buffer);
                }
                None => self.aside -= bytes,
            }
        }
    }

    /// The bytes of a use when most was in use.
    pub(super) fn most_for(&self, by: Use) -> u64 {
        self.most[by as usize]
    }

    /// The most that the process held: what was in use at once, and what was kept beside it.
    pub(super) fn total(&self) -> u64 {
        match self.reuse {
            Reuse::BySize => self.most_written + self.most_aside,
            Reuse::ForAnything => self.most.iter().sum(),
        }
    }
}

/// The next of eight sizes between one power of two and the next.
fn size_class(bytes: u64) -> u64 {
    bytes.next_multiple_of((bytes.next_power_of_two() / 16).max(1))
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

    const MIB: usize = 1 << 18;

    #[test]
    fn what_one_size_gave_back_serves_sizes_near_it_only() {
        let mut ledger = Ledger::new(Reuse::BySize);
        let activation = ledger.take(8 * MIB, Use::Activations);
        let gradient = ledger.take(2 * MIB, Use::Gradients);
        ledger.give(activation);
        let near = ledger.take(7 * MIB, Use::Activations);
        assert_eq!(ledger.total(), 10 << 20);
        ledger.give(near);
        let other = ledger.take(2 * MIB, Use::Workspace);
        assert_eq!(ledger.total(), 12 << 20, "no more than a quarter above 10");
        let another = ledger.take(3 * MIB, Use::Workspace);
        assert_eq!(ledger.total(), 12 << 20, "what was kept of the 8 went");
        assert_eq!([Use::Activations, Use::Gradients].map(|by| ledger.most_for(by)), [8 << 20, 2 << 20]);
        ledger.give([gradient, other, another]);
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
