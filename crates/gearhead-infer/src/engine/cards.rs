//! What the fault cards say of a case without any language model: likeness of the words, and shared codes.
//!
//! A sparse index of our own: the one crate that offers BM25 alone scans a document for each word of the query and
//! needs a tenth of a second to build what takes a few milliseconds here (docs/decisions/0005-own-bm25-index.md).

use std::{
    collections::HashMap,
    sync::{Arc, OnceLock},
};

use gearhead_data::{
    case::Case,
    code::FaultCode,
    generate::{Split, learnable},
    knowledge::{Card, KnowledgeBase},
    likeness::{Document, counted, features},
    reading::{Reader, Reading},
};

use crate::bm25::Bm25;

/// Saturation of a feature's count, and the weight of a card's length, in BM25. High and low, since a card's features
/// are many and overlapping; chosen on validation cases (docs/experiments.md, 2026-11-22).
const K1: f32 = 5.0;
const B: f32 = 0.5;
/// A feature of a complaint counts at most this often.
const MOST_COUNTED: f32 = 2.0;

/// A case that is less familiar is not about a fault of heavy equipment: chosen so that one in a hundred of the
/// development cases would be declined.
pub(super) const FAMILIAR_FROM: f32 = 0.1;
/// How much more a feature that no card has weighs than one that a single card has.
const UNKNOWN: f32 = 1.2;
/// Words of questions and of people, which work orders do without.
const ASKING: [&str; 19] = [
    "what", "how", "which", "why", "who", "where", "when", "is", "are", "do", "does", "can", "you", "i",
    "my", "the", "a", "to", "your",
];

/// The cards of a knowledge base, indexed.
#[derive(Debug)]
pub(super) struct CardIndex {
    pub(super) reader: Reader,
    /// What each card says.
    words: Bm25,
    /// For each card the codes that it lists.
    codes: Vec<Vec<FaultCode>>,
    by_id: HashMap<String, usize>,
}

/// What speaks for each card, by its number.
#[derive(Debug, Clone)]
pub(super) struct CardEvidence {
    /// The likeness of the complaint to all that the card says, by BM25.
    pub(super) likeness: Vec<f32>,
    /// How much the reported codes point at it: the fewer cards list a code, the more it says.
    pub(super) codes: Vec<f32>,
}

impl CardIndex {
    /// The index of the knowledge that is compiled in, made once.
    pub(super) fn shared() -> Arc<Self> {
        static BUILTIN: OnceLock<Arc<CardIndex>> = OnceLock::new();
        Arc::clone(BUILTIN.get_or_init(|| Arc::new(Self::new(KnowledgeBase::builtin()))))
    }

    /// Of each sign only the wordings of the training split are indexed: those that generated test cases are made of stay
    /// unseen.
    pub(super) fn new(knowledge: &KnowledgeBase) -> Self {
        let cards = knowledge.cards();
        let parallel = std::thread::available_parallelism().map_or(1, usize::from);
        let share = cards.len().div_ceil(parallel).max(1);
        let (counted, reader) = std::thread::scope(|scope| {
            let shares: Vec<_> = cards
                .chunks(share)
                .map(|cards| scope.spawn(|| cards.iter().map(document).collect::<Vec<_>>()))
                .collect();
            let reader = Reader::new(knowledge);
            let counted = shares.into_iter().flat_map(|share| share.join().expect("counting does not panic"));
            (counted.collect::<Vec<_>>(), reader)
        });
        Self {
            reader,
            words: Bm25::new(&counted, K1, B),
            codes: cards
                .iter()
                .map(|card| card.codes.iter().map(|code| FaultCode::parse(code)).collect())
                .collect(),
            by_id: cards.iter().enumerate().map(|(number, card)| (card.id.clone(), number)).collect(),
        }
    }

    /// The number of a card in what the other methods return.
    pub(super) fn number(&self, id: &str) -> Option<usize> {
        self.by_id.get(id).copied()
    }

    /// What speaks for each card of the knowledge that was indexed.
    pub(super) fn evidence(&self, case: &Case, reading: &Reading) -> CardEvidence {
        CardEvidence { likeness: self.likeness(&reading.text), codes: self.code_evidence(&case.codes()) }
    }

    /// How familiar a case is, from 0 to 1: whether it is about what the cards are about. A code of a known format always
    /// is.
    ///
    /// A logistic model of four things: how much of the complaint's weight stands on any card, how much of it on the best
    /// one, how much the best card says of it in all, and how many of its words are those of questions and of people. Its
    /// weights were fitted on the development halves of the evaluation suites (docs/experiments.md, 2026-11-25).
    pub(super) fn familiarity(&self, case: &Case, reading: &Reading) -> f32 {
        if case.codes().iter().any(|code| !code.code.is_opaque()) {
            return 1.0;
        }
        let words: Vec<&str> = reading.text.split(' ').filter(|word| !self.is_identifier(word)).collect();
        let complaint = words.join(" ");
        let unknown = UNKNOWN * (1.0 + self.codes.len() as f32).ln();
        let (mut total, mut on_cards) = (0.0, 0.0);
        for feature in features(&complaint) {
            let idf = self.words.idf(feature);
            total += idf.unwrap_or(unknown);
            on_cards += idf.unwrap_or(0.0);
        }
        if total == 0.0 {
            return 0.0;
        }
        let best = self.likeness(&complaint).into_iter().fold(0.0, f32::max);
        let asking = words.iter().filter(|word| ASKING.contains(&word.trim_end_matches('.'))).count() as f32;
        let score = -22.7 + 4.6 * on_cards / total + 1.6 * best / total + 3.74 * (1.0 + best).ln()
            - 14.0 * asking / (1.0 + words.len() as f32);
        1.0 / (1.0 + (-score).exp())
    }

