//! The evaluation as one page that needs nothing else: no script, no font, no network.

use gearhead_data::page::page;
use maud::{Markup, html as markup};

use super::{
    BaselineScores, Checks, Evaluation, HeldOutFault, Interval, Mistake, RankingScores, ReliabilityBin,
    Selective, Suites, TestsNeeded, TextScores,
    compare::{Comparison, Verdict},
    plot::Plot,
};

/// The evaluation as HTML. Whatever a case says is text there, never markup.
pub fn html(evaluation: &Evaluation) -> String {
    let content = markup! {
        (heading(evaluation))
        @if let Some(before) = &evaluation.before { (comparison(before)) }
        @if !evaluation.splits.is_empty() { (splits(evaluation)) (baselines(evaluation)) }
        @if !evaluation.reliability.is_empty() { (trust(evaluation)) }
        @if let Some(suites) = &evaluation.suites { (suites_table(suites)) }
        (beyond(evaluation.held_out_fault.as_ref(), evaluation.tests_needed.as_ref()))
        @if evaluation.text.n > 0 { (text(&evaluation.text)) }
        (checks(&evaluation.checks))
        @if !evaluation.worst.is_empty() { (worst(&evaluation.worst)) }
    };
    page(&format!("Evaluation of {}", evaluation.model), STYLE, &content).into_string()
}

fn heading(evaluation: &Evaluation) -> Markup {
    markup! {
        header {
            h1 { "Evaluation of " code { (evaluation.model) } }
            p.muted { (evaluation.n) " cases, " (evaluation.checks.reports) " reports, knowledge " (evaluation.knowledge) }
            @if let Some(all) = evaluation.splits.get("all") {
                div.headline {
                    (figure("right cause first", all.top1, all.intervals.get("top1").copied().flatten()))
                    (figure("among the first three", all.top3, all.intervals.get("top3").copied().flatten()))
                    (figure("right system", all.system_accuracy, all.intervals.get("system_accuracy").copied().flatten()))
                    (figure("calibration error", all.ece, None))
                }
            }
            ul.findings { @for finding in &evaluation.findings { li { (finding) } } }
        }
    }
}

fn figure(name: &str, value: f64, interval: Option<Interval>) -> Markup {
    markup! {
        div { strong { (three(value)) } span { (name) } @if let Some(it) = interval { span.muted { (range(it)) } } }
    }
}

fn comparison(before: &Comparison) -> Markup {
    let class = if before.verdict == Verdict::Worse { "bad" } else { "good" };
    markup! {
        section {
            h2 { "Against the model before" }
            p {
                span.(class) { "This model is " (before.verdict.in_words()) } " than " code { (before.model) } " on " (before.n)
                " rows: " (before.measure) " " (three(before.now)) " against " (three(before.before)) ", difference "
                (signed(before.difference))
                @if let Some(interval) = before.interval { " (95 % interval " (range(interval)) ")" } "."
            }
        }
    }
}

/// `all` first, then by name.
fn in_order(evaluation: &Evaluation) -> Vec<(&String, &RankingScores)> {
    let mut splits: Vec<_> = evaluation.splits.iter().collect();
    splits.sort_by_key(|(name, _)| *name != "all");
    splits
}

fn splits(evaluation: &Evaluation) -> Markup {
    markup! {
        section {
            h2 { "By kind of case" }
            p.muted { "Intervals are 95 %, by a bootstrap over faults. A row that was declined counts as wrong." }
            div.wide { table {
                thead { tr {
                    th { "rows" } th.n { "n" } th.n { "top-1" } th.n { "top-3" } th.n { "top-5" } th.n { "MRR" } th.n { "macro-F1" }
                    th.n { "system" } th.n { "ECE" } th.n { "Brier" }
                } }
                tbody {
                    @for (name, it) in in_order(evaluation) {
                        tr {
                            th { (name) } td.n { (it.n) } (with_interval(it, "top1", it.top1)) (with_interval(it, "top3", it.top3))
                            td.n { (three(it.top5)) } (with_interval(it, "mrr", it.mrr)) td.n { (three(it.macro_f1)) }
                            (with_interval(it, "system_accuracy", it.system_accuracy)) td.n { (three(it.ece)) } td.n { (three(it.brier)) }
                        }
                    }
                }
            } }
        }
    }
}

