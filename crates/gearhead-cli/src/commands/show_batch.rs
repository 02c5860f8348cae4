//! `gearhead train --show-batch`: what a training learns from first.

use std::fmt::Write;

use anstyle::{AnsiColor, Style};
use gearhead::train::show_batch::ShownCase;

use crate::{failure::Failure, output};

const TARGET: Style = AnsiColor::Green.on_default().bold();
const HEADING: Style = Style::new().dimmed();

/// Shows cases with what the loss is taken on in colour, and between brackets for where there is no colour.
pub(super) fn show(cases: &[ShownCase]) -> Result<(), Failure> {
    let mut text =
        format!("The loss is taken on what stands between {TARGET}[[{TARGET:#} and {TARGET}]]{TARGET:#}.\n");
    for case in cases {
        let ShownCase { number, tokens, targets, .. } = case;
        let _ = writeln!(text, "\n{HEADING}case {number}: {targets} of {tokens} tokens{HEADING:#}");
        for run in &case.runs {
            // A record must not speak to the terminal.
            let shown: String = run.text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
            if run.is_target {
                let _ = write!(text, "{TARGET}[[{shown}]]{TARGET:#}");
            } else {
                text.push_str(&shown);
            }
        }
        text.push('\n');
    }
    output::styled(text)
}
