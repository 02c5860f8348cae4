//! What a case says, as features that can be counted.

use gearhead_data::{
    case::Case,
    knowledge::KnowledgeBase,
    likeness::{Document, Feature, counted, features},
    reading::written_out,
};

/// What the complaint and the codes say.
fn of_complaint(case: &Case) -> Document {
    let mut found = features(&case.symptom);
    found.extend(of_codes(case));
    counted(found)
}

/// The words of the complaint, and the codes.
pub(crate) fn of_words(case: &Case) -> Document {
    let complaint = written_out(&case.symptom);
    let words = complaint.split(' ').map(|word| word.trim_end_matches('.')).filter(|word| !word.is_empty());
    let mut found: Vec<Feature> = words.map(word).collect();
    found.extend(of_codes(case));
    counted(found)
}

/// Each code, and its parameter, which is alike in another failure mode too.
fn of_codes(case: &Case) -> Vec<Feature> {
    let codes: Vec<String> = case.codes().iter().map(|code| code.code.to_string()).collect();
    let parameters = codes.iter().filter_map(|code| Some(code.split_once(" FMI ")?.0));
    codes.iter().map(String::as_str).chain(parameters).map(word).collect()
}

/// What the complaint, the codes and the kind of machine say.
pub(crate) fn of_case(case: &Case, knowledge: &KnowledgeBase) -> Document {
    let mut document = of_complaint(case);
    if let Some(machine) = knowledge.machine(&case.equipment) {
        document.push((word(&machine.kind), 1.0));
        document.sort_unstable_by_key(|(feature, _)| *feature);
    }
    document
}

/// The one feature of something that is a word by itself.
fn word(text: &str) -> Feature {
    let letters: String = text.chars().filter(|c| c.is_alphanumeric()).collect();
    features(&format!("is{letters}"))[0]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_machines_are_features_of_their_own() {
        let plain = Case::new("Caterpillar 320 Excavator", "low power");
        let with_code = plain.clone().with_codes("SPN 157 FMI 18");
        let (plain_document, document) = (of_complaint(&plain), of_complaint(&with_code));
        assert_eq!(document.len(), plain_document.len() + 2);
        let other = of_complaint(&plain.clone().with_codes("SPN 157 FMI 3"));
        let shared = document.iter().filter(|it| other.contains(it)).count();
        assert_eq!(shared, plain_document.len() + 1);
        assert_eq!(of_words(&with_code).len(), 4);
        assert_eq!(of_words(&Case::new("x", "Pwr low. pwr")), of_words(&Case::new("x", "power LOW power")));
        assert_eq!(of_case(&plain, KnowledgeBase::builtin()).len(), plain_document.len() + 1);
    }
}
