//! One interface over calamine's four kinds of workbook.

use std::{
    collections::HashMap,
    fs::File,
    io::{BufReader, Cursor, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    sync::Arc,
};

use calamine::{Dimensions, Ods, OdsError, Reader, Sheet, Xlsb, XlsbError, Xlsx, XlsxError};

use super::{FORMAT, cell::Cell, compound};
use crate::error::{Error, Result};

/// Where a workbook is.
pub(super) enum Input {
    File(PathBuf),
    Bytes(Arc<[u8]>),
}

impl Input {
    fn open(&self) -> std::io::Result<Source> {
        Ok(match self {
            Self::File(path) => Source::File(BufReader::new(File::open(path)?)),
            Self::Bytes(bytes) => Source::Bytes(Cursor::new(Arc::clone(bytes))),
        })
    }
}

pub(super) enum Source {
    File(BufReader<File>),
    Bytes(Cursor<Arc<[u8]>>),
}

impl Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        match self {
            Self::File(file) => file.read(buffer),
            Self::Bytes(bytes) => bytes.read(buffer),
        }
    }
}

impl Seek for Source {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        match self {
            Self::File(file) => file.seek(to),
            Self::Bytes(bytes) => bytes.seek(to),
        }
    }
}

/// A row of a sheet.
pub(super) struct SheetRow {
    /// From 1, as shown.
    pub(super) number: u64,
    /// The cells that are there, in order.
    pub(super) cells: Vec<Cell>,
}

impl SheetRow {
    pub(super) fn is_blank(&self) -> bool {
        self.cells.iter().all(|cell| cell.text.is_empty())
    }
}

/// Whether to go on.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Flow {
    On,
    Stop,
}

pub(super) enum Book {
    Xlsx(Box<Xlsx<Source>>),
    Xlsb(Box<Xlsb<Source>>),
    Ods(Box<Ods<Source>>),
}

impl Book {
    pub(super) fn open(path: &Path, input: &Input) -> Result<Self> {
        let io = |source| Error::io(path, source);
        let unreadable = |reason: &dyn ToString| unreadable(path, reason);
        let mut magic = Vec::new();
        input.open().and_then(|source| source.take(8).read_to_end(&mut magic)).map_err(io)?;
        let open = || input.open().map_err(io);
        if magic.starts_with(b"\xD0\xCF\x11\xE0") {
            // A compound file: a locked XLSX, or an XLS, whose reader takes the memory that a file claims to need: a damaged
            // one of some kilobytes ended the program.
            let mut whole = Vec::new();
            open()?.read_to_end(&mut whole).map_err(io)?;
            if !compound::chains_end(&whole) {
                return Err(unreadable(&"it is damaged: its sectors run in a circle"));
            }
            return match Xlsx::new(open()?) {
                Err(XlsxError::Password) => Err(Error::Locked { path: path.into() }),
                _ => Err(unreadable(&"it is an XLS of Excel 97 to 2003: save it as XLSX and import that")),
            };
        }
        if !magic.starts_with(b"PK") {
            return Err(unreadable(
                &"it is none of XLSX, XLSB and ODS (is it a CSV file under another name?)",
            ));
        }
        let first = match Xlsx::new(open()?) {
            Ok(book) => return Ok(Self::Xlsx(Box::new(book))),
            Err(error) => error,
        };
        match Xlsb::new(open()?) {
            Ok(book) => return Ok(Self::Xlsb(Box::new(book))),
            Err(XlsbError::Password) => return Err(Error::Locked { path: path.into() }),
            Err(_) => {}
        }
        match Ods::new(open()?) {
            Ok(book) => Ok(Self::Ods(Box::new(book))),
            Err(OdsError::Password) => Err(Error::Locked { path: path.into() }),
            Err(_) => Err(unreadable(&first)),
        }
    }

    pub(super) fn sheets(&self) -> &[Sheet] {
        match self {
            Self::Xlsx(book) => book.sheets_metadata(),
            Self::Xlsb(book) => book.sheets_metadata(),
            Self::Ods(book) => book.sheets_metadata(),
        }
    }

