//! Parquet files.

#![no_main]

use gearhead_data::import::{Next, Place, Row, Rows, parquet::ParquetRows};
use libfuzzer_sys::fuzz_target;

/// Rows that are read of one input: a small file can claim to have any number.
const MAX_ROWS: usize = 10_000;

/// The crate behind this reader panics on some broken files. Its thread ends then, and the reader gives an error, so such a
/// panic is none of ours and must not end the run.
fn let_reading_threads_panic() {
    let abort = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let thread = std::thread::current();
        if !thread.name().is_some_and(|name| name.starts_with("read ") || name.starts_with("open ")) {
            abort(panic);
        }
    }));
}

fuzz_target!(init: let_reading_threads_panic(), |bytes: &[u8]| {
    let Ok(mut rows) = ParquetRows::from_bytes(bytes.to_vec()) else { return };
    let mut row = Row { place: Place::Row(0), cells: Vec::new() };
    for _ in 0..MAX_ROWS {
        match rows.next_row(&mut row) {
            Ok(Next::End) | Err(_) => return,
            Ok(Next::Row) => assert!(row.cells.len() <= rows.header().len()),
            Ok(_) => {}
        }
    }
});
