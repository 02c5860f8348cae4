//! Against another model, and against floors: whether this one may take its place.

use std::str::FromStr;

use gearhead_data::case::Case;
use serde::Serialize;

use super::{
    Evaluation,
    bootstrap::{Bootstrap, Interval, mean},
    labels::Labels,
    text::Closeness,
};
use crate::{
    engine::{Diagnose, candidates::rank},
    error::Result,
};

/// This model against another one, on the same rows.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Comparison {
    /// The other model.
    pub model: String,
    /// What is compared: `top1`, or, where no row has a label, `token_f1`.
    pub measure: &'static str,
    /// Rows.
    pub n: usize,
    /// The other model's mean.
    pub before: f64,
    /// This model's mean.
    pub now: f64,
    /// How much higher this model's is, row by row.
    pub difference: f64,
    /// Its 95 % interval, by a bootstrap over faults.
    pub interval: Option<Interval>,
    /// What follows.
    pub verdict: Verdict,
}

/// What a comparison says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Verdict {
    /// The whole interval of the difference is above nothing.
    Better,
    /// The interval holds nothing: the rows do not tell the two apart. Where there are too few faults for an interval, the
    /// same figure or a higher one.
    NoWorse,
    /// The whole interval is below nothing; where there is none, a lower figure.
    Worse,
}

impl Verdict {
    fn of(difference: f64, interval: Option<Interval>) -> Self {
        match interval {
            Some(interval) if interval.low > 0.0 => Self::Better,
            Some(interval) if interval.high < 0.0 => Self::Worse,
            None if difference < 0.0 => Self::Worse,
            _ => Self::NoWorse,
        }
    }

    /// In words.
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::Better => "better",
            Self::NoWorse => "no worse",
            Self::Worse => "worse",
        }
    }
}

/// The other model, while rows are collected.
pub(super) struct Before<'a> {
    engine: &'a dyn Diagnose,
    labels: Labels<'a>,
    of_labels: Vec<(String, f64, f64)>,
    of_texts: Vec<(String, f64, f64)>,
}

impl<'a> Before<'a> {
    pub(super) fn new(engine: &'a dyn Diagnose) -> Self {
        let labels = Labels::new(engine.manifest(), engine.knowledge());
        Self { engine, labels, of_labels: Vec::new(), of_texts: Vec::new() }
    }

    /// A row with a label, which this model answered rightly or not; a declined one neither model answers, since that does
    /// not depend on the model.
    pub(super) fn add_labelled(
        &mut self,
        case: &Case,
        label: &str,
        is_right: bool,
        declined: bool,
    ) -> Result<()> {
        let as_number = |is: bool| f64::from(u8::from(is));
        let scored = self.engine.score_causes(case)?;
        let best =
            self.engine.manifest().and_then(|manifest| rank(&scored, &manifest.ranking).into_iter().next());
        let was_right = !declined && best.is_some_and(|best| self.labels.of_candidate(best.index) == label);
        self.of_labels.push((label.to_owned(), as_number(was_right), as_number(is_right)));
        Ok(())
    }

    /// A row with nothing but recorded text.
    pub(super) fn add_text(&mut self, case: &Case, cluster: &str, token_f1: f64) -> Result<()> {
        let report = self.engine.diagnose(case)?;
        let written = format!("{} {}", report.probable_cause, report.solution);
        self.of_texts.push((cluster.to_owned(), Closeness::to_recorded(case, &written).token_f1, token_f1));
        Ok(())
    }

    pub(super) fn comparison(&self, seed: u64) -> Comparison {
        let (measure, rows) =
            if self.of_labels.is_empty() { ("token_f1", &self.of_texts) } else { ("top1", &self.of_labels) };
        comparison(self.engine.name(), measure, rows, seed)
    }
}

fn comparison(model: &str, measure: &'static str, rows: &[(String, f64, f64)], seed: u64) -> Comparison {
    let of = |value: fn(&(String, f64, f64)) -> f64| rows.iter().map(value).collect::<Vec<_>>();
    let differences = of(|row| row.2 - row.1);
    let difference = mean(&differences);
    let interval = Bootstrap::new(rows.iter().map(|row| row.0.as_str()), seed).interval(&differences);
    Comparison {
        model: model.to_owned(),
        measure,
        n: rows.len(),
        before: mean(&of(|row| row.1)),
        now: mean(&of(|row| row.2)),
        difference,
        interval,
        verdict: Verdict::of(difference, interval),
    }
}

