//! The page: one file that needs nothing else, no script, no font, no network.

use gearhead_data::page::page;
use maud::{Markup, html as markup};

use super::{
    IncidentKind, MemoryPlan, Report, Sample,
    history::History,
    plot::{Curve, Look, Plot, Size, Vertical},
    series::{smooth, window},
    summary::{findings, summary},
    words::{duration, error_percent, flop_rate, grouped, number, of, significant, size, unit},
};

/// The most rows of a table.
const MAX_ROWS: usize = 100;

/// The report as HTML. Whatever a case or a file says is text there, never markup.
pub fn html(report: &Report<'_>) -> String {
    let history = History::of(report);
    let content = markup! {
        (heading(report, &history))
        @if !history.steps.is_empty() || !history.evaluations.is_empty() { (curves(report, &history)) }
        @if !report.incidents.is_empty() { (incidents(report)) }
        @if let Some(plan) = report.memory { (memory(plan)) }
        @if !report.samples.is_empty() { (samples(report.samples)) }
        @if !history.evaluations.is_empty() { (evaluations(&history)) }
        (again(report))
        (configuration(report))
    };
    page(&format!("Training of {}", report.title), STYLE, &content).into_string()
}

fn heading(report: &Report<'_>, history: &History<'_>) -> Markup {
    markup! {
        header {
            h1 { "Training of " code { (report.title) } }
            p.summary { (summary(report, history)) }
            p.muted {
                (report.device) " · " (report.date) " · Gearhead " (report.gearhead) " · Burn " (report.burn) " · seed " (report.seed)
            }
            @if let Some(last) = history.steps.last() {
                div.headline {
                    @if let Some(best) = history.best {
                        (figure(
                            "best validation loss",
                            &significant(best.validation_loss),
                            &format!("step {}, perplexity {}", grouped(best.step as f64), significant(best.validation_loss.exp()))
                        ))
                    }
                    @let losses = history.of_steps(|step| step.loss);
                    @let (name, loss) = smooth(&losses).last().map_or(("last training loss", last.loss), |(_, loss)| ("training loss", *loss));
                    (figure(name, &number(loss), &mean_of(losses.len())))
                    (figure("time", &duration(history.seconds), &format!("{} tokens", grouped(history.tokens))))
                    @if let Some(speed) = history.tokens_per_second {
                        @let targets: f64 = history.steps.iter().map(|step| step.target_tokens as f64).sum();
                        (figure(
                            "tokens per second",
                            &grouped(speed),
                            &format!("{:.0} % of them targets", 100.0 * targets / history.tokens.max(1.0))
                        ))
                    }
                    @if let Some(flops) = history.flops_per_second {
                        (figure(
                            "of the device's best speed",
                            &format!("{:.0} %", 100.0 * flops / report.peak_flops),
                            &format!("{} of {} in matrix products", flop_rate(flops), flop_rate(report.peak_flops))
                        ))
                    }
                    @if let Some(bytes) = history.peak_bytes(report) { (figure("peak memory", &size(bytes), "")) }
                }
            }
            @let findings = findings(report, history);
            @if !findings.is_empty() { ul.findings { @for finding in findings { li { (finding) } } } }
        }
    }
}

fn figure(name: &str, value: &str, more: &str) -> Markup {
    markup! { div { strong { (value) } span { (name) } @if !more.is_empty() { span.muted { (more) } } } }
}

fn mean_of(n_points: usize) -> String {
    window(n_points).map_or_else(String::new, |window| {
        format!("mean of the last {} steps", grouped((window / 2 + 1) as f64))
    })
}

fn curves(report: &Report<'_>, history: &History<'_>) -> Markup {
    markup! {
        section {
            h2 { "Loss" }
            (loss(report, history).to_svg())
            p.muted {
                @match window(history.steps.len()) {
                    Some(window) => {
                        "Pale: the loss of each step, before it. Strong: the mean of " (grouped(window as f64)) " steps around it."
                    }
                    None => "The line is the loss of each step, before it.",
                }
                @if history.best.is_some() { " The ring is the lowest loss of the validation cases." }
                @if !report.incidents.is_empty() { " Dashed: incidents, which are listed below." }
                " Point at a plot to read its values."
            }
        }
        section {
            h2 { "Optimizer, speed and memory" }
            div.pair {
                (Plot {
                    title: "Learning rate".into(),
                    vertical: Vertical::FromZero,
                    curves: vec![Curve {
                        name: "learning rate", look: Look::Strong, points: history.of_steps(|step| step.learning_rate)
                    }],
                    ..plot()
                }.to_svg())
                (Plot {
                    title: "Gradient norm".into(),
                    curves: raw_and_mean(history.of_steps(|step| step.grad_norm)),
                    ..plot()
                }.to_svg())
                (Plot {
                    title: "Tokens per second".into(),
                    vertical: Vertical::FromZero,
                    curves: raw_and_mean(history.speed.clone()),
                    ..plot()
                }.to_svg())
                (resident(report, history).to_svg())
            }
            p.muted.below { "The gradient norm is that before clipping. Evaluations do not count in tokens per second." }
        }
    }
}

