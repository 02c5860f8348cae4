//! `gearhead.json`: what a model directory says beside what Hugging Face knows.

use std::{
    collections::{BTreeMap, HashMap},
    io::Read as _,
    path::Path,
};

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::{Xxh3Default, xxh3_64};

use crate::{
    case::Case,
    error::{Error, Result},
    knowledge::Card,
    prompt::Sections,
    system::System,
};

/// The name of the file.
pub const MANIFEST: &str = "gearhead.json";

/// The name of the file beside it with past cases that are searched for similar ones, where there is one.
pub const PAST_CASES: &str = "cases.jsonl";

/// The name of the file beside it with the linear model of words, where there is one. It is of the safetensors format, but
/// not named so: vLLM takes every `*.safetensors` of a directory for weights of the language model.
pub const LINEAR: &str = "linear.gearhead";

/// The version of the prompt's markup; a model of another version would be asked in words it never saw.
pub const PROMPT_VERSION: u32 = 2;

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
    /// From when on the model gives an answer.
    #[serde(default)]
    pub thresholds: Thresholds,
    /// [`hash`] of the linear model that the ranking was fitted with, where there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub linear: Option<String>,
    /// How many tokens the tokenizer of the training has, which a vocabulary that is padded does not tell; where it is not
    /// said, as many as the model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<usize>,
    /// The causes that the model was trained on, most frequent first: those that it ranks.
    pub candidates: Vec<Candidate>,
}

/// How much each kind of evidence counts in a cause's score, which is their weighted sum. Probabilities are the softmax of
/// the scores, so the weights also say how sure the engine may be. They are fitted on validation cases at the end of a
/// training; the defaults are what that gave for the bundled model. A weight that a manifest lacks is 0.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Ranking {
    /// Of the log-probability of the cause's name, by the language model.
    pub model: f64,
    /// Of the complaint's likeness to everything that the fault's card says.
    pub cards: f64,
    /// Of the fault's codes among those reported.
    pub codes: f64,
    /// Of the likeness of past cases with this cause.
    #[serde(default)]
    pub cases: f64,
    /// Of the log-probability of the cause, by the linear model of single words and codes.
    #[serde(default)]
    pub linear: f64,
}

impl Ranking {
    /// How many weights there are.
    pub const LEN: usize = 5;
    /// The place of the weight of past cases among them.
    pub const CASES: usize = 3;

    /// The weights, in the order of the fields.
    pub const fn to_array(self) -> [f64; Self::LEN] {
        [self.model, self.cards, self.codes, self.cases, self.linear]
    }

    /// The weights in the order of the fields.
    pub const fn from_array(weights: [f64; Self::LEN]) -> Self {
        let [model, cards, codes, cases, linear] = weights;
        Self { model, cards, codes, cases, linear }
    }
}

impl Default for Ranking {
    fn default() -> Self {
        Self { model: 0.37, cards: 0.035, codes: 0.95, cases: 0.0, linear: 0.0 }
    }
}

/// From when on an engine gives an answer; chosen on validation cases.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Thresholds {
    /// The least probability of the best cause that stands as an answer; [`Thresholds::NEVER`] where none does.
    pub answer_from: f64,
    /// The share of wrong answers that `answer_from` was chosen for.
    pub risk: f64,
    /// The share of the validation cases that are answered.
    pub coverage: f64,
}

impl Thresholds {
    /// Above every probability: no answer is given.
    pub const NEVER: f64 = 2.0;

    /// Whether a best cause of this probability stands as an answer; one that is not a number does not.
    pub fn answers(&self, probability: f64) -> bool {
        probability >= self.answer_from
    }
}

impl Default for Thresholds {
    fn default() -> Self {
        Self { answer_from: 0.5, risk: 0.05, coverage: 1.0 }
    }
}

/// A cause that can be ranked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Candidate {
    /// The words with which the model begins when it means this cause.
    pub cause: String,
    /// What came after the name in training; it is scored with the name, since without it a name that begins another
    /// would win too often.
    pub followed_by: FollowedBy,
    /// The fault card, where the records name one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
    /// The system, where the records name one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<System>,
}

impl Candidate {
    /// The fault of a card that no record names: its title, as the written causes of the cards begin.
    pub fn of_card(card: &Card) -> Self {
        Self {
            cause: card.title.clone(),
            followed_by: FollowedBy::Text,
            fault: Some(card.id.clone()),
            system: Some(card.system),
        }
    }
}

/// What comes after the name of a cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FollowedBy {
    /// A full stop, and an explanation.
    Text,
    /// The repair.
    Solution,
    /// The first diagnostic step.
    Step,
    /// The end.
    End,
}

