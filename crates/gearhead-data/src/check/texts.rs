//! Records that are copies, complaints that are nearly, and complaints that mean many things.

use xxhash_rust::xxh3::xxh3_64;

use super::{
    finding::{Findings, Place, Severity, Tally, number_of, percent},
    interval::lower_bound,
    leakage::{Copies, SPLIT_BY_WORDING},
    row::{Part, Row, Side},
    votes::Votes,
};
use crate::{
    duplicates::{BANDS, NEAR_DUPLICATE, Sketch, Sketcher, least_shingle},
    sample::{Counted, Sample},
};

/// The most distinct complaints that are kept.
const MAX_TEXTS: usize = 1 << 15;
/// The most distinct records, and the most ids, that are kept.
const MAX_RECORDS: usize = 1 << 16;
/// How many texts after it in its band a text is compared with.
const MAX_NEIGHBOURS: usize = 12;
/// The number of different labels from which one complaint counts as having many.
const MANY_LABELS: usize = 2;
/// The share of near copies among all records from which it is worth a warning.
const MANY_COPIES: f64 = 0.2;

pub(super) struct Texts {
    complaints: Sample<Complaint>,
    records: Sample<Copied>,
    ids: Sample<Copied>,
    buffer: Vec<u8>,
}

/// One distinct complaint, normalised.
struct Complaint {
    text: Box<str>,
    rows: u64,
    trained: u64,
    first: Place,
    /// The first row that is measured on.
    first_measured: Option<Place>,
    /// The rows for validation, and the first of them.
    validation: (u64, Option<Place>),
    votes: Votes,
    /// The same over every side, to find complaints that mean many things.
    labels: Vec<u64>,
}

impl Counted for Complaint {
    fn rows(&self) -> u64 {
        self.rows
    }
}

/// One distinct record, or one id.
#[derive(Default)]
struct Copied {
    rows: [u64; 3],
    /// The first and the second row.
    places: [Option<Place>; 2],
    /// The first row of validation or test.
    held_out: Option<Place>,
}

impl Counted for Copied {
    fn rows(&self) -> u64 {
        self.rows.iter().sum()
    }
}

impl Copied {
    fn add(&mut self, row: &Row) {
        let n = self.rows() as usize;
        if n < 2 {
            self.places[n] = Some(row.place);
        }
        self.rows[row.part as usize] += 1;
        if row.part != Part::Train && self.held_out.is_none() {
            self.held_out = Some(row.place);
        }
    }

    /// Rows after the first of each part.
    fn surplus(&self) -> u64 {
        self.rows.iter().map(|rows| rows.saturating_sub(1)).sum()
    }

    /// Rows of validation or test that training, or the other of the two, has as well.
    fn across(&self) -> u64 {
        match self.rows {
            [0, validation, test] => {
                if validation > 0 {
                    test
                } else {
                    0
                }
            }
            [_, validation, test] => validation + test,
        }
    }
}

/// Labels of one complaint that are remembered.
const MAX_LABELS: usize = 8;

impl Texts {
    pub(super) fn new() -> Self {
        Self {
            complaints: Sample::new(MAX_TEXTS),
            records: Sample::new(MAX_RECORDS),
            ids: Sample::new(MAX_RECORDS),
            buffer: Vec::new(),
        }
    }

    pub(super) fn row(&mut self, row: &Row) {
        let place = least_shingle(row.symptom);
        let make = || Complaint {
            text: row.symptom.into(),
            rows: 0,
            trained: 0,
            first: row.place,
            first_measured: None,
            validation: (0, None),
            votes: Votes::default(),
            labels: Vec::new(),
        };
        if let Some(complaint) = self.complaints.at_place(row.fingerprint, place, make) {
            complaint.rows += 1;
            complaint.trained += u64::from(row.part == Part::Train);
            if row.part == Part::Validation {
                complaint.validation.0 += 1;
                complaint.validation.1.get_or_insert(row.place);
            }
            if let Some(label) = row.label {
                complaint.votes.add(label, row.side);
                if complaint.labels.len() < MAX_LABELS && !complaint.labels.contains(&label) {
                    complaint.labels.push(label);
                }
                if row.side == Side::Measure {
                    complaint.first_measured.get_or_insert(row.place);
                }
            }
        }
        self.buffer.clear();
        let case = row.case;
        let texts = [
            Some(&case.equipment),
            Some(&case.symptom),
            case.probable_cause.as_ref(),
            case.solution.as_ref(),
        ];
        for text in texts.into_iter().flatten().chain(&case.error_codes) {
            self.buffer.extend_from_slice(text.trim().as_bytes());
            // No text holds this byte, so what stands in one field never reads as standing in another.
            self.buffer.push(0xFF);
        }
        if let Some(copied) = self.records.at(xxh3_64(&self.buffer), Copied::default) {
            copied.add(row);
        }
        if let Some(id) = &case.id
            && let Some(copied) = self.ids.at(xxh3_64(id.as_bytes()), Copied::default)
        {
            copied.add(row);
        }
    }

