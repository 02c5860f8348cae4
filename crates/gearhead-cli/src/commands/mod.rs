//! One module for each command.

pub(crate) mod codes;
pub(crate) mod data;
pub(crate) mod devices;
pub(crate) mod diagnose;
pub(crate) mod eval;
mod fault_log;
pub(crate) mod fit;
pub(crate) mod generate;
mod interactive;
pub(crate) mod knowledge;
pub(crate) mod score;
pub(crate) mod serve;
pub(crate) mod tokenizer;
pub(crate) mod train;

use std::{path::Path, sync::Arc};

use gearhead::{Engine, data::knowledge::KnowledgeBase};

use crate::{
    args::{KnowledgeArgs, ModelArgs},
    failure::Failure,
};

/// The engine that the arguments ask for.
fn engine(args: &ModelArgs) -> Result<Engine, Failure> {
    Ok(match &args.model {
        Some(path) => Engine::open(path, &args.device)?,
        None => Engine::bundled_on(&args.device)?,
    })
}

/// The engine that the arguments ask for, with the knowledge that they ask for.
fn informed_engine(model: &ModelArgs, knowledge: &KnowledgeArgs) -> Result<Engine, Failure> {
    // Read before a model is loaded: what is wrong with a folder is told at once.
    let Some(folder) = &knowledge.folder else { return engine(model) };
    let knowledge = KnowledgeBase::builtin().with_folder(folder)?;
    Ok(engine(model)?.with_knowledge(knowledge)?)
}

/// What is compiled in, with the folder laid over it, if one is given.
fn knowledge_base(folder: Option<&Path>) -> Result<Arc<KnowledgeBase>, Failure> {
    Ok(match folder {
        Some(folder) => Arc::new(KnowledgeBase::builtin().with_folder(folder)?),
        None => KnowledgeBase::shared(),
    })
}
