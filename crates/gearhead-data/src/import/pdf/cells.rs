//! The rows of a troubleshooting table.
//!
//! A row of the result is one cause with its remedy. The symptom, and the fault code, stand once beside all the causes
//! that they have. Within a column, lines are taken apart where a rule runs between them, where there is more room
//! than between lines of a sentence, and where an entry of a list begins. Where a line was ended although its
//! neighbour's first word had room on it, a new entry may begin: it counts if the column beside it agrees.

use super::{
    label::{Role, without_continued},
    line::{Line, Vocabulary},
    list::{self, Entry, cut_mark},
    record::Record,
    table::Table,
};

/// Room between lines, in measures of the table's closest lines, from which on a new cell begins.
const CELL_GAP: f64 = 1.3;
/// Cells of one row start within this many font sizes of each other.
const ROW_DRIFT: f64 = 0.6;

/// What a cell's beginning rests on.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Start {
    Sure,
    Guessed,
}

#[derive(Debug, Clone)]
struct Cell {
    start: Start,
    /// The first baseline.
    y: f64,
    /// The rules above and below, where they hold nothing else of the column.
    frame: Option<(f64, f64)>,
    entries: Vec<Entry>,
}

impl Cell {
    fn text(&self) -> String {
        list::joined(&self.entries)
    }

    fn frames(&self, y: f64) -> bool {
        self.frame.is_some_and(|(top, bottom)| top <= y && y <= bottom)
    }
}

/// What is carried from one part of a table to the next.
#[derive(Default)]
pub(super) struct Reader {
    header: String,
    last_page: u64,
    /// The columns on the left, as they stood at the end.
    carried: Vec<(Role, String)>,
}

impl Reader {
    /// Adds the rows of `table`, which stands on `page`, to `records`.
    pub(super) fn read(
        &mut self,
        table: &Table,
        page: u64,
        vocabulary: &Vocabulary,
        records: &mut Vec<Record>,
    ) {
        let goes_on = self.header == table.header && page <= self.last_page + 1;
        if !goes_on {
            self.carried.clear();
        }
        self.header.clone_from(&table.header);
        self.last_page = page;
        let columns = Columns::of(table, vocabulary);
        let (mut rows, mut overhang) = columns.rows();
        if let Some(last) = records.last_mut().filter(|_| goes_on) {
            finish_broken_row(&mut rows, &mut overhang, last);
        }
        if !overhang.is_empty() {
            if rows.is_empty() {
                rows.push(Row::default());
            }
            let below = std::mem::replace(&mut rows[0].solution, overhang);
            if !below.is_empty() {
                rows[0].solution.push(' ');
                rows[0].solution.push_str(&below);
            }
        }
        for row in rows {
            let mut record = Record { page, ..Record::default() };
            for (role, cell) in row.left {
                let text = without_continued(&cell).to_owned();
                match self.carried.iter_mut().find(|(known, _)| *known == role) {
                    Some((_, carried)) => *carried = text,
                    None => self.carried.push((role, text)),
                }
                // A new symptom has its own code, or none.
                if role == Role::Symptom && !row.has_code {
                    self.carried.retain(|(role, _)| *role != Role::Codes);
                }
            }
            for (role, text) in &self.carried {
                record.set(*role, text.clone());
            }
            record.cause = row.cause;
            record.solution = row.solution;
            if record.symptom.is_empty() && !columns.has(Role::Symptom) && !record.codes.is_empty() {
                record.symptom = format!("Fault code {}", record.codes);
            }
            let needed = [Role::Symptom, Role::Cause, Role::Solution];
            record.check(needed.into_iter().filter(|&role| role == Role::Symptom || columns.has(role)));
            records.push(record);
        }
    }
}

/// A row before the columns on the left are filled up from the rows above.
#[derive(Default)]
struct Row {
    y: f64,
    left: Vec<(Role, String)>,
    has_code: bool,
    cause: String,
    solution: String,
}

struct Columns {
    cells: Vec<(Role, Vec<Cell>)>,
    drift: f64,
}

impl Columns {
    fn of(table: &Table, vocabulary: &Vocabulary) -> Self {
        let size = table.lines.iter().map(|line| line.size).fold(0.0, f64::max);
        let lines: Vec<(Role, Vec<Line>)> = table
            .columns
            .iter()
            .filter_map(|column| {
                let lines =
                    table.lines.iter().filter_map(|line| line.between(column.x0, column.x1)).collect();
                Some((column.role?, lines))
            })
            .collect();
        let closest = lines
            .iter()
            .flat_map(|(_, lines)| lines.windows(2).map(|pair| pair[1].y - pair[0].y))
            .filter(|gap| *gap > 0.5 * size)
            .fold(f64::INFINITY, f64::min);
        let gap = CELL_GAP * closest.clamp(size, 1.3 * size);
        let cells = lines
            .into_iter()
            .map(|(role, lines)| (role, cells(&lines, &separators(table, &lines), gap, vocabulary)))
            .collect();
        Self { cells, drift: ROW_DRIFT * size }
    }

