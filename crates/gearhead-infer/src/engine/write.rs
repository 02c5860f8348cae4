//! The text of a diagnosis: written by the model, and held to the evidence.

use std::{collections::BTreeSet, sync::LazyLock};

use gearhead_data::{
    case::Case,
    knowledge::{Card, ended},
    manifest::FollowedBy,
    prompt::encode_prompt,
};
use gearhead_kernels::Kernels;
use regex::Regex;

use super::{
    Engine,
    background::{Background, Diagnosis},
    read_case::{RankedCase, ReadCase},
};
use crate::{
    constraint::literal,
    decode::{FinishReason, generate},
    error::Result,
    report::{Declined, ModelAnswer, SimilarCase, Written},
    sampling::Sampling,
};

/// How the text of a ranked case is asked for.
#[derive(Debug)]
pub(super) struct Task {
    /// What the text may be, in the library's variant of the Lark syntax.
    pub(super) grammar: String,
    /// Whether it is one of a fault card's sentences.
    pub(super) is_of_card: bool,
}

impl RankedCase<'_> {
    /// The tokens of the best cause's name, with which the text begins.
    pub(super) fn begun(&self) -> &[u32] {
        self.read.diagnosis.candidates.tokens(self.best)
    }

    /// What the model is to write behind the best cause's name.
    ///
    /// Where the cause is that of a fault card, the model chooses among the card's own sentences those that suit the case.
    /// Where it is one of a company's records only, the model writes freely, but no number that stands neither in the case
    /// nor in the similar ones.
    pub(super) fn task(&self) -> Task {
        let ReadCase { background, diagnosis, case, .. } = &self.read;
        let candidate = &diagnosis.manifest.candidates[self.best];
        let card = candidate.fault.as_deref().and_then(|id| background.knowledge.card(id));
        let card =
            card.filter(|card| card.title == candidate.cause && candidate.followed_by == FollowedBy::Text);
        let grammar = match card {
            Some(card) => of_card(card),
            None => of_evidence(case, &candidate.cause, &self.similar_cases, candidate.followed_by),
        };
        Task { grammar, is_of_card: card.is_some() }
    }
}

impl<B: Kernels> Engine<B> {
    /// What the model says of a case by itself: the most probable text, whatever it is.
    pub(super) fn write_alone(&self, case: &Case) -> Result<ModelAnswer> {
        case.validate()?;
        let background = &self.background;
        let diagnosis = background.diagnosis.as_ref().ok_or_else(|| background.no_candidates())?;
        let bypass = background.cards.reader.read(case, &background.knowledge).bypass;
        let written = if bypass.is_some() {
            Written::default()
        } else {
            let prompt = encode_prompt(&background.tokenizer, case)?;
            let continued = generate(&self.predictor, &prompt, usize::MAX, &Sampling::greedy(), &mut |_| {})?;
            background.sections(diagnosis, &continued.ids, continued.finish_reason)?
        };
        Ok(ModelAnswer {
            case: case.clone(),
            declined: bypass.map(Declined::bypass),
            probable_cause: written.probable_cause,
            solution: written.solution,
            diagnostic_steps: written.steps,
            truncated: written.is_truncated,
            model: background.name.clone(),
        })
    }
}

impl Background {
    /// Splits what stands after the prompt at the markers.
    pub(super) fn sections(
        &self,
        diagnosis: &Diagnosis,
        ids: &[u32],
        finish_reason: FinishReason,
    ) -> Result<Written> {
        let markers = diagnosis.markers;
        let mut sections = vec![(markers.cause, Vec::new())];
        for id in ids {
            if [markers.solution, markers.step].contains(id) {
                sections.push((*id, Vec::new()));
            } else if let Some((_, section)) = sections.last_mut() {
                section.push(*id);
            }
        }
        let is_truncated = finish_reason == FinishReason::Length;
        let mut written = Written { is_truncated, ..Written::default() };
        for (marker, ids) in sections {
            let text = self.tokenizer.decode(&ids)?.trim().to_owned();
            if marker == markers.cause {
                written.probable_cause = text;
            } else if marker == markers.solution {
                written.solution = text;
            } else if !text.is_empty() {
                written.steps.push(text);
            }
        }
        Ok(written)
    }
}

/// One of the card's explanations, and one of its repairs, after the title.
fn of_card(card: &Card) -> String {
    let any = |sentences: &[String]| {
        let literals = sentences.iter().map(|sentence| literal(&format!(" {}", ended(sentence))));
        literals.collect::<Vec<_>>().join(" | ")
    };
    format!(
        "start: explanation <solution> repair\nexplanation: {}\nrepair: {}",
        any(&card.explanation),
        any(&card.repair)
    )
}

/// Text whose numbers are all supported, in the sections that come after what the cause's name is followed by.
fn of_evidence(case: &Case, cause: &str, similar: &[SimilarCase], followed_by: FollowedBy) -> String {
    let mut evidence: Vec<&str> = vec![&case.equipment, &case.symptom, cause];
    evidence.extend(case.error_codes.iter().map(String::as_str));
    for similar in similar {
        let past = &similar.case;
        evidence.extend(
            [&past.symptom].into_iter().chain(&past.probable_cause).chain(&past.solution).map(String::as_str),
        );
    }
    let codes: Vec<String> = case.codes().iter().map(|code| code.code.to_string()).collect();
    evidence.extend(codes.iter().map(String::as_str));
    let sections = match followed_by {
        FollowedBy::Solution | FollowedBy::Step => "TEXT steps",
        FollowedBy::End => return "start: \"\"".to_owned(),
        _ => "TEXT (<solution> TEXT)? steps",
    };
    format!("start: {sections}\nsteps: (<step> TEXT)*\nTEXT: /{}/", supported_text(evidence))
}

/// A regular expression of text in which only numbers of the evidence stand. `<` is left out, so that no text reads as a
/// marker.
pub(crate) fn supported_text<'a>(evidence: impl IntoIterator<Item = &'a str>) -> String {
    static NUMBER: LazyLock<Regex> =
        LazyLock::new(|| Regex::new("[0-9]+").expect("the pattern is part of the program and tested"));
    let numbers: BTreeSet<&str> =
        evidence.into_iter().flat_map(|text| NUMBER.find_iter(text).map(|found| found.as_str())).collect();
    if numbers.is_empty() {
        return "[^0-9<]*".to_owned();
    }
    let numbers = numbers.into_iter().collect::<Vec<_>>().join("|");
    format!("[^0-9<]*(({numbers})[^0-9<]+)*({numbers})?")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_numbers_of_the_evidence_are_supported() {
        let pattern = format!("^(?:{})$", supported_text(["SPN 157 FMI 18", "at 24 bar"]));
        let pattern = Regex::new(&pattern).unwrap();
        for text in ["", "replace it", "24", "below 24 bar with SPN 157", "18, 24."] {
            assert!(pattern.is_match(text), "{text}");
        }
        for text in ["2", "240 bar", "1824", "24 bar or 35", "a <solution> b"] {
            assert!(!pattern.is_match(text), "{text}");
        }
        assert_eq!(supported_text(["no number"]), "[^0-9<]*");
    }
}