    /// Reports copies; returns the near copies across the sides of the leakage test.
    pub(super) fn finish(self, findings: &mut Findings) -> Copies {
        report_copied(&self.records, findings, &RECORDS);
        report_copied(&self.ids, findings, &IDS);
        report_labels(&self.complaints, findings);
        let complaints: Vec<(f64, &Complaint)> =
            self.complaints.sorted().into_iter().map(|(_, weight, complaint)| (weight, complaint)).collect();
        let nearest = nearest(&complaints);
        report_near(&complaints, &nearest, self.complaints.one_in(), findings);
        let one_in = self.complaints.one_in();
        let validation = across(&complaints, one_in, |index| {
            let (rows, first) = complaints[index].1.validation;
            (rows, first, nearest[index].trained)
        });
        report_validation(validation, findings);
        across(&complaints, one_in, |index| {
            let complaint = complaints[index].1;
            (complaint.votes.measured, complaint.first_measured, nearest[index].learned)
        })
    }
}

/// How copies of one kind are reported.
struct CopyWords {
    id: &'static str,
    severity: Severity,
    within: &'static str,
    advice: &'static str,
    across_id: &'static str,
    across: &'static str,
    across_advice: &'static str,
}

const RECORDS: CopyWords = CopyWords {
    id: "duplicate-record",
    severity: Severity::Warning,
    within: "copies of an earlier record, word for word",
    advice: "Drop the copies: they count a repair twice, and a split by row puts them on both sides.",
    across_id: "record-in-two-parts",
    across: "validation or test rows that stand in another part, word for word",
    across_advice: "Take them out of the training records: what was seen cannot be measured on.",
};

const IDS: CopyWords = CopyWords {
    id: "duplicate-id",
    severity: Severity::Warning,
    within: "ids that an earlier record has",
    advice: "Give every record an id of its own, or drop the copies.",
    across_id: "id-in-two-parts",
    across: "validation or test rows whose id another part has too",
    across_advice: "Split again so that each record is in one part only.",
};

fn report_copied(sample: &Sample<Copied>, findings: &mut Findings, words: &CopyWords) {
    let one_in = sample.one_in();
    let count = sample.sum(|copied| copied.surplus() as f64).round() as u64;
    let entries = sample.sorted();
    let copies = entries.iter().filter(|(.., copied)| copied.surplus() > 0);
    let examples = copies
        .filter_map(|(.., copied)| Some((copied.places[1]?, Some(beside(copied.places[0]?, findings)))));
    let tally = Tally::of_places(count, examples.collect());
    let message = format!("{}: {}", words.within, number_of(count, "record"));
    findings.add_estimated(words.id, words.severity, tally, one_in, message, words.advice);

    let count = sample.sum(|copied| copied.across() as f64).round() as u64;
    let across = entries.iter().filter(|(.., copied)| copied.across() > 0);
    let examples =
        across.filter_map(|(.., copied)| Some((copied.held_out?, Some(beside(copied.places[0]?, findings)))));
    let tally = Tally::of_places(count, examples.collect());
    let message = format!("{}: {}", words.across, number_of(count, "record"));
    findings.add_estimated(words.across_id, Severity::Error, tally, one_in, message, words.across_advice);
}

fn beside(place: Place, findings: &Findings) -> String {
    format!("as {}:{}", findings.paths[place.file].display(), place.line)
}

fn report_labels(complaints: &Sample<Complaint>, findings: &mut Findings) {
    let is_many = |complaint: &Complaint| complaint.labels.len() >= MANY_LABELS;
    let count = complaints
        .sum(|complaint| if is_many(complaint) { complaint.rows as f64 } else { 0.0 })
        .round() as u64;
    let many = complaints.sorted().into_iter().filter(|(.., complaint)| is_many(complaint));
    let examples = many.map(|(.., complaint)| {
        let limit = if complaint.labels.len() == MAX_LABELS { " or more" } else { "" };
        (complaint.first, Some(format!("{:?} has {}{limit} labels", complaint.text, complaint.labels.len())))
    });
    let tally = Tally::of_places(count, examples.collect());
    let share = count as f64 / findings.records.max(1) as f64;
    let severity = if share >= 0.3 { Severity::Warning } else { Severity::Info };
    let message = format!("complaints that stand with several causes: {}", number_of(count, "record"));
    findings.add_estimated(
        "one-symptom-many-causes",
        severity,
        tally,
        complaints.one_in(),
        message,
        "Where the causes mean the same, write them alike; where they do not, add what tells them apart (codes, conditions, observations).",
    );
}

/// The most similar complaints of a complaint.
#[derive(Clone, Copy, Default)]
struct Nearest {
    /// Of all others.
    any: Option<(f64, usize)>,
    /// Of those of training rows, itself among them.
    trained: Option<(f64, usize)>,
    /// Of those that rules are learned on, itself among them: without a test file a part of the former.
    learned: Option<(f64, usize)>,
}

