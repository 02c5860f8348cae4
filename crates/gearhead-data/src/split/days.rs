//! Days cut into older and newer ones.

use std::collections::BTreeMap;

use super::{
    By,
    deal::Shares,
    key::NO_KEY,
    plan::{Outline, Rows, check_groups},
};
use crate::{error::Result, generate::Split};

/// The first days of the held-out parts.
pub(super) struct Cut {
    validation: u32,
    test: u32,
}

impl Cut {
    pub(super) fn part(&self, day: u32) -> Split {
        if day >= self.test {
            Split::Test
        } else if day >= self.validation {
            Split::Validation
        } else {
            Split::Train
        }
    }
}

/// Cuts the days where the shares are met most nearly; a day stays whole.
pub(super) fn cut(rows: &Rows, shares: Shares, by: &By) -> Result<(Cut, Outline)> {
    let mut days: BTreeMap<u32, u64> = BTreeMap::new();
    for day in rows.keys.iter().filter(|day| **day != NO_KEY) {
        *days.entry(*day).or_default() += 1;
    }
    let parts = shares.parts().count();
    check_groups(days.len(), parts, by)?;
    let dated: u64 = days.values().sum();
    let mut newest_first: Vec<(u32, u64)> = days.iter().rev().map(|(day, rows)| (*day, *rows)).collect();
    // Each part that comes before a held-out one needs a day of its own.
    let mut take = |share: f64, days_to_leave: usize| -> u32 {
        let (mut rows, mut n_days) = (0_u64, 0);
        let target = share * dated as f64;
        if share <= 0.0 {
            return NO_KEY;
        }
        for (_, of_day) in &newest_first[..newest_first.len() - days_to_leave] {
            let nearer = (rows + of_day) as f64 - target < target - rows as f64;
            if n_days > 0 && !nearer {
                break;
            }
            rows += of_day;
            n_days += 1;
        }
        let first = newest_first[n_days - 1].0;
        newest_first.drain(..n_days);
        first
    };
    let test = take(shares.test, parts - 1);
    let validation = take(shares.validation, 1);
    // Without validation, days go on to the test part at its first.
    let cut = Cut { validation: validation.min(test), test };
    let mut groups_of = [0; 3];
    for day in days.keys() {
        groups_of[cut.part(*day) as usize] += 1;
    }
    let outline = Outline {
        groups: days.len() as u64,
        largest_group: days.values().copied().max().unwrap_or(0),
        groups_of,
        merged: 0,
    };
    Ok((cut, outline))
}
