//! `gearhead.json`: what a model directory says beside what Hugging Face knows.

use std::{collections::BTreeMap, path::Path};

use serde::{Deserialize, Serialize};

use crate::{
    case::Case,
    error::{Error, Result},
    prompt::Sections,
    system::System,
};

/// The name of the file.
pub const MANIFEST: &str = "gearhead.json";

/// The version of the prompt's markup; a model of another version would be asked in words it never saw.
pub const PROMPT_VERSION: u32 = 1;

/// The most causes that a model ranks. A company whose records name more distinct causes than this ranks the most
/// frequent ones, and the model still writes any.
pub const MAX_CANDIDATES: usize = 512;

/// What Gearhead must know to diagnose with a model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Manifest {
    /// [`PROMPT_VERSION`] of the training.
    pub prompt_version: u32,
    /// The version of Gearhead that trained the model.
    pub gearhead_version: String,
    /// The sections that the model writes.
    pub sections: Sections,
    /// How much the model, the cards and the codes count when causes are ranked.
    #[serde(default)]
    pub ranking: Ranking,
    /// The causes that the model was trained on, most frequent first: those that it ranks.
    pub candidates: Vec<Candidate>,
}

/// The weights of a cause's score: `model * log P(cause | case) + cards * BM25 + codes * Σ ln(cards / cards with the
/// code)`. Probabilities are the softmax of the scores, so the weights also say how sure the engine may be. They are
/// fitted on validation cases at the end of a training; the defaults are what that gave for the first bundled model.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Ranking {
    /// Weight of the log-probability of the cause's name.
    pub model: f64,
    /// Weight of the complaint's likeness to the wordings of the fault's card.
    pub cards: f64,
    /// Weight of the fault's codes among those reported.
    pub codes: f64,
}

impl Default for Ranking {
    fn default() -> Self {
        Self { model: 0.5, cards: 0.05, codes: 1.0 }
    }
}

/// A cause that can be ranked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Candidate {
    /// The words with which the model begins when it means this cause.
    pub cause: String,
    /// Whether more text follows the cause's name, after a full stop.
    pub goes_on: bool,
    /// The fault card, where the records name one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
    /// The system, where the records name one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<System>,
}

impl Manifest {
    /// The manifest of a model trained on `cases`.
    pub fn of_cases(cases: &[Case], sections: Sections) -> Self {
        Self {
            prompt_version: PROMPT_VERSION,
            gearhead_version: env!("CARGO_PKG_VERSION").to_owned(),
            sections,
            ranking: Ranking::default(),
            candidates: candidates(cases),
        }
    }

    /// Reads the text of a manifest; `path` is what error messages call it.
    ///
    /// # Errors
    ///
    /// [`Error::Manifest`] when the text is no manifest, or of another prompt version.
    pub fn from_json(text: &[u8], path: &Path) -> Result<Self> {
        let fault = |reason: String| Error::Manifest { path: path.to_owned(), reason };
        let manifest: Self = serde_json::from_slice(text).map_err(|error| fault(error.to_string()))?;
        if manifest.prompt_version != PROMPT_VERSION {
            return Err(fault(format!(
                "the model was trained on prompt version {}, this program asks in version {PROMPT_VERSION}: train it again",
                manifest.prompt_version
            )));
        }
        Ok(manifest)
    }
}

/// The name of a cause: its text up to the first full stop, and whether anything follows.
pub fn cause_name(cause: &str) -> (&str, bool) {
    let cause = cause.trim();
    match cause.split_once(". ") {
        Some((name, _)) => (name, true),
        None => (cause.trim_end_matches('.'), cause.ends_with('.')),
    }
}

fn candidates(cases: &[Case]) -> Vec<Candidate> {
    let mut counts: BTreeMap<(&str, bool), (usize, &Case)> = BTreeMap::new();
    for case in cases {
        if let Some(cause) = &case.probable_cause {
            counts.entry(cause_name(cause)).or_insert((0, case)).0 += 1;
        }
    }
    let mut counted: Vec<_> = counts.into_iter().collect();
    counted.sort_by(|a, b| b.1.0.cmp(&a.1.0).then(a.0.cmp(&b.0)));
    counted.truncate(MAX_CANDIDATES);
    counted
        .into_iter()
        .map(|((cause, goes_on), (_, case))| Candidate {
            cause: cause.to_owned(),
            goes_on,
            fault: case.fault.clone(),
            system: case.system,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(cause: &str, fault: Option<&str>) -> Case {
        Case {
            probable_cause: Some(cause.into()),
            fault: fault.map(str::to_owned),
            ..Case::new("machine", "symptom")
        }
    }

    #[test]
    fn causes_are_counted_by_name() {
        let cases = [
            case("Clogged filter. It is full", Some("filter")),
            case("Bad pump", None),
            case("Clogged filter. Dirt stops the flow", Some("filter")),
        ];
        let manifest = Manifest::of_cases(&cases, Sections::CauseSolution);
        let names: Vec<_> = manifest.candidates.iter().map(|c| (c.cause.as_str(), c.goes_on)).collect();
        assert_eq!(names, [("Clogged filter", true), ("Bad pump", false)]);
        assert_eq!(manifest.candidates[0].fault.as_deref(), Some("filter"));
    }

    #[test]
    fn another_prompt_version_is_refused() {
        let mut manifest = Manifest::of_cases(&[case("a", None)], Sections::CauseSolution);
        let read = |manifest: &Manifest| {
            Manifest::from_json(&serde_json::to_vec(manifest).unwrap(), Path::new("gearhead.json"))
        };
        assert_eq!(read(&manifest).unwrap(), manifest);
        manifest.prompt_version = 99;
        assert!(read(&manifest).unwrap_err().to_string().contains("version 99"));
    }
}