impl Manifest {
    /// The manifest of a model trained on `cases`.
    pub fn of_cases(cases: &[Case], sections: Sections) -> Self {
        Self {
            prompt_version: PROMPT_VERSION,
            gearhead_version: env!("CARGO_PKG_VERSION").to_owned(),
            sections,
            ranking: Ranking::default(),
            thresholds: Thresholds::default(),
            linear: None,
            tokens: None,
            candidates: candidates(cases, sections),
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

/// What records turned out to be, as candidates of a manifest.
#[derive(Debug, Clone)]
pub struct Outcomes<'a> {
    by_fault: HashMap<&'a str, usize>,
    by_name: HashMap<String, usize>,
}

impl<'a> Outcomes<'a> {
    /// The candidates of a manifest, known by their numbers. Of several with one fault or name it is the first.
    pub fn new(candidates: &'a [Candidate]) -> Self {
        let (mut by_fault, mut by_name) = (HashMap::new(), HashMap::new());
        for (number, candidate) in candidates.iter().enumerate() {
            if let Some(fault) = &candidate.fault {
                by_fault.entry(fault.as_str()).or_insert(number);
            }
            by_name.entry(cause_name(&candidate.cause)).or_insert(number);
        }
        Self { by_fault, by_name }
    }

    /// The candidate that a record turned out to be: by its fault, or, where that is none of theirs or not told, by the
    /// name of its cause.
    pub fn of(&self, case: &Case) -> Option<usize> {
        let of_fault = case.fault.as_deref().and_then(|fault| self.by_fault.get(fault.trim()));
        let of_name = || self.by_name.get(&cause_name(case.probable_cause.as_deref()?));
        of_fault.or_else(of_name).copied()
    }
}

/// What tells a file from another: XXH3 of its bytes, in hexadecimal digits.
pub fn hash(bytes: &[u8]) -> String {
    format!("{:016x}", xxh3_64(bytes))
}

/// [`hash`] of a file, which is read piece by piece.
///
/// # Errors
///
/// [`std::io::Error`] of the file.
pub fn hash_file(path: &std::path::Path) -> std::io::Result<String> {
    let mut file = std::fs::File::open(path)?;
    let (mut hasher, mut piece) = (Xxh3Default::new(), vec![0; 1 << 16]);
    loop {
        match file.read(&mut piece)? {
            0 => return Ok(format!("{:016x}", hasher.digest())),
            read => hasher.update(&piece[..read]),
        }
    }
}

/// The name of a cause: its text up to the first full stop, and whether a full stop ends it.
pub(crate) fn name_and_stop(cause: &str) -> (&str, bool) {
    let cause = cause.trim();
    match cause.split_once(". ") {
        Some((name, _)) => (name, true),
        None => (cause.trim_end_matches('.'), cause.ends_with('.')),
    }
}

/// The name of a cause for comparison: its text up to the first full stop, in lower case, with single spaces.
pub fn cause_name(cause: &str) -> String {
    name_and_stop(cause).0.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

fn followed_by(case: &Case, has_stop: bool, sections: Sections) -> FollowedBy {
    if has_stop {
        FollowedBy::Text
    } else if case.solution.is_some() {
        FollowedBy::Solution
    } else if sections == Sections::CauseSolutionSteps && !case.diagnostic_steps.is_empty() {
        FollowedBy::Step
    } else {
        FollowedBy::End
    }
}

/// The distinct causes, most frequent first. Records that differ only in case, spacing or a full stop name one cause, which
/// then has the spelling, the continuation and the labels of most of them.
fn candidates(cases: &[Case], sections: Sections) -> Vec<Candidate> {
    let mut groups: BTreeMap<String, Vec<(&Case, &str, bool)>> = BTreeMap::new();
    for case in cases {
        let Some((name, has_stop)) = case.probable_cause.as_deref().map(name_and_stop) else { continue };
        let key = cause_name(name);
        if !key.is_empty() {
            groups.entry(key).or_default().push((case, name, has_stop));
        }
    }
    let mut groups: Vec<_> = groups.into_iter().collect();
    groups.sort_by(|a, b| b.1.len().cmp(&a.1.len()).then(a.0.cmp(&b.0)));
    groups.truncate(MAX_CANDIDATES);
    groups
        .into_iter()
        .map(|(_, records)| {
            let cause =
                most_frequent(records.iter().map(|(_, name, _)| *name)).unwrap_or_default().to_owned();
            let follows = records.iter().map(|(case, _, has_stop)| followed_by(case, *has_stop, sections));
            Candidate {
                cause,
                followed_by: most_frequent(follows).unwrap_or(FollowedBy::End),
                fault: most_frequent(records.iter().filter_map(|(case, ..)| case.fault.as_ref())).cloned(),
                system: most_frequent(records.iter().filter_map(|(case, ..)| case.system)),
            }
        })
        .collect()
}

/// The value that comes most often, the least of equals.
fn most_frequent<T: Ord + Copy>(values: impl Iterator<Item = T>) -> Option<T> {
    let mut counts: BTreeMap<T, usize> = BTreeMap::new();
    for value in values {
        *counts.entry(value).or_default() += 1;
    }
    counts.into_iter().rev().max_by_key(|(_, count)| *count).map(|(value, _)| value)
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
        let names: Vec<_> = manifest.candidates.iter().map(|c| (c.cause.as_str(), c.followed_by)).collect();
        assert_eq!(names, [("Clogged filter", FollowedBy::Text), ("Bad pump", FollowedBy::End)]);
        assert_eq!(manifest.candidates[0].fault.as_deref(), Some("filter"));
    }

    #[test]
    fn spellings_of_one_name_are_one_cause() {
        let mut cases = [
            case("Bad pump", None),
            case("bad  PUMP.", Some("pump")),
            case("Bad pump", None),
            case(".", None),
        ];
        cases[0].solution = Some("Replace it".into());
        cases[2].solution = Some("Replace it".into());
        let candidates = Manifest::of_cases(&cases, Sections::CauseSolution).candidates;
        assert_eq!(candidates.len(), 1);
        assert_eq!(
            (candidates[0].cause.as_str(), candidates[0].followed_by),
            ("Bad pump", FollowedBy::Solution)
        );
        assert_eq!(candidates[0].fault.as_deref(), Some("pump"));
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
