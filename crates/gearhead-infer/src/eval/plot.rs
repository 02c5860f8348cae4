//! Plots of two numbers against each other, as SVG inside a page. Colours come from the page's style sheet, so that a plot
//! follows light and dark.

use maud::{Markup, html};

const WIDTH: f64 = 460.0;
const HEIGHT: f64 = 320.0;
const LEFT: f64 = 64.0;
const BOTTOM: f64 = 46.0;
const TOP: f64 = 12.0;
const RIGHT: f64 = 14.0;

/// A plot over shares from 0 to 1.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Plot<'a> {
    /// What a screen reader gets.
    pub(super) title: &'a str,
    pub(super) x_label: &'a str,
    pub(super) y_label: &'a str,
    /// The value at the top.
    pub(super) y_max: f64,
    /// A line through these points.
    pub(super) line: Vec<(f64, f64)>,
    /// Dots, each with its radius and what it says.
    pub(super) dots: Vec<(f64, f64, f64, String)>,
    /// A dashed line between two points.
    pub(super) dashed: Option<((f64, f64), (f64, f64))>,
}

impl Plot<'_> {
    fn x(value: f64) -> f64 {
        pixels(LEFT + (WIDTH - LEFT - RIGHT) * value.clamp(0.0, 1.0))
    }

    fn y(&self, value: f64) -> f64 {
        let share = (value / self.y_max.max(f64::MIN_POSITIVE)).clamp(0.0, 1.0);
        pixels(HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * share)
    }

    pub(super) fn to_svg(&self) -> Markup {
        let ticks = [0.0, 0.25, 0.5, 0.75, 1.0];
        let points = self.line.iter().map(|(x, y)| format!("{},{}", Self::x(*x), self.y(*y)));
        let points = points.collect::<Vec<_>>().join(" ");
        html! {
            svg viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) role="img" aria-label=(self.title) {
                @for tick in ticks {
                    @let (x, y) = (Self::x(tick), self.y(tick * self.y_max));
                    line.grid x1=(x) x2=(x) y1=(TOP) y2=(HEIGHT - BOTTOM) {}
                    line.grid x1=(LEFT) x2=(WIDTH - RIGHT) y1=(y) y2=(y) {}
                    text.tick x=(x) y=(HEIGHT - BOTTOM + 16.0) text-anchor="middle" { (tick) }
                    text.tick x=(LEFT - 6.0) y=(y + 4.0) text-anchor="end" { (short(tick * self.y_max)) }
                }
                text x=(LEFT + (WIDTH - LEFT - RIGHT) / 2.0) y=(HEIGHT - 8.0) text-anchor="middle" { (self.x_label) }
                text transform=(format!("translate(13 {}) rotate(-90)", (HEIGHT - BOTTOM) / 2.0)) text-anchor="middle" {
                    (self.y_label)
                }
                @if let Some((from, to)) = self.dashed {
                    line.mark x1=(Self::x(from.0)) y1=(self.y(from.1)) x2=(Self::x(to.0)) y2=(self.y(to.1)) {}
                }
                polyline.curve points=(points) {}
                @for (x, y, radius, says) in &self.dots {
                    circle.dot cx=(Self::x(*x)) cy=(self.y(*y)) r=(pixels(*radius)) { title { (says) } }
                }
            }
        }
    }
}

fn short(value: f64) -> String {
    format!("{value:.3}").trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A tenth of a pixel is finer than any screen shows.
fn pixels(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_stand_where_their_values_say_and_texts_are_escaped() {
        let plot = Plot {
            title: "a & b",
            x_label: "x",
            y_label: "<y>",
            y_max: 0.5,
            line: vec![(0.0, 0.0), (1.0, 0.5)],
            dots: vec![(0.5, 0.25, 3.0, "half".into())],
            dashed: Some(((0.0, 0.0), (1.0, 0.5))),
        };
        let svg = plot.to_svg().into_string();
        assert!(svg.contains("points=\"64,274 446,12\""), "{svg}");
        assert!(svg.contains("cx=\"255\" cy=\"143\" r=\"3\""), "{svg}");
        assert!(svg.contains("aria-label=\"a &amp; b\"") && svg.contains("&lt;y&gt;"), "{svg}");
        assert!(svg.contains(">0.125<") && svg.contains(">0.5<"), "{svg}");
    }
}
