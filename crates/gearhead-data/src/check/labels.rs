//! How often each label and each machine occurs.

use serde::Serialize;
use xxhash_rust::xxh3::xxh3_64;

use super::{
    finding::{Findings, Place, Severity, Tally, number_of, percent},
    row::{Row, Side, label},
};
use crate::sample::{Counted, Sample};

/// The most labels, and the most machines, that are kept.
const MAX_NAMES: usize = 1 << 14;
/// The most names that a report lists.
const MAX_LISTED: usize = 30;
/// A label with fewer records is rare.
const RARE: u64 = 5;
/// The share from which one label or machine dominates.
const DOMINATES: f64 = 0.5;

/// How often each of some names occurs.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Frequencies {
    /// How many records have a name.
    pub records: u64,
    /// How many distinct names there are.
    pub distinct: u64,
    /// Where more than 1, `distinct` and `rare` are estimated from one name in so many.
    pub estimated_from_one_in: u64,
    /// How many names occur fewer than five times.
    pub rare: u64,
    /// The most frequent names, at most 30, each with its number of records.
    pub most_frequent: Vec<NameCount>,
}

/// A name and how often it occurs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct NameCount {
    /// The name.
    pub name: String,
    /// Its records.
    pub records: u64,
}

pub(super) struct Names {
    labels: Sample<Named>,
    machines: Sample<Named>,
    labelled: u64,
    records: u64,
}

struct Named {
    name: Box<str>,
    rows: u64,
    learned: u64,
    measured: u64,
    first: Place,
}

impl Counted for Named {
    fn rows(&self) -> u64 {
        self.rows
    }
}

impl Named {
    fn new(name: &str, first: Place) -> Self {
        Self { name: name.into(), rows: 0, learned: 0, measured: 0, first }
    }
}

impl Names {
    pub(super) fn new() -> Self {
        Self { labels: Sample::new(MAX_NAMES), machines: Sample::new(MAX_NAMES), labelled: 0, records: 0 }
    }

    pub(super) fn row(&mut self, row: &Row) {
        self.records += 1;
        if let Some(key) = row.label {
            self.labelled += 1;
            let make = || Named::new(&label(row.case).unwrap_or_default(), row.place);
            if let Some(named) = self.labels.at(key, make) {
                named.rows += 1;
                named.learned += u64::from(row.side == Side::Learn);
                named.measured += u64::from(row.side == Side::Measure);
            }
        }
        let machine = row.case.equipment.trim();
        if let Some(named) = self.machines.at(xxh3_64(machine.as_bytes()), || Named::new(machine, row.place))
        {
            named.rows += 1;
        }
    }

    /// The accuracy of always saying the most frequent label of the learned rows.
    pub(super) fn floor(&self) -> f64 {
        let labels = self.labels.sorted();
        let measured = self.labels.sum(|named| named.measured as f64);
        let most = labels.into_iter().max_by_key(|(key, _, named)| (named.learned, std::cmp::Reverse(*key)));
        most.map_or(0.0, |(.., named)| named.measured as f64 / measured.max(1.0))
    }

    pub(super) fn finish(self, findings: &mut Findings) -> [Frequencies; 2] {
        let labels = frequencies(&self.labels, self.labelled);
        let machines = frequencies(&self.machines, self.records);
        if labels.distinct == 1 && labels.records > 1 {
            let tally = Tally { count: labels.records, examples: Vec::new() };
            let message =
                format!("every label is {:?}: there is nothing to tell apart", labels.most_frequent[0].name);
            findings.add(
                "single-label",
                Severity::Error,
                tally,
                message,
                "Add records of other faults, or check `fault` and `probable_cause`.",
            );
        } else {
            dominating("dominating-label", "label", Severity::Warning, &labels, findings);
        }
        if machines.distinct > 1 {
            dominating("dominating-equipment", "machine", Severity::Info, &machines, findings);
        }
        rare(&self.labels, &labels, findings);
        [labels, machines]
    }
}

fn frequencies(sample: &Sample<Named>, records: u64) -> Frequencies {
    let mut names: Vec<&Named> = sample.sorted().into_iter().map(|(.., named)| named).collect();
    names.sort_by(|a, b| b.rows.cmp(&a.rows).then_with(|| a.name.cmp(&b.name)));
    let listed = names.into_iter().take(MAX_LISTED);
    Frequencies {
        records,
        distinct: sample.sum(|_| 1.0).round() as u64,
        estimated_from_one_in: sample.one_in(),
        rare: sample.sum(|named| if named.rows < RARE { 1.0 } else { 0.0 }).round() as u64,
        most_frequent: listed
            .map(|named| NameCount { name: named.name.to_string(), records: named.rows })
            .collect(),
    }
}

fn dominating(
    id: &'static str,
    noun: &str,
    severity: Severity,
    names: &Frequencies,
    findings: &mut Findings,
) {
    let Some(first) = names.most_frequent.first() else { return };
    let share = first.records as f64 / names.records.max(1) as f64;
    if share >= DOMINATES && names.records >= 20 {
        let tally = Tally { count: first.records, examples: Vec::new() };
        let message = format!("{} of the records have the {noun} {:?}", percent(share), first.name);
        findings.add(
            id,
            severity,
            tally,
            message,
            "Bring in more of the others, or a model learns to say this one always.",
        );
    }
}

fn rare(sample: &Sample<Named>, labels: &Frequencies, findings: &mut Findings) {
    if labels.distinct < 2 {
        return;
    }
    let is_rare = |named: &Named| named.rows < RARE;
    let rows = sample.sum(|named| if is_rare(named) { named.rows as f64 } else { 0.0 }).round() as u64;
    let examples = sample.sorted().into_iter().filter(|(.., named)| is_rare(named));
    let examples = examples.map(|(.., named)| {
        (named.first, Some(format!("{:?} has {}", named.name, number_of(named.rows, "record"))))
    });
    let tally = Tally::of_places(rows, examples.collect());
    let message =
        format!("{} of {} labels have fewer than {RARE} records each", labels.rare, labels.distinct);
    let severity = if labels.rare * 2 > labels.distinct { Severity::Warning } else { Severity::Info };
    findings.add_estimated(
        "rare-label",
        severity,
        tally,
        sample.one_in(),
        message,
        "A model can hardly learn these: write causes that mean the same alike, or collect more records.",
    );
}
