//! Whether something that is not the complaint gives the label away.
//!
//! A rule is a table from a key, such as the fault codes of a record, to the most frequent label of the learning rows
//! that have this key. It is measured on the other rows. A rule that does much better than always saying the most
//! frequent label is a way to score well without understanding anything.

use serde::Serialize;
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use super::{
    code_facts::PREFIX_CHARS,
    finding::{Findings, Severity, Tally, percent},
    interval::lower_bound,
    row::{Row, Side},
    votes::Votes,
};
use crate::sample::Sample;

/// The most keys that are kept for one rule.
const MAX_KEYS: usize = 1 << 14;

/// How many ids in a row form one key of the rule by the number of the id.
const IDS_IN_A_BLOCK: u64 = 8;

/// How many words of the complaint form a key.
const FIRST_WORDS: usize = 3;

pub(super) const SPLIT_BY_WORDING: &str =
    "Split with `gearhead data split --by wording`, so that copies stay on one side.";

/// The fewest rows that a rule is measured on.
const MIN_ROWS: u64 = 20;

/// A rule, as a word for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Rule {
    /// The first two characters of the first code.
    CodePrefix2,
    /// The first four characters of the first code.
    CodePrefix4,
    /// The first code.
    FirstCode,
    /// Every code together.
    Codes,
    /// The id up to its last number.
    IdPrefix,
    /// The number of the id, in blocks of eight.
    IdNumber,
    /// The machine, as written.
    Equipment,
    /// The first three words of the complaint.
    FirstWords,
    /// The most similar complaint, where it is a near copy.
    NearestCopy,
}

impl Rule {
    const KEYED: [Self; 8] = [
        Self::CodePrefix2,
        Self::CodePrefix4,
        Self::FirstCode,
        Self::Codes,
        Self::IdPrefix,
        Self::IdNumber,
        Self::Equipment,
        Self::FirstWords,
    ];

    /// What gives the label away, in words.
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::CodePrefix2 => "the first two characters of the fault code",
            Self::CodePrefix4 => "the first four characters of the fault code",
            Self::FirstCode => "the first fault code alone",
            Self::Codes => "the fault codes alone",
            Self::IdPrefix => "the prefix of the id",
            Self::IdNumber => "the number in the id",
            Self::Equipment => "the machine alone",
            Self::FirstWords => "the first three words of the complaint",
            Self::NearestCopy => "the nearest copy of the complaint",
        }
    }

    const fn verb(self) -> &'static str {
        match self {
            Self::CodePrefix2 | Self::CodePrefix4 | Self::Codes | Self::FirstWords => "give",
            _ => "gives",
        }
    }

    /// What a rule may be worth before it is called a leak: the shares of what the floor leaves open at which it is a
    /// warning and an error. Codes and complaints are there to point at the label, so they may be worth much; an id
    /// is not.
    const fn limits(self) -> (f64, f64) {
        match self {
            Self::CodePrefix2 => (0.35, 0.6),
            Self::CodePrefix4 | Self::FirstCode | Self::Codes => (0.5, 0.75),
            Self::IdPrefix | Self::IdNumber => (0.15, 0.4),
            Self::Equipment => (0.25, 0.5),
            Self::FirstWords | Self::NearestCopy => (0.6, 0.85),
        }
    }

    const fn is_of_codes(self) -> bool {
        matches!(self, Self::CodePrefix2 | Self::CodePrefix4 | Self::FirstCode | Self::Codes)
    }
}

/// How well a rule does.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct RuleScore {
    /// The rule.
    pub rule: Rule,
    /// The share of the measured rows whose label it gives; a row whose key was never learned counts as missed.
    pub accuracy: f64,
    /// The lower end of the 99 % interval of the accuracy.
    pub accuracy_at_least: f64,
    /// The share of the measured rows whose key was learned.
    pub coverage: f64,
    /// The rows it was measured on.
    pub rows: u64,
    /// Where more than 1, measured on the keys of one in so many.
    pub estimated_from_one_in: u64,
}

impl RuleScore {
    /// How much of a leak the rule is, against the accuracy of always saying the most frequent label; `None` where it
    /// is none, or was measured on too few rows to say.
    pub fn is_leak(&self, floor: f64) -> Option<Severity> {
        let open = 1.0 - floor;
        if self.rows < MIN_ROWS || open <= f64::EPSILON {
            return None;
        }
        let solved = (self.accuracy_at_least - floor) / open;
        let (warning, error) = self.rule.limits();
        if solved >= error {
            Some(Severity::Error)
        } else if solved >= warning {
            Some(Severity::Warning)
        } else {
            None
        }
    }
}

/// Whether the label can be had without the complaint.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Leakage {
    /// What the rules are measured on.
    pub measured_on: MeasuredOn,
    /// Rows with a label that the rules are learned on.
    pub learned_rows: u64,
    /// Rows with a label that they are measured on.
    pub measured_rows: u64,
    /// The accuracy of always saying the most frequent label.
    pub floor: f64,
    /// Every rule that applies.
    pub rules: Vec<RuleScore>,
    /// The share of the measured rows whose complaint has a near copy among the learned rows.
    pub near_copies: f64,
}