    /// Shows each row of a sheet to `visit`, until it says stop.
    pub(super) fn rows(
        &mut self,
        path: &Path,
        sheet: &str,
        visit: &mut dyn FnMut(&SheetRow) -> Flow,
    ) -> Result<()> {
        let unreadable =
            |error: &dyn ToString| unreadable(path, &format!("sheet {sheet:?}: {}", error.to_string()));
        let merges = match self {
            Self::Xlsx(book) => book.merge_cells_by_sheet_name(sheet).map_err(|error| unreadable(&error))?,
            Self::Xlsb(_) | Self::Ods(_) => Vec::new(),
        };
        let mut rows = RowMaker::new(&merges, visit);
        match self {
            Self::Xlsx(book) => {
                let mut cells = book.worksheet_cells_reader(sheet).map_err(|error| unreadable(&error))?;
                while let Some(cell) = cells.next_cell().map_err(|error| unreadable(&error))? {
                    let (row, column) = cell.get_position();
                    if rows.cell(row, Cell::new(column, cell.get_value())) == Flow::Stop {
                        return Ok(());
                    }
                }
            }
            Self::Xlsb(book) => {
                let mut cells = book.worksheet_cells_reader(sheet).map_err(|error| unreadable(&error))?;
                while let Some(cell) = cells.next_cell().map_err(|error| unreadable(&error))? {
                    let (row, column) = cell.get_position();
                    if rows.cell(row, Cell::new(column, cell.get_value())) == Flow::Stop {
                        return Ok(());
                    }
                }
            }
            Self::Ods(book) => rows.whole(&book.worksheet_range(sheet).map_err(|error| unreadable(&error))?),
        }
        rows.finish();
        Ok(())
    }
}

fn unreadable(path: &Path, reason: &dyn ToString) -> Error {
    Error::Unreadable { path: path.to_owned(), format: FORMAT, reason: reason.to_string() }
}

/// Gathers cells into rows and carries the value of a downward merge into its rows.
struct RowMaker<'a> {
    visit: &'a mut dyn FnMut(&SheetRow) -> Flow,
    flow: Flow,
    row: SheetRow,
    /// For the row where a merge starts: its column and its last row.
    merges: HashMap<u32, Vec<(u32, u32)>>,
    /// Merges that reach into the rows to come: the last row, the cell.
    reaching: Vec<(u32, Cell)>,
}

impl<'a> RowMaker<'a> {
    fn new(merges: &[Dimensions], visit: &'a mut dyn FnMut(&SheetRow) -> Flow) -> Self {
        let mut downward: HashMap<u32, Vec<(u32, u32)>> = HashMap::new();
        for merge in merges.iter().filter(|merge| merge.end.0 > merge.start.0) {
            downward.entry(merge.start.0).or_default().push((merge.start.1, merge.end.0));
        }
        let row = SheetRow { number: 1, cells: Vec::new() };
        Self { visit, flow: Flow::On, row, merges: downward, reaching: Vec::new() }
    }

    fn cell(&mut self, row: u32, cell: Cell) -> Flow {
        if u64::from(row) + 1 != self.row.number {
            self.end_row();
            self.row.number = u64::from(row) + 1;
        }
        if self.flow == Flow::On && !cell.text.is_empty() {
            self.row.cells.push(cell);
        }
        self.flow
    }

    fn end_row(&mut self) {
        if self.flow == Flow::Stop || self.row.cells.is_empty() {
            return;
        }
        let number = (self.row.number - 1) as u32;
        self.reaching.retain(|(last, _)| *last >= number);
        for (_, cell) in &self.reaching {
            if self.row.cells.iter().all(|own| own.column != cell.column) {
                self.row.cells.push(cell.clone());
            }
        }
        self.row.cells.sort_by_key(|cell| cell.column);
        for (column, last) in self.merges.remove(&number).unwrap_or_default() {
            if let Some(cell) = self.row.cells.iter().find(|cell| cell.column == column) {
                self.reaching.push((last, cell.clone()));
            }
        }
        self.flow = (self.visit)(&self.row);
        self.row.cells.clear();
    }

    fn whole(&mut self, range: &calamine::Range<calamine::Data>) {
        let (first_row, first_column) = range.start().unwrap_or_default();
        for (row, column, value) in range.used_cells() {
            let column = first_column + column as u32;
            if self.cell(first_row + row as u32, Cell::of_data(column, value)) == Flow::Stop {
                return;
            }
        }
    }

    fn finish(mut self) {
        self.end_row();
    }
}
