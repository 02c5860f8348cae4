//! A card as a mechanic reads it.

use std::fmt::{self, Write};

use gearhead::data::{
    knowledge::{Card, KnowledgeBase},
    severity::Severity,
};
use textwrap::Options;

const WIDTH: usize = 96;

/// The card as text. Of several wordings of one thing the first is shown.
pub(super) fn card_text(knowledge: &KnowledgeBase, card: &Card) -> String {
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = write_card(&mut text, knowledge, card);
    text
}

fn write_card(out: &mut String, knowledge: &KnowledgeBase, card: &Card) -> fmt::Result {
    let title = |id: &str| knowledge.card(id).map_or(id, |other| other.title.as_str()).to_owned();
    writeln!(out, "{}", card.title)?;
    writeln!(out, "  {} · {} · {}", card.id, card.system, urgency(card.severity))?;
    let of_five = format!("how common: {} of 5", card.occurrence);
    let state = if card.verified { "found in a source" } else { "trade knowledge, not found in a source" };
    writeln!(out, "  {of_five} · {state}")?;
    let machines = knowledge.machines().iter().filter(|machine| machine.can_have(card));
    line(out, "  on: ", &machines.map(|machine| machine.kind.as_str()).collect::<Vec<_>>().join(", "))?;
    if !card.codes.is_empty() {
        line(out, "  codes: ", &card.codes.join(", "))?;
    }
    section(out, "What has failed", "  ", card.explanation.first())?;
    section(out, "Safety", "  ! ", &card.hazards)?;
    let signs = card.signs.iter().filter_map(|sign| sign.wordings().next());
    section(out, "How it shows", "  - ", signs)?;
    let evidence = card.evidence.iter().filter_map(|evidence| evidence.wording.first());
    section(out, "What speaks for it", "  + ", evidence)?;
    let against = card.against.iter().map(|other| format!("{}: {}", title(&other.fault), other.finding));
    section(out, "What it is confused with", "  - ", &against.collect::<Vec<_>>())?;
    section(out, "Where it comes from, the likeliest first", "  - ", &card.likely)?;
    if !card.tests.is_empty() {
        writeln!(out, "\nTests")?;
    }
    for (number, test) in (1..).zip(&card.tests) {
        line(out, &format!("{number:>3}. "), &test.action)?;
        for (name, value) in [("with", &test.tool), ("when", &test.condition)] {
            if !value.is_empty() {
                line(out, &format!("     {name}: "), value)?;
            }
        }
        let source = if test.source.is_empty() { String::new() } else { format!(" [{}]", test.source) };
        line(out, "     good: ", &format!("{}{source}", test.expected))?;
        for outcome in &test.outcomes {
            let points_to = outcome.points_to.as_deref().map(|id| format!(" (see: {})", title(id)));
            let points_to = points_to.unwrap_or_default();
            line(out, "     → ", &format!("{}: {}{points_to}", outcome.result, outcome.means))?;
        }
    }
    section(out, "Repair", "  ", card.repair.first())?;
    section(out, "Afterwards", "  ", [&card.verification])?;
    if !card.sources.is_empty() {
        section(out, "Sources", "  ", [&card.sources.join(", ")])?;
    }
    writeln!(out, "\nKnowledge {}. The manufacturer's specification comes first.", knowledge.version())
}

const fn urgency(severity: Severity) -> &'static str {
    match severity {
        Severity::Stop => "stop the machine now",
        Severity::FinishAndPark => "finish the task, then park",
        Severity::Plan => "plan the repair",
    }
}

/// A heading and its paragraphs; nothing where there are none.
fn section<'a>(
    out: &mut String,
    heading: &str,
    bullet: &str,
    texts: impl IntoIterator<Item = &'a String>,
) -> fmt::Result {
    let mut texts = texts.into_iter().peekable();
    if texts.peek().is_some() {
        writeln!(out, "\n{heading}")?;
    }
    texts.try_for_each(|text| line(out, bullet, text))
}

/// A paragraph whose further lines stand under its text.
fn line(out: &mut String, first: &str, text: &str) -> fmt::Result {
    let indent = " ".repeat(first.chars().count());
    writeln!(
        out,
        "{}",
        textwrap::fill(text, Options::new(WIDTH).initial_indent(first).subsequent_indent(&indent))
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_has_its_sections_in_the_order_of_the_work() {
        let knowledge = KnowledgeBase::builtin();
        for card in knowledge.cards() {
            let text = card_text(knowledge, card);
            let sections =
                ["What has failed", "Safety", "How it shows", "Tests", "  1. ", "Repair", "Afterwards"];
            let mut from = 0;
            for section in sections {
                let found = text[from..].find(section);
                from += found.unwrap_or_else(|| panic!("{section} is missing or too early in:\n{text}"));
            }
            let longest = text.lines().map(|line| line.chars().count()).max();
            assert!(longest <= Some(WIDTH), "{text}");
        }
        let card = knowledge.card("water_in_fuel").unwrap();
        let text = card_text(knowledge, card);
        let neighbour = knowledge.card(&card.against[0].fault).unwrap();
        assert!(text.contains(&format!("- {}: ", neighbour.title)), "{text}");
    }
}
