//! The report as Markdown (CommonMark, with the check boxes of GitHub).

use std::fmt::Write;

use super::{
    Report,
    layout::{Block, Entry, Fact, Layout, RankedCause, Section, TestEntry, percent},
};

impl Report {
    /// The report as Markdown, with boxes to tick behind the tests. Whatever a complaint says is text there, never markup.
    pub fn to_markdown(&self) -> String {
        let mut out = String::new();
        // Writing to a string does not fail.
        let _ = write_layout(&mut out, &Layout::new(self));
        out
    }
}

/// Facts and lists have another bullet than entries and tests: with the same one, those that follow each other would be one
/// list.
fn write_layout(out: &mut String, layout: &Layout) -> std::fmt::Result {
    writeln!(out, "# {}\n", escaped(&layout.title))?;
    write_facts(out, "", &layout.given)?;
    for section in &layout.sections {
        write_section(out, section)?;
    }
    writeln!(out, "\n---\n\n{}", escaped(&layout.footer))
}

fn write_section(out: &mut String, section: &Section) -> std::fmt::Result {
    writeln!(out, "\n## {}", escaped(&section.title))?;
    for block in &section.blocks {
        writeln!(out)?;
        match block {
            Block::Text(text) => writeln!(out, "{}", escaped(text))?,
            Block::Alert(text) => writeln!(out, "**{}**", escaped(text))?,
            Block::Note(text) => writeln!(out, "*{}*", escaped(text))?,
            Block::Facts(facts) => write_facts(out, "", facts)?,
            Block::List(texts) | Block::Safety(texts) => {
                texts.iter().try_for_each(|text| writeln!(out, "* {}", escaped(text)))?;
            }
            Block::Entries(entries) => entries.iter().try_for_each(|entry| write_entry(out, entry))?,
            Block::Causes(causes) => causes.iter().try_for_each(|cause| write_cause(out, cause))?,
            Block::Tests(tests) => tests.iter().try_for_each(|test| write_test(out, test))?,
        }
    }
    Ok(())
}

fn write_facts(out: &mut String, indent: &str, facts: &[Fact]) -> std::fmt::Result {
    facts.iter().try_for_each(|fact| writeln!(out, "{indent}* {}: {}", fact.name, escaped(&fact.value)))
}

fn write_entry(out: &mut String, entry: &Entry) -> std::fmt::Result {
    writeln!(out, "- **{}**: {}", escaped(&entry.name), escaped(&entry.says))?;
    entry.more.iter().try_for_each(|more| writeln!(out, "  - {}", escaped(more)))
}

fn write_cause(out: &mut String, cause: &RankedCause) -> std::fmt::Result {
    let marker = format!("{}. ", cause.rank);
    let system = cause.system.as_ref().map_or(String::new(), |system| format!(" ({})", escaped(system)));
    writeln!(out, "{marker}**{}**{system}: {}", escaped(&cause.name), escaped(&percent(cause.probability)))?;
    let indent = " ".repeat(marker.len());
    cause
        .findings
        .iter()
        .try_for_each(|(weight, text)| writeln!(out, "{indent}- {}: {}", weight.words(), escaped(text)))
}

fn write_test(out: &mut String, test: &TestEntry) -> std::fmt::Result {
    let marker = test.number.map_or_else(|| "- ".to_owned(), |number| format!("{number}. "));
    let tag = test.tag.as_ref().map_or(String::new(), |tag| format!(" \\[{}\\]", escaped(tag)));
    writeln!(out, "{marker}[ ] {}{tag}", escaped(&test.action))?;
    let indent = " ".repeat(marker.len());
    write_facts(out, &indent, &test.facts)?;
    (1..)
        .zip(&test.outcomes)
        .try_for_each(|(number, outcome)| writeln!(out, "{indent}{number}. {}", escaped(outcome)))
}

/// Text of one line in which nothing is markup.
///
/// **Source**: CommonMark 0.31.2, section 2.4, backslash escapes; GitHub Flavored Markdown, section 6.9, autolinks.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + 8);
    let mut before = None;
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    for (at, letter) in text.char_indices() {
        let rest = &text[at..];
        let is_markup = match letter {
            '\\' | '`' | '*' | '[' | ']' | '<' | '>' | '|' | '~' | '&' | '$' | '@' | '#' => true,
            // Inside of a word it is only itself.
            '_' => {
                !(before.is_some_and(char::is_alphanumeric) && rest[1..].starts_with(char::is_alphanumeric))
            }
            // At the beginning of a block.
            '+' | '-' | '=' => at == 0,
            '.' | ')' => {
                (at == digits && at > 0 && matches!(rest.as_bytes().get(1), None | Some(b' ')))
                    || text[..at].to_ascii_lowercase().ends_with("www")
            }
            ':' => rest.starts_with("://"),
            _ => false,
        };
        if is_markup {
            escaped.push('\\');
        }
        escaped.push(letter);
        before = Some(letter);
    }
    escaped
}
