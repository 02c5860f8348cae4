//! One import from beginning to end.

use std::{
    cell::Cell,
    fs::File,
    io::{Cursor, Read, Write},
    path::{Path, PathBuf},
    rc::Rc,
};

use super::{
    binary,
    corpus::{SeenParagraphs, import_corpus},
    dialogue::import_dialogues,
    encoding::{Encoding, TextReader},
    format::{self, Format},
    json::import_records,
    mapping::Mapping,
    options::{Documents, ImportOptions, Observer, Rejected},
    records::JsonRecords,
    review::Reviewer,
    rows::{
        Place,
        csv::{CsvOptions, CsvRows},
        tokens::TokenRows,
    },
    sink::Sink,
    sources::{self, Source},
    summary::{FileSummary, ImportSummary},
    table::import_table,
    text::import_text,
};
use crate::{
    case::write_whole_with,
    error::{Error, Result},
};

/// How much of a file is looked at to tell what it is.
const SAMPLE_BYTES: usize = 1 << 16;

/// Imports files, and the files of folders, as JSONL cases into the file `out`, which appears when it is complete. Every
/// row that is not taken goes to the observer and, as JSONL, to `rejected`. A reviewer is asked about every case.
///
/// # Errors
///
/// A file cannot be read or its columns make no cases; [`Error::NothingTaken`] where no row at all was taken: then only
/// `rejected` is written.
pub fn import_to_files(
    paths: &[PathBuf],
    out: &Path,
    rejected: Option<&Path>,
    options: &ImportOptions,
    observer: &mut dyn Observer,
    reviewer: Option<Box<dyn Reviewer + '_>>,
) -> Result<ImportSummary> {
    let left_out: Vec<&Path> = rejected.into_iter().chain([out]).collect();
    let sources = sources::files(paths, &left_out)?;
    let Some(rejected) = rejected else {
        return write_whole_with(out, |output| {
            import_sources(&sources, options, out, output, observer, reviewer)
        });
    };
    write_whole_with(rejected, |lines| {
        let mut recorder = Recorder { path: rejected, lines, observer };
        let result = write_whole_with(out, |output| {
            import_sources(&sources, options, out, output, &mut recorder, reviewer)
        });
        match result {
            Err(error) if !matches!(error, Error::NothingTaken { .. }) => Err(error),
            result => Ok(result),
        }
    })?
}

/// Imports files, and the files of folders, as JSONL cases into `out`.
///
/// # Errors
///
/// As [`import_to_files`].
pub fn import(
    paths: &[PathBuf],
    options: &ImportOptions,
    out: &mut dyn Write,
    observer: &mut dyn Observer,
) -> Result<ImportSummary> {
    import_sources(&sources::files(paths, &[])?, options, Path::new("output"), out, observer, None)
}

/// Imports text from a reader; `path` is what messages call it, and its ending helps to tell the format.
///
/// # Errors
///
/// As [`import_to_files`].
pub fn import_reader(
    path: &Path,
    input: impl Read + 'static,
    options: &ImportOptions,
    out: &mut dyn Write,
    observer: &mut dyn Observer,
) -> Result<ImportSummary> {
    let mut sink = Sink::new(
        options,
        Path::new("output"),
        out,
        observer,
        None,
        FileSummary::new(path.to_owned(), Format::Text),
    );
    let mut summary = ImportSummary::default();
    import_input(path, None, input, &mut SeenParagraphs::default(), &mut sink)?;
    summary.add(sink.finish_file(FileSummary::new(PathBuf::new(), Format::Text))?);
    summary.checked(sink.first_fault)
}

