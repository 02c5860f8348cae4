//! How far a diagnosis can be trusted: measures on cases whose cause is known, beside simple baselines on the same rows, and
//! checks by program of every report.
//!
//! In reading order: [`evaluate`] diagnoses each row once; `labels` says what a row turned out to be; `measures`,
//! `calibration`, `selective`, `held_out_fault`, `troubleshooting` and `suites` turn answers into figures, `bootstrap` says how
//! far to trust those; `baselines` answers the same rows simply; `checks` looks at the reports; `compare` judges the model
//! against another; `findings` and `html` say it to people.

mod baselines;
mod bootstrap;
mod calibration;
mod checks;
mod claims;
mod compare;
mod findings;
#[cfg(all(test, feature = "flex"))]
mod fixture;
mod held_out_fault;
mod html;
mod labels;
mod measures;
mod plot;
mod row;
mod selective;
mod suites;
mod text;
mod troubleshooting;

use std::collections::BTreeMap;

use gearhead_data::{
    case::Case,
    evaluation::{Part, Suite, SuiteCase},
};
use serde::Serialize;

use crate::{
    engine::{Diagnose, Diagnosed, diagnose_many},
    error::{Error, Result},
};

pub use baselines::Baseline;
pub use bootstrap::Interval;
pub use calibration::ReliabilityBin;
pub use checks::{Checks, ClaimCheck, DeterminismCheck, SafetyCheck, UnknownCodeCheck, UnsupportedClaim};
pub use compare::{Comparison, Floor, Verdict};
pub use held_out_fault::HeldOutFault;
pub use html::html;
pub use measures::{BaselineScores, Lead, RankingScores};
pub use row::Mistake;
pub use selective::{RiskPoint, Selective};
pub use suites::{Dangerous, Inversions, OffTopic, Paraphrases, Suites, WorkOrders};
pub use text::{Closeness, TextScores};
pub use troubleshooting::TestsNeeded;

use baselines::{Panel, Trained};
use compare::Before;
use labels::Labels;
use measures::Outcome;
use row::{Row, examine};
use suites::Seen;
use text::Texts;

/// How many cases are diagnosed together.
const AT_ONCE: usize = 8;

/// How many of the first cases are diagnosed twice: with others, and alone.
const TWICE: usize = 20;
/// How many of the worst mistakes are kept.
const MISTAKES: usize = 10;

/// What to evaluate beside the cases.
#[derive(Clone, Copy, Default)]
#[non_exhaustive]
pub struct Options<'a> {
    /// Cases for the baselines that learn; without them those are left out.
    pub train: &'a [Case],
    /// Whether the suites are run too.
    pub suites: bool,
    /// Whether the engine is asked again without the codes, and without the complaint.
    pub ablations: bool,
    /// Another model on the same rows.
    pub before: Option<&'a dyn Diagnose>,
    /// Of the bootstrap and of the baselines that learn.
    pub seed: u64,
}

/// What an evaluation found. Its JSON is published as `docs/schemas/eval.schema.json`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Evaluation {
    /// Rows, without those of the suites.
    pub n: usize,
    /// Rows of each kind that carry a fault label: `all`, `with_code`, `without_code`, the words of the cases' field
    /// `slices`, and the suites whose rows have faults, which are not among `all`.
    pub splits: BTreeMap<String, RankingScores>,
    /// Written cause and solution against the recorded ones.
    pub text: TextScores,
    /// The model.
    pub model: String,
    /// The version of the knowledge.
    pub knowledge: String,
    /// What the figures mean, in sentences: above all, where a baseline is as good.
    pub findings: Vec<String>,
    /// How probable the best causes of the labelled rows were, and how often they were right.
    pub reliability: Vec<ReliabilityBin>,
    /// What comes of answering only when sure.
    pub selective: Option<Selective>,
    /// What happens when the right cause is none that the engine knows.
    pub held_out_fault: Option<HeldOutFault>,
    /// How many tests it takes to find the fault.
    pub tests_needed: Option<TestsNeeded>,
    /// What the suites found, where they were run.
    pub suites: Option<Suites>,
    /// What a program can check of every report.
    pub checks: Checks,
    /// This model against another, where one was given.
    pub before: Option<Comparison>,
    /// Wrong answers, the surest first.
    pub worst: Vec<Mistake>,
}

