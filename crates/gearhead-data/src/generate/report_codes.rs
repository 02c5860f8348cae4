//! Which codes the machine shows, and how they were written down.

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::pick;
use crate::{
    code::{Code, FaultCode},
    knowledge::{Card, KnowledgeBase},
};

/// The fault's own codes in about half of the cases, none in most others, and now and then a stale one of another
/// fault, alone or beside the right one.
pub(super) fn report_codes(knowledge: &KnowledgeBase, card: &Card, rng: &mut ChaCha8Rng) -> Vec<String> {
    let mut codes = Vec::new();
    if !card.codes.is_empty() && rng.random_bool(0.6) {
        codes.push(pick(rng, &card.codes).clone());
        let second = pick(rng, &card.codes);
        if rng.random_bool(0.35) && *second != codes[0] {
            codes.push(second.clone());
        }
    }
    if rng.random_bool(0.1) {
        let stale = pick(rng, knowledge.cards());
        if !stale.codes.is_empty() {
            let at = rng.random_range(0..=codes.len());
            codes.insert(at, pick(rng, &stale.codes).clone());
        }
    }
    codes.iter().map(|code| spelled(code, rng)).collect()
}

/// One of the spellings that people use.
fn spelled(canonical: &str, rng: &mut ChaCha8Rng) -> String {
    let style = rng.random_range(0..10);
    match (FaultCode::parse(canonical).code, style) {
        (Code::J1939 { spn, fmi: Some(fmi), .. }, 0) => format!("{spn}-{fmi}"),
        (Code::J1939 { spn, fmi: Some(fmi), .. }, 1) => format!("spn{spn}/{fmi}"),
        (Code::J1939 { spn, fmi: Some(_), .. }, 2) => format!("SPN {spn}"),
        (Code::J1939 { spn, fmi: Some(fmi), .. }, 3) => format!("{spn:06}.{fmi:02}"),
        (Code::Obd(_), 0) => canonical.to_lowercase(),
        _ => canonical.to_owned(),
    }
}
