//! Which sheets are read, and where their headers stand.

use std::path::Path;

use calamine::{SheetType, SheetVisible};

use super::{
    FORMAT,
    book::{Book, Flow, SheetRow},
};
use crate::error::{Error, Result};

/// A header further down than this is none.
const MAX_ROWS_ABOVE_HEADER: u64 = 200;

pub(super) struct Plan {
    pub(super) header: Vec<String>,
    pub(super) sheets: Vec<PlannedSheet>,
    pub(super) notes: Vec<String>,
}

pub(super) struct PlannedSheet {
    pub(super) name: String,
    /// From 1.
    pub(super) header_row: u64,
}

/// A header that was found, and what stood above it.
struct Header {
    row: u64,
    names: Vec<String>,
    above: Vec<String>,
}

impl Plan {
    pub(super) fn make(book: &mut Book, path: &Path, wanted: Option<&str>) -> Result<Self> {
        let mut notes = Vec::new();
        let names = match wanted {
            Some(wanted) => vec![sheet_named(book, path, wanted)?],
            None => visible_sheets(book, &mut notes),
        };
        let mut plan = Self { header: Vec::new(), sheets: Vec::new(), notes };
        for name in names {
            match find_header(book, path, &name)? {
                Some(header) => plan.add(name, header),
                None => plan
                    .notes
                    .push(format!("sheet {name:?} is not read: no row of it has two texts for a header")),
            }
        }
        if plan.sheets.is_empty() {
            let mut reason = String::from("no sheet has a header, a row with two texts or more");
            for note in &plan.notes {
                reason.push_str("; ");
                reason.push_str(note);
            }
            return Err(Error::Unreadable { path: path.to_owned(), format: FORMAT, reason });
        }
        Ok(plan)
    }

    fn add(&mut self, name: String, header: Header) {
        if self.sheets.is_empty() {
            self.header = header.names;
        } else if !same(&self.header, &header.names) {
            self.notes.push(format!(
                "sheet {name:?} is not read: its header ({}) is not that of {:?}; to read it, name it",
                header.names.join(", "),
                self.sheets[0].name
            ));
            return;
        }
        if !header.above.is_empty() {
            self.notes.push(format!(
                "sheet {name:?}: the header is row {}; passed over above it: {}",
                header.row,
                header.above.join(" / ")
            ));
        }
        self.sheets.push(PlannedSheet { name, header_row: header.row });
    }
}

fn sheet_named(book: &Book, path: &Path, wanted: &str) -> Result<String> {
    let names: Vec<String> = book.sheets().iter().map(|sheet| sheet.name.clone()).collect();
    let exact = names.iter().find(|name| *name == wanted);
    let found = exact.or_else(|| names.iter().find(|name| name.to_lowercase() == wanted.to_lowercase()));
    match found {
        Some(name) => Ok(name.clone()),
        None => Err(Error::NoSheet { path: path.to_owned(), sheet: wanted.to_owned(), sheets: names }),
    }
}

fn visible_sheets(book: &Book, notes: &mut Vec<String>) -> Vec<String> {
    let mut names = Vec::new();
    for sheet in book.sheets().iter().filter(|sheet| sheet.typ == SheetType::WorkSheet) {
        if sheet.visible == SheetVisible::Visible {
            names.push(sheet.name.clone());
        } else {
            notes.push(format!("sheet {:?} is hidden and is not read; to read it, name it", sheet.name));
        }
    }
    names
}

fn find_header(book: &mut Book, path: &Path, sheet: &str) -> Result<Option<Header>> {
    let (mut found, mut above) = (None, Vec::new());
    book.rows(path, sheet, &mut |row| {
        if row.number > MAX_ROWS_ABOVE_HEADER {
            return Flow::Stop;
        }
        if row.cells.iter().filter(|cell| cell.is_words && !cell.text.is_empty()).count() >= 2 {
            found = Some((row.number, names(row)));
            return Flow::Stop;
        }
        if !row.is_blank() {
            above.push(row.cells.iter().map(|cell| cell.text.as_str()).collect::<Vec<_>>().join(" "));
        }
        Flow::On
    })?;
    Ok(found.map(|(row, names)| Header { row, names, above }))
}

fn names(row: &SheetRow) -> Vec<String> {
    let width = row.cells.iter().filter(|cell| !cell.text.is_empty()).map(|cell| cell.column + 1).max();
    let mut names: Vec<String> =
        (0..width.unwrap_or(0)).map(|column| format!("column {}", letters(column))).collect();
    for cell in row.cells.iter().filter(|cell| !cell.text.is_empty()) {
        names[cell.column as usize].clone_from(&cell.text);
    }
    names
}

fn same(one: &[String], other: &[String]) -> bool {
    one.len() == other.len() && one.iter().zip(other).all(|(a, b)| a.to_lowercase() == b.to_lowercase())
}

/// The letters of a column, from 0: A to Z, AA and so on.
pub(super) fn letters(column: u32) -> String {
    let mut letters = Vec::new();
    let mut rest = column + 1;
    while rest > 0 {
        letters.push(b'A' + ((rest - 1) % 26) as u8);
        rest = (rest - 1) / 26;
    }
    letters.iter().rev().map(|&letter| char::from(letter)).collect()
}

#[cfg(test)]
mod tests {
    use super::letters;

    #[test]
    fn columns_are_lettered_as_spreadsheets_do() {
        for (column, expected) in [(0, "A"), (25, "Z"), (26, "AA"), (701, "ZZ"), (702, "AAA")] {
            assert_eq!(letters(column), expected);
        }
    }
}