/// Diagnoses every case and compares with what was recorded; `on_case` is told how many are done, and of how many.
///
/// # Errors
///
/// Nothing is known of what any case turned out to be, or a case cannot be diagnosed: it is named by its number.
pub fn evaluate(
    engine: &dyn Diagnose,
    cases: &[Case],
    options: &Options<'_>,
    on_case: &mut dyn FnMut(usize, usize),
) -> Result<Evaluation> {
    let suites = if options.suites { suite_rows()? } else { Vec::new() };
    let has_answer = |case: &Case| case.fault.is_some() || case.has_target();
    if suites.is_empty() && !cases.iter().any(has_answer) {
        return Err(Error::NothingToCompare);
    }
    evaluate_beside(engine, cases, &suites, options, on_case)
}

/// Evaluates on cases and on rows of suites.
fn evaluate_beside(
    engine: &dyn Diagnose,
    cases: &[Case],
    suites: &[(Suite, SuiteCase)],
    options: &Options<'_>,
    on_case: &mut dyn FnMut(usize, usize),
) -> Result<Evaluation> {
    let labels = Labels::new(engine.manifest(), engine.knowledge());
    let trained = Trained::new(options.train, &labels, engine.knowledge(), options.seed);
    let panel = Panel::new(engine, &labels, trained.as_ref(), options.ablations);
    let before = options.before.map(Before::new);
    let mut seen = Collected {
        engine,
        labels: &labels,
        panel: &panel,
        trained: trained.as_ref(),
        before,
        checks: Checks::default(),
        texts: Texts::default(),
        rows: Vec::new(),
        suites: Vec::new(),
    };
    let total = cases.len() + suites.len();
    let rows = suites.iter().map(|(_, row)| &row.case);
    let mut diagnosed = diagnose_many(engine, AT_ONCE, cases.iter().chain(rows).cloned().map(Ok));
    let mut next = || diagnosed.next().expect("there is a report for each case");
    for (index, (case, label)) in cases.iter().zip(labels.of_all(cases)).enumerate() {
        let in_row = |source| Error::Row { row: index + 1, source: Box::new(source) };
        let added = next().and_then(|diagnosed| seen.add_case(index, diagnosed, case, label.as_deref()));
        added.map_err(in_row)?;
        on_case(index + 1, total);
    }
    for (index, (suite, row)) in suites.iter().enumerate() {
        seen.add_suite_row(*suite, next()?, row)?;
        on_case(cases.len() + index + 1, total);
    }
    Ok(seen.summary(cases, options))
}

/// What is known after some rows.
struct Collected<'a> {
    engine: &'a dyn Diagnose,
    labels: &'a Labels<'a>,
    panel: &'a Panel<'a>,
    trained: Option<&'a Trained<'a>>,
    before: Option<Before<'a>>,
    checks: Checks,
    texts: Texts,
    rows: Vec<Row>,
    suites: Vec<Seen>,
}

