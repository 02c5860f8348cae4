//! Cases, fault codes, fault knowledge, tokenizer and packing: everything about the data of heavy-equipment
//! diagnosis that needs no tensor.
//!
//! This crate refuses to know Burn: a data check, an import or a code lookup never waits for a numerical library
//! to be compiled.
//!
//! In reading order:
//!
//! - [`case`]: the record that everything else is about, and reading and writing it;
//! - [`code`]: fault codes as people write them, and what they mean;
//! - [`can`], [`telematics`], [`fault_log`]: fault codes out of recordings of a machine's buses and of a fleet's service;
//! - [`corpus`]: texts of other kinds;
//! - [`knowledge`]: machines and fault cards;
//! - [`likeness`]: how alike short texts are;
//! - [`reading`]: how a machine and a complaint are understood;
//! - [`generate`]: cases made from the cards;
//! - [`evaluation`]: cases that no generator made, to measure on;
//! - [`duplicates`]: texts that are copies of each other, or nearly;
//! - [`check`]: what is wrong with records, and whether something gives their label away;
//! - [`import`]: records of other shapes turned into cases;
//! - [`stats`]: how varied cases are;
//! - [`split`]: training, validation and test cases without a near copy across;
//! - [`tokenizer`]: text to token ids and back;
//! - [`vocabulary`]: a tokenizer as the tables of llama.cpp's files, and back;
//! - [`prompt`]: one case as tokens, with what the model is trained on marked;
//! - [`batch`]: many prompts end to end, without padding;
//! - [`manifest`]: what a model directory says about its training.
//!
//! ```
//! use gearhead_data::{case::Case, knowledge::KnowledgeBase};
//!
//! let case = Case::new("Caterpillar 320 Excavator", "Loses power under load").with_codes("P0087, SPN 157 FMI 18");
//! let knowledge = KnowledgeBase::builtin();
//! let machine = knowledge.machine(&case.equipment);
//! assert_eq!(machine.unwrap().kind, "excavator");
//! ```

pub mod batch;
pub mod can;
pub mod case;
pub mod check;
pub mod code;
pub mod corpus;
pub mod duplicates;
pub mod error;
pub mod evaluation;
pub mod fault_log;
pub mod generate;
pub mod import;
pub mod knowledge;
pub mod likeness;
pub mod manifest;
pub mod page;
pub mod prompt;
pub mod reading;
mod sample;
pub mod severity;
pub mod split;
pub mod stats;
pub mod system;
pub mod telematics;
pub mod tokenizer;
pub mod vocabulary;

pub use error::{Error, Result};
