//! Arguments of `gearhead knowledge`, and the choice of knowledge that other commands share.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use gearhead::data::system::System;

/// Which knowledge is gone by.
#[derive(Debug, Args)]
pub(crate) struct KnowledgeArgs {
    /// Folder with a company's own cards, machines and codes, laid over what is compiled in
    #[arg(long = "knowledge", value_name = "DIR")]
    pub(crate) folder: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum KnowledgeCommand {
    /// Find what is wrong with cards and machines: dangling ids, missing safety steps, numbers without a source and more.
    #[command(after_help = "Example:\n  gearhead knowledge check acme")]
    Check(KnowledgeCheckArgs),
    /// List the cards.
    #[command(after_help = "Example:\n  gearhead knowledge list --system fuel")]
    List(KnowledgeListArgs),
    /// Show a card: how the fault shows, how to prove it, how to repair it.
    #[command(after_help = "Example:\n  gearhead knowledge show water_in_fuel")]
    Show(KnowledgeShowArgs),
}

impl KnowledgeCommand {
    /// Whether errors are to be JSON.
    pub(crate) fn wants_json(&self) -> bool {
        match self {
            Self::Check(args) => args.json,
            Self::List(args) => args.json,
            Self::Show(args) => args.json,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct KnowledgeCheckArgs {
    /// Folder with a company's own cards, machines and codes [default: only what is compiled in]
    #[arg(value_name = "DIR")]
    pub(crate) folder: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct KnowledgeListArgs {
    #[command(flatten)]
    pub(crate) knowledge: KnowledgeArgs,
    /// Only cards of this system, such as fuel or hydraulics
    #[arg(long, value_parser = system)]
    pub(crate) system: Option<System>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct KnowledgeShowArgs {
    /// The id of the card
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    #[command(flatten)]
    pub(crate) knowledge: KnowledgeArgs,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

fn system(word: &str) -> Result<System, String> {
    System::from_word(word).ok_or_else(|| {
        let words: Vec<&str> = System::ALL.iter().map(|system| system.as_str()).collect();
        format!("the systems are {}", words.join(", "))
    })
}
