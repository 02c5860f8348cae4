//! Rows that copy a held-out one.

use super::complaints::{NearPairs, Visitor};
use crate::{error::Result, generate::Split};

/// Which complaints lose their rows of which part, one byte for each complaint.
#[derive(Default)]
pub(super) struct Removals {
    marks: Vec<u8>,
}

const TRAIN: u8 = 1 << Split::Train as u8;
const VALIDATION: u8 = 1 << Split::Validation as u8;
const TEST: u8 = 1 << Split::Test as u8;
/// Set beside `TRAIN` where the copy is a test row.
const BECAUSE_OF_TEST: u8 = 1 << 3;

impl Removals {
    /// The part whose row is the reason why rows of `part` with this complaint are removed, if they are.
    pub(super) fn because(&self, complaint: u32, part: Split) -> Option<Split> {
        let marks = self.marks.get(complaint as usize).copied().unwrap_or(0);
        match part {
            Split::Train if marks & TRAIN != 0 && marks & BECAUSE_OF_TEST == 0 => Some(Split::Validation),
            Split::Train | Split::Validation if marks & (1 << part as u8) != 0 => Some(Split::Test),
            _ => None,
        }
    }
}

/// First the validation rows that copy a test row go, then the training rows that copy a row which is still held out.
/// `placed` gives the complaint and the part of every row.
pub(super) fn removals(
    placed: impl Iterator<Item = (u32, Split)>,
    pairs: &mut NearPairs,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Removals> {
    let mut sides = vec![0_u8; pairs.count()];
    for (complaint, part) in placed {
        sides[complaint as usize] |= 1 << part as u8;
    }
    let mut blocks = Block { sides, marks: vec![0; pairs.count()], from: 0, against: 0 };
    for (from, against) in [(VALIDATION, TEST), (TRAIN, VALIDATION | TEST)] {
        (blocks.from, blocks.against) = (from, against);
        for complaint in 0..blocks.sides.len() as u32 {
            if blocks.is_copy(complaint, complaint) {
                blocks.mark(complaint, complaint);
            }
        }
        if blocks.sides.iter().any(|sides| sides & from != 0)
            && blocks.sides.iter().any(|sides| sides & against != 0)
        {
            pairs.search(&mut blocks, progress)?;
        }
    }
    Ok(Removals { marks: blocks.marks })
}

struct Block {
    /// The parts in which each complaint stands.
    sides: Vec<u8>,
    marks: Vec<u8>,
    from: u8,
    against: u8,
}

impl Block {
    /// The parts in which a complaint stands and stays.
    fn kept(&self, complaint: u32) -> u8 {
        self.sides[complaint as usize] & !self.marks[complaint as usize]
    }

    /// Whether `complaint` would be taken out of `from` if it were a copy of `other`.
    fn is_copy(&self, complaint: u32, other: u32) -> bool {
        self.kept(complaint) & self.from != 0 && self.kept(other) & self.against != 0
    }

    fn mark(&mut self, complaint: u32, other: u32) {
        let is_test = self.kept(other) & self.against & TEST != 0;
        let because = if self.from == TRAIN && is_test { BECAUSE_OF_TEST } else { 0 };
        self.marks[complaint as usize] |= self.from | because;
    }
}

impl Visitor for Block {
    fn wants(&mut self, a: u32, b: u32) -> bool {
        self.is_copy(a, b) || self.is_copy(b, a)
    }

    fn found(&mut self, a: u32, b: u32) {
        for (complaint, other) in [(a, b), (b, a)] {
            if self.is_copy(complaint, other) {
                self.mark(complaint, other);
            }
        }
    }
}