    fn get(&self, role: Role) -> &[Cell] {
        self.cells.iter().find(|(known, _)| *known == role).map_or(&[], |(_, cells)| cells)
    }

    fn has(&self, role: Role) -> bool {
        self.cells.iter().any(|(known, _)| *known == role)
    }

    /// One row for each cause; where there is no such column, for each remedy. Beside them, the remedies that stand
    /// above the first row.
    fn rows(&self) -> (Vec<Row>, String) {
        let has_causes = self.has(Role::Cause);
        let (driver, partner) = if has_causes {
            (self.get(Role::Cause), self.get(Role::Solution))
        } else {
            (self.get(Role::Solution), &[] as &[Cell])
        };
        let driver = self.with_gaps(self.confirmed(driver, partner), partner);
        let entries = |is_own: &dyn Fn(&Cell) -> bool| {
            partner
                .iter()
                .filter(|cell| is_own(cell))
                .flat_map(|cell| cell.entries.clone())
                .collect::<Vec<Entry>>()
        };
        let mut rows: Vec<Row> = Vec::new();
        for (at, cell) in driver.iter().enumerate() {
            let from = cell.y - self.drift;
            let until = driver.get(at + 1).map_or(f64::INFINITY, |next| next.y - self.drift);
            let mut own = entries(&|other| (from..until).contains(&other.y));
            if own.is_empty() {
                // One remedy for several causes stands in a cell beside all of them.
                own = entries(&|other| other.frames(cell.y));
            }
            let (cause, solution) =
                if has_causes { (cell.text(), list::joined(&own)) } else { (String::new(), cell.text()) };
            rows.push(Row { y: cell.y, left: Vec::new(), has_code: false, cause, solution });
        }
        let first = driver.first().map_or(f64::INFINITY, |cell| cell.y);
        let overhang =
            entries(&|other| other.y < first - self.drift && !driver.iter().any(|cell| other.frames(cell.y)));
        for role in [Role::Equipment, Role::Symptom, Role::Codes] {
            self.place(role, &mut rows);
        }
        rows.sort_by(|a, b| a.y.total_cmp(&b.y));
        (rows, list::joined(&overhang))
    }

    /// The driving cells, with an empty one where a remedy starts level with a symptom that has no cause beside it.
    fn with_gaps(&self, mut driver: Vec<Cell>, partner: &[Cell]) -> Vec<Cell> {
        let is_level = |cells: &[Cell], y: f64| cells.iter().any(|cell| (cell.y - y).abs() <= self.drift);
        for cell in partner.iter().filter(|cell| cell.start == Start::Sure) {
            let starts_row =
                [Role::Symptom, Role::Codes].into_iter().any(|role| is_level(self.get(role), cell.y));
            if starts_row && !is_level(&driver, cell.y) && !driver.iter().any(|cause| cause.frames(cell.y)) {
                driver.push(Cell { entries: Vec::new(), frame: None, ..cell.clone() });
            }
        }
        driver.sort_by(|a, b| a.y.total_cmp(&b.y));
        driver
    }

    /// Gives each cell of a column on the left to the first row that stands beside it; one that stands beside none
    /// gets a row of its own, so that it is reported.
    fn place(&self, role: Role, rows: &mut Vec<Row>) {
        let cells = self.confirmed_left(self.get(role), rows);
        let mut alone = Vec::new();
        for (at, cell) in cells.iter().enumerate() {
            let until = cells.get(at + 1).map_or(f64::INFINITY, |next| next.y - self.drift);
            let is_beside = |row: &&mut Row| {
                if cell.frame.is_some() {
                    cell.frames(row.y)
                } else {
                    (cell.y - self.drift..until).contains(&row.y)
                }
            };
            match rows.iter_mut().find(is_beside) {
                Some(row) => {
                    row.left.push((role, cell.text()));
                    row.has_code |= role == Role::Codes;
                }
                None => alone.push(Row {
                    y: cell.y,
                    left: vec![(role, cell.text())],
                    has_code: role == Role::Codes,
                    cause: String::new(),
                    solution: String::new(),
                }),
            }
        }
        rows.extend(alone);
    }

    /// The cells whose beginning the column beside them confirms; a guess that it does not is part of the one above.
    fn confirmed(&self, cells: &[Cell], partner: &[Cell]) -> Vec<Cell> {
        merged(cells, |cell| partner.iter().any(|other| (other.y - cell.y).abs() <= self.drift))
    }