fn plot() -> Plot {
    Plot {
        title: String::new(),
        size: Size::Half,
        vertical: Vertical::AsValuesAsk,
        curves: Vec::new(),
        level: None,
        best: None,
        marks: Vec::new(),
    }
}

/// The values of each step, pale, below their running mean; only the values where there are few.
fn raw_and_mean(points: Vec<(f64, f64)>) -> Vec<Curve> {
    let mean = smooth(&points);
    if mean.is_empty() {
        return vec![Curve { name: "each step", look: Look::Strong, points }];
    }
    vec![
        Curve { name: "each step", look: Look::Raw, points },
        Curve { name: "mean", look: Look::Strong, points: mean },
    ]
}

fn loss(report: &Report<'_>, history: &History<'_>) -> Plot {
    let mut curves = raw_and_mean(history.of_steps(|step| step.loss));
    if !history.evaluations.is_empty() {
        let points = history.evaluations.iter().map(|it| (it.step as f64, it.validation_loss)).collect();
        curves.push(Curve { name: "validation", look: Look::Dots, points });
    }
    let last = history.steps.last().map_or(0, |step| step.step);
    Plot {
        title: "Loss per target token, in nats".into(),
        size: Size::Wide,
        curves,
        best: history.best.map(|best| {
            let says =
                format!("best {} at step {}", significant(best.validation_loss), grouped(best.step as f64));
            (best.step as f64, best.validation_loss, says)
        }),
        marks: report
            .incidents
            .iter()
            .filter(|incident| incident.step <= last)
            .map(|incident| {
                (incident.step as f64, format!("step {}: {}", grouped(incident.step as f64), incident.text))
            })
            .collect(),
        ..plot()
    }
}

fn resident(report: &Report<'_>, history: &History<'_>) -> Plot {
    let bytes: Vec<(usize, u64)> =
        history.steps.iter().filter_map(|step| Some((step.step, step.resident_bytes?))).collect();
    let predicted = report.memory.map(|plan| plan.predicted_peak_bytes);
    let most = bytes.iter().map(|(_, bytes)| *bytes).chain(predicted).max().unwrap_or(0);
    let (unit, name) = unit(most);
    let points = bytes.iter().map(|(step, bytes)| (*step as f64, *bytes as f64 / unit)).collect();
    Plot {
        title: if bytes.is_empty() {
            "Memory of the process".into()
        } else {
            format!("Memory of the process, {name}")
        },
        vertical: Vertical::FromZero,
        curves: vec![Curve { name: "memory", look: Look::Strong, points }],
        level: predicted.map(|bytes| (bytes as f64 / unit, format!("predicted peak {}", size(bytes)))),
        ..plot()
    }
}

fn incidents(report: &Report<'_>) -> Markup {
    let shown = &report.incidents[..report.incidents.len().min(MAX_ROWS)];
    let more = report.incidents.len() - shown.len();
    markup! {
        section {
            h2 { "Incidents" }
            div.wide { table.incidents {
                thead { tr { th.n { "step" } th { "what" } th { "" } } }
                tbody {
                    @for incident in shown {
                        @let (class, kind) = match incident.kind {
                            IncidentKind::Resumed => ("good", "resumed"),
                            IncidentKind::SkippedBatch => ("bad", "skipped batch"),
                            IncidentKind::Diverged => ("bad", "diverged"),
                        };
                        tr { td.n { (grouped(incident.step as f64)) } td { span.(class) { (kind) } } td { (incident.text) } }
                    }
                }
            } }
            @if more > 0 { p.muted.below { "And " (grouped(more as f64)) " more." } }
        }
    }
}

