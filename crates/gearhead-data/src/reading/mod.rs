//! How a machine and a complaint are understood before anything is diagnosed.
//!
//! In reading order: [`Reader`] knows the words of a knowledge base; [`Reader::read`] makes a [`Reading`]: shorthand
//! written out and slips mended, clause by clause what is said not to be so and under which conditions, since when, and
//! whether the text asks how to defeat a safety device.
//!
//! ```
//! use gearhead_data::{case::Case, knowledge::KnowledgeBase, reading::Reader};
//!
//! let reader = Reader::new(KnowledgeBase::builtin());
//! let case = Case::new("Cat 320", "hyd pmp whinig when cold, no black smoke. since filter change");
//! let reading = reader.read(&case, KnowledgeBase::builtin());
//! assert_eq!(reading.machine.as_deref(), Some("excavator"));
//! assert_eq!(reading.clauses[0].text, "hydraulic pump whining when cold");
//! assert!(reading.clauses[1].denied);
//! assert_eq!(reading.since.as_deref(), Some("since filter change"));
//! ```

mod bypass;
mod condition;
mod shorthand;
mod typos;
pub(crate) mod words;

use serde::Serialize;

use crate::{case::Case, knowledge::KnowledgeBase};

pub use bypass::{RequestText, Requests, SafetyDevice};
pub use condition::Condition;

use typos::Spelling;
use words::{Word, words};

/// What was understood of a case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Reading {
    /// The kind of machine, where it is known.
    pub machine: Option<String>,
    /// The complaint in lower case, with shorthand written out and slips mended, a full stop between its clauses.
    pub text: String,
    /// The slips that were mended.
    pub mended: Vec<Mended>,
    /// The clauses, in the order in which they were told.
    pub clauses: Vec<Clause>,
    /// Since when, in the words of the complaint.
    pub since: Option<String>,
    /// The safety device that the case asks to defeat.
    pub bypass: Option<SafetyDevice>,
}

/// One clause of a complaint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Clause {
    /// Its words.
    pub text: String,
    /// Whether it says that something is not so.
    pub denied: bool,
    /// The conditions that it names.
    pub conditions: Vec<Condition>,
}

/// A word that was mended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Mended {
    /// As written.
    pub from: String,
    /// As understood.
    pub to: String,
}

/// Reads complaints with the words of a knowledge base.
#[derive(Debug)]
pub struct Reader {
    spelling: Spelling,
}

impl Reader {
    /// A reader for the complaints about the machines of `knowledge`.
    pub fn new(knowledge: &KnowledgeBase) -> Self {
        Self { spelling: Spelling::new(knowledge) }
    }

    /// Understands a case.
    pub fn read(&self, case: &Case, knowledge: &KnowledgeBase) -> Reading {
        let mut words = words(&case.symptom);
        let mut mended = Vec::new();
        for word in &mut words {
            if let Some(right) = self.spelling.mend(&word.text) {
                mended.push(Mended { from: std::mem::replace(&mut word.text, right.clone()), to: right });
            }
        }
        let clauses: Vec<Clause> = words
            .chunk_by(|_, next| !next.begins_clause)
            .map(|words| {
                let text = joined(words);
                let denied = words.iter().any(|word| word.is_denied);
                Clause { conditions: condition::of_clause(&text), text, denied }
            })
            .collect();
        Reading {
            machine: knowledge.machine(&case.equipment).map(|machine| machine.kind.clone()),
            text: in_clauses(&words),
            mended,
            since: condition::since(&clauses),
            bypass: bypass::asked_for(case),
            clauses,
        }
    }
}

/// A complaint as the model reads it: in lower case, with shorthand written out, a full stop between its clauses.
pub fn written_out(complaint: &str) -> String {
    in_clauses(&words(complaint))
}

impl Reading {
    /// The conditions that any clause names, each once.
    pub fn conditions(&self) -> Vec<Condition> {
        let mut found: Vec<Condition> =
            self.clauses.iter().flat_map(|clause| clause.conditions.iter().copied()).collect();
        found.sort_unstable();
        found.dedup();
        found
    }
}

fn in_clauses(words: &[Word]) -> String {
    words.chunk_by(|_, next| !next.begins_clause).map(joined).collect::<Vec<_>>().join(". ")
}

fn joined(words: &[Word]) -> String {
    words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::likeness::features;

    fn read(symptom: &str) -> Reading {
        let knowledge = KnowledgeBase::builtin();
        Reader::new(knowledge).read(&Case::new("haul truck", symptom), knowledge)
    }

    #[test]
    fn clauses_keep_their_order_their_denials_and_their_conditions() {
        let reading = read("Cold start ok. Then overheats uphill loaded, no coolant loss");
        let shown: Vec<_> =
            reading.clauses.iter().map(|it| (it.text.as_str(), it.denied, it.conditions.clone())).collect();
        assert_eq!(
            shown,
            [
                ("cold start ok", false, vec![Condition::Cold, Condition::Starting]),
                ("then overheats uphill loaded", false, vec![Condition::Loaded, Condition::Grade]),
                ("no coolant loss", true, vec![]),
            ]
        );
        assert_eq!(
            reading.conditions(),
            [Condition::Cold, Condition::Loaded, Condition::Grade, Condition::Starting]
        );
    }

    #[test]
    fn slips_are_mended_and_numbers_and_names_are_left() {
        let reading = read("hydarulic leek at boom cylindr, unit DT4711 komtrax");
        assert!(reading.text.starts_with("hydraulic le"), "{}", reading.text);
        assert!(reading.text.contains("cylinder") && reading.text.contains("dt4711"), "{}", reading.text);
    }

    #[test]
    fn a_denial_ends_with_its_clause_however_often_it_is_read() {
        let once = read("No smoke. Power low uphill");
        let twice = read(&once.text);
        assert_eq!(once.text, "no smoke. power low uphill");
        let denied = |reading: &Reading| reading.clauses.iter().map(|it| it.denied).collect::<Vec<_>>();
        assert_eq!((denied(&once), denied(&twice)), (vec![true, false], vec![true, false]));
        assert_eq!(features(&once.text), features("No smoke. Power low uphill"));
    }

    #[test]
    fn an_empty_complaint_says_nothing() {
        let reading = read(" ... ");
        assert!(reading.clauses.is_empty() && reading.text.is_empty());
    }
}
