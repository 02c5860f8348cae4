//! Glyphs to words, words to lines, lines to running text.

use std::collections::HashSet;

use super::page::Mark;

/// Letters that stand further apart than this share of the font size belong to two words.
const WORD_GAP: f64 = 0.18;
/// Baselines that differ by less than this share of the font size are one line.
const BASELINE_DRIFT: f64 = 0.35;

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Word {
    pub(super) text: String,
    pub(super) x0: f64,
    pub(super) x1: f64,
}

/// Words on one baseline, from left to right, right across the page or across one column of it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Line {
    /// The baseline, in points from the top of the page.
    pub(super) y: f64,
    /// The largest font size of the line, in points.
    pub(super) size: f64,
    pub(super) words: Vec<Word>,
}

impl Line {
    pub(super) fn text(&self) -> String {
        self.words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ")
    }

    pub(super) fn x0(&self) -> f64 {
        self.words.first().map_or(0.0, |word| word.x0)
    }

    pub(super) fn x1(&self) -> f64 {
        self.words.last().map_or(0.0, |word| word.x1)
    }

    /// The words between `from` and `to`, by their middle; `None` where there are none.
    pub(super) fn between(&self, from: f64, to: f64) -> Option<Self> {
        let is_within = |word: &&Word| (from..to).contains(&f64::midpoint(word.x0, word.x1));
        let words: Vec<Word> = self.words.iter().filter(is_within).cloned().collect();
        (!words.is_empty()).then_some(Self { y: self.y, size: self.size, words })
    }

    /// The line cut where words stand more than `gap` font sizes apart.
    pub(super) fn segments(&self, gap: f64) -> Vec<Self> {
        let mut segments: Vec<Self> = Vec::new();
        for word in &self.words {
            match segments.last_mut() {
                Some(last) if word.x0 - last.x1() <= gap * self.size => last.words.push(word.clone()),
                _ => segments.push(Self { y: self.y, size: self.size, words: vec![word.clone()] }),
            }
        }
        segments
    }
}

/// The lines of a page, from the top.
pub(super) fn lines(mut marks: Vec<Mark>) -> Vec<Line> {
    marks.sort_by(|a, b| a.y.total_cmp(&b.y));
    let mut lines = Vec::new();
    let mut rest = marks.into_iter().peekable();
    while let Some(first) = rest.next() {
        let (y, drift) = (first.y, BASELINE_DRIFT * first.size);
        let mut on_line = vec![first];
        while let Some(mark) = rest.next_if(|mark| mark.y - y < drift) {
            on_line.push(mark);
        }
        on_line.sort_by(|a, b| a.x0.total_cmp(&b.x0));
        lines.extend(line(y, on_line));
    }
    lines
}

/// One line from its marks, sorted from the left; `None` if it is blank.
fn line(y: f64, marks: Vec<Mark>) -> Option<Line> {
    let size = marks.iter().map(|mark| mark.size).fold(0.0, f64::max);
    let mut words: Vec<Word> = Vec::new();
    let mut is_new = true;
    let mut last: Option<Mark> = None;
    for mark in marks {
        if mark.text.trim().is_empty() {
            is_new = true;
            continue;
        }
        if let Some(last) = &last {
            // Bold print is often the same letter drawn twice, a little apart.
            if last.text == mark.text && mark.x0 - last.x0 < 0.2 * (last.x1 - last.x0) {
                continue;
            }
            is_new |= mark.x0 - last.x1 > WORD_GAP * mark.size;
        }
        match words.last_mut() {
            Some(word) if !is_new => {
                word.text.push_str(&mark.text);
                word.x1 = word.x1.max(mark.x1);
            }
            _ => words.push(Word { text: mark.text.clone(), x0: mark.x0, x1: mark.x1 }),
        }
        is_new = false;
        last = Some(mark);
    }
    (!words.is_empty()).then_some(Line { y, size, words })
}

/// Every word that the document writes, in lower case; it decides what a hyphen at a line's end is.
#[derive(Debug, Default)]
pub(super) struct Vocabulary(HashSet<String>);

