//! A small engine with random weights, and a report of it.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

use std::sync::OnceLock;

use burn::backend::{Flex, flex::FlexDevice};
use gearhead_data::{
    case::Case,
    generate::{GenerateConfig, generate},
    knowledge::KnowledgeBase,
    manifest::{MANIFEST, Manifest},
    prompt::{Sections, texts},
    tokenizer::Tokenizer,
};
use gearhead_model::{Decoder, Dtype, ModelConfig, Precision, directory};

use crate::{
    engine::{Diagnose, Engine},
    report::Report,
};

/// Generated training cases; every fault card is among them.
pub(super) fn cases() -> Vec<Case> {
    generate(KnowledgeBase::builtin(), &GenerateConfig::new(200, 5)).unwrap().train
}

pub(super) fn engine() -> Engine<Flex> {
    let cases = cases();
    let texts: Vec<_> = cases.iter().flat_map(texts).collect();
    let tokenizer = Tokenizer::train(texts.iter(), 300, 2).unwrap();
    let markers = tokenizer.case_markers().unwrap();
    let config = ModelConfig {
        d_model: 32,
        n_layers: 1,
        d_ff: 48,
        max_seq_len: 512,
        tie_embeddings: false,
        bos_id: Some(markers.bos),
        eos_ids: vec![markers.eos],
        ..ModelConfig::new(tokenizer.vocab_size())
    };
    let decoder = Decoder::<Flex>::init(&config, 5, &FlexDevice).unwrap();
    let manifest = serde_json::to_vec(&Manifest::of_cases(&cases, Sections::CauseSolution)).unwrap();
    let tokenizer = tokenizer.to_json().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let beside = [("tokenizer.json", tokenizer.as_bytes()), (MANIFEST, manifest.as_slice())];
    directory::save(&decoder, &config, Dtype::F32, &beside, folder.path()).unwrap();
    Engine::open(folder.path(), Precision::default(), &FlexDevice).unwrap()
}

/// A report with dangers and a code that no table holds.
pub(super) fn report() -> Report {
    static REPORT: OnceLock<Report> = OnceLock::new();
    let made = || {
        let case =
            Case::new("Caterpillar 320 Excavator", "starter only clicks, lights go dim, battery at 9.6 V")
                .with_codes("SPN 520999 FMI 3");
        engine().diagnose(&case).unwrap()
    };
    REPORT.get_or_init(made).clone()
}
