//! Which part each row goes to.

use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::{
    By, SplitFault,
    complaints::{NearPairs, Visitor},
    days::{Cut, cut},
    deal::{Group, Shares, deal},
    key::NO_KEY,
    removal::{Removals, removals},
    union::UnionFind,
    write::Place,
};
use crate::{error::Result, generate::Split};

/// What is kept of every row, four bytes each.
#[derive(Default)]
pub(super) struct Rows {
    /// The number of its complaint.
    pub(super) complaints: Vec<u32>,
    /// The number of its key; none where the split is by wording.
    pub(super) keys: Vec<u32>,
    /// The number of its label, where the split is by wording.
    pub(super) labels: Vec<u32>,
}

/// Which part each row goes to, by its key or by its complaint.
pub(super) struct Plan {
    assignment: Assignment,
    removals: Removals,
    pub(super) outline: Outline,
}

enum Assignment {
    /// By the number of the group's key (of the complaint, where the split is by wording).
    Groups(Vec<Split>),
    /// By the day.
    Days(Cut),
}

/// What a plan says about groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Outline {
    /// Groups, over all parts.
    pub(super) groups: u64,
    /// Rows of the largest.
    pub(super) largest_group: u64,
    /// Groups of each part.
    pub(super) groups_of: [u64; 3],
    /// Groups that were made one because a near copy links them.
    pub(super) merged: u64,
}

/// Makes a plan. Pairs of near copies are looked for only if `keeps_near` is not set; `progress` gets the done and all
/// steps of each search.
pub(super) fn plan(
    rows: &Rows,
    by: &By,
    mut sets: UnionFind,
    pairs: &mut NearPairs,
    options: Options,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Plan> {
    let (assignment, outline) = match by {
        By::Time => {
            let (cut, outline) = cut(rows, options.shares, by)?;
            (Assignment::Days(cut), outline)
        }
        By::Wording => {
            let mut sets = UnionFind::new(pairs.count());
            if !options.keeps_near {
                pairs.search(&mut Link { sets: &mut sets, group_of: None }, progress)?;
            }
            let merged = options.groups(&rows.complaints, &rows.labels, &mut sets);
            dealt(merged, by, options.shares, 0)?
        }
        By::Group(_) if !options.keeps_near => {
            let apart = options.groups(&rows.keys, &[], &mut sets.clone());
            link_by_complaints(rows, &mut sets, pairs, progress)?;
            let merged = options.groups(&rows.keys, &[], &mut sets);
            let n_merged = (apart.groups.len() - merged.groups.len()) as u64;
            match dealt(merged, by, options.shares, n_merged) {
                Ok((assignment, outline)) if options.meets_shares(rows, &assignment) => (assignment, outline),
                _ => dealt(apart, by, options.shares, 0)?,
            }
        }
        By::Machine | By::Fault | By::Group(_) => {
            dealt(options.groups(&rows.keys, &[], &mut sets), by, options.shares, 0)?
        }
    };
    let mut plan = Plan { assignment, removals: Removals::default(), outline };
    // Split by wording, no near copy crosses as it is.
    if !options.keeps_near && *by != By::Wording {
        let placed =
            rows.complaints.iter().enumerate().map(|(row, complaint)| (*complaint, plan.part(rows, row)));
        plan.removals = removals(placed, pairs, progress)?;
    }
    Ok(plan)
}

/// What a plan must heed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Options {
    pub(super) shares: Shares,
    pub(super) seed: u64,
    pub(super) keeps_near: bool,
}

impl Plan {
    /// Where a row goes.
    pub(super) fn place(&self, rows: &Rows, row: usize) -> Place {
        let complaint = rows.complaints[row];
        let part = self.part(rows, row);
        match self.removals.because(complaint, part) {
            Some(because) => Place::Removed(part, because),
            None => Place::Part(part),
        }
    }

    fn part(&self, rows: &Rows, row: usize) -> Split {
        self.assignment.part(rows.keys.get(row).copied().unwrap_or(rows.complaints[row]))
    }
}

impl Assignment {
    fn part(&self, key: u32) -> Split {
        match self {
            _ if key == NO_KEY => Split::Train,
            Self::Groups(parts) => parts[key as usize],
            Self::Days(cut) => cut.part(key),
        }
    }
}

/// The groups of rows, and which group each key belongs to.
struct Grouping {
    groups: Vec<Group>,
    /// By key; [`NO_KEY`] for a key that no row has as its own.
    group_of: Vec<u32>,
}

