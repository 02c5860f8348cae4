//! Reading order: a page of several columns is read column by column.

use super::line::Line;

/// A gutter is at least this many font sizes wide.
const MIN_GUTTER: f64 = 1.0;
/// Lines that must stand on either side of it.
const MIN_LINES: usize = 4;
/// The share of lines that may run across it: titles, wide notes.
const MAX_CROSSING: f64 = 0.25;
/// Columns in columns: no more than four.
const MAX_DEPTH: usize = 2;

/// The lines in the order in which a person reads them. The start of each column but the first is marked, since what
/// stands above a line there is not the line before it.
pub(super) fn in_reading_order(lines: &[Line]) -> Vec<(Line, bool)> {
    let mut ordered = Vec::with_capacity(lines.len());
    read(lines, 0, &mut ordered);
    ordered
}

fn read(lines: &[Line], depth: usize, ordered: &mut Vec<(Line, bool)>) {
    let gutter = if depth < MAX_DEPTH { gutter(lines) } else { None };
    let Some(gutter) = gutter else {
        ordered.extend(lines.iter().map(|line| (line.clone(), false)));
        return;
    };
    let mut rest = lines;
    while !rest.is_empty() {
        let wide = rest.iter().take_while(|line| crosses(line, gutter)).count();
        ordered.extend(rest[..wide].iter().map(|line| (line.clone(), false)));
        rest = &rest[wide..];
        let narrow = rest.iter().take_while(|line| !crosses(line, gutter)).count();
        for (from, to) in [(f64::NEG_INFINITY, gutter), (gutter, f64::INFINITY)] {
            let column: Vec<Line> = rest[..narrow].iter().filter_map(|line| line.between(from, to)).collect();
            let start = ordered.len();
            read(&column, depth + 1, ordered);
            if let Some((_, is_start)) = ordered.get_mut(start) {
                *is_start = true;
            }
        }
        rest = &rest[narrow..];
    }
}

fn crosses(line: &Line, x: f64) -> bool {
    line.words.windows(2).any(|pair| {
        let (left, right) = (&pair[0], &pair[1]);
        // A word on either side of the gutter with no more than a space between them is running text.
        left.x1 <= x && right.x0 >= x && right.x0 - left.x1 < 0.7 * MIN_GUTTER * line.size
    }) || line.words.iter().any(|word| word.x0 < x && word.x1 > x)
}

/// The middle of the widest gap that nearly every line respects, with text on both sides of it.
fn gutter(lines: &[Line]) -> Option<f64> {
    if lines.len() < MIN_LINES {
        return None;
    }
    let left = lines.iter().map(Line::x0).fold(f64::INFINITY, f64::min);
    let right = lines.iter().map(Line::x1).fold(f64::NEG_INFINITY, f64::max);
    let width = right - left;
    if !(width.is_finite() && width > 1.0) {
        return None;
    }
    let bins = (width.ceil() as usize).min(5_000);
    let step = width / bins as f64;
    let mut crossing = vec![0_usize; bins];
    for line in lines {
        let cut = line.segments(MIN_GUTTER);
        for segment in &cut {
            let first = ((segment.x0() - left) / step).floor().max(0.0) as usize;
            let last = (((segment.x1() - left) / step).ceil() as usize).min(bins);
            for count in &mut crossing[first.min(last)..last] {
                *count += 1;
            }
        }
    }
    let allowed = (lines.len() as f64 * MAX_CROSSING) as usize;
    let size = median_size(lines);
    // Columns are about as wide as each other: the gutter is not near an edge.
    let (from, to) = ((bins as f64 * 0.2) as usize, (bins as f64 * 0.8) as usize);
    let mut best: Option<(usize, usize)> = None;
    let mut start = from;
    for stretch in crossing[from..to.max(from)].split(|&count| count > allowed) {
        let end = start + stretch.len();
        if best.is_none_or(|(a, b)| stretch.len() > b - a) {
            best = Some((start, end));
        }
        start = end + 1;
    }
    let (first, end) = best.filter(|(first, end)| (end - first) as f64 * step >= MIN_GUTTER * size)?;
    let middle = left + f64::midpoint(first as f64, end as f64) * step;
    let apart = || lines.iter().filter(|line| !crosses(line, middle));
    let on_left = apart().filter(|line| line.x0() < middle).count();
    let on_right = apart().filter(|line| line.x1() > middle).count();
    (on_left >= MIN_LINES && on_right >= MIN_LINES).then_some(middle)
}

fn median_size(lines: &[Line]) -> f64 {
    let mut sizes: Vec<f64> = lines.iter().map(|line| line.size).collect();
    sizes.sort_by(f64::total_cmp);
    sizes.get(sizes.len() / 2).copied().unwrap_or(10.0)
}

#[cfg(test)]
mod tests {
    use super::{super::line::Word, *};

    fn words(texts: &[(&str, f64, f64)]) -> Vec<Word> {
        texts.iter().map(|&(text, x0, x1)| Word { text: text.into(), x0, x1 }).collect()
    }

    fn line(y: f64, texts: &[(&str, f64, f64)]) -> Line {
        Line { y, size: 10.0, words: words(texts) }
    }

    fn order(lines: &[Line]) -> Vec<String> {
        in_reading_order(lines).iter().map(|(line, _)| line.text()).collect()
    }

    #[test]
    fn two_columns_are_read_one_after_the_other_and_a_title_stays_above() {
        let mut lines = vec![line(10.0, &[("a title across", 50.0, 500.0)])];
        lines.extend((0..5).map(|row| {
            line(30.0 + 12.0 * f64::from(row), &[("left", 50.0, 250.0), ("right", 300.0, 500.0)])
        }));
        let mut expected = vec!["a title across"];
        expected.extend(["left"; 5]);
        expected.extend(["right"; 5]);
        assert_eq!(order(&lines), expected);
        assert!(in_reading_order(&lines)[6].1);
    }

    #[test]
    fn one_column_of_prose_is_left_alone() {
        let lines: Vec<Line> = (0..8)
            .map(|row| {
                line(
                    f64::from(row) * 12.0,
                    &[("some", 50.0, 260.0), ("words", 263.0, 400.0), ("more", 403.0, 500.0)],
                )
            })
            .collect();
        assert_eq!(order(&lines)[0], "some words more");
    }
}