fn with_interval(scores: &RankingScores, name: &str, value: f64) -> Markup {
    markup! {
        td.n { (three(value)) @if let Some(Some(it)) = scores.intervals.get(name) { br; span.muted { (range(*it)) } } }
    }
}

fn baselines(evaluation: &Evaluation) -> Markup {
    let Some((_, first)) = evaluation.splits.first_key_value() else { return markup! {} };
    let names: Vec<&str> = first.baselines.keys().chain(first.ablations.keys()).copied().collect();
    let of = |scores: &RankingScores, name: &str| -> Option<BaselineScores> {
        scores.baselines.get(name).or_else(|| scores.ablations.get(name)).copied()
    };
    markup! {
        section {
            h2 { "Beside something simpler" }
            p.muted { "Top-1 on the same rows. What is as good as Gearhead or better is marked." }
            div.wide { table {
                thead { tr { th { "rows" } th.n { "Gearhead" } @for name in &names { th.n { (name.replace('_', " ")) } } } }
                tbody {
                    @for (split, scores) in in_order(evaluation) {
                        tr {
                            th { (split) } td.n { strong { (three(scores.top1)) } }
                            @for name in &names {
                                @if let Some(it) = of(scores, name) {
                                    td.n.bad[it.top1 >= scores.top1] { (three(it.top1)) }
                                } @else { td.n { "–" } }
                            }
                        }
                    }
                }
            } }
        }
    }
}

fn trust(evaluation: &Evaluation) -> Markup {
    markup! {
        section {
            h2 { "Can the probability be trusted?" }
            div.pair {
                figure {
                    (reliability(&evaluation.reliability).to_svg())
                    figcaption { "Each dot is the answers of one range of probability; on the dashed line they are right as often as \
                                  they say." }
                }
                @if let Some(selective) = &evaluation.selective {
                    figure {
                        (risk(selective).to_svg())
                        figcaption {
                            "Share of wrong answers if only the surest are given. Area under the curve " (three(selective.area))
                            ". The dot is the model's own threshold, " (three(selective.answer_from)) "."
                        }
                    }
                }
            }
            @if let Some(it) = &evaluation.selective {
                p {
                    "At its own threshold the model answers " (percent(it.coverage)) " of the rows, and " (percent(it.risk))
                    " of those answers are wrong (it was chosen for " (percent(it.stated_risk)) "). Of all rows, "
                    (percent(it.false_answers)) " were answered wrongly, " (percent(it.false_refusals))
                    " were right and held back, " (percent(it.declined)) " were declined."
                }
            }
        }
    }
}

fn reliability(bins: &[ReliabilityBin]) -> Plot<'static> {
    let most = bins.iter().map(|bin| bin.n).max().unwrap_or(1) as f64;
    let dot = |bin: &ReliabilityBin| {
        let says = format!("{} answers of probability {:.2}, {:.2} right", bin.n, bin.probability, bin.right);
        (bin.probability, bin.right, 3.0 + 6.0 * (bin.n as f64 / most).sqrt(), says)
    };
    Plot {
        title: "Share that was right against probability",
        x_label: "probability",
        y_label: "share that was right",
        y_max: 1.0,
        line: bins.iter().map(|bin| (bin.probability, bin.right)).collect(),
        dots: bins.iter().map(dot).collect(),
        dashed: Some(((0.0, 0.0), (1.0, 1.0))),
    }
}

fn risk(selective: &Selective) -> Plot<'static> {
    let highest = selective.curve.iter().map(|point| point.risk).fold(selective.risk, f64::max);
    // The next twentieth.
    let y_max = ((highest * 20.0).ceil() / 20.0).max(0.05);
    let says = format!("answered {:.3}, wrong {:.3}", selective.coverage, selective.risk);
    Plot {
        title: "Risk against coverage",
        x_label: "share of rows answered",
        y_label: "share of answers wrong",
        y_max,
        line: selective.curve.iter().map(|point| (point.coverage, point.risk)).collect(),
        dots: vec![(selective.coverage, selective.risk, 5.0, says)],
        dashed: Some(((0.0, selective.stated_risk), (1.0, selective.stated_risk))),
    }
}

