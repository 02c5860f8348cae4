//! The report as one page that needs nothing else: no script, no font, no network. It follows light and dark, a narrow
//! screen and paper, and holds boxes to tick off.

use gearhead_data::severity::Severity;
use maud::{Markup, html};

use super::{
    Report,
    layout::{Block, Entry, Fact, Kind, Layout, RankedCause, Section, TestEntry, Weight, percent},
};

impl Report {
    /// The report as one self-contained HTML page. Whatever a complaint says is text there, never markup.
    pub fn to_html(&self) -> String {
        page(&Layout::new(self)).into_string()
    }
}

fn page(layout: &Layout) -> Markup {
    let content = html! {
        header {
            h1 { (layout.title) }
            (facts(&layout.given))
        }
        @for section in &layout.sections { (self::section(section)) }
        footer { (layout.footer) }
    };
    gearhead_data::page::page(&format!("Diagnosis: {}", layout.title), STYLE, &content)
}

fn section(section: &Section) -> Markup {
    let urgency = match section.kind {
        Kind::Verdict(Severity::Stop) => "stop",
        Kind::Verdict(Severity::FinishAndPark) => "park",
        Kind::Verdict(Severity::Plan) => "plan",
        _ => "part",
    };
    html! {
        section id=(section.kind.name()) class=(urgency) {
            h2 { (section.title) }
            @for block in &section.blocks { (self::block(block)) }
        }
    }
}

fn block(block: &Block) -> Markup {
    html! {
        @match block {
            Block::Text(text) => { p { (text) } }
            Block::Alert(text) => { p.alert { (text) } }
            Block::Note(text) => { p.note { (text) } }
            Block::Facts(facts) => { (self::facts(facts)) }
            Block::List(texts) => { ul { @for text in texts { li { (text) } } } }
            Block::Safety(steps) => { ul.safety { @for step in steps { li { (tick(step, None)) } } } }
            Block::Entries(entries) => { ul.entries { @for entry in entries { (self::entry(entry)) } } }
            Block::Causes(causes) => { ol.causes { @for cause in causes { (self::cause(cause)) } } }
            Block::Tests(tests) => {
                @if tests.iter().any(|test| test.number.is_some()) {
                    ol.tests { @for test in tests { li { (self::test(test)) } } }
                } @else {
                    ul.tests { @for test in tests { li { (self::test(test)) } } }
                }
            }
        }
    }
}

fn facts(facts: &[Fact]) -> Markup {
    html! {
        dl { @for fact in facts { div { dt { (fact.name) } dd { (fact.value) } } } }
    }
}

fn entry(entry: &Entry) -> Markup {
    html! {
        li {
            strong { (entry.name) } ": " (entry.says)
            @for more in &entry.more { p.more { (more) } }
        }
    }
}

fn cause(cause: &RankedCause) -> Markup {
    // A tenth of a percent is finer than any screen shows.
    let length = (cause.probability.clamp(0.0, 1.0) * 1000.0).round() / 10.0;
    html! {
        li {
            div.cause {
                span.name {
                    strong { (cause.name) }
                    @if let Some(system) = &cause.system { " " span.muted { "(" (system) ")" } }
                }
                span.percent { (percent(cause.probability)) }
                // Drawn, since printers leave out backgrounds.
                svg viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true" {
                    rect.track width="100" height="8" {}
                    rect.bar width=(length.max(0.5)) height="8" {}
                }
            }
            @if !cause.findings.is_empty() {
                ul.findings {
                    @for (weight, text) in &cause.findings {
                        li.(class(*weight)) { b { (weight.words()) ":" } " " (text) }
                    }
                }
            }
        }
    }
}

const fn class(weight: Weight) -> &'static str {
    match weight {
        Weight::For => "for",
        Weight::Against => "against",
        Weight::Unknown => "unknown",
        Weight::NotIf => "not-if",
    }
}

fn test(test: &TestEntry) -> Markup {
    html! {
        (tick(&test.action, test.tag.as_deref()))
        @if !test.facts.is_empty() { (facts(&test.facts)) }
        @if !test.outcomes.is_empty() {
            ol.outcomes { @for outcome in &test.outcomes { li { (tick(outcome, None)) } } }
        }
    }
}

