//! What a check reports.

use std::{collections::BTreeMap, path::PathBuf};

use serde::Serialize;

use super::{
    finding::{Finding, Severity},
    labels::Frequencies,
    leakage::Leakage,
    lengths::FieldLengths,
    row::Part,
};

/// Everything that a check found.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// How fit the records are to train and to measure on, 0 to 100: see [`score`].
    pub score: u8,
    /// Records that are cases.
    pub records: u64,
    /// The files.
    pub files: Vec<FileSummary>,
    /// What was found, the worst first.
    pub findings: Vec<Finding>,
    /// How often each label occurs: the `fault` of a record, else the name of its cause.
    pub labels: Frequencies,
    /// How often each machine occurs.
    pub equipment: Frequencies,
    /// The lengths of each field.
    pub lengths: BTreeMap<&'static str, FieldLengths>,
    /// Whether the label can be had without the complaint; absent where no record has a label.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub leakage: Option<Leakage>,
}

/// One file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct FileSummary {
    /// The file.
    pub path: PathBuf,
    /// What it is for.
    pub part: Part,
    /// Its records that are cases.
    pub records: u64,
    /// Its records that are not.
    pub faulty: u64,
}

impl Report {
    /// The worst severity among the findings.
    pub fn worst(&self) -> Option<Severity> {
        self.findings.iter().map(|finding| finding.severity).max()
    }

    /// How many findings have this severity.
    pub fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|finding| finding.severity == severity).count()
    }
}

/// `100 × Π (1 − penalty)`, rounded, where the penalty of an error is `0.15 + 0.35 × share`, that of a warning
/// `0.02 + 0.10 × share`, and information costs nothing; `share` is the share of the records that the finding
/// concerns, of a leak the share of the measured records that the rule gives right. One leak that concerns everything
/// halves the score.
pub fn score(findings: &[Finding]) -> u8 {
    let kept: f64 = findings
        .iter()
        .map(|finding| match finding.severity {
            Severity::Error => 1.0 - (0.15 + 0.35 * finding.share),
            Severity::Warning => 1.0 - (0.02 + 0.10 * finding.share),
            Severity::Info => 1.0,
        })
        .product();
    (100.0 * kept).round() as u8
}
