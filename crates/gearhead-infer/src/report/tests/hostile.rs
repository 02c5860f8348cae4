//! A complaint can hold anything, and is text in every form.

use proptest::prelude::*;
use pulldown_cmark::{Event, Tag};
use textwrap::core::display_width;

use super::{events, filled, headings, shown_html, shown_markdown, squeezed};
use crate::report::{
    Report,
    layout::{Layout, Line},
};

/// A report in which every text that comes from outside is `text`.
fn saying(text: &str) -> Report {
    let mut report = filled::report();
    let set = |of_report: &mut String| text.clone_into(of_report);
    set(&mut report.case.equipment);
    set(&mut report.case.symptom);
    set(&mut report.probable_cause);
    set(&mut report.solution);
    set(&mut report.work_order);
    set(&mut report.causes[0].cause);
    set(&mut report.causes[0].evidence_for[0]);
    set(&mut report.codes[2].decoded.code);
    set(&mut report.similar_cases[0].case.symptom);
    set(&mut report.tests[1].action);
    set(&mut report.tests[1].expected);
    set(&mut report.safety[0]);
    report.case.id = Some(text.to_owned());
    report
}

/// Asserts that nothing of `text` is markup, and that nothing of it is lost.
fn assert_only_text(text: &str) {
    let report = saying(text);
    let expected = squeezed(&Line::new(text));

    let plain = report.to_string();
    for line in plain.lines() {
        assert!(display_width(line) <= 96, "{line:?}");
        assert!(!line.chars().any(char::is_control), "{line:?}");
    }
    assert!(squeezed(&plain).contains(&expected));

    let markdown = report.to_markdown();
    let titles =
        Layout::new(&report).sections.iter().map(|section| section.title.to_string()).collect::<Vec<_>>();
    assert_eq!(headings(&markdown)[1..], titles, "{markdown}");
    assert_eq!(squeezed(&headings(&markdown)[0]), expected, "{markdown}");
    let (shape, of_a_word) = (shape(&markdown), shape(&saying("word").to_markdown()));
    assert_eq!(shape, of_a_word, "{markdown}");
    assert!(squeezed(&shown_markdown(&markdown)).contains(&expected), "{markdown}");

    let page = report.to_html();
    let tags = |page: &str| page.matches('<').count();
    assert_eq!(tags(&page), tags(&saying("word").to_html()), "{page}");
    assert!(squeezed(&shown_html(&page)).contains(&expected), "{page}");
}

/// The tags of a Markdown document in order, without its texts.
fn shape(markdown: &str) -> Vec<String> {
    let events = events(markdown).into_iter().filter(|event| !matches!(event, Event::Text(_)));
    let events = events.inspect(|event| {
        let is_foreign = matches!(
            event,
            Event::Html(_)
                | Event::InlineHtml(_)
                | Event::Code(_)
                | Event::Start(Tag::Link { .. } | Tag::Image { .. } | Tag::CodeBlock(_) | Tag::Table(_))
        );
        assert!(!is_foreign, "{event:?}");
    });
    events.map(|event| format!("{event:?}")).collect()
}

#[test]
fn markup_of_any_kind_is_text() {
    for text in [
        "</p><script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "&lt;b&gt; &amp; &#60; &copy;",
        "# heading\n## another\n\n- item\n1. item\n2) item",
        "**bold** _under_ `code` ~~gone~~ ``` fence",
        "[link](http://example.com) ![image](x.png) <http://example.com> [ref]: /url",
        "| a | b |\n|---|---|",
        "---",
        "===",
        "***",
        "___",
        "> quote",
        "+ plus",
        "- [ ] box",
        "12. twelve",
        "3) three",
        "ends in hashes ##",
        "#",
        "a\\*b\\",
        "snake_case and _it_",
        "\u{1b}[31mred\u{1b}[0m\u{7}\u{9b}2J",
        "\u{202E}desrever",
        "tab\tand\r\nbreak\u{2028}line\u{85}next",
        "漢字と絵文字🚜 für den Bagger",
    ] {
        assert_only_text(text);
    }
    assert_only_text(&"x".repeat(8_000));
    assert_only_text(&"漢".repeat(300));
}

#[test]
fn what_github_would_link_is_escaped() {
    let markdown = saying("see http://example.com, www.example.com or mail me@example.com").to_markdown();
    for linked in ["http://", "www.", "me@"] {
        assert!(!markdown.contains(linked), "{linked}: {markdown}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn pieces_of_markup_in_any_order_are_text(pieces in prop::collection::vec(
        prop_oneof![
            3 => "[-#*_`~\\[\\]()<>!&|\\\\+=.:@$0-9 \n]{1,4}",
            2 => "[a-z ]{1,6}",
            1 => "\\PC{1,3}",
        ],
        1..12,
    )) {
        let text = pieces.concat();
        // A case without a complaint is refused before it is diagnosed.
        prop_assume!(!Line::new(&text).is_empty());
        assert_only_text(&text);
    }
}
