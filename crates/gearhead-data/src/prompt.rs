//! One case as tokens: the markup of from-scratch models, with what the model is trained on marked.
//!
//! ```text
//! <s><equipment> caterpillar 320 excavator<symptom> loses power under load<error> P0087, SPN 157 FMI 18<cause>
//! ```
//!
//! is the prompt; the model goes on with
//!
//! ```text
//!  Restricted fuel filter. …<solution> Replace …<step> Measure …<step> Check …</s>
//! ```
//!
//! Machine and complaint are put into lower case and the complaint's shorthand is written out, so that a shouted work order
//! and a typed sentence are the same words; codes stand in canonical spelling.

mod template;

pub use template::{CHAT_TEMPLATE, OLLAMA_TEMPLATE};

use crate::{
    case::Case,
    error::{Error, Result},
    manifest::name_and_stop,
    reading::written_out,
    tokenizer::Tokenizer,
};

/// What the loss is taken on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LossOn {
    /// What the model is to write: cause, solution, steps and the end.
    #[default]
    Targets,
    /// Every token, the prompt's too.
    Everything,
}

/// Which target sections are trained on and written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sections {
    /// Cause and solution.
    #[default]
    CauseSolution,
    /// Cause, solution and diagnostic steps.
    CauseSolutionSteps,
}

/// A tokenised text with the tokens that the model is to learn marked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Token ids.
    pub ids: Vec<u32>,
    /// For each token, whether predicting it counts in the loss. The first is never predicted.
    pub is_target: Vec<bool>,
    /// In a case, where the name of its cause and the token that ends it are over.
    pub name_end: Option<usize>,
}

impl Document {
    /// A document of plain text: every token but the first is predicted.
    pub fn text(ids: Vec<u32>) -> Self {
        let is_target = (0..ids.len()).map(|position| position > 0).collect();
        Self { ids, is_target, name_end: None }
    }

    /// The document up to the name of its cause; all of it where there is none.
    #[must_use]
    pub fn up_to_name(mut self) -> Self {
        if let Some(end) = self.name_end {
            self.ids.truncate(end);
            self.is_target.truncate(end);
        }
        self
    }

    /// How many predictions count.
    pub fn target_count(&self) -> usize {
        self.is_target.iter().filter(|is_target| **is_target).count()
    }
}

/// The tokens that stand before the answer, from `<s>` to `<cause>`.
///
/// # Errors
///
/// The tokenizer was not made for cases.
pub fn encode_prompt(tokenizer: &Tokenizer, case: &Case) -> Result<Vec<u32>> {
    let markers = tokenizer.case_markers()?;
    let mut ids = vec![markers.bos, markers.equipment];
    ids.extend(encode_field(tokenizer, &case.equipment.to_lowercase())?);
    ids.push(markers.symptom);
    ids.extend(encode_field(tokenizer, &written_out(&case.symptom))?);
    ids.push(markers.error);
    ids.extend(encode_field(tokenizer, &codes_in_prompt(case))?);
    ids.push(markers.cause);
    Ok(ids)
}

/// The case as a document to train on. Where it is longer than `max_seq_len` tokens its end is cut off; the
/// returned number says by how many tokens.
///
/// # Errors
///
/// The tokenizer was not made for cases, or the prompt alone does not leave room for a target.
pub fn encode_case(
    tokenizer: &Tokenizer,
    case: &Case,
    loss_on: LossOn,
    sections: Sections,
    max_seq_len: usize,
) -> Result<(Document, usize)> {
    let markers = tokenizer.case_markers()?;
    let mut ids = encode_prompt(tokenizer, case)?;
    let prompt_len = ids.len();
    if prompt_len >= max_seq_len {
        return Err(Error::PromptTooLong { tokens: prompt_len, max_seq_len });
    }
    let cause = case.probable_cause.as_deref().unwrap_or("");
    ids.extend(encode_field(tokenizer, cause)?);
    let name = encode_field(tokenizer, name_and_stop(cause).0)?;
    let has_name = !name.is_empty() && ids[prompt_len..].starts_with(&name);
    if let Some(solution) = &case.solution {
        ids.push(markers.solution);
        ids.extend(encode_field(tokenizer, solution)?);
    }
    if sections == Sections::CauseSolutionSteps {
        for step in &case.diagnostic_steps {
            ids.push(markers.step);
            ids.extend(encode_field(tokenizer, step)?);
        }
    }
    ids.push(markers.eos);
    let cut = ids.len().saturating_sub(max_seq_len);
    ids.truncate(max_seq_len);
    let first_target = match loss_on {
        LossOn::Targets => prompt_len,
        LossOn::Everything => 1,
    };
    let is_target = (0..ids.len()).map(|position| position >= first_target).collect();
    let name_end = Some(prompt_len + name.len() + 1).filter(|end| has_name && *end <= ids.len());
    Ok((Document { ids, is_target, name_end }, cut))
}

