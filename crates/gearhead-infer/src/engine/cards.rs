//! What the fault cards say of a complaint without any language model: likeness of the words, and shared codes.
//!
//! A sparse index of our own: the one crate that offers BM25 alone scans a document for each word of the query and
//! needs a tenth of a second to build what takes a few milliseconds here (docs/decisions/0005-own-bm25-index.md).

use std::{
    collections::HashMap,
    sync::{Arc, OnceLock},
};

use gearhead_data::{
    code::FaultCode,
    generate::{Split, learnable},
    knowledge::{Card, KnowledgeBase},
};

/// Saturation of a feature's count, and the weight of a card's length, in BM25. High and low, since a card's features
/// are many and overlapping; chosen on validation cases (docs/experiments.md, 2026-11-22).
const K1: f32 = 5.0;
const B: f32 = 0.5;

/// An inverted index from features of words to cards.
#[derive(Debug)]
pub(super) struct CardIndex {
    /// For each feature, cards with their BM25 weights.
    postings: HashMap<u64, Vec<(u32, f32)>>,
    by_id: HashMap<String, usize>,
    n_cards: usize,
}

impl CardIndex {
    /// The index of the knowledge that is compiled in, made once.
    pub(super) fn shared() -> Arc<Self> {
        static BUILTIN: OnceLock<Arc<CardIndex>> = OnceLock::new();
        Arc::clone(BUILTIN.get_or_init(|| Arc::new(Self::new(KnowledgeBase::builtin()))))
    }

    /// Of each sign only the wordings of the training split are indexed: those that generated test cases are made of stay
    /// unseen.
    ///
    /// Source: Robertson and Zaragoza, *The Probabilistic Relevance Framework: BM25 and Beyond*, 2009, equation 3.15.
    pub(super) fn new(knowledge: &KnowledgeBase) -> Self {
        let cards = knowledge.cards();
        let mut pairs: Vec<(u64, u32)> = Vec::new();
        let mut lengths = Vec::with_capacity(cards.len());
        for (number, card) in (0_u32..).zip(cards) {
            let before = pairs.len();
            for text in texts(card) {
                features(text, |feature| pairs.push((feature, number)));
            }
            lengths.push((pairs.len() - before) as f32);
        }
        pairs.sort_unstable();
        let mean_length = lengths.iter().sum::<f32>() / lengths.len().max(1) as f32;
        let mut postings: HashMap<u64, Vec<(u32, f32)>> = HashMap::new();
        for of_feature in pairs.chunk_by(|a, b| a.0 == b.0) {
            let counts: Vec<(u32, f32)> =
                of_feature.chunk_by(|a, b| a.1 == b.1).map(|same| (same[0].1, same.len() as f32)).collect();
            let (n, with_it) = (cards.len() as f32, counts.len() as f32);
            let idf = (1.0 + (n - with_it + 0.5) / (with_it + 0.5)).ln();
            let weight = |card: u32, count: f32| {
                let length = lengths[card as usize] / mean_length;
                idf * count * (K1 + 1.0) / (count + K1 * (1.0 - B + B * length))
            };
            let weighted = counts.into_iter().map(|(card, count)| (card, weight(card, count)));
            postings.insert(of_feature[0].0, weighted.collect());
        }
        let by_id = cards.iter().enumerate().map(|(number, card)| (card.id.clone(), number)).collect();
        Self { postings, by_id, n_cards: cards.len() }
    }

    /// The number of a card in what the other methods return.
    pub(super) fn number(&self, id: &str) -> Option<usize> {
        self.by_id.get(id).copied()
    }

    /// The likeness of a complaint to each card.
    pub(super) fn likeness(&self, complaint: &str) -> Vec<f32> {
        let mut scores = vec![0.0; self.n_cards];
        let mut counts: HashMap<u64, u32> = HashMap::new();
        features(complaint, |feature| *counts.entry(feature).or_default() += 1);
        let mut counts: Vec<_> = counts.into_iter().collect();
        // In a fixed order, so that the sums are the same to the last bit.
        counts.sort_unstable();
        for (feature, count) in counts {
            for (card, weight) in self.postings.get(&feature).into_iter().flatten() {
                scores[*card as usize] += weight * count.min(2) as f32;
            }
        }
        scores
    }

    /// How much the reported codes point at each card of the knowledge that was indexed: the fewer cards list a code, the
    /// more it says.
    pub(super) fn code_evidence(knowledge: &KnowledgeBase, codes: &[FaultCode]) -> Vec<f32> {
        let cards = knowledge.cards();
        let mut scores = vec![0.0; cards.len()];
        for code in codes {
            let listing: Vec<usize> = (0..cards.len()).filter(|card| cards[*card].lists(code)).collect();
            let says = (cards.len() as f32 / listing.len().max(1) as f32).ln();
            for card in listing {
                scores[card] += says;
            }
        }
        scores
    }
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

/// Calls `f` with the features of a text, hashed: its words, its pairs of neighbouring words, and the runs of three to
/// five letters of each word with its ends marked, which still match where a word is mistyped, inflected or cut short.
fn features(text: &str, mut f: impl FnMut(u64)) {
    let text = text.to_lowercase();
    let mut previous: Option<&str> = None;
    for word in text.split(|c: char| !c.is_alphanumeric() && c != '/').filter(|word| !word.is_empty()) {
        f(hash(&[b"w", word.as_bytes()]));
        if let Some(previous) = previous {
            f(hash(&[b"b", previous.as_bytes(), b" ", word.as_bytes()]));
        }
        previous = Some(word);
        let marked: Vec<char> = std::iter::once('<').chain(word.chars()).chain(['>']).collect();
        for length in 3..=5 {
            for run in marked.windows(length) {
                let mut buffer = [0; 20];
                let mut used = 0;
                for letter in run {
                    used += letter.encode_utf8(&mut buffer[used..]).len();
                }
                f(hash(&[b"c", &buffer[..used]]));
            }
        }
    }
}

/// FNV-1a over several pieces: quick, and the same on every machine.
fn hash(pieces: &[&[u8]]) -> u64 {
    let bytes = pieces.iter().flat_map(|piece| piece.iter());
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
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
    fn a_code_says_more_the_fewer_cards_list_it() {
        let evidence = |codes| CardIndex::code_evidence(KnowledgeBase::builtin(), &parse_list(codes));
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
