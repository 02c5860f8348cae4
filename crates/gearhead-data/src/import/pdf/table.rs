//! Troubleshooting tables: where one stands on a page, and where its columns are.
//!
//! A line whose parts are labels ("Symptom", "Possible cause", "Remedy") opens a table. Each pair of neighbouring
//! columns is told apart by the strip that no word of the table enters; the table ends where a line leaves no such
//! strip, since running text fills the width.

use super::{
    label::{self, Role},
    line::Line,
    page::Rule,
};

/// Labels of a header stand at least this many font sizes apart.
const MIN_LABEL_GAP: f64 = 0.8;
/// A strip between two columns is at least this many font sizes wide.
const MIN_STRIP: f64 = 0.45;
/// More room than this many font sizes, where nothing is ruled, ends a table.
const MAX_ROW_GAP: f64 = 5.0;
/// A line in a font larger than the table's by this factor is a title.
const TITLE_SIZE: f64 = 1.2;

/// A column and what it holds; `None` for one that has no label we know.
#[derive(Debug, Clone)]
pub(super) struct Column {
    pub(super) role: Option<Role>,
    pub(super) x0: f64,
    pub(super) x1: f64,
}

/// A table, or the part of one that stands on one page.
#[derive(Debug, Clone)]
pub(super) struct Table {
    /// The words of the header, to know the same table on the next page.
    pub(super) header: String,
    pub(super) columns: Vec<Column>,
    pub(super) lines: Vec<Line>,
    /// The level rules that stand in it.
    pub(super) rules: Vec<Rule>,
}

/// What stands on a page, from the top.
#[derive(Debug)]
pub(super) enum Region {
    Text(Vec<Line>),
    Table(Table),
}

/// Tells the tables of a page from its text.
pub(super) fn regions(lines: &[Line], rules: &[Rule]) -> Vec<Region> {
    let mut regions = Vec::new();
    let mut text = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        let Some((header, used)) = header(&lines[at..]) else {
            text.push(lines[at].clone());
            at += 1;
            continue;
        };
        let (table, length) = table(&header, &lines[at + used..], rules);
        at += used + length;
        if !text.is_empty() {
            regions.push(Region::Text(std::mem::take(&mut text)));
        }
        regions.push(Region::Table(table));
    }
    if !text.is_empty() {
        regions.push(Region::Text(text));
    }
    regions
}

/// A label of a header.
struct Heading {
    role: Option<Role>,
    line: Line,
}

/// The header that begins with the first line, if one does, and how many lines it takes.
fn header(lines: &[Line]) -> Option<(Vec<Heading>, usize)> {
    let first = lines.first()?;
    let one = headings(first.segments(MIN_LABEL_GAP));
    if one.is_some() {
        return Some((one?, 1));
    }
    // "Possible" above "cause": each part of the second line continues the one that it stands under.
    let second = lines.get(1).filter(|second| second.y - first.y < 1.8 * first.size)?;
    let mut parts = first.segments(MIN_LABEL_GAP);
    for below in second.segments(MIN_LABEL_GAP) {
        match parts.iter_mut().find(|part| part.x0() < below.x1() && below.x0() < part.x1()) {
            Some(part) => part.words.extend(below.words),
            None => parts.push(below),
        }
    }
    parts.sort_by(|a, b| a.x0().total_cmp(&b.x0()));
    Some((headings(parts)?, 2))
}

/// The parts of a line as labels, if they open a table: a complaint or its code, and a cause or a remedy.
fn headings(parts: Vec<Line>) -> Option<Vec<Heading>> {
    if !(2..=8).contains(&parts.len()) {
        return None;
    }
    let headings: Vec<Heading> =
        parts.into_iter().map(|line| Heading { role: label::role(&line.text()), line }).collect();
    let known: Vec<Role> = headings.iter().filter_map(|heading| heading.role).collect();
    let has = |role| known.contains(&role);
    let mut distinct = known.clone();
    distinct.sort();
    distinct.dedup();
    let is_header = (has(Role::Symptom) || has(Role::Codes))
        && (has(Role::Cause) || has(Role::Solution))
        && distinct.len() == known.len()
        && known.len() * 2 >= headings.len()
        && headings.iter().all(|heading| heading.role.is_some() || heading.line.words.len() <= 3);
    is_header.then_some(headings)
}

