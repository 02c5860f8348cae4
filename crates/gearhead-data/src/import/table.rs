//! Rows of a table to cases.

use std::path::Path;

use super::{
    draft::Draft,
    mapping::Mapping,
    rows::{Next, Place, Row, Rows},
    sink::Sink,
};
use crate::error::Result;

/// Rows that are looked at before columns are guessed.
const SAMPLE_ROWS: usize = 20;

/// Takes every row of `rows`. Rows in which every cell is empty count as blank.
pub(crate) fn import_table(path: &Path, rows: &mut dyn Rows, sink: &mut Sink<'_>) -> Result<()> {
    let mut first: Vec<(Row, Next)> = Vec::new();
    let mut is_at_end = false;
    while first.len() < SAMPLE_ROWS && !is_at_end {
        let mut row = Row { place: Place::Line(0), cells: Vec::new() };
        let next = rows.next_row(&mut row)?;
        is_at_end = next == Next::End;
        first.push((row, next));
    }
    if rows.header().is_empty() && first.iter().all(|(_, next)| *next == Next::End) {
        return Ok(());
    }
    let samples: Vec<Vec<String>> =
        first.iter().filter(|(_, next)| *next == Next::Row).map(|(row, _)| row.cells.clone()).collect();
    let mapping = Mapping::new(path, rows.header(), &samples, &sink.options.mapping)?;
    sink.agree(&mapping)?;
    let mut draft = Draft::default();
    for (row, next) in first {
        import_row(&row, &next, &mapping, &mut draft, sink)?;
    }
    let mut row = Row { place: Place::Line(0), cells: Vec::new() };
    while !is_at_end {
        let next = rows.next_row(&mut row)?;
        is_at_end = next == Next::End;
        import_row(&row, &next, &mapping, &mut draft, sink)?;
    }
    Ok(())
}

fn import_row(
    row: &Row,
    next: &Next,
    mapping: &Mapping,
    draft: &mut Draft,
    sink: &mut Sink<'_>,
) -> Result<()> {
    match next {
        Next::End => return Ok(()),
        Next::Faulty(reason) => {
            sink.count_row();
            return sink.reject(&row.place, reason, &row.cells.join("\t"));
        }
        Next::Row => {}
    }
    let cell = |index: usize| row.cells.get(index).map_or("", String::as_str);
    if row.cells.iter().all(|cell| cell.trim().is_empty()) {
        sink.file.blank += 1;
        return Ok(());
    }
    sink.count_row();
    draft.clear();
    for mapped in &mapping.fields {
        for &index in &mapped.indices {
            draft.add(mapped.field, cell(index));
        }
    }
    sink.fill_in(draft);
    if let Err(fault) = draft.check() {
        return sink.reject(&row.place, &fault.to_string(), &as_csv(&row.cells));
    }
    let kept = mapping.kept.iter().map(|(index, key)| (key.as_slice(), cell(*index).trim()));
    sink.take(&row.place, |buffer| draft.write(buffer, kept.filter(|(_, text)| !text.is_empty())))
}

/// The cells as a line of RFC 4180.
fn as_csv(cells: &[String]) -> String {
    let quoted = |cell: &String| {
        if cell.contains([',', '"', '\n', '\r']) {
            format!("\"{}\"", cell.replace('"', "\"\""))
        } else {
            cell.clone()
        }
    };
    cells.iter().map(quoted).collect::<Vec<_>>().join(",")
}
