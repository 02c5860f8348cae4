//! Groups dealt out to training, validation and test.

use crate::generate::Split;

/// Rows that stay together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Group {
    pub(super) rows: u32,
    /// Decides its turn.
    pub(super) hash: u32,
    /// What the parts should all have some of: a label.
    pub(super) stratum: u32,
}

/// The shares of the rows that are held out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Shares {
    pub(super) validation: f64,
    pub(super) test: f64,
}

impl Shares {
    fn of(self, part: Split) -> f64 {
        match part {
            Split::Train => 1.0 - self.validation - self.test,
            Split::Validation => self.validation,
            Split::Test => self.test,
        }
    }

    /// The parts other than training that are to be filled.
    fn held_out(self) -> impl Iterator<Item = Split> {
        self.parts().filter(|part| *part != Split::Train)
    }

    /// The parts that are to be filled.
    pub(super) fn parts(self) -> impl Iterator<Item = Split> {
        Split::ALL.into_iter().filter(move |part| self.of(*part) > 0.0)
    }
}

/// The part of each group. Every stratum with as many groups as there are parts has a group in each of them; a stratum
/// with fewer is trained on, as far as the others fill the shares. A group that is much larger than what a held-out part
/// still needs is trained on.
pub(super) fn deal(groups: &[Group], shares: Shares) -> Vec<Split> {
    let mut order: Vec<u32> = (0..groups.len() as u32).collect();
    let group = |index: &u32| &groups[*index as usize];
    order.sort_unstable_by_key(|index| (group(index).stratum, group(index).hash, *index));
    let n_parts = shares.parts().count();
    let mut dealer = Dealer { groups, shares, parts: vec![Split::Train; groups.len()], held: [0; 3] };
    let (mut large, mut spare, mut single) = (Vec::new(), Vec::new(), Vec::new());
    for stratum in order.chunk_by(|a, b| group(a).stratum == group(b).stratum) {
        if stratum.len() >= n_parts {
            large.push(stratum);
        } else if let [_, _, ..] = stratum {
            let largest = stratum.iter().max_by_key(|index| group(index).rows);
            spare.extend(stratum.iter().filter(|index| Some(*index) != largest));
        } else {
            single.extend(stratum);
        }
    }
    let mut rows = 0;
    for stratum in large {
        rows += stratum.iter().map(|index| u64::from(group(index).rows)).sum::<u64>();
        dealer.deal_stratum(stratum, rows);
    }
    let all_rows: u64 = groups.iter().map(|group| u64::from(group.rows)).sum();
    for pool in [&mut spare, &mut single] {
        let is_short = shares
            .held_out()
            .any(|part| (dealer.held[part as usize] as f64) < 0.5 * shares.of(part) * all_rows as f64);
        if is_short {
            pool.sort_unstable_by_key(|index| (group(index).hash, *index));
            for index in pool.iter() {
                dealer.deal_one(*index, all_rows);
            }
        }
    }
    dealer.fill_empty(&order);
    dealer.parts
}

struct Dealer<'a> {
    groups: &'a [Group],
    shares: Shares,
    parts: Vec<Split>,
    /// Rows of each held-out part.
    held: [u64; 3],
}