/// The least that a measure must reach, written `top1=0.9`.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Floor {
    /// The measure: one of [`Floor::MEASURES`].
    pub measure: &'static str,
    /// The least value.
    pub value: f64,
}

impl Floor {
    /// What can be asked for: measures of all rows, and of the text.
    pub const MEASURES: [&str; 9] =
        ["top1", "top3", "top5", "mrr", "macro_f1", "system_accuracy", "token_f1", "rouge_l", "exact"];
}

impl FromStr for Floor {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let (name, value) = text.split_once('=').ok_or("expected MEASURE=VALUE, such as top1=0.9")?;
        let measure = Self::MEASURES.into_iter().find(|measure| *measure == name.trim());
        let measure = measure.ok_or_else(|| format!("{name} is none of {}", Self::MEASURES.join(", ")))?;
        let value = value.trim().parse::<f64>().ok().filter(|value| (0.0..=1.0).contains(value));
        Ok(Self { measure, value: value.ok_or("the value must be a number from 0 to 1")? })
    }
}

impl Evaluation {
    /// A measure of all rows, or of the text; `None` where there are no such rows.
    pub fn measure(&self, name: &str) -> Option<f64> {
        let (all, text) = (self.splits.get("all"), (self.text.n > 0).then_some(self.text.written));
        match name {
            "top1" => all.map(|all| all.top1),
            "top3" => all.map(|all| all.top3),
            "top5" => all.map(|all| all.top5),
            "mrr" => all.map(|all| all.mrr),
            "macro_f1" => all.map(|all| all.macro_f1),
            "system_accuracy" => all.map(|all| all.system_accuracy),
            "token_f1" => text.map(|text| text.token_f1),
            "rouge_l" => text.map(|text| text.rouge_l),
            "exact" => text.map(|text| text.exact),
            _ => None,
        }
    }

    /// Why the model does not pass, in a sentence: a measure is below its floor or cannot be had, or the model is worse
    /// than the one before.
    pub fn regression(&self, floors: &[Floor]) -> Option<String> {
        let below = floors.iter().find_map(|floor| match self.measure(floor.measure) {
            None => Some(format!("{} cannot be measured: no row has what it needs", floor.measure)),
            Some(found) if found < floor.value => {
                Some(format!("{} is {found:.4}, below {}", floor.measure, floor.value))
            }
            Some(_) => None,
        });
        below.or_else(|| {
            let before = self.before.as_ref().filter(|before| before.verdict == Verdict::Worse)?;
            Some(format!(
                "the model is worse than {}: {} {:.4} against {:.4}",
                before.model, before.measure, before.now, before.before
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(better: usize, worse: usize, same: usize) -> Vec<(String, f64, f64)> {
        let pairs = std::iter::repeat_n((0.0, 1.0), better)
            .chain(std::iter::repeat_n((1.0, 0.0), worse))
            .chain(std::iter::repeat_n((1.0, 1.0), same));
        pairs.enumerate().map(|(row, (before, now))| (format!("{}", row % 20), before, now)).collect()
    }

    #[test]
    fn a_difference_counts_where_its_interval_does_not_hold_nothing() {
        let of = |rows: &[(String, f64, f64)]| comparison("m", "top1", rows, 3);
        let better = of(&rows(30, 2, 68));
        assert_eq!((better.n, better.verdict), (100, Verdict::Better));
        assert!((better.difference - 0.28).abs() < 1e-12 && (better.now - 0.98).abs() < 1e-12, "{better:?}");
        assert_eq!(of(&rows(2, 30, 68)).verdict, Verdict::Worse);
        assert_eq!(of(&rows(3, 3, 94)).verdict, Verdict::NoWorse);
        // Too few faults for an interval.
        assert_eq!([Verdict::of(-0.1, None), Verdict::of(0.1, None)], [Verdict::Worse, Verdict::NoWorse]);
    }

    #[test]
    fn floors_are_read_and_misspelt_ones_refused() {
        let floor: Floor = "top1=0.9".parse().unwrap();
        assert_eq!((floor.measure, floor.value), ("top1", 0.9));
        for (text, named) in
            [("top1", "MEASURE=VALUE"), ("top2=0.9", "top2 is none of"), ("mrr=2", "from 0 to 1")]
        {
            assert!(text.parse::<Floor>().unwrap_err().contains(named), "{text}");
        }
    }
}