/// The table under a header, and how many of the lines belong to it.
fn table(header: &[Heading], lines: &[Line], rules: &[Rule]) -> (Table, usize) {
    let top = header.iter().map(|heading| heading.line.y).fold(f64::INFINITY, f64::min);
    let size = header.iter().map(|heading| heading.line.size).fold(0.0, f64::max);
    let first = lines.first().map_or(top, |line| line.y);
    let bottom = ruled_bottom(header, first, rules);
    let mut strips: Vec<Strip> = header.windows(2).map(|pair| Strip::new(&pair[0], &pair[1])).collect();
    let (mut length, mut last_y) = (0, first);
    for line in lines {
        let is_below = bottom.is_some_and(|bottom| line.y > bottom);
        let is_apart = bottom.is_none() && line.y - last_y > MAX_ROW_GAP * size;
        let is_title = line.size > TITLE_SIZE * size;
        // The same header again, on the same page, opens another table.
        if is_below || is_apart || is_title || self::header(std::slice::from_ref(line)).is_some() {
            break;
        }
        let narrowed: Vec<Strip> = strips.iter().map(|strip| strip.without(line)).collect();
        if narrowed.iter().any(|strip| strip.width() < MIN_STRIP * size) {
            break;
        }
        strips = narrowed;
        last_y = line.y;
        length += 1;
    }
    let upright = |strip: &Strip| {
        let is_in =
            |rule: &&Rule| !rule.is_level() && rule.y0 <= first && rule.y1 >= top && strip.holds(rule.x0);
        rules.iter().find(is_in).map(|rule| rule.x0)
    };
    let mut edges = vec![f64::NEG_INFINITY];
    edges.extend(strips.iter().map(|strip| upright(strip).unwrap_or_else(|| strip.middle())));
    edges.push(f64::INFINITY);
    let columns = header
        .iter()
        .zip(edges.windows(2))
        .map(|(heading, edge)| Column { role: heading.role, x0: edge[0], x1: edge[1] })
        .collect();
    let words: Vec<String> =
        header.iter().map(|heading| label::without_continued(&heading.line.text()).to_lowercase()).collect();
    let end = bottom.unwrap_or(last_y);
    let rules = rules
        .iter()
        .filter(|rule| rule.is_level() && rule.y0 > top && rule.y0 < end - 1.0)
        .copied()
        .collect();
    (Table { header: words.join("|"), columns, lines: lines[..length].to_vec(), rules }, length)
}

/// Where the frame of a ruled table ends: the lowest end of the upright rules that run down beside its first row.
fn ruled_bottom(header: &[Heading], first: f64, rules: &[Rule]) -> Option<f64> {
    let left = header.first()?.line.x0();
    let right = header.last()?.line.x1();
    let is_beside = |rule: &&Rule| !rule.is_level() && rule.x0 > left - 40.0 && rule.x0 < right + 300.0;
    // Many writers rule each cell for itself: from each piece on to the one that begins where it ends.
    let mut uprights: Vec<&Rule> = rules.iter().filter(is_beside).collect();
    uprights.sort_by(|a, b| a.y0.total_cmp(&b.y0));
    let mut bottom: Option<f64> = None;
    for rule in uprights {
        let reach = bottom.unwrap_or(first);
        if rule.y0 <= reach + 2.0 && rule.y1 >= reach - 2.0 {
            bottom = Some(bottom.map_or(rule.y1, |bottom| bottom.max(rule.y1)));
        }
    }
    bottom
}

/// The free strip between two neighbouring columns, so far.
#[derive(Debug, Clone)]
struct Strip {
    /// Free stretches of the page's width.
    free: Vec<(f64, f64)>,
    /// Where the right column's label begins, by which the best stretch is chosen.
    label: f64,
}

impl Strip {
    fn new(left: &Heading, right: &Heading) -> Self {
        let middle = |line: &Line| f64::midpoint(line.x0(), line.x1());
        // A centred label may stand well inside its column, so the strip may lie anywhere between the two middles;
        // a label that is aligned to the left has its column's text begin under it.
        let from = middle(&left.line).min(left.line.x1());
        let to = middle(&right.line).max(right.line.x0());
        let mut strip = Self { free: vec![(from, to)], label: right.line.x0() };
        strip = strip.without(&left.line);
        strip.without(&right.line)
    }

    fn without(&self, line: &Line) -> Self {
        let mut free = self.free.clone();
        for segment in line.segments(0.35) {
            let (x0, x1) = (segment.x0(), segment.x1());
            free = free
                .into_iter()
                .flat_map(|(from, to)| [(from, to.min(x0)), (from.max(x1), to)])
                .filter(|(from, to)| to > from)
                .collect();
        }
        Self { free, label: self.label }
    }

    /// The widest stretch; of several as wide, the one nearest the right label.
    fn best(&self) -> Option<(f64, f64)> {
        self.free.iter().copied().max_by(|a, b| {
            (a.1 - a.0)
                .total_cmp(&(b.1 - b.0))
                .then((b.1 - self.label).abs().total_cmp(&(a.1 - self.label).abs()))
        })
    }

    fn width(&self) -> f64 {
        self.best().map_or(0.0, |(from, to)| to - from)
    }

    fn middle(&self) -> f64 {
        self.best().map_or(self.label, |(from, to)| f64::midpoint(from, to))
    }

    fn holds(&self, x: f64) -> bool {
        self.free.iter().any(|(from, to)| (*from..=*to).contains(&x))
    }
}
