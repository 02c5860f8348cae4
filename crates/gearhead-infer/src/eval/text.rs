//! Written text against recorded text.

use std::collections::HashMap;

use gearhead_data::case::Case;
use serde::Serialize;

use crate::report::Report;

/// How close the written cause and solution are to the recorded ones, as means over the rows.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Default)]
#[non_exhaustive]
pub struct TextScores {
    /// Rows with a recorded cause or solution.
    pub n: usize,
    /// F1 of the words, each counted as often as it stands.
    pub token_f1: f64,
    /// F1 of the longest common subsequence of words.
    pub rouge_l: f64,
    /// Share of rows whose words are the same.
    pub exact: f64,
}

/// Sums over rows that have a recorded text.
#[derive(Debug, Default)]
pub(super) struct Sums {
    rows: usize,
    sums: TextScores,
}

impl Sums {
    pub(super) fn add(&mut self, case: &Case, report: &Report) {
        if !case.has_target() {
            return;
        }
        let recorded =
            [&case.probable_cause, &case.solution].map(|text| text.clone().unwrap_or_default()).join(" ");
        let written = format!("{} {}", report.probable_cause, report.solution);
        let (recorded, written) = (words(&recorded), words(&written));
        self.rows += 1;
        self.sums.token_f1 += f1(shared(&recorded, &written), recorded.len(), written.len());
        self.sums.rouge_l +=
            f1(longest_common_subsequence(&recorded, &written), recorded.len(), written.len());
        self.sums.exact += f64::from(u8::from(recorded == written));
    }

    pub(super) fn scores(&self) -> TextScores {
        let n = self.rows.max(1) as f64;
        TextScores {
            n: self.rows,
            token_f1: self.sums.token_f1 / n,
            rouge_l: self.sums.rouge_l / n,
            exact: self.sums.exact / n,
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