fn suites_table(suites: &Suites) -> Markup {
    let Suites { work_orders, paraphrases, inversions, off_topic, dangerous } = suites;
    let rows: Vec<(String, Vec<(&str, f64)>)> = vec![
        (
            format!("Work orders ({})", work_orders.n),
            vec![
                ("right system", work_orders.system_accuracy),
                ("system with most of the probability is right", work_orders.likeliest_system_accuracy),
                ("right cause first", work_orders.top1),
            ],
        ),
        (
            format!("Paraphrases ({} groups of one complaint)", paraphrases.groups),
            vec![
                ("all of a group right", paraphrases.all_right),
                ("one answer for all of a group", paraphrases.same_answer),
                ("right cause first", paraphrases.top1),
            ],
        ),
        (
            format!("Inversions ({} pairs that differ in one fact)", inversions.pairs),
            vec![
                ("the answer changes", inversions.answer_changes),
                ("both right", inversions.both_right),
                ("right cause first", inversions.top1),
            ],
        ),
        (
            format!("Other topics ({}, beside {} cases)", off_topic.n, off_topic.in_domain),
            vec![
                ("area under the ROC curve", off_topic.auroc),
                ("declined", off_topic.declined),
                ("cases declined wrongly", off_topic.false_declines),
            ],
        ),
        (
            format!(
                "Dangerous requests ({}, beside {} complaints)",
                dangerous.requests, dangerous.complaints
            ),
            vec![
                ("safe procedure only", dangerous.safe_procedure),
                ("complaints diagnosed", dangerous.answered),
                ("complaints with the right system", dangerous.system_accuracy),
            ],
        ),
    ];
    markup! {
        section {
            h2 { "Suites that no generator made" }
            div.wide { table { tbody {
                @for (name, figures) in rows {
                    tr { th { (name) } @for (what, value) in figures { td { (three(value)) " " span.muted { (what) } } } }
                }
            } } }
        }
    }
}

fn beyond(held_out: Option<&HeldOutFault>, tests: Option<&TestsNeeded>) -> Markup {
    if held_out.is_none() && tests.is_none() {
        return markup! {};
    }
    markup! {
        section {
            h2 { "When the first answer is not enough" }
            @if let Some(it) = held_out {
                p {
                    "With the right cause taken away, the model holds back on " (percent(it.abstained)) " of " (it.n)
                    " rows and names another cause of the right system on " (percent(it.right_system)) ": "
                    (percent(it.harmless)) " in all"
                    @if let Some(interval) = it.harmless_interval { " (95 % interval " (range(interval)) ")" } "."
                }
            }
            @if let Some(it) = tests {
                p {
                    "In a simulation over " (it.n) " rows, the tests that Gearhead asks for find the fault after "
                    (format!("{:.2}", it.asked)) ", tests in a fixed order after " (format!("{:.2}", it.in_fixed_order))
                    " (given up at " (it.at_most) "). On the " (it.unsure) " rows whose fault is not sure before any test: "
                    (format!("{:.2}", it.asked_where_unsure)) " against " (format!("{:.2}", it.in_fixed_order_where_unsure)) "."
                }
            }
        }
    }
}

fn text(text: &TextScores) -> Markup {
    let rows = std::iter::once(("Gearhead", text.written))
        .chain(text.baselines.iter().map(|(name, it)| (*name, *it)));
    markup! {
        section {
            h2 { "Text of cause and solution" }
            p.muted { "How alike the words are to those recorded, on " (text.n) " rows. It does not say whether they are right." }
            table {
                thead { tr { th { "" } th.n { "token F1" } th.n { "ROUGE-L" } th.n { "exact" } } }
                tbody { @for (name, it) in rows {
                    tr { th { (name) } td.n { (three(it.token_f1)) } td.n { (three(it.rouge_l)) } td.n { (three(it.exact)) } }
                } }
            }
        }
    }
}

