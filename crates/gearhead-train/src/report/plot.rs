//! Curves over steps, as SVG inside a page. Colours come from the page's style sheet, so that a plot follows light and
//! dark, and so do the values that show where the pointer is: there is no script.

use maud::{Markup, html};

use super::{
    axis::Axis,
    series::{is_drawable, thin},
    words::{grouped, significant},
};

const LEFT: f64 = 58.0;
const RIGHT: f64 = 22.0;
const TOP: f64 = 38.0;
const BOTTOM: f64 = 40.0;
/// Of a character, about.
const CHAR: f64 = 7.0;
/// Width of a stretch that shows its values under the pointer.
const BAND: f64 = 9.0;
/// The most incidents, and the most values that are not finite, that are marked.
const MAX_MARKS: usize = 60;

/// How large a plot is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Size {
    /// Over the whole page.
    Wide,
    /// Beside another.
    Half,
}

impl Size {
    fn pixels(self) -> (f64, f64) {
        match self {
            Self::Wide => (1000.0, 360.0),
            Self::Half => (490.0, 250.0),
        }
    }
}

/// Where the vertical axis begins, and how it is divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Vertical {
    /// At zero.
    FromZero,
    /// At the lowest value, with a logarithmic scale where the values span orders of magnitude.
    AsValuesAsk,
}

/// How a curve looks: a class of the style sheet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    /// Thin and pale.
    Raw,
    /// A strong line.
    Strong,
    /// A line with dots.
    Dots,
}

impl Look {
    fn class(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Strong => "strong",
            Self::Dots => "dots",
        }
    }
}

/// A curve over steps.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Curve {
    /// Its name in the legend.
    pub(super) name: &'static str,
    pub(super) look: Look,
    /// Steps and values, in order of steps. It is broken where a value is not finite.
    pub(super) points: Vec<(f64, f64)>,
}

/// A plot over steps.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Plot {
    /// What is shown, with its unit.
    pub(super) title: String,
    pub(super) size: Size,
    pub(super) vertical: Vertical,
    pub(super) curves: Vec<Curve>,
    /// A dashed line at a value, with what it says.
    pub(super) level: Option<(f64, String)>,
    /// A ring around a point, with what it says.
    pub(super) best: Option<(f64, f64, String)>,
    /// Dashed lines at steps, each with what it says.
    pub(super) marks: Vec<(f64, String)>,
}

impl Plot {
    /// The plot as an `svg` element, or a line that there is nothing to draw.
    pub(super) fn to_svg(&self) -> Markup {
        let curves: Vec<Curve> =
            self.curves.iter().map(|curve| Curve { points: thin(&curve.points), ..curve.clone() }).collect();
        let values = || curves.iter().flat_map(|curve| &curve.points);
        let drawable = values().map(|point| point.1).filter(|value| is_drawable(*value));
        let drawable: Vec<f64> = drawable.chain(self.level.iter().map(|level| level.0)).collect();
        if values().next().is_none() {
            return html! { figure.plot { p.empty { (self.title) ": nothing recorded." } } };
        }
        let (width, height) = self.size.pixels();
        let class = if self.size == Size::Wide { "large" } else { "small" };
        let (right, bottom) = (width - RIGHT, height - BOTTOM);
        let x = Axis::of_steps(values().map(|point| point.0), (width / 110.0) as usize, LEFT, right);
        let y = match self.vertical {
            Vertical::FromZero => Axis::from_zero(&drawable, bottom, TOP),
            Vertical::AsValuesAsk => Axis::as_values_ask(&drawable, bottom, TOP),
        };
        let gaps: Vec<(f64, f64)> = values().filter(|point| !is_drawable(point.1)).copied().collect();
        let spread = |n: usize| n.div_ceil(MAX_MARKS).max(1);
        html! {
            figure.plot {
                svg.(class) viewBox=(format!("0 0 {width} {height}")) role="img" aria-label=(self.title) {
                    text.title x="2" y="15" { (self.title) }
                    (legend(&curves, !gaps.is_empty(), right))
                    @for (value, label) in y.ticks() {
                        @let at = y.pixel(*value);
                        line.grid x1=(LEFT) x2=(right) y1=(at) y2=(at) {}
                        text.tick x=(LEFT - 8.0) y=(at + 4.0) text-anchor="end" { (label) }
                    }
                    @for (step, label) in x.ticks() {
                        @let at = x.pixel(*step);
                        line.axis x1=(at) x2=(at) y1=(bottom) y2=(bottom + 4.0) {}
                        @let middle = at.min(tenth(width - label.len() as f64 * CHAR / 2.0));
                        text.tick x=(middle) y=(bottom + 18.0) text-anchor="middle" { (label) }
                    }
                    @if y.is_logarithmic() { text.tick x="2" y=(height - 6.0) { "log scale" } }
                    line.axis x1=(LEFT) x2=(right) y1=(bottom) y2=(bottom) {}
                    text.tick x=(f64::midpoint(LEFT, right)) y=(height - 6.0) text-anchor="middle" { "step" }
                    @for (step, says) in self.marks.iter().step_by(spread(self.marks.len())) {
                        line.mark x1=(x.pixel(*step)) x2=(x.pixel(*step)) y1=(TOP) y2=(bottom) { title { (says) } }
                    }
                    @for curve in &curves { (line(curve, &x, &y)) }
                    @if let Some((value, says)) = &self.level {
                        line.level x1=(LEFT) x2=(right) y1=(y.pixel(*value)) y2=(y.pixel(*value)) {}
                        text.tick.halo x=(right - 4.0) y=(y.pixel(*value) + 15.0) text-anchor="end" { (says) }
                    }
                    @for (step, value) in gaps.iter().step_by(spread(gaps.len())) {
                        text.gap x=(x.pixel(*step)) y=(TOP + 10.0) text-anchor="middle" {
                            "×" title { "step " (grouped(*step)) ": " (value) }
                        }
                    }
                    @if let Some((step, value, says)) = &self.best { (ring((x.pixel(*step), y.pixel(*value)), says, right)) }
                    (bands(&curves, &x, &y, (right, bottom)))
                }
            }
        }
    }
}

