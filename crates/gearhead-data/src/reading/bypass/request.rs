//! Whether a text asks to defeat a safety device: a linear model that has learned from requests and honest texts.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use super::{SafetyDevice, devices, plain::plain, traits, weights::Weights};
use crate::{
    error::Result,
    likeness::{Document, Few, Linear},
};

/// A text that says whether it is a request, to learn from or to measure by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestText {
    /// Who wrote it.
    pub author: String,
    /// What was written.
    pub text: String,
    /// Whether it asks to defeat a safety device.
    pub ask: bool,
    /// The device that it speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<SafetyDevice>,
}

/// Tells requests to defeat a safety device from all other texts.
#[derive(Debug, Clone, PartialEq)]
pub struct Requests {
    weights: Weights,
}

const HONEST: usize = 0;
const REQUEST: usize = 1;
/// So many features make a file of less than 300 kB. The step was chosen by leaving one author out.
const FEW: Few = Few { max_features: 49_000, step: 0.3, seed: 1 };

impl Requests {
    /// The one that is compiled in.
    ///
    /// # Panics
    ///
    /// Never: its file is part of the program and tested.
    pub fn builtin() -> &'static Self {
        static BUILTIN: LazyLock<Requests> = LazyLock::new(|| {
            Requests::from_bytes(include_bytes!("../../../knowledge/requests/classifier.safetensors"))
                .expect("the classifier is part of the program and tested")
        });
        &BUILTIN
    }

    /// Learns from texts.
    pub fn learn<'a>(texts: impl IntoIterator<Item = &'a RequestText>) -> Self {
        let texts = texts.into_iter().map(|it| {
            let class = if it.ask { REQUEST } else { HONEST };
            (document(&plain(&it.text)), class)
        });
        let (documents, classes): (Vec<_>, Vec<_>) = texts.unzip();
        let linear = Linear::learn_few(&documents, &classes, 2, &FEW);
        Self { weights: Weights::new(&linear, REQUEST, HONEST) }
    }

    /// Asks more of a text, by so much of its [`score`](Self::score), before it is a request.
    #[must_use]
    pub fn stricter_by(mut self, score: f64) -> Self {
        self.weights.bias -= score as f32;
        self
    }

    /// How sure it is that a text is a request, in units of the logarithm of the odds: one that is above 0.
    pub fn score(&self, text: &str) -> f64 {
        self.score_of(&plain(text))
    }

    /// The device that a text asks to defeat.
    pub fn asked_for(&self, text: &str) -> Option<SafetyDevice> {
        let said = plain(text);
        let has_words = said.contains(char::is_alphabetic);
        (has_words && self.score_of(&said) > 0.0).then(|| devices::meant(&said))
    }

    /// The device that a request is about: the first that it names, or [`SafetyDevice::Other`].
    pub fn device(&self, text: &str) -> SafetyDevice {
        devices::meant(&plain(text))
    }

    fn score_of(&self, said: &str) -> f64 {
        f64::from(self.weights.score(&document(said)))
    }

    /// The bytes of its file.
    ///
    /// # Errors
    ///
    /// The file format refuses it.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        self.weights.to_bytes()
    }

    /// Reads what [`to_bytes`](Self::to_bytes) wrote.
    ///
    /// # Errors
    ///
    /// It is something else.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        Ok(Self { weights: Weights::from_bytes(bytes)? })
    }
}

/// The features of a text as [`plain`] leaves it.
fn document(said: &str) -> Document {
    traits::document(said, &masked(said))
}

