//! Reads a source to its end, for tests.

use std::path::PathBuf;

use super::{Next, Place, Row, Rows};
use crate::error::Result;

/// A row that was read, with the reason if it is faulty.
pub(super) struct Seen {
    pub(super) place: String,
    pub(super) cells: Vec<String>,
    pub(super) fault: Option<String>,
}

pub(super) fn read_all(rows: &mut impl Rows) -> Result<Vec<Seen>> {
    let mut seen = Vec::new();
    let mut row = Row { place: Place::Line(0), cells: Vec::new() };
    loop {
        let fault = match rows.next_row(&mut row)? {
            Next::Row => None,
            Next::Faulty(reason) => Some(reason),
            Next::End => return Ok(seen),
        };
        seen.push(Seen { place: row.place.to_string(), cells: row.cells.clone(), fault });
    }
}

/// A file of the `fixtures` folder.
pub(super) fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fixtures").join(name)
}