fn import_sources(
    sources: &[Source],
    options: &ImportOptions,
    out_path: &Path,
    out: &mut dyn Write,
    observer: &mut dyn Observer,
    reviewer: Option<Box<dyn Reviewer + '_>>,
) -> Result<ImportSummary> {
    let summary_of = |source: Option<&Source>| {
        let path = source.map_or_else(PathBuf::new, |source| source.path.clone());
        FileSummary::new(path, options.format.unwrap_or(Format::Text))
    };
    let mut sink = Sink::new(options, out_path, out, observer, reviewer, summary_of(sources.first()));
    let mut seen = SeenParagraphs::default();
    let mut summary = ImportSummary::default();
    for (index, source) in sources.iter().enumerate() {
        let input = File::open(&source.path).map_err(|error| Error::io(&source.path, error))?;
        match import_input(&source.path, Some(&source.path), input, &mut seen, &mut sink) {
            // A folder may hold anything; what is of no use is reported like a row.
            Err(Error::UnknownFormat { reason, .. } | Error::UnreadableFormat { reason, .. })
                if source.is_found =>
            {
                sink.count_row();
                sink.reject(&Place::File, &reason, "")?;
            }
            result => result?,
        }
        summary.add(sink.finish_file(summary_of(sources.get(index + 1)))?);
    }
    summary.checked(sink.first_fault)
}

/// `path` is what messages call the input; `on_disk` is where a binary format, which is not read from front to back, can be
/// opened.
fn import_input(
    path: &Path,
    on_disk: Option<&Path>,
    mut input: impl Read + 'static,
    seen: &mut SeenParagraphs,
    sink: &mut Sink<'_>,
) -> Result<()> {
    let mut sample = Vec::new();
    input
        .by_ref()
        .take(SAMPLE_BYTES as u64)
        .read_to_end(&mut sample)
        .map_err(|error| Error::io(path, error))?;
    let signature = Format::from_signature(&sample);
    let options = sink.options;
    let encoding = options.encoding.unwrap_or_else(|| Encoding::detect(&sample));
    let text = beginning(&sample, encoding);
    let format = match (options.format, signature) {
        (Some(Format::Corpus), Some(Format::Pdf)) => Format::Pdf,
        (Some(format), Some(signature)) if format.is_binary() != signature.is_binary() => {
            let reason = format!("this is no {format} but {signature}");
            return Err(Error::UnreadableFormat { path: path.to_owned(), reason });
        }
        (Some(format), _) | (None, Some(format)) => format,
        (None, None) => Format::of_text(path, &text)?,
    };
    sink.file.format = format;
    refuse_idle_options(path, options.format.unwrap_or(format), options)?;
    if format.is_binary() {
        let Some(on_disk) = on_disk else {
            let reason = format!("{format} is read from a file, not from a stream");
            return Err(Error::UnreadableFormat { path: path.to_owned(), reason });
        };
        return import_binary(on_disk, format, seen, sink);
    }
    let input = Counted { input: Cursor::new(sample).chain(input), bytes: sink.bytes_read() };
    let input = TextReader::new(input, encoding);
    match format {
        Format::Csv | Format::Tsv => {
            let tab = (options.format == Some(Format::Tsv)).then_some(b'\t');
            let delimiter = options.delimiter.or(tab);
            let has_no_header = options.has_no_header;
            let mut rows = CsvRows::new(path, input, CsvOptions { delimiter, has_no_header })?;
            let result = import_table(path, &mut rows, sink);
            sink.note_text(rows.input());
            sink.file.short_rows = rows.short_rows();
            result
        }
        Format::Tokens => {
            let mut rows = TokenRows::new(path, input);
            let result = import_table(path, &mut rows, sink);
            sink.note_text(rows.input());
            result
        }
        Format::Jsonl | Format::Json | Format::Dialogue => {
            let is_lines = match format {
                Format::Jsonl => true,
                Format::Dialogue => format::is_lines(text.trim_start()),
                _ => false,
            };
            let mut records = JsonRecords::new(path, input, is_lines)?;
            let result = match format {
                Format::Dialogue => import_dialogues(&mut records, sink),
                _ => import_records(path, &mut records, sink),
            };
            sink.note_text(records.input());
            result
        }
        Format::Text => import_text(path, input, sink),
        Format::Corpus => import_corpus(path, input, seen, sink),
        Format::Parquet | Format::Xlsx | Format::Pdf => Ok(()),
    }
}