/// What the rules are measured on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum MeasuredOn {
    /// The test file.
    TestFile,
    /// Half of the rows, drawn at random: there was no test file.
    RandomHalf,
}

impl MeasuredOn {
    const fn in_words(self) -> &'static str {
        match self {
            Self::TestFile => "the test rows",
            Self::RandomHalf => "the rows of a random half",
        }
    }
}

/// The tables of the rules that have a key.
pub(super) struct Rules {
    tables: [Sample<Votes>; Rule::KEYED.len()],
    /// Rows that have the key at all; a rule that never applies is not reported.
    applies: [u64; Rule::KEYED.len()],
    learned: u64,
    measured: u64,
}

impl Rules {
    pub(super) fn new() -> Self {
        Self {
            tables: std::array::from_fn(|_| Sample::new(MAX_KEYS)),
            applies: [0; Rule::KEYED.len()],
            learned: 0,
            measured: 0,
        }
    }

    pub(super) fn row(&mut self, row: &Row) {
        let Some(label) = row.label else { return };
        match row.side {
            Side::Learn => self.learned += 1,
            Side::Measure => self.measured += 1,
            Side::Outside => return,
        }
        for ((key, table), applies) in keys(row).into_iter().zip(&mut self.tables).zip(&mut self.applies) {
            *applies += u64::from(key.is_some());
            // "No code" and "no id" are keys too: they may give the label away as well as any other.
            let key = key.unwrap_or(0);
            if let Some(votes) = table.at(key, Votes::default) {
                votes.add(label, row.side);
            }
        }
    }

    pub(super) fn finish(self, measured_on: MeasuredOn, floor: f64, copies: &Copies) -> Leakage {
        let scores = Rule::KEYED.into_iter().zip(&self.tables).zip(self.applies);
        let mut rules: Vec<RuleScore> = scores
            .filter(|(_, applies)| *applies > 0)
            .map(|((rule, table), _)| {
                let measured = table.sum(|votes| votes.measured as f64).max(1.0);
                let right = table.sum(|votes| votes.right() as f64);
                let covered = table.sum(|votes| if votes.learned > 0 { votes.measured as f64 } else { 0.0 });
                let rows = table.sorted().into_iter().map(|(.., votes)| votes.measured).sum();
                score(rule, right / measured, covered / measured, rows, table.one_in())
            })
            .collect();
        if copies.measured > 0 {
            rules.push(score(Rule::NearestCopy, copies.right, copies.share, copies.measured, copies.one_in));
        }
        Leakage {
            measured_on,
            learned_rows: self.learned,
            measured_rows: self.measured,
            floor,
            rules,
            near_copies: copies.share,
        }
    }
}

/// The near copies of the measured rows among the learned ones.
#[derive(Debug, Clone, Default)]
pub(super) struct Copies {
    /// The share of the measured rows with a near copy.
    pub(super) share: f64,
    /// The share of the measured rows whose nearest copy has the right label.
    pub(super) right: f64,
    /// The measured rows, exact or estimated.
    pub(super) rows: u64,
    /// The measured rows that were looked at.
    pub(super) measured: u64,
    pub(super) one_in: u64,
    pub(super) examples: Vec<(super::finding::Place, Option<String>)>,
}

fn score(rule: Rule, accuracy: f64, coverage: f64, rows: u64, one_in: u64) -> RuleScore {
    let accuracy_at_least = lower_bound(accuracy, rows);
    RuleScore { rule, accuracy, accuracy_at_least, coverage, rows, estimated_from_one_in: one_in }
}

/// One key for each of [`Rule::KEYED`].
fn keys(row: &Row) -> [Option<u64>; Rule::KEYED.len()] {
    let first = row.codes.first();
    let prefix = |index: usize| first.map(|code| code.prefixes[index]);
    const { assert!(PREFIX_CHARS.len() == 2) };
    // The order in which codes are written says nothing, so their hashes are added.
    let set = row.codes.iter().map(|code| code.hash).reduce(u64::wrapping_add);
    let (id_prefix, id_number) = row.case.id.as_deref().map_or((None, None), id_keys);
    [
        prefix(0),
        prefix(1),
        first.map(|code| code.hash),
        set,
        id_prefix,
        id_number,
        Some(xxh3_64(row.case.equipment.trim().as_bytes())),
        Some(xxh3_64(first_words(row.symptom).as_bytes())),
    ]
}

/// What stands before the last number of an id, and that number's block.
fn id_keys(id: &str) -> (Option<u64>, Option<u64>) {
    let digits = |c: char| c.is_ascii_digit();
    let head = id.trim_end_matches(|c: char| !digits(c));
    let prefix = head.trim_end_matches(digits);
    let number = head[prefix.len()..].parse::<u64>().ok();
    let block = number.map(|number| {
        xxh3_64_with_seed(&(number / IDS_IN_A_BLOCK).to_le_bytes(), xxh3_64(prefix.as_bytes()))
    });
    let prefix = if head.is_empty() { id } else { prefix };
    ((!prefix.is_empty()).then(|| xxh3_64(prefix.as_bytes())), block)
}

