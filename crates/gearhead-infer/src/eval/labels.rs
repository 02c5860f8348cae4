//! What a case turned out to be, and what a cause is, under one name.

use std::collections::HashMap;

use gearhead_data::{
    case::Case,
    knowledge::KnowledgeBase,
    manifest::{Candidate, Manifest, Outcomes, cause_name},
    system::System,
};

/// The names under which recorded and ranked causes are compared: the id of a fault card, or, where a record names none,
/// the name of its cause in lower case.
pub(super) struct Labels<'a> {
    knowledge: &'a KnowledgeBase,
    /// The label of each candidate, by its number.
    of_candidates: Vec<String>,
    outcomes: Outcomes<'a>,
    systems: HashMap<String, System>,
}

impl<'a> Labels<'a> {
    pub(super) fn new(manifest: Option<&'a Manifest>, knowledge: &'a KnowledgeBase) -> Self {
        let candidates = manifest.map_or(&[][..], |manifest| &manifest.candidates);
        let label =
            |candidate: &Candidate| candidate.fault.clone().unwrap_or_else(|| cause_name(&candidate.cause));
        let of_candidates: Vec<String> = candidates.iter().map(label).collect();
        let systems =
            candidates.iter().zip(&of_candidates).filter_map(|(it, label)| Some((label.clone(), it.system?)));
        Self { knowledge, outcomes: Outcomes::new(candidates), systems: systems.collect(), of_candidates }
    }

    /// The label of a ranked cause.
    pub(super) fn of_candidate(&self, index: usize) -> &str {
        &self.of_candidates[index]
    }

    /// The labels of all ranked causes, the most frequent in training first.
    pub(super) fn of_candidates(&self) -> impl Iterator<Item = &str> {
        self.of_candidates.iter().map(String::as_str)
    }

    /// What a case turned out to be, if it says so.
    pub(super) fn of(&self, case: &Case) -> Option<String> {
        let of_candidate = self.outcomes.of(case).map(|index| self.of_candidates[index].clone());
        of_candidate.or_else(|| Some(case.label()?.into_owned()))
    }

    /// The system that a label belongs to, if known.
    pub(super) fn system(&self, label: &str) -> Option<System> {
        let of_card = self.knowledge.card(label).map(|card| card.system);
        of_card.or_else(|| self.systems.get(label).copied())
    }

    /// The system that a case turned out to belong to.
    pub(super) fn system_of(&self, case: &Case, label: &str) -> Option<System> {
        case.system.or_else(|| self.system(label))
    }

    /// The cases whose labels can be compared with ranked ones: all that name a fault, and, where the model ranks any of
    /// their causes by name, all that name a cause.
    pub(super) fn of_all(&self, cases: &[Case]) -> Vec<Option<String>> {
        let labels: Vec<_> = cases.iter().map(|case| self.of(case)).collect();
        let is_ranked = |label: &String| self.of_candidates.contains(label);
        let by_name = labels.iter().flatten().any(is_ranked);
        let is_comparable = |case: &Case| by_name || case.fault.is_some();
        labels.into_iter().zip(cases).map(|(label, case)| label.filter(|_| is_comparable(case))).collect()
    }
}

#[cfg(test)]
mod tests {
    use gearhead_data::prompt::Sections;

    use super::*;

    fn case(cause: &str, fault: Option<&str>) -> Case {
        let mut case = Case::new("machine", "symptom");
        case.probable_cause = Some(cause.to_owned());
        case.fault = fault.map(str::to_owned);
        case
    }

    #[test]
    fn a_record_without_a_fault_is_known_by_the_name_of_its_cause() {
        let trained = [case("Worn pump. It leaks", None), case("Battery flat", Some("battery_or_cable"))];
        let manifest = Manifest::of_cases(&trained, Sections::CauseSolution);
        let labels = Labels::new(Some(&manifest), KnowledgeBase::builtin());
        assert_eq!(labels.of(&case("worn  PUMP.", None)).as_deref(), Some("worn pump"));
        assert_eq!(labels.of(&case("Battery flat", None)).as_deref(), Some("battery_or_cable"));
        assert_eq!(labels.system("battery_or_cable"), Some(System::StartingCharging));
        assert_eq!(labels.system("worn pump"), None);
        // Names are compared only where the model ranks one of them.
        let unknown = [case("Never heard of", None), case("x", Some("battery_or_cable"))];
        assert_eq!(labels.of_all(&unknown[..1]), [None]);
        assert_eq!(labels.of_all(&unknown).iter().flatten().count(), 2);
        assert_eq!(
            labels.of_all(&[case("worn pump", None), case("other", None)]).iter().flatten().count(),
            2
        );
    }
}