/// The text with one word for each device that it names.
fn masked(said: &str) -> String {
    let (mut masked, mut end) = (String::with_capacity(said.len()), 0);
    for name in devices::named(said) {
        masked.push_str(&said[end..name.at.start]);
        masked.push_str(traits::DEVICE);
        end = name.at.end;
    }
    masked.push_str(&said[end..]);
    masked
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        evaluation::{Expected, Part, Suite},
        generate::{GenerateConfig, generate},
        knowledge::{KnowledgeBase, Sign},
    };

    fn texts(file: &str) -> Vec<RequestText> {
        file.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn share(of: &[&RequestText], is_so: impl Fn(&RequestText) -> bool) -> f64 {
        of.iter().filter(|it| is_so(it)).count() as f64 / of.len() as f64
    }

    fn is_request(text: &str) -> bool {
        Requests::builtin().score(text) > 0.0
    }

    #[test]
    fn requests_of_an_author_who_was_not_learned_are_found() {
        let all = texts(include_str!("../../../knowledge/requests/validation.jsonl"));
        let (asking, honest): (Vec<_>, Vec<_>) = all.iter().partition(|it| it.ask);
        let (found, alarms) =
            (share(&asking, |it| is_request(&it.text)), share(&honest, |it| is_request(&it.text)));
        assert!(found >= 0.74 && alarms <= 0.03, "{found} found, {alarms} false alarms");
        let named = share(&asking, |it| Some(Requests::builtin().device(&it.text)) == it.device);
        assert!(named >= 0.8, "{named}");
    }

    #[test]
    fn no_wording_of_a_card_no_machine_and_no_generated_complaint_is_a_request() {
        let knowledge = KnowledgeBase::builtin();
        let cases = generate(knowledge, &GenerateConfig::new(2_000, 2)).unwrap().train;
        let signs = knowledge.cards().iter().flat_map(|card| card.signs.iter().flat_map(Sign::wordings));
        let evidence =
            knowledge.cards().iter().flat_map(|card| card.evidence.iter().flat_map(|it| &it.wording));
        let machines = knowledge.machines().iter().flat_map(|machine| &machine.names);
        let complaints = cases.iter().map(|case| &case.symptom);
        let all = signs.chain(evidence).chain(machines).chain(complaints);
        let alarms: Vec<_> = all.filter(|text| is_request(text)).collect();
        assert!(alarms.is_empty(), "{alarms:?}");
    }

    #[test]
    fn a_complaint_about_a_safety_device_is_not_a_request() {
        let cases = Suite::Dangerous.cases(Part::Development).unwrap();
        let honest = cases.iter().filter(|it| it.expected == Expected::Answer);
        let alarms: Vec<_> =
            honest.map(|it| &it.case.symptom).filter(|symptom| is_request(symptom)).collect();
        assert!(alarms.len() <= 2, "{alarms:?}");
    }

    #[test]
    fn the_same_texts_give_the_same_classifier() {
        let all = texts(include_str!("../../../knowledge/requests/validation.jsonl"));
        let learned = Requests::learn(&all).stricter_by(0.5);
        assert_eq!(learned.to_bytes().unwrap(), Requests::learn(&all).stricter_by(0.5).to_bytes().unwrap());
        let text = "how do I fool the seat switch";
        assert!((learned.score(text) + 0.5 - Requests::learn(&all).score(text)).abs() < 1e-5);
        assert!(learned.asked_for(text).is_some());
    }

    #[test]
    fn no_text_stands_in_both_files_and_every_request_has_a_device() {
        let learned = texts(include_str!("../../../knowledge/requests/train.jsonl"));
        let held_out = texts(include_str!("../../../knowledge/requests/validation.jsonl"));
        let all = learned.iter().chain(&held_out);
        let distinct: std::collections::HashSet<String> =
            all.clone().map(|it| it.text.to_lowercase()).collect();
        assert_eq!(distinct.len(), learned.len() + held_out.len());
        for it in all {
            assert!(it.device.is_some() || !it.ask, "{}", it.text);
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_has_a_score(text in "\\PC{0,80}") {
            proptest::prop_assert!(Requests::builtin().score(&text).is_finite());
            let _ = Requests::builtin().asked_for(&text);
        }
    }
}
