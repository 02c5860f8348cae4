//! Blocks of running text: "Problem: … Cause: … Solution: …", in a paragraph or under headings.

use super::{
    label::{self, Role},
    line::{Line, Vocabulary},
    list::{self, Entry, cut_mark},
    record::Record,
};

/// Room above a line, in font sizes, from which on it begins another paragraph.
const PARAGRAPH_GAP: f64 = 1.75;
/// A line in a font larger than the block's by this factor is the title of what follows.
const TITLE_SIZE: f64 = 1.12;

/// A labelled part of a block.
#[derive(Debug)]
struct Part {
    role: Role,
    entries: Vec<Entry>,
    /// The label stands on a line of its own, so that the text may have several paragraphs.
    is_heading: bool,
    size: f64,
}

/// Reads blocks from lines in reading order.
#[derive(Default)]
pub(super) struct Reader {
    page: u64,
    parts: Vec<Part>,
    /// The line before, on this page.
    above: Option<f64>,
    /// Whether text may still be added to the last part.
    is_open: bool,
    /// The parts that blocks of this document have.
    seen: Vec<Role>,
    /// Which of the records are of blocks.
    own: Vec<usize>,
}

impl Reader {
    /// Takes the next line; `is_top` where it is the first of a page or a column.
    pub(super) fn line(
        &mut self,
        line: &Line,
        is_top: bool,
        page: u64,
        vocabulary: &Vocabulary,
        records: &mut Vec<Record>,
    ) {
        let text = line.text();
        let gap = if is_top { None } else { self.above.map(|above| line.y - above) };
        self.above = Some(line.y);
        if let Some((role, rest)) = label::leading(&text) {
            // A complaint, or the machine or code that is named before it, begins another block.
            let has_symptom = self.parts.iter().any(|part| part.role == Role::Symptom);
            let has_answer = self.parts.iter().any(|part| matches!(part.role, Role::Cause | Role::Solution));
            if (role == Role::Symptom && (has_symptom || has_answer))
                || (matches!(role, Role::Equipment | Role::Codes) && has_answer)
            {
                self.close(records);
            }
            if self.parts.is_empty() {
                self.page = page;
            }
            self.parts.push(Part { role, entries: Vec::new(), is_heading: rest.is_empty(), size: line.size });
            self.is_open = true;
            self.add(rest, vocabulary);
            return;
        }
        let Some(part) = self.parts.last() else { return };
        if line.size > TITLE_SIZE * part.size && !part.entries.is_empty() {
            self.close(records);
            return;
        }
        let is_new_paragraph = gap.is_some_and(|gap| gap > PARAGRAPH_GAP * line.size || gap < 0.0);
        let ended = part.entries.last().is_some_and(|entry| entry.text.ends_with(['.', '!', '?']));
        let is_list = cut_mark(&text).is_some();
        let ends_part = !part.entries.is_empty()
            && !part.is_heading
            && !is_list
            && (is_new_paragraph || (gap.is_none() && ended));
        if ends_part {
            self.is_open = false;
        }
        if self.is_open {
            self.add(&text, vocabulary);
        }
    }

    fn add(&mut self, text: &str, vocabulary: &Vocabulary) {
        let Some(part) = self.parts.last_mut() else { return };
        if text.trim().is_empty() {
            return;
        }
        match (cut_mark(text), part.entries.last_mut()) {
            (None, Some(entry)) => vocabulary.append(&mut entry.text, text),
            (mark, _) => {
                let (number, text) = mark.unwrap_or((None, text));
                part.entries.push(Entry { number, text: text.trim().to_owned() });
            }
        }
    }

    /// Ends the block that is open, if one is. What has only one labelled part is no block.
    pub(super) fn close(&mut self, records: &mut Vec<Record>) {
        let parts = cut_inline(std::mem::take(&mut self.parts));
        self.is_open = false;
        let count = |role| parts.iter().filter(|(known, _)| *known == role).count();
        let kinds =
            [Role::Symptom, Role::Cause, Role::Solution].into_iter().filter(|&role| count(role) > 0).count();
        if kinds < 2 {
            return;
        }
        self.seen.extend(parts.iter().map(|(role, _)| *role));
        let mut record = Record { page: self.page, ..Record::default() };
        for (role, entries) in &parts {
            if !matches!(role, Role::Cause | Role::Solution) {
                record.add(*role, &list::joined(entries));
            }
        }
        for (cause, solution) in pairs(&parts) {
            let mut record = Record { cause, solution, ..record.clone() };
            record.check([Role::Symptom, Role::Cause, Role::Solution]);
            self.own.push(records.len());
            records.push(record);
        }
    }

    /// Ends the document. A manual that never names causes, or never remedies, lacks none.
    pub(super) fn finish(&mut self, records: &mut Vec<Record>) {
        self.close(records);
        for &at in &self.own {
            let needed = [Role::Symptom, Role::Cause, Role::Solution];
            records[at].check(needed.into_iter().filter(|role| self.seen.contains(role)));
        }
    }
}

type Labelled = (Role, Vec<Entry>);

/// Parts, with those cut in two that have another label inside their text.
fn cut_inline(parts: Vec<Part>) -> Vec<Labelled> {
    let mut cut: Vec<Labelled> = Vec::new();
    for part in parts {
        cut.push((part.role, Vec::new()));
        for entry in part.entries {
            for (role, text) in label::split_inline(&entry.text) {
                if let Some(role) = role {
                    cut.push((role, Vec::new()));
                }
                if let Some((_, entries)) = cut.last_mut() {
                    let number = if role.is_none() { entry.number } else { None };
                    entries.push(Entry { number, text: text.to_owned() });
                }
            }
        }
    }
    cut
}

/// Causes and remedies of one complaint, paired: in turn, or by the numbers of two lists.
fn pairs(parts: &[Labelled]) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    let (mut causes, mut solutions): (Vec<&[Entry]>, Vec<&[Entry]>) = (Vec::new(), Vec::new());
    for (role, entries) in parts {
        match role {
            Role::Cause => {
                if !solutions.is_empty() && !causes.is_empty() {
                    pair_up(&causes, &solutions, &mut pairs);
                    causes.clear();
                    solutions.clear();
                }
                causes.push(entries);
            }
            Role::Solution => solutions.push(entries),
            _ => {}
        }
    }
    pair_up(&causes, &solutions, &mut pairs);
    pairs
}

fn pair_up(causes: &[&[Entry]], solutions: &[&[Entry]], pairs: &mut Vec<(String, String)>) {
    if let ([causes], [solutions]) = (causes, solutions)
        && list::are_paired(causes, solutions)
    {
        pairs.extend(
            causes
                .iter()
                .zip(*solutions)
                .map(|(cause, solution)| (cause.text.clone(), solution.text.clone())),
        );
    } else if causes.len() == solutions.len() && causes.len() > 1 {
        pairs.extend(
            causes
                .iter()
                .zip(solutions)
                .map(|(cause, solution)| (list::joined(cause), list::joined(solution))),
        );
    } else if solutions.len() <= 1 && causes.len() > 1 {
        let solution = solutions.first().map(|solution| list::joined(solution)).unwrap_or_default();
        pairs.extend(causes.iter().map(|cause| (list::joined(cause), solution.clone())));
    } else {
        let all = |lists: &[&[Entry]]| list::joined(&lists.concat());
        pairs.push((all(causes), all(solutions)));
    }
}