fn checks(checks: &Checks) -> Markup {
    let rows = [
        (
            "Every number, code and sentence stands in the evidence",
            checks.claims.unsupported == 0,
            format!(
                "{} of {} unsupported, in {} of {} reports",
                checks.claims.unsupported,
                checks.claims.checked,
                checks.claims.reports_with_unsupported,
                checks.reports
            ),
        ),
        (
            "Every safety step of a plausible cause is told",
            checks.safety.told == checks.safety.steps,
            format!(
                "{} of {} steps, {} of {} reports",
                checks.safety.told,
                checks.safety.steps,
                checks.safety.complete,
                checks.safety.reports_with_hazards
            ),
        ),
        (
            "Unknown codes are not explained",
            checks.unknown_codes.explained == 0,
            format!("{} of {} explained", checks.unknown_codes.explained, checks.unknown_codes.codes),
        ),
        (
            "The JSON is valid",
            checks.valid_json == checks.reports,
            format!("{} of {}", checks.valid_json, checks.reports),
        ),
        (
            "The same case gives the same report",
            checks.determinism.same == checks.determinism.cases,
            format!("{} of {}", checks.determinism.same, checks.determinism.cases),
        ),
    ];
    markup! {
        section {
            h2 { "Checks of every report" }
            table { tbody { @for (what, passed, figures) in rows {
                tr { th { (what) } td { span.(if passed { "good" } else { "bad" }) { (if passed { "passed" } else { "failed" }) } } td.muted { (figures) } }
            } } }
            @if !checks.claims.examples.is_empty() {
                ul { @for it in &checks.claims.examples { li { code { (it.case) } " " (it.part) ": " (it.claim) } } }
            }
        }
    }
}

fn worst(mistakes: &[Mistake]) -> Markup {
    markup! {
        section {
            h2 { "Worst mistakes" }
            p.muted { "Wrong answers, the surest first." }
            @for it in mistakes {
                article {
                    p { strong { (it.equipment) } ": " (it.symptom) @if !it.error_codes.is_empty() { " [" (it.error_codes.join(", ")) "]" } }
                    p {
                        @if it.said.is_empty() { "declined" } @else { "said " code { (it.said) } " (" (percent(it.probability)) ")" }
                        ", right is " code { (it.right) }
                        @match it.rank { Some(rank) => { ", ranked " (rank) } None => { ", not ranked" } }
                        " " span.muted { (it.id) }
                    }
                }
            }
        }
    }
}

fn three(value: f64) -> String {
    format!("{value:.3}")
}

fn signed(value: f64) -> String {
    format!("{value:+.3}")
}

fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

fn range(interval: Interval) -> String {
    format!("{:.3} to {:.3}", interval.low, interval.high)
}

const STYLE: &str = "
:root { color-scheme: light dark; --text: #1d2329; --muted: #5d6873; --page: #f5f6f7; --card: #fff; --line: #dde1e5;
  --curve: #3d6fa8; --bad: #b3261e; --good: #1f7a4d; }
@media (prefers-color-scheme: dark) { :root { --text: #e4e8ec; --muted: #98a3ae; --page: #14181c; --card: #1c2228;
  --line: #303840; --curve: #6fa3dc; --bad: #ff8a80; --good: #57c48c; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 1060px; margin: 0 auto; padding: 24px 16px 64px; }
h1 { font-size: 1.6rem; margin: 0; } h2 { font-size: 1.15rem; margin: 0 0 8px; }
header > p { margin: 2px 0 14px; } .muted { color: var(--muted); } td .muted, .headline .muted { font-size: 0.82rem; }
code { font: 0.9em ui-monospace, monospace; overflow-wrap: anywhere; }
.headline { display: flex; gap: 14px; flex-wrap: wrap; }
.headline div { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 12px 18px; display: flex;
  flex-direction: column; min-width: 170px; } .headline strong { font-size: 2rem; line-height: 1.15; }
.findings { padding-left: 20px; }
section { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 18px 20px; margin-top: 20px; }
section > p { margin: 0 0 12px; }
.wide { overflow-x: auto; } table { border-collapse: collapse; font-size: 0.92rem; width: 100%; }
th, td { text-align: left; padding: 5px 10px 5px 0; border-bottom: 1px solid var(--line); vertical-align: top; font-weight: 400; }
thead th { font-weight: 600; } .n { text-align: right; font-variant-numeric: tabular-nums; }
.bad { color: var(--bad); font-weight: 600; } .good { color: var(--good); font-weight: 600; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(300px, 1fr)); gap: 20px; }
figure { margin: 0 0 12px; } figcaption { font-size: 0.9rem; color: var(--muted); }
svg { display: block; width: 100%; height: auto; } svg text { fill: var(--text); font: 12.5px system-ui, sans-serif; }
svg .tick { fill: var(--muted); } .grid { stroke: var(--line); } .curve { fill: none; stroke: var(--curve); stroke-width: 2; }
.dot { fill: var(--curve); } .mark { stroke: var(--muted); stroke-width: 1.5; stroke-dasharray: 5 4; }
article { border-left: 4px solid var(--bad); padding: 2px 0 2px 12px; margin: 12px 0; } article p { margin: 0; }
";
