//! Written text against recorded text.

use std::collections::{BTreeMap, HashMap};

use gearhead_data::case::Case;
use serde::Serialize;

use crate::report::Report;

/// How close the written cause and solution are to the recorded ones, as means over the rows.
#[derive(Debug, Clone, PartialEq, Serialize, Default)]
#[non_exhaustive]
pub struct TextScores {
    /// Rows with a recorded cause or solution.
    pub n: usize,
    /// What the engine wrote.
    #[serde(flatten)]
    pub written: Closeness,
    /// The recorded texts of training cases instead: of the most frequent label, and of the nearest case.
    pub baselines: BTreeMap<&'static str, Closeness>,
}

/// How close two texts are.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Default)]
#[non_exhaustive]
pub struct Closeness {
    /// F1 of the words, each counted as often as it stands.
    pub token_f1: f64,
    /// F1 of the longest common subsequence of words.
    pub rouge_l: f64,
    /// Share of rows whose words are the same.
    pub exact: f64,
}

impl Closeness {
    /// How close a text is to the recorded cause and solution of a case.
    pub(super) fn to_recorded(case: &Case, written: &str) -> Self {
        let (recorded, written) = (words(&recorded_text(case)), words(written));
        let (n, m) = (recorded.len(), written.len());
        Self {
            token_f1: f1(shared(&recorded, &written), n, m),
            rouge_l: f1(longest_common_subsequence(&recorded, &written), n, m),
            exact: f64::from(u8::from(recorded == written)),
        }
    }

    fn mean(rows: &[Self]) -> Self {
        let mean = |of: fn(&Self) -> f64| rows.iter().map(of).sum::<f64>() / rows.len().max(1) as f64;
        Self { token_f1: mean(|it| it.token_f1), rouge_l: mean(|it| it.rouge_l), exact: mean(|it| it.exact) }
    }
}

/// The recorded cause and solution as one text.
pub(super) fn recorded_text(case: &Case) -> String {
    [&case.probable_cause, &case.solution].map(|text| text.clone().unwrap_or_default()).join(" ")
}

/// How close the texts of the rows are that have a recorded one.
#[derive(Debug, Default)]
pub(super) struct Texts {
    written: Vec<Closeness>,
    baselines: BTreeMap<&'static str, Vec<Closeness>>,
}

impl Texts {
    /// Compares what was written, and what baselines say, with what was recorded; what was written comes back.
    pub(super) fn add<'a>(
        &mut self,
        case: &Case,
        report: &Report,
        baselines: impl IntoIterator<Item = (&'static str, &'a Case)>,
    ) -> Closeness {
        let written = format!("{} {}", report.probable_cause, report.solution);
        let written = Closeness::to_recorded(case, &written);
        self.written.push(written);
        for (name, training_case) in baselines {
            let closeness = Closeness::to_recorded(case, &recorded_text(training_case));
            self.baselines.entry(name).or_default().push(closeness);
        }
        written
    }

    pub(super) fn scores(&self) -> TextScores {
        TextScores {
            n: self.written.len(),
            written: Closeness::mean(&self.written),
            baselines: self.baselines.iter().map(|(name, rows)| (*name, Closeness::mean(rows))).collect(),
        }
    }
}

fn words(text: &str) -> Vec<String> {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect()
}

fn shared(a: &[String], b: &[String]) -> usize {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for word in a {
        *counts.entry(word).or_default() += 1;
    }
    b.iter()
        .filter(|word| match counts.get_mut(word.as_str()) {
            Some(count) if *count > 0 => {
                *count -= 1;
                true
            }
            _ => false,
        })
        .count()
}

/// Source: Lin, *ROUGE*, 2004, section 3.1.
fn longest_common_subsequence(a: &[String], b: &[String]) -> usize {
    let mut previous = vec![0; b.len() + 1];
    for x in a {
        let mut current = vec![0; b.len() + 1];
        for (j, y) in b.iter().enumerate() {
            current[j + 1] = if x == y { previous[j] + 1 } else { previous[j + 1].max(current[j]) };
        }
        previous = current;
    }
    previous[b.len()]
}

fn f1(common: usize, a: usize, b: usize) -> f64 {
    if a + b == 0 { 1.0 } else { 2.0 * common as f64 / (a + b) as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_counts_for_rouge_and_not_for_token_f1() {
        let (a, b) = (words("replace the filter, then bleed"), words("Bleed then replace the filter"));
        assert_eq!(shared(&a, &b), 5);
        assert_eq!(longest_common_subsequence(&a, &b), 3);
        assert!((f1(3, 5, 5) - 0.6).abs() < 1e-12);
        assert_eq!(shared(&words("a a b"), &words("a c")), 1);
        assert_eq!(longest_common_subsequence(&[], &b), 0);
    }
}
