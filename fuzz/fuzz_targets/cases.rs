//! Case files: JSON lines or one list.

#![no_main]

use gearhead_data::case::CaseReader;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let n_records = CaseReader::new("fuzz.jsonl", bytes).count();
    assert!(n_records <= bytes.len() + 1);
});
