//! Checking records before a model is trained or measured on them.
//!
//! One pass over the files, in memory that does not grow with them. Everything is exact as long as there are no more
//! distinct keys than a table holds (32,768 complaints, 65,536 records and ids, 16,384 labels, machines, and keys of
//! each leakage rule); past that it is estimated from a sample of the keys, and the report says so.
//!
//! In reading order: [`check`] reads the files and hands each record to the checks; [`Finding`] is what they report;
//! [`Leakage`] says whether the label can be had without the complaint; [`score`] turns findings into one number;
//! [`html`] draws the report.
//!
//! ```
//! use gearhead_data::check::{Files, Options, check};
//!
//! # fn main() -> gearhead_data::Result<()> {
//! # let folder = tempfile::tempdir().unwrap();
//! let path = folder.path().join("train.jsonl");
//! std::fs::write(&path, r#"{"equipment": "CAT 320", "symptom": "slips in gear 3", "error_codes": ["P0735"]}"#).unwrap();
//! let report = check(&Files::train([path]), &Options::default(), &mut |_| ())?;
//! assert!(report.findings.iter().any(|finding| finding.id == "code-contradicts-text"));
//! # Ok(())
//! # }
//! ```

mod chart;
mod code_facts;
mod codes;
mod fields;
mod finding;
mod histogram;
mod html;
mod interval;
mod labels;
mod leakage;
mod lengths;
mod personal;
mod report;
mod row;
#[cfg(test)]
mod tests;
mod text_facts;
mod texts;
mod votes;

use std::{
    cell::Cell,
    fs::File,
    io::{self, BufReader, Read},
    path::PathBuf,
};

use crate::{
    case::CaseReader,
    code::CodeTable,
    error::{Error, Result},
};

pub use finding::{Example, Finding, MAX_EXAMPLES, Severity};
pub use histogram::{LengthBin, Lengths};
pub use html::html;
pub use labels::{Frequencies, NameCount};
pub use leakage::{Leakage, MeasuredOn, Rule, RuleScore};
pub use lengths::{FieldLengths, Tokens};
pub use report::{FileSummary, Report, score};
pub use row::Part;

use finding::{Findings, Place};
use row::{Buffers, Row, Side, half};

/// The files to check.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Files {
    /// What a model learns from, or everything there is.
    pub train: Vec<PathBuf>,
    /// What is chosen by.
    pub validation: Option<PathBuf>,
    /// What is measured on.
    pub test: Option<PathBuf>,
}

impl Files {
    /// Files that are not split yet, or training files alone.
    pub fn train(paths: impl IntoIterator<Item = PathBuf>) -> Self {
        Self { train: paths.into_iter().collect(), ..Self::default() }
    }

    fn with_parts(&self) -> Vec<(PathBuf, Part)> {
        let train = self.train.iter().map(|path| (path.clone(), Part::Train));
        let validation = self.validation.iter().map(|path| (path.clone(), Part::Validation));
        train.chain(validation).chain(self.test.iter().map(|path| (path.clone(), Part::Test))).collect()
    }
}

/// How to check.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Options<'a> {
    /// What codes mean.
    pub codes: &'a CodeTable,
    /// Measures lengths in tokens.
    pub tokens: Option<Tokens<'a>>,
    /// Draws the random half that stands for a test file where there is none.
    pub seed: u64,
}

impl Default for Options<'_> {
    fn default() -> Self {
        Self { codes: CodeTable::builtin(), tokens: None, seed: 0 }
    }
}

