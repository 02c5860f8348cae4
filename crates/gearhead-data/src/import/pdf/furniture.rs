//! Running headers, running footers and page numbers, which are no part of the text.

use std::collections::HashMap;

use super::{label, line::Line};

/// The share of a page's height, at the top and at the bottom, where furniture stands.
const MARGIN: f64 = 0.12;
/// How many pages away the same line may stand again: left and right pages may differ.
const MAX_PAGES_APART: usize = 2;
/// It stands at the same height, but for this many points.
const MAX_DRIFT: f64 = 4.0;

/// The lines of one page and its height.
pub(super) struct PageLines {
    pub(super) lines: Vec<Line>,
    pub(super) height: f64,
}

/// Takes the furniture off every page: page numbers, and what stands in the margin of a page nearby as well.
pub(super) fn remove(pages: &mut [PageLines]) {
    let mut seen: HashMap<String, Vec<(usize, f64)>> = HashMap::new();
    for (number, page) in pages.iter().enumerate() {
        for line in page.lines.iter().filter(|line| page.is_margin(line)) {
            seen.entry(shape(line)).or_default().push((number, line.y));
        }
    }
    for (number, page) in pages.iter_mut().enumerate() {
        let height = page.height;
        page.lines.retain(|line| {
            let is_again = |&(other, y): &(usize, f64)| {
                other != number
                    && other.abs_diff(number) <= MAX_PAGES_APART
                    && (y - line.y).abs() <= MAX_DRIFT
            };
            let is_furniture = || {
                is_page_number(&line.text())
                    || seen.get(&shape(line)).is_some_and(|seen| near(seen, number).any(is_again))
            };
            !is_margin(line, height) || !is_furniture()
        });
    }
}

/// The places on pages near `number`; they are sorted by page.
fn near(seen: &[(usize, f64)], number: usize) -> impl Iterator<Item = &(usize, f64)> {
    let first = seen.partition_point(|(page, _)| page + MAX_PAGES_APART < number);
    seen[first..].iter().take_while(move |(page, _)| *page <= number + MAX_PAGES_APART)
}

impl PageLines {
    fn is_margin(&self, line: &Line) -> bool {
        is_margin(line, self.height)
    }
}

fn is_margin(line: &Line, height: f64) -> bool {
    let is_label = line.segments(1.0).iter().any(|segment| label::leading(&segment.text()).is_some());
    !is_label && (line.y < height * MARGIN || line.y > height * (1.0 - MARGIN))
}

/// The line with every number alike, since page numbers differ from page to page.
fn shape(line: &Line) -> String {
    let mut shape = String::new();
    for char in line.text().chars() {
        if !char.is_ascii_digit() {
            shape.extend(char.to_lowercase());
        } else if !shape.ends_with('#') {
            shape.push('#');
        }
    }
    shape
}

/// "12", "- 12 -", "7-12", "Page 3 of 40", "iv".
fn is_page_number(text: &str) -> bool {
    let text = text.to_lowercase();
    let words: Vec<&str> =
        text.split(|char: char| !char.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let is_number = |word: &str| word.chars().all(|char| char.is_ascii_digit());
    let is_roman = |word: &str| word.len() <= 6 && word.chars().all(|char| "ivxlc".contains(char));
    match words.as_slice() {
        ["page" | "p", number] | [number] => is_number(number) || is_roman(number),
        [section, number] | ["page", section, "of", number] | [section, "of", number] => {
            is_number(section) && is_number(number)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::{super::line::Word, *};

    fn line(text: &str, y: f64) -> Line {
        Line { y, size: 10.0, words: vec![Word { text: text.into(), x0: 0.0, x1: 50.0 }] }
    }

    #[test]
    fn what_repeats_in_the_margins_goes_and_what_repeats_in_the_text_stays() {
        let page = |number: usize| PageLines {
            lines: vec![
                line(&format!("Service manual {number}"), 30.0),
                line("Check the oil level.", 300.0),
                line(&format!("own text of page {}", "x".repeat(number)), 80.0),
                line(&format!("7-{number}"), 780.0),
            ],
            height: 800.0,
        };
        let mut pages: Vec<PageLines> = (1..=4).map(page).collect();
        remove(&mut pages);
        for page in &pages {
            let texts: Vec<String> = page.lines.iter().map(Line::text).collect();
            assert_eq!(texts.len(), 2, "{texts:?}");
            assert_eq!(texts[0], "Check the oil level.");
        }
    }

    #[test]
    fn a_label_that_opens_every_page_is_no_furniture() {
        let mut pages: Vec<PageLines> =
            (0..3).map(|_| PageLines { lines: vec![line("Problem:", 20.0)], height: 800.0 }).collect();
        remove(&mut pages);
        assert!(pages.iter().all(|page| page.lines.len() == 1));
    }

    #[test]
    fn page_numbers_are_known() {
        for text in ["12", "- 12 -", "7-12", "Page 3 of 40", "iv", "3/40"] {
            assert!(is_page_number(text), "{text}");
        }
        for text in ["P0087", "12 bar", "Page turning"] {
            assert!(!is_page_number(text), "{text}");
        }
    }
}
