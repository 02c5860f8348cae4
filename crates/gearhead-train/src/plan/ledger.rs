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
    bytes: u64,
    by: Use,
    is_kept: bool,
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

/// All that is kept and used may be so much more than what was ever used at once.
const SLACK: u64 = 4;

/// What is taken now, and the most that ever was.
#[derive(Debug)]
pub(super) struct Ledger {
    reuse: Reuse,
    /// By size class: how many are in use now, how many were at most, and the largest of them.
    classes: BTreeMap<u64, Class>,
    now: [u64; USES],
    kept_now: u64,
    /// By use, when most was in use.
    most: [u64; USES],
    most_kept: u64,
    most_aside: u64,
}

#[derive(Debug, Default)]
struct Class {
    now: u64,
    most: u64,
    bytes: u64,
}

impl Ledger {
    pub(super) fn new(reuse: Reuse) -> Self {
        Self {
            reuse,
            classes: BTreeMap::new(),
            now: [0; USES],
            kept_now: 0,
            most: [0; USES],
            most_kept: 0,
            most_aside: 0,
        }
    }

    /// Memory for a tensor of so many `f32`.
    pub(super) fn take(&mut self, numbers: usize, by: Use) -> Held {
        let bytes = 4 * numbers as u64;
        self.note(Held { bytes, by, is_kept: self.reuse == Reuse::BySize && bytes >= SMALLEST_KEPT })
    }

    /// Memory that goes back to the system when it is given back.
    pub(super) fn take_aside(&mut self, numbers: usize, by: Use) -> Held {
        self.note(Held { bytes: 4 * numbers as u64, by, is_kept: false })
    }

    fn note(&mut self, held: Held) -> Held {
        if held.is_kept {
            let class = self.classes.entry(size_class(held.bytes)).or_default();
            class.now += 1;
            class.most = class.most.max(class.now);
            class.bytes = class.bytes.max(held.bytes);
            self.kept_now += held.bytes;
        }
        self.now[held.by as usize] += held.bytes;
        let total: u64 = self.now.iter().sum();
        if total > self.most.iter().sum() {
            self.most = self.now;
        }
        self.most_kept = self.most_kept.max(self.kept_now);
        self.most_aside = self.most_aside.max(total - self.kept_now);
        held
    }

    pub(super) fn give(&mut self, held: impl IntoIterator<Item = Held>) {
        for held in held {
            if held.is_kept {
                self.classes.entry(size_class(held.bytes)).or_default().now -= 1;
                self.kept_now -= held.bytes;
            }
            self.now[held.by as usize] -= held.bytes;
        }
    }

    /// The bytes of a use when most was in use.
    pub(super) fn most_for(&self, by: Use) -> u64 {
        self.most[by as usize]
    }

    /// What the process holds in the end: what was in use at once, and what is kept beside it.
    pub(super) fn total(&self) -> u64 {
        let in_use: u64 = self.most.iter().sum();
        if self.reuse == Reuse::ForAnything {
            return in_use;
        }
        let by_class: u64 = self.classes.values().map(|class| class.most * class.bytes).sum();
        let kept = by_class.min(self.most_kept + self.most_kept / SLACK);
        (kept + self.most_aside).max(in_use)
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
    fn what_one_size_gave_back_does_not_serve_another() {
        let mut ledger = Ledger::new(Reuse::BySize);
        let activation = ledger.take(8 * MIB, Use::Activations);
        let gradient = ledger.take(2 * MIB, Use::Gradients);
        ledger.give(activation);
        let again = ledger.take(8 * MIB, Use::Activations);
        ledger.give(again);
        let other = ledger.take(3 * MIB, Use::Workspace);
        assert_eq!(ledger.most_for(Use::Activations), 8 << 20);
        assert_eq!(ledger.most_for(Use::Gradients), 2 << 20);
        assert_eq!(ledger.total(), (10 << 20) + (10 << 18), "13 MiB by size, but no more than 12.5");
        ledger.give([gradient, other]);
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