    /// Whether a word is the number of a unit, a part or a job: it holds a digit, and no card has it. What it is called
    /// says nothing of whether the rest is familiar.
    fn is_identifier(&self, word: &str) -> bool {
        let is_on_a_card =
            || features(word).first().is_some_and(|feature| self.words.idf(*feature).is_some());
        word.contains(|c: char| c.is_ascii_digit()) && !is_on_a_card()
    }

    fn likeness(&self, complaint: &str) -> Vec<f32> {
        self.words.scores(&counted(features(complaint)), MOST_COUNTED)
    }

    fn code_evidence(&self, codes: &[FaultCode]) -> Vec<f32> {
        let mut scores = vec![0.0; self.codes.len()];
        for code in codes {
            let lists = |listed: &Vec<FaultCode>| listed.iter().any(|it| it.code.agrees_with(&code.code));
            let listing: Vec<usize> = (0..scores.len()).filter(|card| lists(&self.codes[*card])).collect();
            let says = (scores.len() as f32 / listing.len().max(1) as f32).ln();
            for card in listing {
                scores[card] += says;
            }
        }
        scores
    }
}

/// The distinct features of what a card says, and how often each stands there.
fn document(card: &Card) -> Document {
    counted(texts(card).flat_map(features).collect())
}

/// What a card says in words that a complaint may use.
fn texts(card: &Card) -> impl Iterator<Item = &str> {
    let groups = card.signs.iter().flat_map(|sign| indexed(sign.wordings()));
    let evidence = card.evidence.iter().flat_map(|evidence| indexed(&evidence.wording));
    let own = card.explanation.iter().chain(&card.likely).chain([&card.title]).map(String::as_str);
    groups.chain(evidence).chain(own)
}

/// The wordings of the training split; all of them where a company's card has too few for any case to be made of them.
fn indexed<'a>(wordings: impl IntoIterator<Item = &'a String>) -> Vec<&'a str> {
    let wordings: Vec<&String> = wordings.into_iter().collect();
    if wordings.len() < Split::ALL.len() {
        return wordings.into_iter().map(String::as_str).collect();
    }
    learnable(wordings)
}

#[cfg(test)]
mod tests {
    use gearhead_data::code::parse_list;

    use super::*;

    fn best(scores: &[f32]) -> &'static str {
        let best = (0..scores.len()).max_by(|a, b| scores[*a].total_cmp(&scores[*b])).unwrap();
        &KnowledgeBase::builtin().cards()[best].id
    }

    #[test]
    fn plain_complaints_find_their_cards() {
        let index = CardIndex::shared();
        for (complaint, card) in [
            ("battery flat, slow crank, jump start works", "battery_or_cable"),
            ("bucket teeth worn and one missing", "bucket_teeth_or_edge_worn"),
            ("seat belt will not latch", "seat_belt_or_switch"),
            ("WINDSCREEN WIPERS NOT WORKING", "wiper_washer_fault"),
        ] {
            assert_eq!(best(&index.likeness(complaint)), card, "{complaint}");
        }
    }

    #[test]
    fn complaints_are_familiar_and_small_talk_is_not() {
        let (index, knowledge) = (CardIndex::shared(), KnowledgeBase::builtin());
        let familiarity = |case: &Case| {
            let reading = index.reader.read(case, knowledge);
            index.familiarity(case, &reading)
        };
        for complaint in ["L/H track motor leaking oil", "engine derates uphill and the coolant is boiling"] {
            assert!(familiarity(&Case::new("Cat D6T", complaint)) > 0.5, "{complaint}");
        }
        for text in
            ["what is the capital of Portugal", "please write a birthday poem for my aunt", "asdf qwer", "?!"]
        {
            assert!(familiarity(&Case::new("Cat D6T", text)) < FAMILIAR_FROM, "{text}");
        }
        let with = |code| Case::new("Cat D6T", "asdf qwer").with_codes(code);
        assert!(familiarity(&with("P0087")) >= 1.0 && familiarity(&with("SPN 518000 FMI 31")) >= 1.0);
        assert!(familiarity(&with("zzz")) < FAMILIAR_FROM);
    }

    #[test]
    fn the_number_of_a_unit_makes_nothing_strange() {
        let index = CardIndex::shared();
        let familiarity = |complaint: &str| {
            let case = Case::new("Cat D6T", complaint);
            index.familiarity(&case, &index.reader.read(&case, KnowledgeBase::builtin()))
        };
        assert!((familiarity("UH5167 horn not working") - familiarity("horn not working")).abs() < 1e-6);
        assert!(familiarity("12345 98765") < FAMILIAR_FROM);
    }

    #[test]
    fn a_code_says_more_the_fewer_cards_list_it() {
        let evidence = |codes| CardIndex::shared().code_evidence(&parse_list(codes));
        assert_eq!(best(&evidence("SPN 97 FMI 15")), "water_in_fuel");
        assert!(evidence("SPN 424242 FMI 3").iter().all(|score| *score == 0.0));
    }

    #[test]
    fn held_out_wordings_are_not_indexed() {
        for card in KnowledgeBase::builtin().cards() {
            let indexed: Vec<&str> = texts(card).collect();
            for sign in &card.signs {
                let learnable = learnable(sign.wordings());
                let held_out: Vec<&String> =
                    sign.wordings().filter(|wording| !learnable.contains(&wording.as_str())).collect();
                assert!(held_out.len() >= 2, "{}", card.id);
                for wording in held_out {
                    assert!(!indexed.contains(&wording.as_str()), "{}: {wording}", card.id);
                }
            }
        }
    }
}