impl Collected<'_> {
    fn add_case(
        &mut self,
        index: usize,
        diagnosed: Diagnosed,
        case: &Case,
        label: Option<&str>,
    ) -> Result<()> {
        let name = case.id.clone().unwrap_or_else(|| format!("case {}", index + 1));
        let (report, row) = examine(self.engine, diagnosed, self.panel, self.labels, case, label)?;
        self.checks.add(&report, self.engine.knowledge(), &name);
        if index < TWICE {
            self.checks.add_second(&report, &self.engine.diagnose(case)?);
        }
        let written = case.has_target().then(|| {
            let majority = self.trained.and_then(Trained::majority_case).map(|it| ("majority", it));
            let nearest =
                self.trained.and_then(|it| it.nearest_case(case)).map(|it| ("bm25_nearest_case", it));
            self.texts.add(case, &report, majority.into_iter().chain(nearest))
        });
        if let Some(before) = &mut self.before {
            if let Some(outcome) = &row.outcome {
                before.add_labelled(case, &outcome.label, outcome.is_right(), report.declined.is_some())?;
            } else if let Some(written) = written {
                let cluster = self.labels.of(case).unwrap_or(name);
                before.add_text(case, &cluster, written.token_f1)?;
            }
        }
        self.rows.push(row);
        Ok(())
    }

    fn add_suite_row(&mut self, suite: Suite, diagnosed: Diagnosed, row: &SuiteCase) -> Result<()> {
        let (case, label) = (&row.case, self.labels.of(&row.case));
        let label = label.as_deref();
        let (report, examined) = examine(self.engine, diagnosed, self.panel, self.labels, case, label)?;
        self.checks.add(&report, self.engine.knowledge(), case.id.as_deref().unwrap_or(suite.as_str()));
        let familiarity = self.engine.familiarity(case);
        self.suites.push(examined.seen(suite, row, report.declined.as_ref(), familiarity));
        Ok(())
    }

    fn summary(self, cases: &[Case], options: &Options<'_>) -> Evaluation {
        let labelled: Vec<(&Row, &Outcome)> =
            self.rows.iter().filter_map(|row| Some((row, row.outcome.as_ref()?))).collect();
        let answers: Vec<(f64, bool)> =
            labelled.iter().map(|(_, it)| (it.probability, it.is_right())).collect();
        let searches: Vec<(usize, usize)> = labelled.iter().filter_map(|(row, _)| row.tests_needed).collect();
        let mut evaluation = Evaluation {
            n: cases.len(),
            splits: splits(cases, &self.rows, &self.suites, self.panel, options.seed),
            text: self.texts.scores(),
            model: self.engine.name().to_owned(),
            knowledge: self.engine.knowledge().version().to_owned(),
            findings: Vec::new(),
            reliability: calibration::reliability(&answers),
            selective: row::selective(&labelled, self.engine.manifest()),
            held_out_fault: row::held_out_fault(&labelled, options.seed),
            tests_needed: troubleshooting::tests_needed(&searches),
            suites: options.suites.then(|| suites::suites(&self.suites, options.seed)),
            before: self.before.as_ref().map(|before| before.comparison(options.seed)),
            worst: row::worst(cases, &self.rows, MISTAKES),
            checks: self.checks,
        };
        evaluation.findings = findings::findings(&evaluation);
        evaluation
    }
}

/// How many rows the suites add.
///
/// # Errors
///
/// None: they are compiled in and tested.
pub fn suite_len() -> Result<usize> {
    Ok(suite_rows()?.len())
}

fn suite_rows() -> Result<Vec<(Suite, SuiteCase)>> {
    let mut rows = Vec::new();
    for suite in Suite::ALL {
        rows.extend(suite.cases(Part::Test)?.into_iter().map(|row| (suite, row)));
    }
    Ok(rows)
}

fn splits(
    cases: &[Case],
    rows: &[Row],
    seen: &[Seen],
    panel: &Panel<'_>,
    seed: u64,
) -> BTreeMap<String, RankingScores> {
    let mut splits: BTreeMap<String, Vec<&Outcome>> = BTreeMap::new();
    for (case, row) in cases.iter().zip(rows) {
        let Some(outcome) = &row.outcome else { continue };
        for split in row::splits_of(case) {
            splits.entry(split).or_default().push(outcome);
        }
    }
    let with_faults = [Suite::WorkOrders, Suite::Paraphrases, Suite::Inversions];
    for row in seen.iter().filter(|row| with_faults.contains(&row.suite)) {
        if let Some(outcome) = &row.outcome {
            splits.entry(row.suite.as_str().to_owned()).or_default().push(outcome);
        }
    }
    let scores = |outcomes: Vec<&Outcome>| measures::scores(&outcomes, &panel.baselines, seed);
    splits.into_iter().map(|(name, outcomes)| (name, scores(outcomes))).collect()
}

#[cfg(all(test, feature = "flex"))]
mod tests {
    use serde_json::Value;

    use super::*;

    fn evaluated(cases: &[Case]) -> Result<Evaluation> {
        evaluate(&fixture::engine(), cases, &Options::default(), &mut |_, _| {})
    }