fn memory(plan: &MemoryPlan) -> Markup {
    let sum: u64 = plan.parts.iter().map(|(_, bytes)| bytes).sum();
    let share = |bytes: u64| 100.0 * bytes as f64 / sum.max(1) as f64;
    markup! {
        section {
            h2 { "Memory: planned and measured" }
            div.wide { table {
                thead { tr { th { "part" } th.n { "bytes" } th.n { "share" } th.bars { "" } } }
                tbody {
                    @for (name, bytes) in &plan.parts {
                        tr {
                            th { (name) } td.n { (size(*bytes)) } td.n { (format!("{:.1} %", share(*bytes))) }
                            td.bars { div.bar style=(format!("width: {:.1}%", share(*bytes))) {} }
                        }
                    }
                    tr.total { th { "predicted peak" } td.n { (size(plan.predicted_peak_bytes)) } td {} td {} }
                    tr {
                        th { "measured peak" }
                        @match plan.measured_peak_bytes {
                            Some(measured) => {
                                td.n { (size(measured)) } td {}
                                td { "the prediction was off by " strong { (format!("{:+.1} %", error_percent(plan.predicted_peak_bytes, measured))) } }
                            }
                            None => { td.n { "–" } td {} td.muted { "the system does not tell" } }
                        }
                    }
                }
            } }
        }
    }
}

fn samples(samples: &[Sample]) -> Markup {
    markup! {
        section {
            h2 { "Samples" }
            p.muted { "What the model wrote before the training, and what it writes after it." }
            @for sample in samples {
                article {
                    pre.prompt { (sample.prompt) }
                    div.answers {
                        (answer("expected", Some(&sample.expected)))
                        (answer("before", sample.before.as_deref()))
                        (answer("after", sample.after.as_deref()))
                    }
                }
            }
        }
    }
}

fn answer(when: &str, text: Option<&str>) -> Markup {
    markup! {
        div {
            h3 { (when) }
            @match text {
                Some(text) if text.trim().is_empty() => { p.muted { "nothing" } }
                Some(text) => { pre { (text) } }
                None => { p.muted { "not asked" } }
            }
        }
    }
}

fn evaluations(history: &History<'_>) -> Markup {
    // Of a long history the last.
    let shown = &history.evaluations[history.evaluations.len().saturating_sub(MAX_ROWS)..];
    let best = history.best.map(|best| best.step);
    markup! {
        section {
            h2 { "Evaluations" }
            details {
                summary { "The " (if shown.len() < history.evaluations.len() { "last " } else { "" }) (of(shown.len(), "evaluation")) }
                div.wide { table {
                    thead { tr { th.n { "step" } th.n { "validation loss" } th.n { "perplexity" } th.n { "time" } th { "" } } }
                    tbody {
                        @for it in shown {
                            tr {
                                td.n { (grouped(it.step as f64)) } td.n { (number(it.validation_loss)) }
                                td.n { (number(it.validation_loss.exp())) } td.n { (duration(it.seconds)) }
                                td {
                                    @if best == Some(it.step) { span.good { "best" } }
                                    @else if it.is_best { span.muted { "best so far" } }
                                }
                            }
                        }
                    }
                } }
            }
        }
    }
}

fn again(report: &Report<'_>) -> Markup {
    markup! {
        section {
            h2 { "To do it again" }
            pre.command { (report.command) }
            div.wide { table { tbody {
                tr { th { "device" } td { (report.device) } }
                tr { th { "begun" } td { (report.date) } }
                tr { th { "versions" } td { "Gearhead " (report.gearhead) ", Burn " (report.burn) } }
                tr { th { "seed" } td { (report.seed) } }
                @for file in report.data_files {
                    tr { th { code { (file.name) } } td { span.muted { "XXH3 " } code { (file.xxh3) } } }
                }
            } } }
        }
    }
}

fn configuration(report: &Report<'_>) -> Markup {
    markup! {
        section {
            h2 { "Configuration" }
            p.muted { "With every default filled in." }
            pre.config { (report.config.trim_end()) }
        }
    }
}

