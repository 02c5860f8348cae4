//! A company's own table of codes, and its folder of cards.

#![no_main]

use gearhead_data::{code::CodeTable, knowledge::KnowledgeBase};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let _ = CodeTable::builtin().with_overrides(text);
    let folder = std::env::temp_dir().join(format!("gearhead-fuzz-{}", std::process::id()));
    std::fs::create_dir_all(folder.join("cards")).expect("a folder for the cards");
    for file in ["cards/own.toml", "machines.toml", "codes.toml", "knowledge.toml"] {
        std::fs::write(folder.join(file), text).expect("a file of cards");
        let _ = KnowledgeBase::builtin().with_folder(&folder);
        std::fs::remove_file(folder.join(file)).expect("the file of cards");
    }
});