impl Dealer<'_> {
    /// Deals the groups of a stratum; `rows` are those of all strata up to this one, of which the held-out parts are to
    /// have their share.
    fn deal_stratum(&mut self, stratum: &[u32], rows: u64) {
        let mut left = stratum.len();
        for index in stratum {
            // Training keeps a group, and each held-out part that has none yet may still get one.
            if left > 1 {
                self.deal_one(*index, rows);
            }
            left -= usize::from(self.parts[*index as usize] != Split::Train);
        }
        self.fill_empty(stratum);
    }

    /// Gives each part that has none of these groups the smallest one that another part can spare.
    fn fill_empty(&mut self, groups: &[u32]) {
        for part in self.shares.parts() {
            if groups.iter().any(|index| self.parts[*index as usize] == part) {
                continue;
            }
            let count = |of: Split| groups.iter().filter(|index| self.parts[**index as usize] == of).count();
            let Some(from) = Split::ALL.into_iter().find(|from| count(*from) > 1) else { continue };
            let of_part = groups.iter().filter(|index| self.parts[**index as usize] == from);
            if let Some(index) = of_part
                .min_by_key(|index| (self.groups[**index as usize].rows, self.groups[**index as usize].hash))
            {
                self.give(*index, part);
            }
        }
    }

    /// Gives a group to the held-out part that lacks the most of its share, if that part comes nearer to its share.
    fn deal_one(&mut self, index: u32, rows: u64) {
        let size = f64::from(self.groups[index as usize].rows);
        let lack = |part: Split| self.shares.of(part) * rows as f64 - self.held[part as usize] as f64;
        let relative = |part: &Split| lack(*part) / self.shares.of(*part);
        let most_lacking = self.shares.held_out().max_by(|a, b| relative(a).total_cmp(&relative(b)));
        let Some(part) = most_lacking else { return };
        if size <= 1.5 * lack(part) {
            self.give(index, part);
        }
    }

    fn give(&mut self, index: u32, part: Split) {
        let rows = u64::from(self.groups[index as usize].rows);
        let before = std::mem::replace(&mut self.parts[index as usize], part);
        if before != Split::Train {
            self.held[before as usize] -= rows;
        }
        if part != Split::Train {
            self.held[part as usize] += rows;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use xxhash_rust::xxh3::xxh3_64;

    use super::*;

    const TENTHS: Shares = Shares { validation: 0.1, test: 0.1 };

    fn groups(sizes: &[(u32, u32)]) -> Vec<Group> {
        let hash = |index: usize| xxh3_64(&index.to_le_bytes()) as u32;
        sizes
            .iter()
            .enumerate()
            .map(|(index, (rows, stratum))| Group { rows: *rows, hash: hash(index), stratum: *stratum })
            .collect()
    }

    fn rows(groups: &[Group], parts: &[Split], part: Split) -> u64 {
        groups.iter().zip(parts).filter(|(_, of)| **of == part).map(|(group, _)| u64::from(group.rows)).sum()
    }

    #[test]
    fn many_small_groups_meet_the_shares() {
        let groups = groups(&(0..2_000).map(|index| (1 + index % 5, index % 20)).collect::<Vec<_>>());
        let parts = deal(&groups, TENTHS);
        for part in [Split::Validation, Split::Test] {
            assert!((570..=630).contains(&rows(&groups, &parts, part)), "{}", rows(&groups, &parts, part));
        }
    }

    #[test]
    fn a_giant_group_is_trained_on() {
        let mut sizes = vec![(5_000, 0)];
        sizes.extend([(10, 0); 500]);
        let groups = groups(&sizes);
        let parts = deal(&groups, TENTHS);
        assert_eq!(parts[0], Split::Train);
        assert!((950..=1_050).contains(&rows(&groups, &parts, Split::Test)));
    }

    #[test]
    fn labels_of_one_group_are_trained_on_unless_there_are_no_others() {
        let mut sizes: Vec<_> = (0..300).map(|index| (3, index / 30)).collect();
        sizes.extend((0..50).map(|index| (1, 100 + index)));
        let mixed = groups(&sizes);
        let parts = deal(&mixed, TENTHS);
        assert!(parts[300..].iter().all(|part| *part == Split::Train));
        let lonely = groups(&(0..300).map(|index| (1, index)).collect::<Vec<_>>());
        let parts = deal(&lonely, TENTHS);
        assert_eq!(rows(&lonely, &parts, Split::Test), 30);
    }

    #[test]
    fn no_part_stays_empty() {
        let groups = groups(&[(1, 0), (1, 1), (1, 2), (1, 3)]);
        let parts = deal(&groups, TENTHS);
        assert!(Split::ALL.iter().all(|part| rows(&groups, &parts, *part) > 0), "{parts:?}");
        let two = Shares { validation: 0.0, test: 0.1 };
        let parts = deal(&groups, two);
        assert_eq!((rows(&groups, &parts, Split::Validation), rows(&groups, &parts, Split::Test)), (0, 1));
    }

    proptest! {
        #[test]
        fn every_stratum_with_enough_groups_is_in_every_part(sizes in prop::collection::vec((1..50_u32, 0..6_u32), 1..60)) {
            let groups = groups(&sizes);
            let parts = deal(&groups, TENTHS);
            for stratum in 0..6 {
                let of = |part| sizes.iter().zip(&parts).filter(|(size, of)| size.1 == stratum && **of == part).count();
                let [train, validation, test] = Split::ALL.map(of);
                if train + validation + test >= 3 {
                    prop_assert!(train > 0 && validation > 0 && test > 0, "{train} {validation} {test}");
                }
            }
        }
    }
}
