//! Bar charts as SVG inside a page. Colours come from the page's style sheet, so that a chart follows light and dark.

use maud::{Markup, html};

/// One bar of [`bars`].
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Bar {
    /// What stands before the bar.
    pub(super) label: String,
    /// Its length.
    pub(super) value: f64,
    /// What stands after it.
    pub(super) value_in_words: String,
    /// A class of the style sheet that colours it.
    pub(super) class: &'static str,
}

const WIDTH: f64 = 720.0;
const ROW: f64 = 24.0;
const LABEL_WIDTH: f64 = 280.0;
const VALUE_WIDTH: f64 = 70.0;
/// Characters of a label that have room.
const LABEL_CHARS: usize = 42;

/// Horizontal bars, one below the other. `full` is the value of a bar over the whole width; at `mark`, if it is given,
/// stands a dashed line. A screen reader gets `title`.
pub(super) fn bars(title: &str, bars: &[Bar], full: f64, mark: Option<f64>) -> Markup {
    let height = ROW * bars.len() as f64 + 6.0;
    let room = WIDTH - LABEL_WIDTH - VALUE_WIDTH;
    let scale = |value: f64| room * (value / full.max(f64::MIN_POSITIVE)).clamp(0.0, 1.0);
    html! {
        svg viewBox=(format!("0 0 {WIDTH} {height}")) role="img" aria-label=(title) {
            @for (index, bar) in bars.iter().enumerate() {
                @let y = ROW * index as f64 + 3.0;
                @let length = scale(bar.value).max(1.5);
                g {
                    title { (bar.label) ": " (bar.value_in_words) }
                    text.label x=(LABEL_WIDTH - 8.0) y=(y + 15.0) text-anchor="end" { (shortened(&bar.label)) }
                    rect.track x=(LABEL_WIDTH) y=(y + 2.0) width=(room) height=(ROW - 6.0) rx="3" {}
                    rect.bar.(bar.class) x=(LABEL_WIDTH) y=(y + 2.0) width=(pixels(length)) height=(ROW - 6.0) rx="3" {}
                    text.value x=(WIDTH - VALUE_WIDTH + 8.0) y=(y + 15.0) { (bar.value_in_words) }
                }
            }
            @if let Some(mark) = mark {
                @let x = pixels(LABEL_WIDTH + scale(mark));
                line.mark x1=(x) x2=(x) y1="0" y2=(height) {}
            }
        }
    }
}

/// One column of [`histogram`]: the numbers from `from` up to but not including `to`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Column {
    pub(super) from: u64,
    pub(super) to: u64,
    pub(super) count: f64,
}

/// Counts over ranges of a number, as columns side by side, with the first numbers of some of them below.
pub(super) fn histogram(title: &str, columns: &[Column]) -> Markup {
    const HEIGHT: f64 = 110.0;
    const AXIS: f64 = 20.0;
    // Few columns are not blown up to fill the page.
    const MIN_PLACES: usize = 12;
    let tick_every = columns.len().div_ceil(6);
    let most = columns.iter().map(|column| column.count).fold(f64::MIN_POSITIVE, f64::max);
    let width = WIDTH / columns.len().max(MIN_PLACES) as f64;
    html! {
        svg viewBox=(format!("0 0 {WIDTH} {}", HEIGHT + AXIS)) role="img" aria-label=(title) {
            @for (index, column) in columns.iter().enumerate() {
                @let height = HEIGHT * column.count / most;
                @let x = width * index as f64;
                g {
                    title { (column.from) " to " (column.to.saturating_sub(1)) ": " (column.count.round()) }
                    rect.bar x=(pixels(x + 1.0)) y=(pixels(HEIGHT - height)) width=(pixels(width - 2.0)) height=(pixels(height)) {}
                    @if index % tick_every == 0 {
                        text.tick x=(pixels(x + 1.0)) y=(HEIGHT + 15.0) { (column.from) }
                    }
                }
            }
            line.axis x1="0" x2=(WIDTH) y1=(HEIGHT) y2=(HEIGHT) {}
        }
    }
}

fn shortened(label: &str) -> String {
    if label.chars().count() <= LABEL_CHARS {
        return label.to_owned();
    }
    let kept: String = label.chars().take(LABEL_CHARS - 1).collect();
    format!("{}…", kept.trim_end())
}

/// A tenth of a pixel is finer than any screen shows.
fn pixels(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_as_long_as_their_values_and_texts_are_escaped() {
        let bar = |label: &str, value| Bar {
            label: label.into(),
            value,
            value_in_words: format!("{value}"),
            class: "plain",
        };
        let svg = bars("a & b", &[bar("<half>", 0.5), bar("whole", 1.0)], 1.0, Some(0.25)).into_string();
        assert!(svg.contains("aria-label=\"a &amp; b\"") && svg.contains("&lt;half&gt;"), "{svg}");
        assert!(svg.contains("width=\"185\"") && svg.contains("x1=\"372.5\""), "{svg}");
    }

    #[test]
    fn columns_reach_the_top_at_the_most_frequent() {
        let column = |from, count| Column { from, to: from + 2, count };
        let svg = histogram("words", &[column(0, 5.0), column(2, 10.0)]).into_string();
        assert!(svg.contains("height=\"110\"") && svg.contains("height=\"55\""), "{svg}");
        assert!(histogram("none", &[]).into_string().contains("<svg"));
    }
}