fn first_words(normalised: &str) -> &str {
    let end = memchr::memchr_iter(b' ', normalised.as_bytes()).nth(FIRST_WORDS - 1);
    &normalised[..end.unwrap_or(normalised.len())]
}

type IsMeant = fn(Rule) -> bool;

/// Turns what the rules score into findings.
pub(super) fn report(leakage: &Leakage, copies: Copies, findings: &mut Findings) {
    if leakage.measured_rows < MIN_ROWS {
        return;
    }
    let where_measured = leakage.measured_on.in_words();
    let groups: [(&'static str, &'static str, IsMeant); 4] = [
        (
            "code-leakage",
            "Vary the codes: leave them out of some records, add stale and second codes, and split by wording or by machine.",
            Rule::is_of_codes,
        ),
        (
            "id-leakage",
            "Number the records without regard to their label, and never let the id reach a model or a baseline.",
            |rule| matches!(rule, Rule::IdPrefix | Rule::IdNumber),
        ),
        (
            "equipment-leakage",
            "Bring in more machines for each fault and more faults for each machine, or split by machine.",
            |rule| rule == Rule::Equipment,
        ),
        ("wording-leakage", "Add complaints in people's own words, and split by wording.", |rule| {
            rule == Rule::FirstWords
        }),
    ];
    for (id, advice, is_meant) in groups {
        let judged = leakage.rules.iter().filter(|score| is_meant(score.rule)).filter_map(|score| {
            let severity = score.is_leak(leakage.floor)?;
            // Templates that repeat within a set are a leak only once they stand on both sides of a split.
            let can_be_mended =
                score.rule == Rule::FirstWords && leakage.measured_on == MeasuredOn::RandomHalf;
            Some((if can_be_mended { severity.min(Severity::Warning) } else { severity }, score))
        });
        // Of rules about equally good the simplest, which is the first.
        let best = judged.reduce(|best, next| {
            let is_better = next.0 > best.0 || (next.0 == best.0 && next.1.accuracy > best.1.accuracy + 0.02);
            if is_better { next } else { best }
        });
        let Some((severity, score)) = best else { continue };
        let reason = match id {
            "id-leakage" => "the numbering follows the label",
            "wording-leakage" => "the complaints are filled-in templates",
            _ => "a model can score well without reading the complaint",
        };
        let message = format!(
            "{} {} the label of {} of {where_measured}, where always saying the most frequent label gives {}: {reason}",
            score.rule.in_words(),
            score.rule.verb(),
            percent(score.accuracy),
            percent(leakage.floor),
        );
        let tally = Tally {
            count: (score.accuracy * leakage.measured_rows as f64).round() as u64,
            examples: Vec::new(),
        };
        let one_in = score.estimated_from_one_in;
        findings.add_estimated(id, severity, tally, one_in, message, advice);
        widen(findings, score.accuracy);
    }
    report_copies(leakage, copies, findings);
}

fn report_copies(leakage: &Leakage, copies: Copies, findings: &mut Findings) {
    let at_least = lower_bound(copies.share, copies.measured);
    let is_split = leakage.measured_on == MeasuredOn::TestFile;
    // Without a test file nothing has leaked yet; it would if the rows were split at random.
    let (warning, error) = if is_split { (0.02, 0.25) } else { (0.25, 0.8) };
    let severity = if at_least >= error {
        Severity::Error
    } else if at_least >= warning {
        Severity::Warning
    } else {
        return;
    };
    let share = percent(copies.share);
    let right = percent(if copies.share > 0.0 { copies.right / copies.share } else { 0.0 });
    let message = if is_split {
        format!(
            "{share} of the test rows have a near copy in the training rows, whose label is right in {right} of them: the test measures memory"
        )
    } else {
        format!(
            "{share} of the rows of a random half have a near copy in the other half, whose label is right in {right} of them: a split by row would measure memory"
        )
    };
    let count = (copies.share * leakage.measured_rows as f64).round() as u64;
    let tally = Tally::of_places(count, copies.examples);
    findings.add_estimated("near-copy-leakage", severity, tally, copies.one_in, message, SPLIT_BY_WORDING);
    widen(findings, copies.share);
}

/// A leak concerns the share of the measured rows, not of all.
fn widen(findings: &mut Findings, share: f64) {
    if let Some(last) = findings.list.last_mut() {
        last.share = share;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_taken_apart() {
        let (a, block) = id_keys("fuel-0016");
        assert_eq!((a, block), id_keys("fuel-0023"));
        assert_ne!(block, id_keys("fuel-0024").1);
        assert_ne!(a, id_keys("air-0016").0);
        assert_eq!(id_keys("17").0, None);
        assert!(id_keys("abc").0.is_some() && id_keys("abc").1.is_none());
        assert!(id_keys("WO-12-99999999999999999999999").1.is_none());
        assert_eq!(first_words("engine starts but stalls"), "engine starts but");
        assert_eq!(first_words("no start"), "no start");
    }
}
