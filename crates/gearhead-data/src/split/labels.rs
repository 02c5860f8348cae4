//! Which labels stand in which part.

use xxhash_rust::xxh3::xxh3_64;

use super::report::{LabelCover, Missing};
use crate::{generate::Split, sample::Sample};

/// Labels that are counted exactly.
const MAX_LABELS: usize = 1 << 16;

/// Labels that are named.
const LISTED: usize = 10;

pub(super) struct Labels {
    seen: Sample<Label>,
}

struct Label {
    name: String,
    parts: [bool; 3],
}

impl Labels {
    pub(super) fn new() -> Self {
        Self { seen: Sample::new(MAX_LABELS) }
    }

    /// Counts a row's label; `part` is where the row went, `None` if it was removed.
    pub(super) fn add(&mut self, label: &str, part: Option<Split>) {
        let new = || Label { name: label.to_owned(), parts: [false; 3] };
        if let (Some(label), Some(part)) = (self.seen.entry(xxh3_64(label.as_bytes()), new), part) {
            label.parts[part as usize] = true;
        }
    }

    pub(super) fn finish(self) -> LabelCover {
        let missing = |is_missing: &dyn Fn(&Label) -> bool| {
            let mut names: Vec<&str> = self
                .seen
                .values()
                .filter(|label| is_missing(label))
                .map(|label| label.name.as_str())
                .collect();
            let labels = names.len() as u64 * self.seen.weight();
            names.sort_unstable();
            Missing { labels, first: names.into_iter().take(LISTED).map(str::to_owned).collect() }
        };
        let [train, validation, test] = Split::ALL.map(|part| part as usize);
        LabelCover {
            distinct: self.seen.distinct(),
            exact: self.seen.is_complete(),
            missing_from_train: missing(&|label| !label.parts[train]),
            missing_from_validation: missing(&|label| !label.parts[validation]),
            missing_from_test: missing(&|label| !label.parts[test]),
        }
    }
}
