//! An import of text in any format; the first byte chooses one.

#![no_main]

use std::{io::Cursor, path::Path};

use gearhead_data::import::{Documents, Format, ImportOptions, import_reader};
use libfuzzer_sys::fuzz_target;

const FORMATS: [Option<Format>; 9] = [
    None,
    Some(Format::Jsonl),
    Some(Format::Json),
    Some(Format::Csv),
    Some(Format::Tsv),
    Some(Format::Text),
    Some(Format::Dialogue),
    Some(Format::Tokens),
    Some(Format::Corpus),
];

fuzz_target!(|bytes: &[u8]| {
    let Some((choice, bytes)) = bytes.split_first() else { return };
    let options = ImportOptions {
        format: FORMATS[usize::from(*choice) % FORMATS.len()],
        documents: if *choice < 128 { Documents::Files } else { Documents::Sections },
        ..ImportOptions::default()
    };
    let mut out = Vec::new();
    let input = Cursor::new(bytes.to_vec());
    if let Ok(summary) = import_reader(Path::new("fuzz"), input, &options, &mut out, &mut ()) {
        assert_eq!(summary.rows, summary.cases + summary.rejected);
        assert_eq!(out.iter().filter(|byte| **byte == b'\n').count() as u64, summary.cases);
    }
});