/// Checks files. `progress` is told now and then how many bytes have been read.
///
/// # Errors
///
/// A file cannot be read, there is no record in any, or the tokenizer fails. Faulty records are findings.
pub fn check(files: &Files, options: &Options, progress: &mut dyn FnMut(u64)) -> Result<Report> {
    let files_with_parts = files.with_parts();
    let measured_on = if files.test.is_some() { MeasuredOn::TestFile } else { MeasuredOn::RandomHalf };
    let mut checks = Checks::new(options);
    let mut summaries = Vec::with_capacity(files_with_parts.len());
    let read = Cell::new(0);
    for (number, (path, part)) in files_with_parts.iter().enumerate() {
        let file = File::open(path).map_err(|source| Error::io(path, source))?;
        let input = BufReader::with_capacity(1 << 18, CountedRead { file, read: &read });
        let mut summary = FileSummary { path: path.clone(), part: *part, records: 0, faulty: 0 };
        for located in CaseReader::new(path, input) {
            let located = match located {
                Ok(located) => located,
                Err(Error::Record { line, fault, .. }) => {
                    summary.faulty += 1;
                    checks.fields.faulty(Place { file: number, line }, &fault);
                    continue;
                }
                Err(error) => return Err(error),
            };
            summary.records += 1;
            if summary.records.is_multiple_of(1_024) {
                progress(read.get());
            }
            let place = Place { file: number, line: located.line };
            let side = match (measured_on, part) {
                (_, Part::Validation) => Side::Outside,
                (_, Part::Test) => Side::Measure,
                (MeasuredOn::TestFile, Part::Train) => Side::Learn,
                (MeasuredOn::RandomHalf, Part::Train) => half(place, options.seed),
            };
            checks.row(place, *part, side, &located.case)?;
        }
        if summary.records + summary.faulty == 0 {
            return Err(Error::NoCases { path: path.clone() });
        }
        summaries.push(summary);
    }
    progress(read.get());
    Ok(checks.finish(summaries, measured_on))
}

/// Everything that looks at each record.
struct Checks<'a> {
    known_codes: code_facts::KnownCodes<'a>,
    buffers: Buffers,
    fields: fields::Fields,
    codes: codes::Codes<'a>,
    personal: personal::Personal,
    lengths: lengths::FieldSizes<'a>,
    names: labels::Names,
    texts: texts::Texts,
    rules: leakage::Rules,
}

impl<'a> Checks<'a> {
    fn new(options: &Options<'a>) -> Self {
        Self {
            known_codes: code_facts::KnownCodes::new(options.codes),
            buffers: Buffers::default(),
            fields: fields::Fields::default(),
            codes: codes::Codes::new(options.codes),
            personal: personal::Personal::default(),
            lengths: lengths::FieldSizes::new(options.tokens),
            names: labels::Names::new(),
            texts: texts::Texts::new(),
            rules: leakage::Rules::new(),
        }
    }

    fn row(&mut self, place: Place, part: Part, side: Side, case: &crate::case::Case) -> Result<()> {
        let row = Row::new(place, part, side, case, &mut self.known_codes, &mut self.buffers);
        self.fields.row(&row);
        self.codes.row(&row);
        self.personal.row(&row);
        self.names.row(&row);
        self.texts.row(&row);
        self.rules.row(&row);
        self.lengths.row(&row)
    }

    fn finish(self, files: Vec<FileSummary>, measured_on: MeasuredOn) -> Report {
        let paths: Vec<PathBuf> = files.iter().map(|file| file.path.clone()).collect();
        let records = files.iter().map(|file| file.records).sum::<u64>();
        let all = records + files.iter().map(|file| file.faulty).sum::<u64>();
        let mut findings = Findings { paths: &paths, records: all, list: Vec::new() };
        self.fields.finish(&mut findings);
        self.codes.finish(&mut findings);
        self.personal.finish(&mut findings);
        let lengths = self.lengths.finish(&mut findings);
        let copies = self.texts.finish(&mut findings);
        let floor = self.names.floor();
        let [labels, equipment] = self.names.finish(&mut findings);
        let leakage = (labels.records > 0).then(|| {
            let leakage = self.rules.finish(measured_on, floor, &copies);
            leakage::report(&leakage, copies, &mut findings);
            leakage
        });
        let mut findings = findings.list;
        findings.sort_by(|a, b| b.severity.cmp(&a.severity).then(b.share.total_cmp(&a.share)));
        Report { score: score(&findings), records, files, findings, labels, equipment, lengths, leakage }
    }
}

/// Counts the bytes that are read.
struct CountedRead<'a> {
    file: File,
    read: &'a Cell<u64>,
}

impl Read for CountedRead<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n_read = self.file.read(buffer)?;
        self.read.set(self.read.get() + n_read as u64);
        Ok(n_read)
    }
}