fn nearest(complaints: &[(f64, &Complaint)]) -> Vec<Nearest> {
    let sketcher = Sketcher::new();
    let sketches: Vec<Sketch> =
        complaints.iter().map(|(_, complaint)| sketcher.sketch_normalised(&complaint.text)).collect();
    let mut nearest = vec![Nearest::default(); complaints.len()];
    for (index, (_, complaint)) in complaints.iter().enumerate() {
        nearest[index].trained = (complaint.trained > 0).then_some((1.0, index));
        nearest[index].learned = (complaint.votes.learned > 0).then_some((1.0, index));
    }
    let bands: Vec<[u64; BANDS]> = sketches.iter().map(Sketch::bands).collect();
    let mut in_band: Vec<(u64, usize)> = Vec::with_capacity(complaints.len());
    for band in 0..BANDS {
        in_band.clear();
        in_band.extend(bands.iter().enumerate().map(|(index, bands)| (bands[band], index)));
        in_band.sort_unstable();
        for (at, &(hash, a)) in in_band.iter().enumerate() {
            for &(other, b) in in_band[at + 1..].iter().take(MAX_NEIGHBOURS) {
                if other != hash {
                    break;
                }
                let similarity = sketches[a].similarity(&sketches[b]);
                if similarity < NEAR_DUPLICATE {
                    continue;
                }
                for (one, two) in [(a, b), (b, a)] {
                    keep_nearer(&mut nearest[one].any, similarity, two);
                    if complaints[two].1.trained > 0 {
                        keep_nearer(&mut nearest[one].trained, similarity, two);
                    }
                    if complaints[two].1.votes.learned > 0 {
                        keep_nearer(&mut nearest[one].learned, similarity, two);
                    }
                }
            }
        }
    }
    nearest
}

fn keep_nearer(kept: &mut Option<(f64, usize)>, similarity: f64, index: usize) {
    if kept.is_none_or(|(best, _)| similarity > best) {
        *kept = Some((similarity, index));
    }
}

fn report_near(complaints: &[(f64, &Complaint)], nearest: &[Nearest], one_in: u64, findings: &mut Findings) {
    let is_near = |index: usize| complaints[index].1.rows > 1 || nearest[index].any.is_some();
    let near = (0..complaints.len()).filter(|index| is_near(*index));
    let count =
        near.clone().map(|index| complaints[index].0 * complaints[index].1.rows as f64).sum::<f64>().round()
            as u64;
    let examples = near.map(|index| {
        let complaint = complaints[index].1;
        let text = match nearest[index].any {
            Some((_, other)) => format!("{:?}, near {:?}", complaint.text, complaints[other].1.text),
            None => format!("{:?} in {}", complaint.text, number_of(complaint.rows, "record")),
        };
        (complaint.first, Some(text))
    });
    let tally = Tally::of_places(count, examples.collect());
    let share = count as f64 / findings.records.max(1) as f64;
    let severity = if share >= MANY_COPIES { Severity::Warning } else { Severity::Info };
    let message = format!(
        "{} of the records have a complaint that is a near copy of another record's: only numbers, case or a word differ",
        percent(share.min(1.0))
    );
    findings.add_estimated(
        "near-duplicate",
        severity,
        tally,
        one_in,
        message,
        "Split with `gearhead data split --by wording`; where most records are copies, collect more complaints in people's own words.",
    );
}

/// How many rows have a near copy on the other side. `of` says of a complaint how many of its rows are looked at, the
/// first of them, and the nearest complaint of the other side.
fn across(
    complaints: &[(f64, &Complaint)],
    one_in: u64,
    of: impl Fn(usize) -> (u64, Option<Place>, Option<(f64, usize)>),
) -> Copies {
    let (mut measured, mut near, mut right, mut counted) = (0.0, 0.0, 0.0, 0);
    let mut examples = Vec::new();
    for (index, (weight, complaint)) in complaints.iter().enumerate() {
        let (rows, first, nearest) = of(index);
        counted += rows;
        measured += weight * rows as f64;
        let (Some(place), Some((_, other))) = (first, nearest) else { continue };
        near += weight * rows as f64;
        let other = complaints[other].1;
        let label = other.votes.rule();
        right += weight * label.map_or(0, |label| complaint.votes.measured_with(label)) as f64;
        examples.push((place, other));
    }
    examples.sort_by_key(|(place, _)| *place);
    examples.truncate(super::finding::MAX_EXAMPLES);
    let examples = examples.into_iter().map(|(place, other)| (place, Some(format!("near {:?}", other.text))));
    let share = |part: f64| if measured > 0.0 { part / measured } else { 0.0 };
    Copies {
        share: share(near),
        right: share(right),
        rows: measured.round() as u64,
        measured: counted,
        one_in,
        examples: examples.collect(),
    }
}

fn report_validation(copies: Copies, findings: &mut Findings) {
    let at_least = lower_bound(copies.share, copies.measured);
    if at_least < 0.02 {
        return;
    }
    let severity = if at_least >= 0.25 { Severity::Error } else { Severity::Warning };
    let message = format!(
        "{} of the validation rows have a near copy in the training rows: what is chosen on them is chosen by memory",
        percent(copies.share)
    );
    let count = (copies.share * copies.rows as f64).round() as u64;
    let tally = Tally::of_places(count, copies.examples);
    findings.add_estimated(
        "near-copy-in-validation",
        severity,
        tally,
        copies.one_in,
        message,
        SPLIT_BY_WORDING,
    );
}
