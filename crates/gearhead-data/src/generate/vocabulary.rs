//! What people write beside the fault itself, from `knowledge/complaints.toml`.

use std::sync::OnceLock;

use serde::Deserialize;

use crate::system::System;

/// Everything a complaint may hold that stands on no fault card.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Vocabulary {
    pub(super) observations: Vec<Observation>,
    pub(super) readings: Vec<Reading>,
    pub(super) vague: Vec<Vague>,
    pub(super) conditions: Vec<Conditions>,
    pub(super) remarks: Wordings,
    pub(super) openers: Wordings,
    /// Complaints that say no more than that codes are shown.
    pub(super) code_only: Wordings,
}

/// Something seen, heard or felt, and the statement that it is not so.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Observation {
    /// Its name in the file.
    #[cfg_attr(not(test), expect(dead_code, reason = "only tests name an entry"))]
    pub(super) id: String,
    pub(super) present: Vec<String>,
    pub(super) absent: Vec<String>,
    /// Cards whose fault shows it nearly always.
    pub(super) present_in: Vec<String>,
    /// Cards that are confused with those, and whose fault nearly never shows it.
    pub(super) absent_in: Vec<String>,
}

/// What an instrument shows: plausible figures for a complaint, not specifications.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Reading {
    /// Its name in the file.
    #[cfg_attr(not(test), expect(dead_code, reason = "only tests name an entry"))]
    pub(super) id: String,
    pub(super) quantity: Quantity,
    pub(super) names: Vec<String>,
    /// Traits that the machine must have.
    pub(super) requires: Vec<String>,
    pub(super) normal: [f64; 2],
    #[serde(default)]
    pub(super) low: Option<[f64; 2]>,
    #[serde(default)]
    pub(super) high: Option<[f64; 2]>,
    #[serde(default)]
    pub(super) normal_in: Vec<String>,
    #[serde(default)]
    pub(super) low_in: Vec<String>,
    #[serde(default)]
    pub(super) high_in: Vec<String>,
}

/// What a reading measures; the ranges of the file are in the unit named here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Quantity {
    /// °C.
    Temperature,
    /// kPa.
    Pressure,
    /// V, of a 24 V system.
    Voltage,
    /// Revolutions a minute.
    Speed,
    /// Seconds.
    Time,
    /// Millimetres.
    Length,
}

/// Complaints from which no one can tell which fault of a system it is.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Vague {
    pub(super) system: System,
    pub(super) wordings: Vec<String>,
}

/// Conditions of work that are true of any fault, for machines with the traits.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Conditions {
    pub(super) requires: Vec<String>,
    pub(super) wordings: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wordings {
    pub(super) wordings: Vec<String>,
}

impl Vocabulary {
    /// # Panics
    ///
    /// Never in a build whose tests pass: they parse the same text.
    pub(super) fn builtin() -> &'static Self {
        static BUILTIN: OnceLock<Vocabulary> = OnceLock::new();
        BUILTIN.get_or_init(|| {
            toml::from_str(include_str!("../../knowledge/complaints.toml"))
                .expect("the compiled-in complaints parse: tested")
        })
    }
}

impl Reading {
    /// The range that the fault of this card shows, if it says anything about this reading.
    pub(super) fn range_in(&self, card: &str) -> Option<[f64; 2]> {
        let lists = |ids: &[String]| ids.iter().any(|id| id == card);
        match () {
            () if lists(&self.high_in) => self.high,
            () if lists(&self.low_in) => self.low,
            () if lists(&self.normal_in) => Some(self.normal),
            () => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::knowledge::{KnowledgeBase, Sign};

    #[test]
    fn every_id_is_a_card_and_no_card_is_told_both_ways() {
        let knowledge = KnowledgeBase::builtin();
        let vocabulary = Vocabulary::builtin();
        let observed = vocabulary.observations.iter().map(|it| (&it.id, vec![&it.present_in, &it.absent_in]));
        let read =
            vocabulary.readings.iter().map(|it| (&it.id, vec![&it.normal_in, &it.low_in, &it.high_in]));
        for (name, lists) in observed.chain(read) {
            let mut seen = Vec::new();
            for id in lists.into_iter().flatten() {
                assert!(knowledge.card(id).is_some(), "{name} names the card {id}, which does not exist");
                assert!(!seen.contains(&id), "{name} says two things of {id}");
                seen.push(id);
            }
            assert!(!seen.is_empty(), "{name} is of no use");
        }
        for reading in &vocabulary.readings {
            assert_eq!(reading.low.is_some(), !reading.low_in.is_empty(), "{}", reading.id);
            assert_eq!(reading.high.is_some(), !reading.high_in.is_empty(), "{}", reading.id);
            for range in [Some(reading.normal), reading.low, reading.high].into_iter().flatten() {
                assert!(range[0] < range[1], "{}", reading.id);
            }
        }
    }

    #[test]
    fn every_system_has_vague_complaints() {
        for system in System::ALL {
            assert!(Vocabulary::builtin().vague.iter().any(|vague| vague.system == system), "{system}");
        }
    }

    /// A wording that stood in two places could fall into two splits.
    #[test]
    fn wordings_are_unique_here_and_on_the_cards() {
        let vocabulary = Vocabulary::builtin();
        let observed = vocabulary.observations.iter().flat_map(|it| it.present.iter().chain(&it.absent));
        let rest = vocabulary.readings.iter().flat_map(|it| &it.names);
        let vague = vocabulary.vague.iter().flat_map(|it| &it.wordings);
        let here = observed.chain(rest).chain(vague).chain(&vocabulary.code_only.wordings);
        let cards = KnowledgeBase::builtin().cards().iter().flat_map(|card| {
            let signs = card.signs.iter().flat_map(Sign::wordings);
            signs.chain(card.evidence.iter().flat_map(|evidence| &evidence.wording))
        });
        let mut seen = HashSet::new();
        for wording in here.chain(cards) {
            assert!(seen.insert(wording.to_lowercase()), "{wording:?} stands twice");
        }
    }
}
