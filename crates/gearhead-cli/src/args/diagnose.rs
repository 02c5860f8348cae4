//! Arguments of `gearhead diagnose`.

use std::{path::PathBuf, str::FromStr};

use clap::{Args, ValueEnum};

use super::EngineArgs;

#[derive(Debug, Args)]
pub(crate) struct DiagnoseArgs {
    #[command(flatten)]
    pub(crate) engine: EngineArgs,
    /// The machine
    #[arg(long)]
    pub(crate) equipment: Option<String>,
    /// The complaint
    #[arg(long)]
    pub(crate) symptom: Option<String>,
    /// Fault codes, separated by commas
    #[arg(long)]
    pub(crate) codes: Option<String>,
    /// Take the fault codes from a log of the machine's bus, and without --symptom the complaint too
    #[arg(long, value_name = "LOG", conflicts_with = "batch")]
    pub(crate) candump: Option<PathBuf>,
    /// A test that was done and the number of its result, as a report prints them; may be given several times
    #[arg(long, value_name = "CARD:TEST=RESULT", conflicts_with = "batch")]
    pub(crate) found: Vec<Found>,
    /// Only what the language model writes by itself: no cards, no ranking, no safety steps, nothing checked
    #[arg(long, conflicts_with_all = ["found", "past_cases", "folder"])]
    pub(crate) model_only: bool,
    /// Cases to diagnose, JSONL or a JSON list
    #[arg(long, value_name = "FILE", requires = "out", conflicts_with_all = ["equipment", "symptom", "codes"])]
    pub(crate) batch: Option<PathBuf>,
    /// Write the report to a file; of a batch the reports as JSON, one a line
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// The form of the report [default: text]
    #[arg(long, value_name = "FORMAT", conflicts_with = "batch")]
    pub(crate) format: Option<ReportFormat>,
    /// The same as --format json
    #[arg(long, conflicts_with = "format")]
    pub(crate) json: bool,
}

impl DiagnoseArgs {
    pub(crate) fn report_format(&self) -> ReportFormat {
        if self.json { ReportFormat::Json } else { self.format.unwrap_or_default() }
    }
}

/// A form of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum ReportFormat {
    /// For a terminal or a file, 96 columns wide
    #[default]
    Text,
    /// For a ticket or a wiki
    Markdown,
    /// One page for a browser, a phone or a printer
    Html,
    /// For programs
    Json,
}

/// The result of a test, as it is typed: both numbers from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) card: String,
    pub(crate) test: usize,
    pub(crate) result: usize,
}

impl FromStr for Found {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts = || {
            let (test, result) = text.rsplit_once('=')?;
            let (card, test) = test.rsplit_once(':')?;
            let number = |text: &str| text.trim().parse().ok().filter(|number| *number > 0);
            let card = Some(card.trim().to_owned()).filter(|card| !card.is_empty())?;
            Some(Self { card, test: number(test)?, result: number(result)? })
        };
        parts().ok_or("must be a card, a test and a result from 1, such as battery_or_cable:2=1")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_is_a_card_and_two_numbers_from_1() {
        let found = Found { card: "acme:battery".to_owned(), test: 2, result: 1 };
        assert_eq!("acme:battery:2=1".parse(), Ok(found.clone()));
        assert_eq!(" acme:battery : 2 = 1 ".parse(), Ok(found));
        for text in [
            "",
            "battery",
            "battery:2",
            "battery=1",
            ":2=1",
            "battery:0=1",
            "battery:1=0",
            "battery:-1=1",
            "b:x=1",
        ] {
            assert!(text.parse::<Found>().is_err(), "{text}");
        }
    }
}