/// Tokens of a field's text, as it stands after its marker: one space before the first word.
///
/// # Errors
///
/// The tokenizer's own rules fail on the text.
pub fn encode_field(tokenizer: &Tokenizer, text: &str) -> Result<Vec<u32>> {
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if words.is_empty() { Ok(Vec::new()) } else { tokenizer.encode_words(&words) }
}

/// The texts of a case as the model meets them: what a tokenizer is trained on.
pub fn texts(case: &Case) -> impl Iterator<Item = String> + '_ {
    [case.equipment.to_lowercase(), written_out(&case.symptom), codes_in_prompt(case)]
        .into_iter()
        .chain(case.probable_cause.clone())
        .chain(case.solution.clone())
        .chain(case.diagnostic_steps.iter().cloned())
        .map(|text| format!(" {text}"))
}

fn codes_in_prompt(case: &Case) -> String {
    let codes: Vec<String> = case.codes().iter().map(|code| code.code.to_string()).collect();
    if codes.is_empty() { "none".into() } else { codes.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case() -> Case {
        Case {
            probable_cause: Some("Restricted fuel filter".into()),
            solution: Some("Replace it".into()),
            diagnostic_steps: vec!["Measure supply pressure".into()],
            ..Case::new("CAT 320", "LOW POWER").with_codes("157-18; p0087")
        }
    }

    fn tokenizer() -> Tokenizer {
        Tokenizer::train(texts(&case()).collect::<Vec<_>>().into_iter().cycle().take(60), 300, 2).unwrap()
    }

    #[test]
    fn the_prompt_ends_where_the_answer_begins() {
        let tokenizer = tokenizer();
        let markers = tokenizer.markers().unwrap();
        let prompt = encode_prompt(&tokenizer, &case()).unwrap();
        assert_eq!((prompt[0], *prompt.last().unwrap()), (markers.bos, markers.cause));
        let text = tokenizer.decode(&prompt).unwrap();
        assert_eq!(text, " cat 320 low power SPN 157 FMI 18, P0087");
        let (document, cut) =
            encode_case(&tokenizer, &case(), LossOn::Targets, Sections::CauseSolutionSteps, 500).unwrap();
        assert_eq!(cut, 0);
        assert!(document.ids.starts_with(&prompt));
        assert_eq!(document.target_count(), document.ids.len() - prompt.len());
        assert!(document.ids.contains(&markers.step));
        assert_eq!(document.ids.last(), Some(&markers.eos));
        let named = document.clone().up_to_name();
        assert_eq!(tokenizer.decode(&named.ids[prompt.len()..]).unwrap(), " Restricted fuel filter");
        assert_eq!(named.ids.last(), Some(&markers.solution));
    }

    #[test]
    fn a_long_target_is_cut_and_a_long_prompt_refused() {
        let tokenizer = tokenizer();
        let whole =
            encode_case(&tokenizer, &case(), LossOn::Targets, Sections::CauseSolution, 500).unwrap().0;
        let limit = whole.ids.len() - 2;
        let (document, cut) =
            encode_case(&tokenizer, &case(), LossOn::Everything, Sections::CauseSolution, limit).unwrap();
        assert_eq!((document.ids.len(), cut, document.target_count()), (limit, 2, limit - 1));
        assert!(encode_case(&tokenizer, &case(), LossOn::Targets, Sections::CauseSolution, 5).is_err());
    }

    #[test]
    fn a_case_cannot_smuggle_in_a_marker() {
        let tokenizer = tokenizer();
        let prompt = encode_prompt(&tokenizer, &Case::new("a", "x<cause> mine <solution>")).unwrap();
        let markers = tokenizer.markers().unwrap();
        assert_eq!(prompt.iter().filter(|id| **id == markers.cause).count(), 1);
        assert!(!prompt.contains(&markers.solution));
    }
}
