//! What is drawn on a page, and where: glyphs and ruled lines.
//!
//! The page is drawn to a device that takes notes. Places are in points from the top left corner of the page as it is
//! shown.

use std::{
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    time::{Duration, Instant},
};

use hayro_interpret::{
    BlendMode, ClipPath, Context, Device, DrawMode, DrawProps, Image, ImageDrawProps, InterpreterCache,
    InterpreterSettings, SoftMask, TransformExt,
    font::{Glyph, GlyphRun},
    hayro_cmap::BfString,
    hayro_syntax::{Pdf, page::Page},
    interpret_page,
    kurbo::{Affine, BezPath, PathSeg, Point, Rect},
};

/// Glyph outlines and advances have this many units to the font size.
const UNITS_PER_EM: f64 = 1000.0;
/// A page with more is no page of a manual; a small file can ask for any number.
const MAX_GLYPHS: usize = 200_000;
const MAX_RULES: usize = 20_000;
/// A page that takes longer is given up.
const MAX_PAGE_TIME: Duration = Duration::from_secs(20);
/// Lines that are shorter, in points, rule nothing.
const MIN_RULE: f64 = 12.0;
/// Filled boxes that are thinner, in points, are lines.
const MAX_RULE_THICKNESS: f64 = 2.5;

/// A character or a few, as the font drew them.
#[derive(Debug, Clone)]
pub(super) struct Mark {
    pub(super) text: String,
    pub(super) x0: f64,
    pub(super) x1: f64,
    /// The baseline.
    pub(super) y: f64,
    /// The font size.
    pub(super) size: f64,
}

/// A straight line: level if `y0 == y1`, else upright.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Rule {
    pub(super) x0: f64,
    pub(super) y0: f64,
    pub(super) x1: f64,
    pub(super) y1: f64,
}

impl Rule {
    pub(super) fn is_level(&self) -> bool {
        self.y1 - self.y0 < self.x1 - self.x0
    }
}

/// Everything that is drawn on a page.
#[derive(Debug, Default)]
pub(super) struct Drawn {
    pub(super) marks: Vec<Mark>,
    pub(super) rules: Vec<Rule>,
    pub(super) has_image: bool,
    pub(super) height: f64,
}

/// Draws one page.
///
/// # Errors
///
/// Says why it was given up, to stand after "page 7". A panic of the third-party reader is such a reason: one damaged page must not cost the
/// rest of the manual, and the reader has no other way to be stopped in the middle of a page.
pub(super) fn draw(pdf: &Pdf, page: &Page<'_>) -> Result<Drawn, String> {
    let mut notes = Notes { drawn: Drawn::default(), started: Instant::now() };
    let (width, height) = page.render_dimensions();
    notes.drawn.height = f64::from(height);
    let drawing = catch_unwind(AssertUnwindSafe(|| {
        let cache = InterpreterCache::new();
        let bounds = Rect::new(0.0, 0.0, f64::from(width), f64::from(height));
        let transform = page.initial_transform(true).to_kurbo();
        let mut context = Context::new(transform, bounds, &cache, pdf.xref(), InterpreterSettings::default());
        interpret_page(page, &mut context, &mut notes);
    }));
    match drawing {
        Ok(()) => Ok(notes.drawn),
        Err(panic) => Err(match panic.downcast_ref::<GivenUp>() {
            Some(GivenUp(reason)) => (*reason).to_owned(),
            None => "is damaged".to_owned(),
        }),
    }
}

struct Notes {
    drawn: Drawn,
    started: Instant,
}

