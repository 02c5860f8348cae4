//! Arguments of `gearhead data import`.

use std::path::PathBuf;

use clap::Args;
use gearhead::data::import::{Encoding, Field, Format, MappingOptions};

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub(crate) struct ImportArgs {
    /// Files, and folders with all their files
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// The JSONL file to write
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// JSONL file for every row that is not taken, with its place, the reason and the row itself
    #[arg(long, value_name = "FILE")]
    pub(crate) rejected: Option<PathBuf>,
    /// What the files are: jsonl, json, csv, tsv, text, dialogue, tokens, corpus, parquet, xlsx or pdf [default: as each file looks]
    #[arg(long)]
    pub(crate) format: Option<Format>,
    /// How characters are written: utf-8, utf-16le, utf-16be or windows-1252 [default: as each file looks]
    #[arg(long)]
    pub(crate) encoding: Option<Encoding>,
    /// The character between two cells of a text table; `tab` for a tab [default: as each file looks]
    #[arg(long, value_name = "CHARACTER", value_parser = delimiter)]
    pub(crate) delimiter: Option<u8>,
    /// Text tables have no header; the columns are called column_1, column_2 and so on
    #[arg(long)]
    pub(crate) no_header: bool,
    /// The column or columns for a field, such as symptom=PROBLEM or "symptom=SHORT TEXT,LONG TEXT"; nothing after the sign for none
    #[arg(long, value_name = "FIELD=COLUMN", value_parser = MappingOptions::parse_assignment)]
    pub(crate) map: Vec<(Field, String)>,
    /// A field's value where a row has none, such as equipment="CAT 320"
    #[arg(long, value_name = "FIELD=VALUE", value_parser = MappingOptions::parse_assignment)]
    pub(crate) set: Vec<(Field, String)>,
    /// Leave out columns that are no field, instead of keeping them under their own names
    #[arg(long)]
    pub(crate) drop_extra: bool,
    /// The sheet of a spreadsheet [default: the first with a header, and those after it with the same header]
    #[arg(long, value_name = "NAME")]
    pub(crate) sheet: Option<String>,
    /// In a corpus, make a document of every section between blank lines, not of every file
    #[arg(long)]
    pub(crate) sections: bool,
    /// Look at each case on the terminal before it is taken: keep, edit or skip it
    #[arg(long)]
    pub(crate) review: bool,
    /// Use the columns that are found without asking
    #[arg(long)]
    pub(crate) yes: bool,
    /// Print the summary as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

fn delimiter(text: &str) -> Result<u8, String> {
    match text.as_bytes() {
        _ if text == "tab" || text == "\\t" => Ok(b'\t'),
        [byte] if byte.is_ascii() && !matches!(byte, b'"' | b'\n' | b'\r') => Ok(*byte),
        _ => Err("must be one ASCII character other than a quote, or `tab`".to_owned()),
    }
}
