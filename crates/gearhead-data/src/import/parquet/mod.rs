//! Parquet files.
//!
//! Each leaf of the schema is a column: the fields of a structure are named `a.b`, a list is its values joined by
//! `; `, a map is `key: value` joined by `; `. Null is empty. Dates, times and timestamps are ISO 8601 (with `Z` where
//! the file says that they are in UTC). Bytes that are not text make the row faulty.
//!
//! **Memory**: the pages of one row group that are being read, however long the file is.

mod field;
#[cfg(test)]
mod tests;
mod time;

use std::{fs::File, path::Path, sync::Arc};

use bytes::Bytes;
use parquet::{
    errors::ParquetError,
    file::reader::{ChunkReader, FileReader, SerializedFileReader},
    record::reader::RowIter,
};

use super::{
    Next, Place, Row, Rows,
    worker::{Sink, Worker, isolated},
};
use crate::error::{Error, Result};
use field::Column;

const FORMAT: &str = "Parquet";

/// The rows of a Parquet file.
pub struct ParquetRows {
    header: Vec<String>,
    worker: Worker,
}

impl ParquetRows {
    /// Opens a file.
    ///
    /// # Errors
    ///
    /// The file cannot be opened ([`Error::Io`]) or is no Parquet file ([`Error::Unreadable`]).
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        Self::read(path, File::open(path).map_err(|source| Error::io(path, source))?)
    }

    /// Reads a file that is in memory already.
    ///
    /// # Errors
    ///
    /// As [`ParquetRows::open`]; the path in messages is `Parquet`.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self> {
        Self::read(Path::new(FORMAT), Bytes::from(bytes))
    }

    fn read<R: ChunkReader + 'static>(path: &Path, input: R) -> Result<Self> {
        let owned = path.to_owned();
        let (reader, columns) = isolated(path, FORMAT, move || {
            let reader =
                SerializedFileReader::new(input).map_err(|error| unreadable(&owned, None, &error))?;
            let columns = Column::all(reader.metadata().file_metadata().schema());
            Ok((reader, columns))
        })?;
        let header = columns.iter().map(|column| column.name.clone()).collect();
        let (owned, columns) = (path.to_owned(), Arc::new(columns));
        let worker = Worker::start(path.to_owned(), FORMAT, move |sink| {
            hand_over(Box::new(reader), &columns, &owned, sink)
        })?;
        Ok(Self { header, worker })
    }
}

impl Rows for ParquetRows {
    fn header(&self) -> &[String] {
        &self.header
    }

    fn next_row(&mut self, row: &mut Row) -> Result<Next> {
        self.worker.next_row(row)
    }
}

/// Reads every row; `None` where whoever took the rows has left.
fn hand_over(
    reader: Box<dyn FileReader>,
    columns: &[Column],
    path: &Path,
    sink: &mut Sink,
) -> Option<Result<()>> {
    for (number, record) in (1..).zip(RowIter::from_file_into(reader)) {
        let record = match record {
            Ok(record) => record,
            Err(error) => return Some(Err(unreadable(path, Some(number), &error))),
        };
        let mut fault = None;
        let cells = columns
            .iter()
            .map(|column| {
                column.text(&record).unwrap_or_else(|bytes| {
                    fault.get_or_insert_with(|| {
                        format!("`{}` holds {bytes} bytes that are not text", column.name)
                    });
                    String::new()
                })
            })
            .collect();
        sink.push(Row { place: Place::Row(number), cells }, fault).ok()?;
    }
    Some(Ok(()))
}

fn unreadable(path: &Path, row: Option<u64>, error: &ParquetError) -> Error {
    let reason = match row {
        Some(row) => format!("row {row}: {error}"),
        None => error.to_string(),
    };
    Error::Unreadable { path: path.to_owned(), format: FORMAT, reason }
}