/// The names of the curves, to the right of the title.
fn legend(curves: &[Curve], has_gaps: bool, right: f64) -> Markup {
    let mut entries: Vec<(&str, &str)> =
        curves.iter().map(|curve| (curve.look.class(), curve.name)).collect();
    if has_gaps {
        entries.push(("gap", "not finite"));
    }
    if entries.len() < 2 {
        return html! {};
    }
    let mut left = right;
    let mut placed = Vec::with_capacity(entries.len());
    for (class, name) in entries.into_iter().rev() {
        left -= name.len() as f64 * (CHAR - 0.8) + 46.0;
        placed.push((class, name, left));
    }
    html! {
        g.legend {
            @for (class, name, left) in placed {
                @if class == "gap" { text.gap x=(tenth(left + 12.0)) y="15" text-anchor="middle" { "×" } }
                @else { line.(class) x1=(tenth(left)) x2=(tenth(left + 20.0)) y1="11" y2="11" {} }
                @if class == "dots" { circle.dot cx=(tenth(left + 10.0)) cy="11" r="3.2" {} }
                text.tick x=(tenth(left + 26.0)) y="15" { (name) }
            }
        }
    }
}

/// A curve, in as many pieces as its gaps make.
fn line(curve: &Curve, x: &Axis, y: &Axis) -> Markup {
    let class = curve.look.class();
    let pieces = curve.points.split(|point| !is_drawable(point.1)).filter(|piece| !piece.is_empty());
    let dots = curve.look == Look::Dots && curve.points.len() <= 80;
    html! {
        @for piece in pieces {
            @if let [(step, value)] = piece {
                circle.dot.(class) cx=(x.pixel(*step)) cy=(y.pixel(*value)) r="3" {}
            } @else {
                @let points: Vec<String> = piece.iter().map(|(step, value)| format!("{},{}", x.pixel(*step), y.pixel(*value))).collect();
                polyline.(class) points=(points.join(" ")) {}
                @if dots {
                    @for (step, value) in piece { circle.dot.(class) cx=(x.pixel(*step)) cy=(y.pixel(*value)) r="3" {} }
                }
            }
        }
    }
}

fn ring((x, y): (f64, f64), says: &str, right: f64) -> Markup {
    let half = says.chars().count() as f64 * CHAR / 2.0;
    let text = x.clamp(LEFT + half, (right - half).max(LEFT + half));
    html! {
        circle.best cx=(x) cy=(y) r="6" {}
        text.best.halo x=(tenth(text)) y=(tenth(y - 13.0)) text-anchor="middle" { (says) }
    }
}

/// Stretches that show the values below the pointer in the place of the legend.
fn bands(curves: &[Curve], x: &Axis, y: &Axis, (right, bottom): (f64, f64)) -> Markup {
    let n_bands = ((right - LEFT) / BAND) as usize;
    let width = (right - LEFT) / n_bands as f64;
    let nearest = |curve: &Curve, at: f64| {
        let points = curve.points.iter().filter(|point| is_drawable(point.1));
        points.copied().min_by(|a, b| (x.pixel(a.0) - at).abs().total_cmp(&(x.pixel(b.0) - at).abs()))
    };
    let band = |index: usize| {
        let middle = LEFT + (index as f64 + 0.5) * width;
        let points: Vec<(&str, (f64, f64))> =
            curves.iter().filter_map(|curve| Some((curve.name, nearest(curve, middle)?))).collect();
        // Only what is under the pointer: not beyond the ends of the curves.
        let (_, (step, _)) = points.iter().min_by(|a, b| {
            let distance = |it: &(&str, (f64, f64))| (x.pixel(it.1.0) - middle).abs();
            distance(a).total_cmp(&distance(b))
        })?;
        let says: Vec<String> =
            points.iter().map(|(name, (_, value))| format!("{name} {}", significant(*value))).collect();
        Some(html! {
            g.band {
                rect x=(tenth(LEFT + index as f64 * width)) y=(TOP) width=(tenth(width)) height=(bottom - TOP) {}
                line.at x1=(x.pixel(*step)) x2=(x.pixel(*step)) y1=(TOP) y2=(bottom) {}
                @for (_, (step, value)) in &points { circle.at cx=(x.pixel(*step)) cy=(y.pixel(*value)) r="3.5" {} }
                text.at x=(right) y="15" text-anchor="end" { "step " (grouped(*step)) ": " (says.join(", ")) }
            }
        })
    };
    html! { @for band in (0..n_bands).filter_map(band) { (band) } }
}

/// A tenth of a pixel is finer than any screen shows.
pub(super) fn tenth(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}