    fn confirmed_left(&self, cells: &[Cell], rows: &[Row]) -> Vec<Cell> {
        merged(cells, |cell| rows.iter().any(|row| (row.y - cell.y).abs() <= self.drift))
    }
}

/// A row that a page's end broke: what stands above the first row, and a first row that goes on in the middle of a
/// sentence, belong to the last record.
fn finish_broken_row(rows: &mut Vec<Row>, overhang: &mut String, last: &mut Record) {
    last.add(Role::Solution, overhang);
    overhang.clear();
    if rows.first().is_some_and(|first| first.left.is_empty() && first.cause.starts_with(char::is_lowercase))
    {
        let first = rows.remove(0);
        last.add(Role::Cause, &first.cause);
        last.add(Role::Solution, &first.solution);
    }
}

/// Cells with each guessed beginning that is not confirmed joined to the cell above.
fn merged(cells: &[Cell], is_confirmed: impl Fn(&Cell) -> bool) -> Vec<Cell> {
    let mut merged: Vec<Cell> = Vec::new();
    for cell in cells {
        match merged.last_mut() {
            Some(above) if cell.start == Start::Guessed && !is_confirmed(cell) => {
                let mut entries = cell.entries.iter().cloned();
                if let (Some(last), Some(first)) = (above.entries.last_mut(), entries.next()) {
                    last.text.push(' ');
                    last.text.push_str(&first.text);
                }
                above.entries.extend(entries);
            }
            _ => merged.push(cell.clone()),
        }
    }
    merged
}

/// Where rules run right across a column's text, from the top.
fn separators(table: &Table, lines: &[Line]) -> Vec<f64> {
    let left = lines.iter().map(Line::x0).fold(f64::INFINITY, f64::min);
    let right = lines.iter().map(Line::x1).fold(f64::NEG_INFINITY, f64::max);
    let covers = |x0: f64, x1: f64| x1.min(right) - x0.max(left) > 0.5 * (right - left);
    table.rules.iter().filter(|rule| covers(rule.x0, rule.x1)).map(|rule| rule.y0).collect()
}

/// A column's lines as cells.
fn cells(lines: &[Line], separators: &[f64], gap: f64, vocabulary: &Vocabulary) -> Vec<Cell> {
    let right = lines.iter().map(Line::x1).fold(f64::NEG_INFINITY, f64::max);
    let mut cells: Vec<Cell> = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let text = line.text();
        let mark = cut_mark(&text);
        let above = at.checked_sub(1).map(|above| &lines[above]);
        let start = match above {
            None => Some(Start::Sure),
            Some(above) => {
                let is_ruled_off = separators.iter().any(|&y| above.y < y && y < line.y);
                if is_ruled_off || line.y - above.y > gap || mark.is_some() {
                    Some(Start::Sure)
                } else {
                    had_room(above, line, right).then_some(Start::Guessed)
                }
            }
        };
        let (number, text) = mark.unwrap_or((None, &text));
        match (start, cells.last_mut()) {
            (None, Some(cell)) => {
                if let Some(entry) = cell.entries.last_mut() {
                    vocabulary.append(&mut entry.text, text);
                }
            }
            (start, _) => {
                let above = separators.iter().copied().filter(|&y| y < line.y).max_by(f64::total_cmp);
                let below = separators.iter().copied().filter(|&y| y > line.y).min_by(f64::total_cmp);
                // The first and the last cell of a ruled table end where the table does.
                let frame = (!separators.is_empty())
                    .then(|| (above.unwrap_or(f64::NEG_INFINITY), below.unwrap_or(f64::INFINITY)));
                cells.push(Cell {
                    start: start.unwrap_or(Start::Sure),
                    y: line.y,
                    frame,
                    entries: vec![Entry { number, text: text.to_owned() }],
                });
            }
        }
    }
    // Rules frame a cell only where it stands alone between them.
    let frames: Vec<_> = cells.iter().map(|cell| cell.frame).collect();
    for cell in &mut cells {
        cell.frame = cell.frame.filter(|_| frames.iter().filter(|&&other| other == cell.frame).count() == 1);
    }
    cells
}

/// Whether `line` begins anew although its first word would have fitted onto the line above.
fn had_room(above: &Line, line: &Line, right: f64) -> bool {
    let Some(first) = line.words.first() else { return false };
    let room = right - above.x1() - 0.3 * line.size;
    first.text.starts_with(|char: char| char.is_uppercase() || char.is_ascii_digit())
        && first.x1 - first.x0 <= room
        && !above.text().ends_with('-')
}
