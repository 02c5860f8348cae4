//! All forms say the same in the same order.

use gearhead_data::severity::Severity;
use textwrap::core::display_width;

use super::{filled, headings, said, shown_html, shown_markdown, squeezed};
use crate::report::{Declined, DeclinedKind, Report, html, layout::Layout};

/// What a reader sees of each form, without white space.
fn forms(report: &Report) -> [(&'static str, String); 3] {
    [
        ("text", squeezed(&report.to_string())),
        ("Markdown", squeezed(&shown_markdown(&report.to_markdown()))),
        ("HTML", squeezed(&shown_html(&report.to_html()))),
    ]
}

fn reports() -> [Report; 3] {
    let mut declined = filled::report();
    declined.abstained = true;
    declined.verdict = Severity::Stop;
    declined.declined = Some(Declined {
        kind: DeclinedKind::SafetyBypass,
        message: "Nobody defeats an interlock.".to_owned(),
    });
    [filled::report(), filled::abstained(), declined]
}

#[test]
fn every_form_says_everything_in_the_order_of_the_layout() {
    for report in reports() {
        let said = said(&Layout::new(&report));
        for (form, shown) in forms(&report) {
            let mut from = 0;
            for text in &said {
                let found = shown[from..].find(&squeezed(text));
                from +=
                    found.unwrap_or_else(|| panic!("{form}: {text:?} is missing or too early in {shown}"));
            }
        }
    }
}

#[test]
fn sections_stand_in_the_order_of_the_work() {
    let titles = |report: &Report| headings(&report.to_markdown());
    let [complete, abstained, declined] = reports();
    assert_eq!(
        titles(&complete),
        [
            "Caterpillar 320 Excavator",
            "How this was read",
            "FINISH the task at hand, then park the machine.",
            "Fault codes",
            "Probable causes",
            "Find this out first",
            "Tests, in order",
            "Diagnosis",
            "Repair",
            "To prove the repair",
            "Past cases like this one",
            "For the work order",
            "Where this comes from",
        ]
    );
    assert_eq!(titles(&abstained)[4..6], ["Possible causes", "What would make it surer"]);
    assert_eq!(titles(&abstained)[8..10], ["The best guess", "Repair, if the guess is right"]);
    assert_eq!(
        titles(&declined),
        [
            "Caterpillar 320 Excavator",
            "How this was read",
            "No diagnosis",
            "STOP the machine now.",
            "Fault codes",
        ]
    );
}

#[test]
fn the_text_and_the_markdown_are_as_they_were_agreed() {
    // Where a change is meant, these files are what `to_string` and `to_markdown` give.
    let report = filled::report();
    assert_eq!(report.to_string(), include_str!("filled.txt"));
    assert_eq!(report.to_markdown(), include_str!("filled.md"));
}

#[test]
fn what_is_uncertain_is_said_to_be_so() {
    let mut report = filled::abstained();
    let text = report.to_string();
    assert!(text.contains("  Too uncertain for a diagnosis: the most probable cause has 22 %.\n"), "{text}");
    assert!(text.contains("surer than the cause: starting and charging, 72 %.\n"), "{text}");
    assert!(text.contains("\nWhat would make it surer\n  - the fault codes on the display\n"), "{text}");
    report.system.as_mut().unwrap().probability = 0.59;
    assert!(!report.to_string().contains("surer than the cause"));
    assert!(!filled::report().to_string().contains("surer than the cause"));
}

#[test]
fn a_plain_case_has_no_section_on_how_it_was_read() {
    let mut report = filled::report();
    report.reading.machine = Some("excavator".to_owned());
    report.reading.mended.clear();
    report.reading.clauses.clear();
    report.reading.since = None;
    assert!(!report.to_string().contains("How this was read"));
}

#[test]
fn parts_that_are_empty_leave_no_heading() {
    let mut report = filled::report();
    report.codes.clear();
    report.next_question = None;
    report.tests.clear();
    report.similar_cases.clear();
    report.verification = None;
    report.origins.clear();
    let text = report.to_string();
    for title in ["Fault codes", "Find this", "Tests", "Past cases", "To prove", "Where this"] {
        assert!(!text.contains(title), "{title}: {text}");
    }
    // A test that was not asked for is shown in full.
    report.tests = filled::report().tests;
    assert!(!report.to_string().contains("see: above"));
}

#[test]
fn colours_change_nothing_but_colours() {
    for report in reports() {
        let styled = report.styled().to_string();
        assert!(styled.contains("\u{1b}["), "{styled:?}");
        assert_eq!(anstream::adapter::strip_str(&styled).to_string(), report.to_string());
        assert!(!report.to_string().contains('\u{1b}'));
    }
}

#[test]
fn no_line_is_wider_than_a_page() {
    for mut report in reports() {
        report.causes[0].cause =
            "a cause whose name is so long that it needs two lines of the list of causes".repeat(2);
        for line in report.to_string().lines() {
            assert!(display_width(line) <= 96 && line.trim_end() == line, "{line:?}");
        }
    }
}

#[test]
fn the_page_needs_nothing_else() {
    let page = filled::report().to_html();
    for forbidden in ["<script", "http", "src=", "url(", "@import", "<link", "onload"] {
        assert!(!page.contains(forbidden), "{forbidden}");
    }
    assert_eq!(page.matches("<input type=\"checkbox\">").count(), 2 + 3 + 1 + 3 * 3);
    assert!(page.contains("<rect class=\"bar\" width=\"87\" height=\"8\">"), "{page}");
}

/// The relative luminance of `#rrggbb`.
///
/// **Source**: WCAG 2.2, definition of relative luminance.
fn luminance(colour: &str) -> f64 {
    let part = |at: usize| {
        let value = f64::from(u8::from_str_radix(&colour[at..at + 2], 16).unwrap()) / 255.0;
        if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * part(1) + 0.7152 * part(3) + 0.0722 * part(5)
}

/// **Source**: WCAG 2.2, 1.4.3 (4.5 for text) and 1.4.11 (3 for graphics), level AA.
#[test]
fn colours_of_the_page_have_contrast_in_light_dark_and_print() {
    let palettes: Vec<&str> = html::STYLE.split(":root {").skip(1).collect();
    assert_eq!(palettes.len(), 3);
    for palette in palettes {
        let colour = |name: &str| {
            let at = palette.find(&format!("--{name}: #")).unwrap() + name.len() + 4;
            luminance(&palette[at..at + 7])
        };
        let contrast = |a: f64, b: f64| (a.max(b) + 0.05) / (a.min(b) + 0.05);
        for text in ["text", "muted", "stop", "park", "plan"] {
            for ground in ["page", "card"] {
                let found = contrast(colour(text), colour(ground));
                assert!(found >= 4.5, "{text} on {ground}: {found:.2} in {palette}");
            }
        }
        assert!(contrast(colour("bar"), colour("track")) >= 3.0, "{palette}");
    }
}
