//! `gearhead knowledge`: reading and checking fault cards.

mod card_text;

use gearhead::data::{
    knowledge::{Card, KnowledgeBase, check},
    severity::Severity,
    system::System,
};
use serde::Serialize;
use serde_json::json;

use super::knowledge_base;
use crate::{
    args::{KnowledgeCheckArgs, KnowledgeCommand, KnowledgeListArgs, KnowledgeShowArgs},
    failure::Failure,
    output,
};

/// At most this many ids are offered for one that does not exist.
const MAX_OFFERED: usize = 5;

pub(crate) fn run(command: &KnowledgeCommand) -> Result<(), Failure> {
    match command {
        KnowledgeCommand::Check(args) => find_faults(args),
        KnowledgeCommand::List(args) => list(args),
        KnowledgeCommand::Show(args) => show(args),
    }
}

fn find_faults(args: &KnowledgeCheckArgs) -> Result<(), Failure> {
    let knowledge = knowledge_base(args.folder.as_deref())?;
    let findings = check(&knowledge);
    let (cards, machines) = (knowledge.cards().len(), knowledge.machines().len());
    if args.json {
        output::json(&json!({
            "knowledge": knowledge.version(),
            "cards": cards,
            "machines": machines,
            "findings": findings,
        }))?;
    } else {
        for finding in &findings {
            output::text(format_args!(
                "{}: {} [{}]",
                finding.subject,
                finding.sentence,
                finding.rule.as_str()
            ))?;
        }
    }
    if findings.is_empty() {
        if args.json {
            return Ok(());
        }
        return output::text(format_args!(
            "knowledge {}: {cards} cards and {machines} kinds of machine, nothing to mend",
            knowledge.version()
        ));
    }
    let count = findings.len();
    let things = if count == 1 { "thing" } else { "things" };
    let message = format!("knowledge {}: {count} {things} to mend", knowledge.version());
    Err(Failure::bad_input("knowledge", message))
}

/// A card in a list.
#[derive(Serialize)]
struct Entry<'a> {
    id: &'a str,
    system: System,
    title: &'a str,
    severity: Severity,
    verified: bool,
    own: bool,
}

fn list(args: &KnowledgeListArgs) -> Result<(), Failure> {
    let knowledge = knowledge_base(args.knowledge.folder.as_deref())?;
    let is_asked_for = |card: &&Card| args.system.is_none_or(|system| card.system == system);
    let entries: Vec<Entry<'_>> =
        knowledge.cards().iter().filter(is_asked_for).map(|card| entry(&knowledge, card)).collect();
    if args.json {
        return output::json(&entries);
    }
    let width = entries.iter().map(|entry| entry.id.chars().count()).max().unwrap_or(0);
    for entry in &entries {
        let own = if entry.own { " (own)" } else { "" };
        output::text(format_args!(
            "{:<18} {:<width$} {}{own}",
            entry.system.as_str(),
            entry.id,
            entry.title
        ))?;
    }
    Ok(())
}

fn entry<'a>(knowledge: &KnowledgeBase, card: &'a Card) -> Entry<'a> {
    Entry {
        id: &card.id,
        system: card.system,
        title: &card.title,
        severity: card.severity,
        verified: card.verified,
        own: knowledge.is_own(&card.id),
    }
}

fn show(args: &KnowledgeShowArgs) -> Result<(), Failure> {
    let knowledge = knowledge_base(args.knowledge.folder.as_deref())?;
    let card = knowledge.card(&args.id).ok_or_else(|| unknown(&knowledge, &args.id))?;
    if args.json { output::json(card) } else { output::raw(&card_text::card_text(&knowledge, card)) }
}

/// Offers the ids that share a word with the one that does not exist.
fn unknown(knowledge: &KnowledgeBase, id: &str) -> Failure {
    let words: Vec<String> = id.split(|c: char| !c.is_alphanumeric()).map(str::to_lowercase).collect();
    let shares =
        |other: &&str| other.split('_').any(|word| word.len() > 2 && words.iter().any(|own| own == word));
    let near: Vec<&str> =
        knowledge.cards().iter().map(|card| card.id.as_str()).filter(shares).take(MAX_OFFERED).collect();
    let advice = if near.is_empty() {
        "`gearhead knowledge list` lists them".to_owned()
    } else {
        format!("did you mean {}?", near.join(", "))
    };
    Failure::bad_input("usage", format!("there is no card `{id}`: {advice}"))
}