const STYLE: &str = "
:root { color-scheme: light; --text: #1d2329; --muted: #5d6873; --page: #f5f6f7; --card: #fff; --line: #dde1e5; --grid: #eceff2;
  --curve: #2f66a8; --raw: #a9c3e2; --validation: #c05a00; --bad: #b3261e; --good: #1f7a4d; --inset: #f2f4f6; }
@media screen and (prefers-color-scheme: dark) { :root { color-scheme: dark; --text: #e4e8ec; --muted: #98a3ae; --page: #14181c;
  --card: #1c2228; --line: #303840; --grid: #282f37; --curve: #7db1ea; --raw: #3a5878; --validation: #f0a35e; --bad: #ff8a80;
  --good: #57c48c; --inset: #242b33; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 1060px; margin: 0 auto; padding: 24px 16px 64px; }
h1 { font-size: 1.6rem; margin: 0; } h2 { font-size: 1.15rem; margin: 0 0 10px; }
h3 { font-size: 0.82rem; margin: 0 0 4px; color: var(--muted); font-weight: 600; }
header p { margin: 4px 0; } .summary { font-size: 1.08rem; } .muted { color: var(--muted); } header .muted { font-size: 0.92rem; }
code, pre { font: 0.88em/1.5 ui-monospace, monospace; overflow-wrap: anywhere; }
.headline { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 14px; margin-top: 16px; }
.headline div { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 12px 14px; display: flex;
  flex-direction: column; } .headline strong { font-size: 1.5rem; line-height: 1.3; white-space: nowrap; } .headline .muted { font-size: 0.82rem; }
.findings { padding-left: 20px; margin: 14px 0 0; }
section { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 18px 20px; margin-top: 20px; }
section > p { margin: 0 0 10px; font-size: 0.92rem; }
section > .below { margin: 10px 0 0; }
.wide { overflow-x: auto; } table { border-collapse: collapse; font-size: 0.92rem; width: 100%; }
th, td { text-align: left; padding: 5px 14px 5px 0; border-bottom: 1px solid var(--line); vertical-align: top; font-weight: 400; }
tr:last-child > * { border-bottom: 0; } thead th { font-weight: 600; } .total > * { font-weight: 600; }
.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.bars { width: 50%; } .bar { background: var(--curve); height: 12px; margin-top: 5px; border-radius: 2px; min-width: 1px; }
.incidents th:first-child { width: 4.5rem; } .incidents th:nth-child(2) { width: 8.5rem; }
.bad { color: var(--bad); font-weight: 600; } .good { color: var(--good); font-weight: 600; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 420px), 1fr)); gap: 22px 26px; }
figure { margin: 0; min-width: 0; overflow-x: auto; } .large { min-width: 640px; } .empty { color: var(--muted); font-size: 0.92rem; margin: 0; }
pre { background: var(--inset); border-radius: 6px; padding: 10px 12px; margin: 0; white-space: pre-wrap; }
.command { margin-bottom: 12px; user-select: all; } .config { max-height: 30rem; overflow: auto; }
article { margin: 16px 0 0; padding-top: 14px; border-top: 1px solid var(--line); } section > article:first-of-type { border: 0; margin: 0; padding: 0; }
.prompt { background: none; border-left: 4px solid var(--curve); border-radius: 0; padding: 2px 12px; margin-bottom: 10px; }
.answers { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 240px), 1fr)); gap: 12px; } .answers p { margin: 0; }
summary { cursor: pointer; color: var(--muted); font-size: 0.92rem; } details table { margin-top: 8px; max-width: 640px; }
svg { display: block; width: 100%; height: auto; } svg text { fill: var(--text); font: 12px system-ui, sans-serif; }
svg .title { font-size: 13.5px; font-weight: 600; } svg .tick { fill: var(--muted); font-weight: 400; font-size: 12px; }
.grid { stroke: var(--grid); } .axis { stroke: var(--muted); } .mark { stroke: var(--muted); stroke-dasharray: 2 3; }
.level { stroke: var(--validation); stroke-width: 1.5; stroke-dasharray: 7 4; }
polyline { fill: none; stroke-linejoin: round; } .raw { stroke: var(--raw); stroke-width: 1; }
.strong { stroke: var(--curve); stroke-width: 2; } .dots { stroke: var(--validation); stroke-width: 1.5; }
.dot { stroke: none; fill: var(--validation); } .dot.strong { fill: var(--curve); } .dot.raw { fill: var(--raw); }
circle.best { fill: none; stroke: var(--good); stroke-width: 2.5; }
svg text.best { fill: var(--good); font-weight: 600; }
svg .halo { paint-order: stroke; stroke: var(--card); stroke-width: 4px; }
svg .gap { fill: var(--bad); font-size: 15px; font-weight: 600; }
.band rect { fill: transparent; } .band .at { visibility: hidden; pointer-events: none; } .band:hover .at { visibility: visible; }
line.at { stroke: var(--muted); } circle.at { fill: var(--text); stroke: var(--card); stroke-width: 1.5; }
svg:has(.band:hover) .legend { visibility: hidden; }
@media print { body { background: none; font-size: 12px; } main { max-width: none; padding: 0; } .band { display: none; }
  section { break-inside: avoid; border: 0; padding: 0; } .config { max-height: none; } .large { min-width: 0; }
  .headline { grid-template-columns: repeat(auto-fit, minmax(100px, 1fr)); gap: 8px; } .headline strong { font-size: 1.2rem; } .headline div { padding: 8px 10px; }
  .pair { grid-template-columns: 1fr 1fr; } .answers { grid-template-columns: repeat(3, 1fr); } section:has(.config) { break-inside: auto; } }
";
