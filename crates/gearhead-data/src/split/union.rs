//! Sets that grow together.

/// Disjoint sets of the numbers below a length, four bytes each.
///
/// **Source**: R. Tarjan and J. van Leeuwen, "Worst-case analysis of set union algorithms", 1984 (path halving).
#[derive(Debug, Clone, Default)]
pub(super) struct UnionFind {
    parents: Vec<u32>,
}

impl UnionFind {
    /// `len` sets of one number each.
    pub(super) fn new(len: usize) -> Self {
        Self { parents: (0..len as u32).collect() }
    }

    /// Numbers, over all sets.
    pub(super) fn len(&self) -> usize {
        self.parents.len()
    }

    /// One more set, of one number: the next.
    pub(super) fn push(&mut self) {
        self.parents.push(self.parents.len() as u32);
    }

    /// The least number of the set.
    pub(super) fn find(&mut self, number: u32) -> u32 {
        let mut number = number as usize;
        while self.parents[number] as usize != number {
            let parent = self.parents[number] as usize;
            self.parents[number] = self.parents[parent];
            number = parent;
        }
        number as u32
    }

    /// Makes one set of two.
    pub(super) fn join(&mut self, a: u32, b: u32) {
        let (a, b) = (self.find(a), self.find(b));
        self.parents[a.max(b) as usize] = a.min(b);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_grow_together_and_are_named_by_their_least() {
        let mut sets = UnionFind::new(6);
        sets.join(5, 3);
        sets.join(1, 0);
        sets.join(3, 1);
        assert_eq!((0..6).map(|number| sets.find(number)).collect::<Vec<_>>(), [0, 0, 2, 0, 4, 0]);
    }
}
