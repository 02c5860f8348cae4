//! `gearhead data import`: a company's own records to cases.

use std::{
    collections::HashSet,
    io::{self, BufRead, IsTerminal},
    path::{Path, PathBuf},
};

use gearhead::data::{
    self,
    import::{
        Documents, FileSummary, Format, ImportOptions, ImportSummary, Mapping, MappingOptions, Observer,
        Rejected, import_to_files, review::Reviewer, total_bytes,
    },
};
use indicatif::ProgressBar;
use serde::Serialize;

use super::review::Terminal;
use crate::{args::ImportArgs, failure::Failure, output, progress};

/// Rejected rows that are shown; the file has them all.
const SHOWN_REJECTED: u64 = 10;

pub(super) fn run(args: &ImportArgs) -> Result<(), Failure> {
    let options = ImportOptions {
        format: args.format,
        encoding: args.encoding,
        delimiter: args.delimiter,
        has_no_header: args.no_header,
        mapping: MappingOptions {
            map: args.map.clone(),
            set: args.set.clone(),
            drops_extra: args.drop_extra,
        },
        sheet: args.sheet.clone(),
        documents: if args.sections { Documents::Sections } else { Documents::Files },
    };
    if args.rejected.as_ref() == Some(&args.out) {
        return Err(Failure::bad_input("usage", "--out and --rejected must be two files"));
    }
    if args.review && args.format == Some(Format::Corpus) {
        return Err(Failure::bad_input("usage", "--review is for cases; a corpus has none"));
    }
    let reviewer: Option<Box<dyn Reviewer>> =
        if args.review { Some(Box::new(Terminal::open()?)) } else { None };
    let mut view = View {
        // A bar would write over the questions.
        bar: if args.review { ProgressBar::hidden() } else { progress::bytes(total_bytes(&args.paths)?) },
        asks: !args.yes && !args.json && io::stdin().is_terminal() && io::stderr().is_terminal(),
        agreed: HashSet::new(),
        n_rejected: 0,
    };
    let result =
        import_to_files(&args.paths, &args.out, args.rejected.as_deref(), &options, &mut view, reviewer);
    view.bar.finish_and_clear();
    if view.n_rejected > SHOWN_REJECTED {
        let more = view.n_rejected - SHOWN_REJECTED;
        match &args.rejected {
            Some(path) => output::note(format_args!("and {more} more, all in {}", path.display())),
            None => output::note(format_args!("and {more} more; --rejected FILE writes them all")),
        }
    }
    let summary = result?;
    let outputs = Outputs { cases: &args.out, rejected: args.rejected.as_deref() };
    if args.json {
        return output::json(&Report { summary: &summary, outputs });
    }
    show(&summary, &outputs)
}

/// The summary as `--json` prints it: `docs/schemas/import.schema.json`.
#[derive(Serialize)]
struct Report<'a> {
    #[serde(flatten)]
    summary: &'a ImportSummary,
    outputs: Outputs<'a>,
}

#[derive(Serialize)]
struct Outputs<'a> {
    cases: &'a Path,
    rejected: Option<&'a Path>,
}

fn show(summary: &ImportSummary, outputs: &Outputs<'_>) -> Result<(), Failure> {
    for file in &summary.files {
        output::text(format_args!("{}: {}", file.path.display(), in_words(file)))?;
        for note in &file.notes {
            output::text(format_args!("  {note}"))?;
        }
    }
    let taken =
        if summary.files.iter().all(|file| file.format == Format::Corpus) { "documents" } else { "cases" };
    output::text(format_args!(
        "{}: {} {taken} of {} rows; {} not taken",
        outputs.cases.display(),
        summary.cases,
        summary.rows,
        summary.rejected
    ))
}

fn in_words(file: &FileSummary) -> String {
    let encoding = file.encoding.map_or(String::new(), |encoding| format!(", {encoding}"));
    let first = format!("{}{encoding}: {} taken, {} not", file.format, file.cases, file.rejected);
    let counts = [
        (file.blank, "blank rows"),
        (file.short_rows, "rows shorter than the header"),
        (file.windows_1252_lines, "lines read as windows-1252"),
        (file.undecodable, "undecodable places"),
        (file.control_characters, "control characters left out"),
        (file.repeated_paragraphs, "repeated paragraphs"),
    ];
    let counted = counts.into_iter().filter(|(count, _)| *count > 0);
    let counted = counted.map(|(count, what)| format!("{count} {what}"));
    std::iter::once(first).chain(counted).collect::<Vec<_>>().join("; ")
}

/// What an import looks like: a bar on a terminal, the columns of each table, and the first rows that are not taken.
struct View {
    bar: ProgressBar,
    asks: bool,
    /// Mappings that were shown, so that the hundredth file of one form is not shown again.
    agreed: HashSet<String>,
    n_rejected: u64,
}

impl View {
    fn say(&self, text: impl std::fmt::Display) {
        self.bar.suspend(|| output::note(text));
    }
}

impl Observer for View {
    fn mapping(&mut self, path: &Path, mapping: &Mapping) -> data::Result<bool> {
        let columns =
            mapping.fields.iter().map(|mapped| format!("{}={}", mapped.field, mapped.columns.join(",")));
        if !self.agreed.insert(columns.collect::<Vec<_>>().join("\n")) {
            return Ok(true);
        }
        self.say(format_args!("{}: columns\n{}", path.display(), mapping.to_string().trim_end()));
        if !self.asks {
            return Ok(true);
        }
        self.say("Use this mapping? [Y/n]");
        let mut answer = String::new();
        let read = self.bar.suspend(|| io::stdin().lock().read_line(&mut answer));
        let n_bytes = read.map_err(|source| data::Error::io(PathBuf::from("standard input"), source))?;
        let answer = answer.trim().to_lowercase();
        Ok(n_bytes > 0 && (answer.is_empty() || answer == "y" || answer == "yes"))
    }

    fn rejected(&mut self, row: &Rejected<'_>) -> data::Result<()> {
        self.n_rejected += 1;
        if self.n_rejected <= SHOWN_REJECTED {
            self.say(format_args!("{}:{}: not taken: {}", row.path.display(), row.place, row.reason));
        }
        Ok(())
    }

    fn progress(&mut self, bytes_read: u64) {
        self.bar.set_position(bytes_read);
    }
}
