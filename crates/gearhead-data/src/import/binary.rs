//! Opening a spreadsheet, a binary table or a document, in a build with its reader or without it.

use std::path::Path;

use super::Rows;
use crate::error::Result;

/// A source that was opened.
pub struct Opened {
    /// Its rows.
    pub rows: Box<dyn Rows>,
    /// What was passed over, one sentence each, to be shown to the user: titles above the header, sheets that are
    /// not read, pages that may be missing.
    pub notes: Vec<String>,
}

/// Opens a spreadsheet (`.xlsx`, `.xlsm`, `.xlsb`, `.ods`); `sheet` reads one sheet only.
///
/// # Errors
///
/// [`ReaderLeftOut`](crate::Error::ReaderLeftOut) without the cargo feature `xlsx`; otherwise as `xlsx::XlsxRows::open`.
pub fn open_xlsx(path: &Path, sheet: Option<&str>) -> Result<Opened> {
    #[cfg(feature = "xlsx")]
    {
        let rows = super::xlsx::XlsxRows::open(path, sheet)?;
        let notes = rows.notes().to_vec();
        Ok(Opened { rows: Box::new(rows), notes })
    }
    #[cfg(not(feature = "xlsx"))]
    {
        let _ = sheet;
        Err(left_out(path, "spreadsheets", "xlsx"))
    }
}

/// Opens a Parquet file.
///
/// # Errors
///
/// [`ReaderLeftOut`](crate::Error::ReaderLeftOut) without the cargo feature `parquet`; otherwise as `parquet::ParquetRows::open`.
pub fn open_parquet(path: &Path) -> Result<Opened> {
    #[cfg(feature = "parquet")]
    {
        Ok(Opened { rows: Box::new(super::parquet::ParquetRows::open(path)?), notes: Vec::new() })
    }
    #[cfg(not(feature = "parquet"))]
    {
        Err(left_out(path, "Parquet", "parquet"))
    }
}

/// Opens a PDF manual.
///
/// # Errors
///
/// [`ReaderLeftOut`](crate::Error::ReaderLeftOut) without the cargo feature `pdf`; otherwise as `pdf::PdfRows::open`.
pub fn open_pdf(path: &Path) -> Result<Opened> {
    #[cfg(feature = "pdf")]
    {
        let rows = super::pdf::PdfRows::open(path)?;
        let notes = rows.notes().to_vec();
        Ok(Opened { rows: Box::new(rows), notes })
    }
    #[cfg(not(feature = "pdf"))]
    {
        Err(left_out(path, "PDF", "pdf"))
    }
}

/// The text of a PDF, page by page, as a corpus: each page's number and its text in reading order.
///
/// # Errors
///
/// As [`open_pdf`].
pub fn pdf_pages(path: &Path) -> Result<Box<dyn Iterator<Item = (u64, String)>>> {
    #[cfg(feature = "pdf")]
    {
        Ok(Box::new(super::pdf::PdfText::open(path)?.into_pages()))
    }
    #[cfg(not(feature = "pdf"))]
    {
        Err(left_out(path, "PDF", "pdf"))
    }
}

#[cfg(not(all(feature = "xlsx", feature = "parquet", feature = "pdf")))]
fn left_out(path: &Path, format: &'static str, feature: &'static str) -> crate::Error {
    crate::Error::ReaderLeftOut { path: path.to_owned(), format, feature }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(not(feature = "xlsx"))]
    fn a_reader_that_was_left_out_is_an_error_with_its_feature() {
        let error = open_xlsx(Path::new("log.xlsx"), None).err().unwrap();
        assert_eq!(
            error.to_string(),
            "log.xlsx: this program was built without the reader of spreadsheets: build it with `--features xlsx`"
        );
    }

    #[test]
    #[cfg(all(feature = "xlsx", feature = "parquet", feature = "pdf"))]
    fn a_file_that_is_not_there_is_named() {
        let path = Path::new("no such file");
        for error in [open_xlsx(path, None).err(), open_parquet(path).err(), open_pdf(path).err()] {
            assert!(error.unwrap().to_string().starts_with("no such file: No such file"));
        }
    }
}
