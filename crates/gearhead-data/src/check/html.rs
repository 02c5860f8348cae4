//! The report as one page that needs nothing else: no script, no font, no network.

use maud::{Markup, html as markup};

use super::{
    chart::{Bar, Column, bars, histogram},
    finding::{Finding, Severity, number_of, percent},
    histogram::Lengths,
    labels::Frequencies,
    leakage::{Leakage, MeasuredOn},
    report::Report,
};
use crate::page::page;

/// The most columns of a histogram.
const MAX_COLUMNS: u64 = 24;
/// The most names in a chart.
const MAX_NAMES: usize = 20;

/// The report as HTML. Whatever a record says is text there, never markup.
pub fn html(report: &Report) -> String {
    let content = markup! {
        (heading(report))
        (findings(&report.findings))
        @if let Some(leakage) = &report.leakage { (leaks(leakage)) }
        (frequencies("Labels", "What the records turned out to be.", &report.labels))
        (frequencies("Machines", "As written.", &report.equipment))
        (lengths(report))
    };
    page(&format!("Check of {} records: {} of 100", report.records, report.score), STYLE, &content)
        .into_string()
}

fn heading(report: &Report) -> Markup {
    let class = match report.worst() {
        Some(Severity::Error) => "error",
        Some(Severity::Warning) => "warning",
        _ => "good",
    };
    markup! {
        header {
            div.score.(class) { strong { (report.score) } " of 100" }
            div {
                h1 { "Check of " (report.records) " records" }
                p {
                    (number_of(report.count(Severity::Error) as u64, "error")) ", "
                    (number_of(report.count(Severity::Warning) as u64, "warning")) ", "
                    (number_of(report.count(Severity::Info) as u64, "note"))
                }
                ul.files {
                    @for file in &report.files {
                        li {
                            code { (file.path.display()) } " "
                            span.muted {
                                (part(file.part)) ", " (file.records) " records"
                                @if file.faulty > 0 { ", " (file.faulty) " faulty" }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn part(part: super::Part) -> &'static str {
    match part {
        super::Part::Train => "training",
        super::Part::Validation => "validation",
        super::Part::Test => "test",
    }
}

fn findings(findings: &[Finding]) -> Markup {
    markup! {
        section {
            h2 { "Findings" }
            @if findings.is_empty() { p { "Nothing was found." } }
            @for finding in findings {
                article.(finding.severity.as_str()) {
                    p.finding {
                        span.severity { (finding.severity.as_str()) } " "
                        (sentence(&finding.message)) "."
                    }
                    p.advice { (finding.advice) " " code.muted { (finding.id) } }
                    @if !finding.examples.is_empty() {
                        details {
                            summary { (finding.examples.len()) " of " (finding.count) }
                            ul {
                                @for example in &finding.examples {
                                    li {
                                        code { (example.path.display()) ":" (example.line) }
                                        @if let Some(text) = &example.text { " " (text) }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The text with a capital at its beginning.
fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or(String::new(), |first| first.to_uppercase().chain(chars).collect())
}

fn leaks(leakage: &Leakage) -> Markup {
    let chart: Vec<Bar> = leakage
        .rules
        .iter()
        .map(|score| Bar {
            label: score.rule.in_words().into(),
            value: score.accuracy,
            value_in_words: percent(score.accuracy),
            class: if score.is_leak(leakage.floor).is_some() { "leak" } else { "plain" },
        })
        .collect();
    let measured = match leakage.measured_on {
        MeasuredOn::TestFile => "the rows of the test file",
        MeasuredOn::RandomHalf => "a random half of the rows (no test file was given)",
    };
    markup! {
        section {
            h2 { "What gives the label away" }
            p {
                "Rules learned on " (leakage.learned_rows) " rows, measured on " (leakage.measured_rows) ": " (measured)
                ". The dashed line is the accuracy of always saying the most frequent label, "
                (percent(leakage.floor)) "."
            }
            (bars("Accuracy of simple rules", &chart, 1.0, Some(leakage.floor)))
            p { (percent(leakage.near_copies)) " of the measured rows have a near copy among the learned ones." }
        }
    }
}

fn frequencies(title: &str, what: &str, names: &Frequencies) -> Markup {
    let most = names.most_frequent.first().map_or(0, |first| first.records) as f64;
    let shown = &names.most_frequent[..names.most_frequent.len().min(MAX_NAMES)];
    let chart: Vec<Bar> = shown
        .iter()
        .map(|name| Bar {
            label: name.name.clone(),
            value: name.records as f64,
            value_in_words: name.records.to_string(),
            class: "plain",
        })
        .collect();
    markup! {
        section {
            h2 { (title) }
            p {
                (what) " " (names.distinct) " distinct"
                @if names.estimated_from_one_in > 1 { " (estimated from 1 in " (names.estimated_from_one_in) ")" }
                ", " (names.rare) " of them with fewer than five records."
                @if (shown.len() as u64) < names.distinct { " The most frequent:" }
            }
            (bars(title, &chart, most, None))
        }
    }
}

fn lengths(report: &Report) -> Markup {
    markup! {
        section {
            h2 { "Lengths" }
            div.histograms {
                @for (field, lengths) in &report.lengths {
                    @let (unit, measured) = match &lengths.tokens {
                        Some(tokens) => ("tokens", tokens),
                        None => ("words", &lengths.words),
                    };
                    figure {
                        figcaption {
                            strong { code { (field) } } ", " (unit)
                            span.muted {
                                " median " (measured.median) ", 95 % up to " (measured.percentile_95) ", longest " (measured.max)
                            }
                        }
                        (histogram(&format!("{field} in {unit}"), &columns(measured)))
                    }
                }
            }
        }
    }
}

/// Columns of equal width over the whole range. Where a range of the histogram spans several, it is shared out.
fn columns(lengths: &Lengths) -> Vec<Column> {
    let first = lengths.bins.first().map_or(0, |bin| bin.from);
    let end = lengths.max + 1;
    let width = (end - first).div_ceil(MAX_COLUMNS).max(1);
    let n_columns = (end - first).div_ceil(width);
    let mut columns: Vec<Column> = (0..n_columns)
        .map(|index| Column { from: first + index * width, to: first + (index + 1) * width, count: 0.0 })
        .collect();
    for bin in &lengths.bins {
        let bin_end = bin.to.min(end);
        for column in &mut columns {
            let shared = bin_end.min(column.to).saturating_sub(bin.from.max(column.from));
            column.count += bin.texts as f64 * shared as f64 / (bin_end - bin.from).max(1) as f64;
        }
    }
    columns
}

const STYLE: &str = "
:root { color-scheme: light dark; --text: #1d2329; --muted: #5d6873; --page: #f5f6f7; --card: #fff; --line: #dde1e5;
  --bar: #3d6fa8; --track: #edf0f3; --error: #b3261e; --warning: #9a6700; --info: #3d6fa8; --good: #1f7a4d; }
@media (prefers-color-scheme: dark) { :root { --text: #e4e8ec; --muted: #98a3ae; --page: #14181c; --card: #1c2228;
  --line: #303840; --bar: #6fa3dc; --track: #262e36; --error: #ff8a80; --warning: #e3b341; --info: #6fa3dc; --good: #57c48c; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 860px; margin: 0 auto; padding: 24px 16px 64px; }
header { display: flex; gap: 24px; align-items: center; flex-wrap: wrap; }
h1 { font-size: 1.6rem; margin: 0; } h2 { font-size: 1.15rem; margin: 0 0 8px; }
header p { margin: 2px 0 6px; } .files { margin: 0; padding: 0; list-style: none; }
code { font: 0.9em ui-monospace, monospace; overflow-wrap: anywhere; } .muted { color: var(--muted); }
.score { width: 112px; height: 112px; border-radius: 50%; border: 6px solid; display: flex; flex-direction: column;
  align-items: center; justify-content: center; font-size: 0.85rem; flex: none; }
.score strong { font-size: 2.2rem; line-height: 1.1; }
.score.error { border-color: var(--error); } .score.warning { border-color: var(--warning); }
.score.good { border-color: var(--good); }
section { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 18px 20px; margin-top: 20px; }
section > p { margin: 0 0 12px; }
article { border-left: 4px solid var(--info); padding: 2px 0 2px 12px; margin: 14px 0; }
article.error { border-color: var(--error); } article.warning { border-color: var(--warning); }
article p { margin: 0; } .advice { color: var(--muted); font-size: 0.92rem; }
.severity { font-weight: 600; color: var(--info); } .error .severity { color: var(--error); }
.warning .severity { color: var(--warning); }
details { font-size: 0.9rem; margin-top: 4px; } summary { cursor: pointer; color: var(--muted); }
details ul { margin: 4px 0; padding-left: 20px; }
svg { display: block; width: 100%; height: auto; } svg text { fill: var(--text); font: 12.5px system-ui, sans-serif; }
svg .tick, svg .value { fill: var(--muted); } .bar { fill: var(--bar); } .track { fill: var(--track); }
.bar.leak { fill: var(--error); } .mark { stroke: var(--text); stroke-width: 1.5; stroke-dasharray: 5 4; }
.axis { stroke: var(--line); } figure { margin: 0 0 20px; } figcaption { margin-bottom: 6px; font-size: 0.92rem; }
";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::LengthBin;

    #[test]
    fn columns_hold_every_text_once() {
        let bins = [(0, 1, 4), (15, 16, 6), (16, 18, 10), (96, 104, 5)];
        let bins = bins.map(|(from, to, texts)| LengthBin { from, to, texts }).to_vec();
        let lengths = Lengths { texts: 25, mean: 20.0, median: 16, percentile_95: 96, max: 100, bins };
        let columns = columns(&lengths);
        assert!(columns.len() <= MAX_COLUMNS as usize);
        let sum: f64 = columns.iter().map(|column| column.count).sum();
        assert!((sum - 25.0).abs() < 1e-9, "{sum}");
        assert!((columns[0].count - 4.0).abs() < 1e-9);
    }
}
