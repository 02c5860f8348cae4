//! The report as text for a terminal or a file, 96 columns wide.

use std::fmt;

use gearhead_data::severity::Severity;
use textwrap::Options;

use super::{Report, TestStep};

const WIDTH: usize = 96;

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.case.equipment)?;
        paragraph(f, "  ", &format!("Complaint: {}", self.case.symptom))?;
        writeln!(f)?;
        writeln!(f, "{}", sentence(self.verdict))?;
        list(f, self.safety.iter().map(String::as_str), "  ! ")?;
        if !self.codes.is_empty() {
            heading(f, "Fault codes")?;
            for code in &self.codes {
                let meaning = code.meaning.as_deref().or(Some("unknown"));
                let says = [meaning, code.failure_mode.as_deref(), code.note.as_deref()];
                let says: Vec<&str> = says.into_iter().flatten().collect();
                item(f, "  ", &format!("{}: {}", code.code, says.join("; ")))?;
            }
        }
        heading(
            f,
            if self.abstained {
                "Possible causes (too uncertain for a diagnosis)"
            } else {
                "Probable causes"
            },
        )?;
        for (rank, cause) in (1..).zip(&self.causes) {
            let bar = "█".repeat((cause.probability * 20.0).round() as usize);
            writeln!(f, "{rank:>3}. {:<52} {:>3.0} % {bar}", cause.cause, 100.0 * cause.probability)?;
            if cause.probability >= 0.1 {
                list(f, cause.evidence_for.iter().map(String::as_str), "       + ")?;
                list(f, cause.evidence_against.iter().map(String::as_str), "       - ")?;
                list(f, cause.ruled_out_by.iter().take(2).map(String::as_str), "       not if: ")?;
            }
        }
        if let Some(next) = &self.next_question {
            heading(f, "First, tell the leading causes apart")?;
            test(f, 1, &next.test)?;
        }
        if !self.tests.is_empty() {
            heading(f, "Tests")?;
            for (number, step) in (1..).zip(&self.tests) {
                test(f, number, step)?;
            }
        }
        heading(f, if self.abstained { "The best guess" } else { "Diagnosis" })?;
        paragraph(f, "  ", &self.probable_cause)?;
        if !self.solution.is_empty() {
            heading(f, if self.abstained { "Repair, if the guess is right" } else { "Repair" })?;
            paragraph(f, "  ", &self.solution)?;
        }
        if self.truncated {
            writeln!(f, "  (The text was cut off: the model has no room for more.)")?;
        }
        if let Some(verification) = &self.verification {
            heading(f, "Afterwards")?;
            paragraph(f, "  ", verification)?;
        }
        writeln!(
            f,
            "\nModel {}, knowledge {}. The manufacturer's specification comes first.",
            self.model, self.knowledge
        )
    }
}

const fn sentence(verdict: Severity) -> &'static str {
    match verdict {
        Severity::Stop => "STOP the machine now.",
        Severity::FinishAndPark => "FINISH the task at hand, then park the machine.",
        Severity::Plan => "PLAN the repair; the machine can work until then.",
    }
}

fn test(f: &mut fmt::Formatter<'_>, number: usize, step: &TestStep) -> fmt::Result {
    let first = format!("{number:>3}. ");
    writeln!(
        f,
        "{}",
        textwrap::fill(&step.action, Options::new(WIDTH).initial_indent(&first).subsequent_indent("     "))
    )?;
    for (name, value) in [("with", &step.tool), ("when", &step.condition), ("good", &step.expected)] {
        if !value.is_empty() {
            item(f, "     ", &format!("{name}: {value}"))?;
        }
    }
    for outcome in &step.outcomes {
        item(f, "     ", &format!("→ {}: {}", outcome.result, outcome.means))?;
    }
    Ok(())
}

fn heading(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    writeln!(f, "\n{text}")
}

fn list<'a>(f: &mut fmt::Formatter<'_>, texts: impl Iterator<Item = &'a str>, bullet: &str) -> fmt::Result {
    let indent = " ".repeat(bullet.len());
    for text in texts {
        writeln!(
            f,
            "{}",
            textwrap::fill(text, Options::new(WIDTH).initial_indent(bullet).subsequent_indent(&indent))
        )?;
    }
    Ok(())
}

fn item(f: &mut fmt::Formatter<'_>, indent: &str, text: &str) -> fmt::Result {
    let hanging = format!("{indent}  ");
    writeln!(
        f,
        "{}",
        textwrap::fill(text, Options::new(WIDTH).initial_indent(indent).subsequent_indent(&hanging))
    )
}

fn paragraph(f: &mut fmt::Formatter<'_>, indent: &str, text: &str) -> fmt::Result {
    writeln!(
        f,
        "{}",
        textwrap::fill(text, Options::new(WIDTH).initial_indent(indent).subsequent_indent(indent))
    )
}
