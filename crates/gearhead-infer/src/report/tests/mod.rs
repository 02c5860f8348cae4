//! Every form of a report in which every part is filled.

mod filled;
mod forms;
mod hostile;

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use super::layout::{Block, Fact, Layout};

/// Everything that a layout says, in order.
fn said(layout: &Layout) -> Vec<String> {
    fn facts(said: &mut Vec<String>, facts: &[Fact]) {
        said.extend(facts.iter().map(|fact| fact.value.to_string()));
    }
    let mut said = vec![layout.title.to_string()];
    facts(&mut said, &layout.given);
    for section in &layout.sections {
        said.push(section.title.to_string());
        for block in &section.blocks {
            match block {
                Block::Text(text) | Block::Alert(text) | Block::Note(text) => said.push(text.to_string()),
                Block::Facts(of_block) => facts(&mut said, of_block),
                Block::List(texts) | Block::Safety(texts) => {
                    said.extend(texts.iter().map(ToString::to_string));
                }
                Block::Entries(entries) => {
                    for entry in entries {
                        said.extend([entry.name.to_string(), entry.says.to_string()]);
                        said.extend(entry.more.iter().map(ToString::to_string));
                    }
                }
                Block::Causes(causes) => {
                    for cause in causes {
                        said.push(cause.name.to_string());
                        said.extend(cause.system.iter().map(ToString::to_string));
                        said.push(super::layout::percent(cause.probability));
                        said.extend(cause.findings.iter().map(|(_, text)| text.to_string()));
                    }
                }
                Block::Tests(tests) => {
                    for test in tests {
                        said.push(test.action.to_string());
                        said.extend(test.tag.iter().map(|tag| format!("[{tag}]")));
                        facts(&mut said, &test.facts);
                        said.extend(test.outcomes.iter().map(ToString::to_string));
                    }
                }
            }
        }
    }
    said.push(layout.footer.to_string());
    said
}

/// The events of a Markdown document.
fn events(markdown: &str) -> Vec<Event<'_>> {
    Parser::new_ext(
        markdown,
        Options::ENABLE_TASKLISTS | Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH,
    )
    .collect()
}

/// What a reader of the Markdown sees.
fn shown_markdown(markdown: &str) -> String {
    let mut shown = String::new();
    for event in events(markdown) {
        match event {
            Event::Text(text) | Event::Code(text) => shown.push_str(&text),
            Event::SoftBreak | Event::HardBreak | Event::End(_) => shown.push(' '),
            _ => {}
        }
    }
    shown
}

/// The texts of the headings.
fn headings(markdown: &str) -> Vec<String> {
    let mut headings = Vec::new();
    let mut is_inside = false;
    for event in events(markdown) {
        match event {
            Event::Start(Tag::Heading { .. }) => {
                is_inside = true;
                headings.push(String::new());
            }
            Event::End(TagEnd::Heading(_)) => is_inside = false,
            Event::Text(text) if is_inside => headings.last_mut().unwrap().push_str(&text),
            _ => {}
        }
    }
    headings
}

/// What a reader of the page sees.
fn shown_html(page: &str) -> String {
    let body = &page[page.find("<body>").unwrap()..];
    let mut shown = String::new();
    let mut is_tag = false;
    for letter in body.chars() {
        match letter {
            '<' => is_tag = true,
            '>' => is_tag = false,
            _ if !is_tag => shown.push(letter),
            _ => {}
        }
    }
    shown.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&")
}

/// Without white space, in which the forms may differ.
fn squeezed(text: &str) -> String {
    text.split_whitespace().collect()
}