    #[test]
    fn everything_is_measured_once_over() {
        let (mut cases, other) = (fixture::cases(), fixture::engine());
        let train = cases.split_off(16);
        let mut options = Options { train: &train, ablations: true, seed: 3, ..Options::default() };
        options.before = Some(&other);
        let mut told = Vec::new();
        let engine = fixture::engine();
        let found = evaluate(&engine, &cases, &options, &mut |done, total| told.push((done, total))).unwrap();
        assert_eq!((told.len(), told[15]), (16, (16, 16)));
        let all = &found.splits["all"];
        assert_eq!((found.n, all.n, found.checks.reports, found.checks.determinism.cases), (16, 16, 16, 16));
        assert_eq!(all.baselines.len(), Baseline::UNTRAINED.len() + Baseline::TRAINED.len());
        assert_eq!(all.ablations.len(), Baseline::REWEIGHTED.len() + Baseline::REASKED.len());
        let by_code = found.splits.get("with_code").map_or(0, |it| it.n)
            + found.splits.get("without_code").map_or(0, |it| it.n);
        assert_eq!(by_code, 16);
        assert!(all.top1 <= all.top3 && all.top3 <= all.top5 && all.mrr >= all.top1 && all.mrr <= 1.0);
        assert!(found.checks.all_passed(), "{:?}", found.checks);
        // The same model again.
        let before = found.before.as_ref().unwrap();
        assert_eq!((before.measure, before.difference, before.verdict), ("top1", 0.0, Verdict::NoWorse));
        let selective = found.selective.as_ref().unwrap();
        assert!((selective.curve.last().unwrap().risk - (1.0 - all.top1)).abs() < 1e-9);
        assert_eq!((found.held_out_fault.as_ref().unwrap().n, found.text.baselines.len()), (16, 2));
        assert!(found.suites.is_none() && found.tests_needed.is_some());
        assert_eq!(found.worst.len(), MISTAKES.min(found.worst.len()));
        assert!(found.worst.is_sorted_by(|a, b| a.probability >= b.probability));
        assert_eq!(found.measure("top1"), Some(all.top1));
        let floor = |text: &str| found.regression(&[text.parse().unwrap()]);
        assert_eq!(floor("top1=0"), None);
        assert!(floor("exact=1").unwrap().contains("exact is 0"), "{:?}", floor("exact=1"));
        // Twice the same.
        assert_eq!(found, evaluate(&engine, &cases, &options, &mut |_, _| {}).unwrap());
        let page = html(&found);
        assert!(
            page.starts_with("<!DOCTYPE html>")
                && page.contains("Worst mistakes")
                && page.contains("<polyline")
        );
        assert!(!page.contains("http://") && !page.contains("https://") && !page.contains("<script"));
    }

    #[test]
    fn suites_alone_are_enough_and_are_not_among_all() {
        assert_eq!(suite_len().unwrap(), 630);
        // The first rows of each suite; whole pairs and groups.
        let mut taken = std::collections::BTreeMap::<&str, usize>::new();
        let mut rows = suite_rows().unwrap();
        rows.retain(|(suite, _)| {
            let taken = taken.entry(suite.as_str()).or_default();
            *taken += 1;
            *taken <= 10
        });
        let options = Options { suites: true, ..Options::default() };
        let found = evaluate_beside(&fixture::engine(), &[], &rows, &options, &mut |_, _| {}).unwrap();
        assert_eq!((found.n, found.checks.reports), (0, 50));
        let names: Vec<&str> = found.splits.keys().map(String::as_str).collect();
        assert_eq!(names, ["inversions", "paraphrases", "work_orders"]);
        let suites = found.suites.as_ref().unwrap();
        assert_eq!(
            (suites.inversions.pairs * 2, suites.paraphrases.groups),
            (found.splits["inversions"].n, 2)
        );
        assert_eq!((suites.work_orders.n, suites.off_topic.n), (10, 10));
        assert!(found.selective.is_none() && found.text.n == 0);
        assert!(found.regression(&["top1=0.1".parse().unwrap()]).unwrap().contains("cannot be measured"));
    }

    #[test]
    fn records_without_labels_are_compared_by_text_and_what_says_nothing_is_refused() {
        let mut case = Case::new("CAT <320>", "makes a noise & stops");
        case.probable_cause = Some("Something that no card names".to_owned());
        let found = evaluated(std::slice::from_ref(&case)).unwrap();
        assert!(found.splits.is_empty() && found.findings.is_empty());
        assert_eq!((found.text.n, found.text.written.exact), (1, 0.0));
        let json: Value = serde_json::to_value(&found).unwrap();
        assert!(json["text"]["token_f1"].is_f64() && json["text"]["written"].is_null());
        let bare = [Case::new("CAT 320", "makes a noise")];
        let refused = evaluated(&bare);
        assert!(matches!(refused, Err(Error::NothingToCompare)));
        case.fault = Some("no_such_fault".to_owned());
        let page = html(&evaluated(std::slice::from_ref(&case)).unwrap());
        assert!(page.contains("CAT &lt;320&gt;") && !page.contains("CAT <320>"));
    }
}