impl Options {
    /// `labels` are those of the rows, or empty: a group's stratum is its most frequent label.
    fn groups(self, keys: &[u32], labels: &[u32], sets: &mut UnionFind) -> Grouping {
        let mut group_of = vec![NO_KEY; sets.len()];
        let mut groups: Vec<Group> = Vec::new();
        for key in keys.iter().filter(|key| **key != NO_KEY) {
            let root = sets.find(*key) as usize;
            if group_of[root] == NO_KEY {
                group_of[root] = groups.len() as u32;
                let hash = (xxh3_64_with_seed(&(root as u64).to_le_bytes(), self.seed) >> 32) as u32;
                groups.push(Group { rows: 0, hash, stratum: 0 });
            }
            groups[group_of[root] as usize].rows += 1;
        }
        for key in 0..group_of.len() as u32 {
            group_of[key as usize] = group_of[sets.find(key) as usize];
        }
        if !labels.is_empty() {
            let group = |key: &u32| u64::from(group_of[*key as usize]);
            let mut pairs: Vec<u64> =
                keys.iter().zip(labels).map(|(key, label)| (group(key) << 32) | u64::from(*label)).collect();
            pairs.sort_unstable();
            for group in pairs.chunk_by(|a, b| a >> 32 == b >> 32) {
                let most = group
                    .chunk_by(|a, b| a == b)
                    .max_by_key(|label| (label.len(), std::cmp::Reverse(label[0])));
                if let Some(label) = most {
                    groups[(label[0] >> 32) as usize].stratum = label[0] as u32;
                }
            }
        }
        Grouping { groups, group_of }
    }

    /// Whether every held-out part has at least half of its share.
    fn meets_shares(self, rows: &Rows, assignment: &Assignment) -> bool {
        let mut held = [0_u64; 3];
        for key in &rows.keys {
            held[assignment.part(*key) as usize] += 1;
        }
        let wanted = [(Split::Validation, self.shares.validation), (Split::Test, self.shares.test)];
        wanted.iter().all(|(part, share)| held[*part as usize] as f64 >= 0.5 * share * rows.keys.len() as f64)
    }
}

fn dealt(grouping: Grouping, by: &By, shares: Shares, merged: u64) -> Result<(Assignment, Outline)> {
    let Grouping { groups, group_of } = grouping;
    let parts = shares.parts().count();
    check_groups(groups.len(), parts, by)?;
    let part_of_group = deal(&groups, shares);
    let mut groups_of = [0; 3];
    for part in &part_of_group {
        groups_of[*part as usize] += 1;
    }
    let outline = Outline {
        groups: groups.len() as u64,
        largest_group: groups.iter().map(|group| u64::from(group.rows)).max().unwrap_or(0),
        groups_of,
        merged,
    };
    drop(groups);
    let part = |group: &u32| part_of_group.get(*group as usize).copied().unwrap_or(Split::Train);
    Ok((Assignment::Groups(group_of.iter().map(part).collect()), outline))
}

pub(super) fn check_groups(groups: usize, parts: usize, by: &By) -> Result<()> {
    if groups == 0 {
        return Err(SplitFault::NoKey { what: by.key_in_words() }.into());
    }
    if groups < parts {
        let groups = groups as u64;
        return Err(SplitFault::TooFewGroups { groups, what: by.groups_in_words(groups), parts }.into());
    }
    Ok(())
}

/// Makes one set of the groups whose complaints are copies or near copies.
fn link_by_complaints(
    rows: &Rows,
    sets: &mut UnionFind,
    pairs: &mut NearPairs,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<()> {
    let mut group_of = vec![NO_KEY; pairs.count()];
    for (complaint, key) in rows.complaints.iter().zip(&rows.keys).filter(|(_, key)| **key != NO_KEY) {
        let first = &mut group_of[*complaint as usize];
        if *first == NO_KEY {
            *first = *key;
        } else {
            sets.join(*first, *key);
        }
    }
    pairs.search(&mut Link { sets, group_of: Some(group_of) }, progress)
}

/// Joins what near copies link.
struct Link<'a> {
    sets: &'a mut UnionFind,
    /// The group of each complaint; without it, each is its own.
    group_of: Option<Vec<u32>>,
}

impl Link<'_> {
    fn group(&self, complaint: u32) -> u32 {
        self.group_of.as_ref().map_or(complaint, |groups| groups[complaint as usize])
    }
}

impl Visitor for Link<'_> {
    fn wants(&mut self, a: u32, b: u32) -> bool {
        let (a, b) = (self.group(a), self.group(b));
        a != NO_KEY && b != NO_KEY && self.sets.find(a) != self.sets.find(b)
    }

    fn found(&mut self, a: u32, b: u32) {
        self.sets.join(self.group(a), self.group(b));
    }
}
