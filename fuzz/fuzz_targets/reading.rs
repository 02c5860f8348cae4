//! A complaint and the name of a machine: how they are understood, and whether they ask to defeat a safety device.

#![no_main]

use std::sync::LazyLock;

use gearhead_data::{case::Case, knowledge::KnowledgeBase, reading::Reader};
use libfuzzer_sys::fuzz_target;

static READER: LazyLock<Reader> = LazyLock::new(|| Reader::new(KnowledgeBase::builtin()));

fuzz_target!(|texts: (&str, &str)| {
    let reading = READER.read(&Case::new(texts.0, texts.1), KnowledgeBase::builtin());
    assert!(reading.clauses.len() <= texts.1.len() + 1);
});
