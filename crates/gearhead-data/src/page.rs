//! The frame of the pages that reports are: one file that needs nothing else, no script, no font, no network.

use maud::{DOCTYPE, Markup, PreEscaped, html};

/// A whole page. The title is text, never markup.
pub fn page(title: &str, style: &str, content: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                style { (PreEscaped(style)) }
            }
            body {
                main { (content) }
            }
        }
    }
}