/// Takes the rows of a file that is opened as a whole; as a corpus, the text of a PDF.
fn import_binary(path: &Path, format: Format, seen: &mut SeenParagraphs, sink: &mut Sink<'_>) -> Result<()> {
    if sink.options.format == Some(Format::Corpus) {
        let pages = binary::pdf_pages(path)?.map(|(_, text)| text);
        let text = pages.collect::<Vec<_>>().join("\n\n");
        let input = TextReader::new(Cursor::new(text.into_bytes()), Encoding::Utf8);
        return import_corpus(path, input, seen, sink);
    }
    let mut opened = match format {
        Format::Xlsx => binary::open_xlsx(path, sink.options.sheet.as_deref())?,
        Format::Parquet => binary::open_parquet(path)?,
        _ => binary::open_pdf(path)?,
    };
    sink.file.notes = opened.notes;
    import_table(path, &mut *opened.rows, sink)
}

/// The beginning of the text, for a guess at what it is.
fn beginning(sample: &[u8], encoding: Encoding) -> String {
    let mut text = Vec::new();
    // Reading from memory does not fail.
    let _ = TextReader::new(Cursor::new(sample.to_vec()), encoding).read_to_end(&mut text);
    String::from_utf8_lossy(&text).into_owned()
}

/// Options that would do nothing are refused, so that nobody believes they did.
fn refuse_idle_options(path: &Path, format: Format, options: &ImportOptions) -> Result<()> {
    let has_columns = !matches!(format, Format::Text | Format::Dialogue | Format::Corpus);
    let is_text_table = matches!(format, Format::Csv | Format::Tsv);
    let idle = [
        ("--map", !options.mapping.map.is_empty() && !has_columns),
        ("--drop-extra", options.mapping.drops_extra && !has_columns),
        ("--set", !options.mapping.set.is_empty() && format == Format::Corpus),
        ("--delimiter", options.delimiter.is_some() && !is_text_table),
        ("--no-header", options.has_no_header && !is_text_table),
        ("--sheet", options.sheet.is_some() && format != Format::Xlsx),
        ("--sections", options.documents == Documents::Sections && format != Format::Corpus),
    ];
    match idle.into_iter().find(|(_, is_idle)| *is_idle) {
        None => Ok(()),
        Some((option, _)) => {
            let reason = format!("{option} has no meaning for the format {format}");
            Err(Error::Mapping { path: path.to_owned(), reason })
        }
    }
}

impl ImportSummary {
    fn add(&mut self, file: FileSummary) {
        self.rows += file.rows;
        self.cases += file.cases;
        self.rejected += file.rejected;
        self.blank += file.blank;
        self.files.push(file);
    }

    fn checked(self, first: Option<String>) -> Result<Self> {
        if self.cases == 0 { Err(Error::NothingTaken { rows: self.rows, first }) } else { Ok(self) }
    }
}

/// Counts what is read.
struct Counted<R> {
    input: R,
    bytes: Rc<Cell<u64>>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let n_bytes = self.input.read(into)?;
        self.bytes.set(self.bytes.get() + n_bytes as u64);
        Ok(n_bytes)
    }
}

/// Writes rejected rows to a file on their way to the observer.
struct Recorder<'a> {
    path: &'a Path,
    lines: &'a mut dyn Write,
    observer: &'a mut dyn Observer,
}

impl Observer for Recorder<'_> {
    fn mapping(&mut self, path: &Path, mapping: &Mapping) -> Result<bool> {
        self.observer.mapping(path, mapping)
    }

    fn rejected(&mut self, row: &Rejected<'_>) -> Result<()> {
        let written = serde_json::to_writer(&mut *self.lines, row).map_err(std::io::Error::from);
        written.and_then(|()| self.lines.write_all(b"\n")).map_err(|source| Error::io(self.path, source))?;
        self.observer.rejected(row)
    }

    fn progress(&mut self, bytes_read: u64) {
        self.observer.progress(bytes_read);
    }
}