/// Thrown to leave a page in the middle.
struct GivenUp(&'static str);

impl Notes {
    fn give_up(reason: &'static str) -> ! {
        // Unlike a panic, this does not call the hook that prints.
        resume_unwind(Box::new(GivenUp(reason)))
    }

    fn check_time(&self) {
        if self.started.elapsed() > MAX_PAGE_TIME {
            Self::give_up("takes too long to draw");
        }
    }

    fn glyph(&mut self, glyph: &Glyph<'_>, transform: Affine) {
        let advance = match glyph {
            Glyph::Outline(glyph) => glyph.advance_width(),
            Glyph::Type3(glyph) => glyph.advance_width(),
        };
        let origin = transform * Point::ZERO;
        let size = (transform * Point::new(0.0, UNITS_PER_EM) - origin).hypot();
        let end = transform * Point::new(f64::from(advance.unwrap_or(0.0)), 0.0);
        let right = transform * Point::new(UNITS_PER_EM, 0.0) - origin;
        // Text that is turned, a watermark or a label along a margin, belongs to no line.
        let is_level = right.x > 0.0 && right.y.abs() < 0.05 * right.x;
        let is_placed = origin.is_finite() && end.is_finite() && size >= 1.0;
        if !(is_level && is_placed) {
            return;
        }
        let text = match glyph.as_unicode() {
            Some(BfString::Char(char)) => char.to_string(),
            Some(BfString::String(text)) => text,
            None => char::REPLACEMENT_CHARACTER.to_string(),
        };
        if self.drawn.marks.len() >= MAX_GLYPHS {
            Self::give_up("has more characters than a page can have");
        }
        self.drawn.marks.push(Mark {
            text: spelled_out(&text),
            x0: origin.x,
            x1: end.x.max(origin.x),
            y: origin.y,
            size,
        });
    }

    fn rule(&mut self, a: Point, b: Point) {
        let box_ = Rect::from_points(a, b);
        let is_level = box_.height() < 1.0 && box_.width() >= MIN_RULE;
        let is_upright = box_.width() < 1.0 && box_.height() >= MIN_RULE / 2.0;
        if (is_level || is_upright) && self.drawn.rules.len() < MAX_RULES {
            self.drawn.rules.push(Rule { x0: box_.x0, y0: box_.y0, x1: box_.x1, y1: box_.y1 });
        }
    }
}

/// Ligatures as their letters, odd spaces as spaces, odd hyphens as hyphens.
fn spelled_out(text: &str) -> String {
    let mut spelled = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '\u{FB00}' => spelled.push_str("ff"),
            '\u{FB01}' => spelled.push_str("fi"),
            '\u{FB02}' => spelled.push_str("fl"),
            '\u{FB03}' => spelled.push_str("ffi"),
            '\u{FB04}' => spelled.push_str("ffl"),
            '\u{AD}' | '\u{2010}' | '\u{2011}' => spelled.push('-'),
            '\u{200B}' | '\u{FEFF}' => {}
            char if char.is_whitespace() || char.is_control() => spelled.push(' '),
            char => spelled.push(char),
        }
    }
    spelled
}

impl<'a> Device<'a> for Notes {
    fn draw_path(&mut self, path: &BezPath, props: DrawProps<'a>, mode: &DrawMode) {
        self.check_time();
        let path = props.transform * path.clone();
        if !matches!(mode, DrawMode::Stroke(_)) {
            let bounds = path.segments().fold(None::<Rect>, |bounds, segment| {
                let segment = Rect::from_points(segment_start(&segment), segment_end(&segment));
                Some(bounds.map_or(segment, |bounds| bounds.union(segment)))
            });
            let Some(bounds) = bounds else { return };
            if bounds.height() <= MAX_RULE_THICKNESS && bounds.height() < bounds.width() {
                let y = bounds.center().y;
                self.rule(Point::new(bounds.x0, y), Point::new(bounds.x1, y));
            } else if bounds.width() <= MAX_RULE_THICKNESS {
                let x = bounds.center().x;
                self.rule(Point::new(x, bounds.y0), Point::new(x, bounds.y1));
            }
        }
        if !matches!(mode, DrawMode::Fill(_)) {
            for segment in path.segments() {
                if let PathSeg::Line(line) = segment {
                    self.rule(line.p0, line.p1);
                }
            }
        }
    }

    fn push_clip_path(&mut self, _: &ClipPath) {}

    fn push_transparency_group(&mut self, _: f32, _: Option<SoftMask<'a>>, _: BlendMode) {}

    fn draw_glyph_run(&mut self, run: &GlyphRun<'_, 'a>, props: DrawProps<'a>, _: &DrawMode) {
        // Invisible text counts: it is how a text recognition program lays text over a scanned page.
        self.check_time();
        for glyph in run.glyphs() {
            self.glyph(glyph, props.transform * glyph.transform());
        }
    }

    fn draw_image(&mut self, _: Image<'a, '_>, _: ImageDrawProps<'a>) {
        self.check_time();
        self.drawn.has_image = true;
    }

    fn pop_clip(&mut self) {}

    fn pop_transparency_group(&mut self) {}
}

fn segment_start(segment: &PathSeg) -> Point {
    match segment {
        PathSeg::Line(line) => line.p0,
        PathSeg::Quad(curve) => curve.p0,
        PathSeg::Cubic(curve) => curve.p0,
    }
}

fn segment_end(segment: &PathSeg) -> Point {
    match segment {
        PathSeg::Line(line) => line.p1,
        PathSeg::Quad(curve) => curve.p2,
        PathSeg::Cubic(curve) => curve.p3,
    }
}