/// A box to tick off on the screen or on paper.
fn tick(text: &str, tag: Option<&str>) -> Markup {
    html! {
        label {
            input type="checkbox";
            span { (text) @if let Some(tag) = tag { " " code { "[" (tag) "]" } } }
        }
    }
}

pub(super) const STYLE: &str = "
:root { color-scheme: light dark; --text: #1d2329; --muted: #56616c; --page: #f3f5f7; --card: #ffffff; --line: #d5dbe1;
  --bar: #2f5f98; --track: #e6ebf0; --stop: #a81d16; --park: #7d5300; --plan: #1a6840; }
@media (prefers-color-scheme: dark) { :root { --text: #e6eaee; --muted: #a3aeb9; --page: #12161a; --card: #1b2127;
  --line: #343d46; --bar: #7fb0e6; --track: #2a333c; --stop: #ff9a91; --park: #e9bd55; --plan: #6fd3a0; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text); font: 16px/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
main { max-width: 780px; margin: 0 auto; padding: 20px 14px 48px; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 6px; } h2 { font-size: 1.1rem; margin: 0 0 8px; }
p { margin: 0 0 8px; } ul, ol { margin: 0 0 8px; padding-left: 1.6em; } li { margin: 2px 0; }
section > :last-child { margin-bottom: 0; }
section { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 14px 16px; margin-top: 14px; }
section.stop, section.park, section.plan { border-left-width: 8px; }
section.stop { border-color: var(--stop); } section.park { border-color: var(--park); } section.plan { border-color: var(--plan); }
.stop h2 { color: var(--stop); } .park h2 { color: var(--park); } .plan h2 { color: var(--plan); }
#reading { background: none; border: 0; padding: 0; margin-top: 6px; font-size: 0.92rem; } #reading h2 { font-size: 1rem; margin: 0; }
#verdict h2 { font-size: 1.35rem; } #declined { border-color: var(--park); }
.alert { font-weight: 600; color: var(--park); } .note, .muted, .more, footer { color: var(--muted); }
.note, .more, footer { font-size: 0.92rem; } .more { margin: 0; } footer { margin-top: 16px; }
dl { margin: 0 0 8px; } dl div { display: flex; gap: 0.5em; } dt { flex: none; color: var(--muted); } dt::after { content: ':'; }
dd { margin: 0; } .entries, .safety, ul.tests { list-style: none; padding-left: 0; } .entries > li { margin-bottom: 8px; }
.causes > li { margin-bottom: 10px; } .cause { display: grid; grid-template-columns: 1fr auto; gap: 0 12px; }
.percent { font-variant-numeric: tabular-nums; font-weight: 600; }
svg { grid-column: 1 / -1; display: block; width: 100%; height: 9px; } .bar { fill: var(--bar); } .track { fill: var(--track); }
.findings { list-style: none; padding-left: 0; margin: 4px 0 0; font-size: 0.95rem; } .findings b { font-weight: 600; }
.for b { color: var(--plan); } .against b { color: var(--stop); } .unknown b { color: var(--park); }
.tests > li { margin-bottom: 12px; } .tests > li > label { font-weight: 600; } .outcomes { margin-top: 4px; }
label { display: flex; gap: 0.5em; align-items: baseline; } input { flex: none; width: 1.05em; height: 1.05em; margin: 0; transform: translateY(0.15em); }
code { font: 0.85em ui-monospace, monospace; color: var(--muted); font-weight: 400; }
@media print { :root { --text: #000000; --muted: #3d3d3d; --page: #ffffff; --card: #ffffff; --line: #999999; --bar: #444444;
  --track: #e2e2e2; --stop: #8f120c; --park: #5c3d00; --plan: #0e4a2b; }
  @page { margin: 12mm; } body { font-size: 9.5pt; line-height: 1.35; } main { max-width: none; padding: 0; }
  section { border-width: 0 0 0 3px; border-radius: 0; padding: 0 0 0 8px; margin-top: 9px; }
  h2 { margin-bottom: 3px; break-after: avoid; } li, dl, p { break-inside: avoid; } svg { height: 6px; }
  li { margin: 1px 0; } .tests > li, .causes > li, .entries > li { margin-bottom: 5px; } dl, p, ul, ol { margin-bottom: 3px; } }
";