impl Vocabulary {
    pub(super) fn note(&mut self, line: &Line) {
        // The last word of a line may be half a word.
        let whole =
            line.words.len() - usize::from(line.words.last().is_some_and(|word| word.text.ends_with('-')));
        self.0.extend(line.words[..whole].iter().map(|word| bare(&word.text)));
    }

    /// Adds `next` to the running text `text`, putting a word back together that was broken between them.
    pub(super) fn append(&self, text: &mut String, next: &str) {
        let next = next.trim();
        if text.is_empty() || next.is_empty() {
            text.push_str(next);
            return;
        }
        let is_broken = text.ends_with('-')
            && text[..text.len() - 1].ends_with(char::is_alphabetic)
            && next.starts_with(char::is_lowercase);
        if is_broken {
            let head = text.rsplit(char::is_whitespace).next().unwrap_or_default();
            let tail = next.split(char::is_whitespace).next().unwrap_or_default();
            let hyphenated = bare(&format!("{head}{tail}"));
            let joined = bare(&format!("{}{tail}", &head[..head.len() - 1]));
            let keeps_hyphen = self.0.contains(&hyphenated) && !self.0.contains(&joined)
                || (!self.0.contains(&joined) && is_prefix_with_hyphen(head));
            if !keeps_hyphen {
                text.pop();
            }
        } else {
            text.push(' ');
        }
        text.push_str(next);
    }
}

/// Whether a word that begins so is written with a hyphen, as "high-pressure" is.
fn is_prefix_with_hyphen(head: &str) -> bool {
    const PREFIXES: [&str; 14] = [
        "high-", "low-", "self-", "non-", "shut-", "cut-", "four-", "two-", "three-", "anti-", "in-", "all-",
        "heavy-", "quick-",
    ];
    PREFIXES.contains(&head.to_lowercase().as_str())
}

fn bare(word: &str) -> String {
    word.trim_matches(|char: char| !char.is_alphanumeric() && char != '-').to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(text: &str, x0: f64, x1: f64, y: f64) -> Mark {
        Mark { text: text.into(), x0, x1, y, size: 10.0 }
    }

    #[test]
    fn letters_become_words_by_their_distance() {
        let marks = vec![
            mark("o", 5.0, 10.0, 20.1),
            mark("N", 0.0, 5.0, 20.0),
            mark("o", 13.0, 18.0, 20.0),
            mark("i", 18.2, 20.0, 20.0),
            mark("l", 20.0, 22.0, 20.0),
            mark("x", 0.0, 5.0, 40.0),
        ];
        let texts: Vec<String> = lines(marks).iter().map(Line::text).collect();
        assert_eq!(texts, ["No oil", "x"]);
    }

    #[test]
    fn a_letter_drawn_twice_for_bold_is_one() {
        let marks = vec![mark("l", 0.0, 3.0, 0.0), mark("l", 0.3, 3.3, 0.0), mark("l", 3.0, 6.0, 0.0)];
        assert_eq!(lines(marks)[0].text(), "ll");
    }

    #[test]
    fn a_broken_word_is_put_together_by_what_the_document_writes() {
        let mut vocabulary = Vocabulary::default();
        let words = ["cross-over", "transmission,"].map(|text| Word { text: text.into(), x0: 0.0, x1: 1.0 });
        vocabulary.note(&Line { y: 0.0, size: 10.0, words: words.to_vec() });
        let join = |head: &str, tail: &str| {
            let mut text = head.to_owned();
            vocabulary.append(&mut text, tail);
            text
        };
        assert_eq!(join("the trans-", "mission slips"), "the transmission slips");
        assert_eq!(join("the cross-", "over valve"), "the cross-over valve");
        assert_eq!(join("the high-", "pressure line"), "the high-pressure line");
        assert_eq!(join("contami-", "nation"), "contamination");
        assert_eq!(join("see page 7-", "12"), "see page 7- 12");
        assert_eq!(join("valve", "sticks"), "valve sticks");
    }
}
