//! Which labels stand in which part.

use xxhash_rust::xxh3::xxh3_64;

use super::report::{LabelCover, Missing};
use crate::{
    generate::Split,
    sample::{Counted, Sample},
};

/// Labels that are counted exactly.
const MAX_LABELS: usize = 1 << 16;

/// Labels that are named.
const LISTED: usize = 10;

pub(super) struct Labels {
    seen: Sample<Label>,
}

struct Label {
    name: String,
    rows: u64,
    parts: [bool; 3],
}

impl Counted for Label {
    fn rows(&self) -> u64 {
        self.rows
    }
}

impl Labels {
    pub(super) fn new() -> Self {
        Self { seen: Sample::new(MAX_LABELS) }
    }

    /// Counts a row's label; `part` is where the row went, `None` if it was removed.
    pub(super) fn add(&mut self, label: &str, part: Option<Split>) {
        let new = || Label { name: label.to_owned(), rows: 0, parts: [false; 3] };
        let Some(label) = self.seen.at(xxh3_64(label.as_bytes()), new) else { return };
        label.rows += 1;
        if let Some(part) = part {
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
            let labels = self.seen.sum(|label| f64::from(u8::from(is_missing(label)))).round() as u64;
            names.sort_unstable();
            Missing { labels, first: names.into_iter().take(LISTED).map(str::to_owned).collect() }
        };
        let [train, validation, test] = Split::ALL.map(|part| part as usize);
        LabelCover {
            distinct: self.seen.distinct(),
            exact: self.seen.is_exact(),
            missing_from_train: missing(&|label| !label.parts[train]),
            missing_from_validation: missing(&|label| !label.parts[validation]),
            missing_from_test: missing(&|label| !label.parts[test]),
        }
    }
}
