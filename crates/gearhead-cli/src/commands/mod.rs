//! One module for each command.

pub(crate) mod bench;
pub(crate) mod codes;
pub(crate) mod data;
pub(crate) mod device;
pub(crate) mod devices;
pub(crate) mod diagnose;
pub(crate) mod doctor;
pub(crate) mod eval;
pub(crate) mod export;
mod fault_log;
pub(crate) mod fit;
pub(crate) mod generate;
mod interactive;
pub(crate) mod knowledge;
pub(crate) mod merge;
pub(crate) mod plan;
pub(crate) mod score;
pub(crate) mod serve;
mod show_batch;
pub(crate) mod tokenizer;
pub(crate) mod train;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use gearhead::{
    Case, Engine,
    data::{case::read_cases, knowledge::KnowledgeBase},
};

use crate::{
    args::{EngineArgs, ModelArgs},
    failure::Failure,
};

/// The engine that the arguments ask for.
fn engine(args: &ModelArgs) -> Result<Engine, Failure> {
    let device = device::for_model(args.device, args.model.as_deref())?;
    Ok(match &args.model {
        Some(path) => Engine::open_in(path, args.precision(), &device)?,
        None => Engine::bundled_in(args.precision(), &device)?,
    })
}

/// The engine that the arguments ask for, with the knowledge and the past cases that they ask for.
fn informed_engine(args: &EngineArgs) -> Result<Engine, Failure> {
    // Read before a model is loaded: what is wrong with a folder or a file is told at once.
    let knowledge = args.knowledge.folder.as_ref();
    let knowledge = knowledge.map(|folder| KnowledgeBase::builtin().with_folder(folder)).transpose()?;
    let past_cases = args.past_cases.as_ref().map(past_cases).transpose()?;
    let mut engine = engine(&args.model)?;
    if let Some(knowledge) = knowledge {
        engine = engine.with_knowledge(knowledge)?;
    }
    if let Some(past_cases) = past_cases {
        engine = engine.with_past_cases(past_cases);
    }
    Ok(engine)
}

/// The records of a file that say what they turned out to be.
fn past_cases(path: &PathBuf) -> Result<Vec<Case>, Failure> {
    let mut cases = read_cases(path)?;
    cases.retain(|case| case.label().is_some());
    if cases.is_empty() {
        let text = format!(
            "{}: no record says what it turned out to be (`fault` or `probable_cause`)",
            path.display()
        );
        return Err(Failure::bad_input("no_cases", text));
    }
    Ok(cases)
}

/// What is compiled in, with the folder laid over it, if one is given.
fn knowledge_base(folder: Option<&Path>) -> Result<Arc<KnowledgeBase>, Failure> {
    Ok(match folder {
        Some(folder) => Arc::new(KnowledgeBase::builtin().with_folder(folder)?),
        None => KnowledgeBase::shared(),
    })
}
