//! Which codes the machine shows, and how they were written down.

use rand::{Rng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;

use super::{Slice, Slices, pick};
use crate::{
    code::{Code, FaultCode, NamedPart},
    knowledge::{Card, KnowledgeBase},
};

/// Codes that no table of ours explains: of makers, or of the range that J1939 leaves to them.
const UNKNOWN_CODES: &[&str] = &[
    "SPN 521034 FMI 7",
    "SPN 523212 FMI 9",
    "SPN 524037 FMI 2",
    "SPN 520981 FMI 11",
    "DHPAMA",
    "DXH4KA",
    "CA2249",
    "V217",
    "E02",
    "E15-7",
    "9F-4",
    "H113",
    "P1A62",
    "P3019",
    "U1104",
    "SY-77",
];

/// The fault's own codes in about half of the cases, sometimes several of the one root; none in most others; codes of a
/// second fault; and now and then a stale code of some other fault, or one that nobody knows. No code names another gear
/// or cylinder than the symptom.
pub(super) fn report_codes(
    knowledge: &KnowledgeBase,
    card: &Card,
    second: Option<&Card>,
    symptom: &str,
    must_have_own: bool,
    slices: &mut Slices,
    rng: &mut ChaCha8Rng,
) -> Vec<String> {
    let fitting = |card: &Card| -> Vec<String> {
        let fits = |code: &&String| {
            NamedPart::of(&FaultCode::parse(code).code)
                .is_none_or(|part| part.contradicted_by([symptom]).is_none())
        };
        card.codes.iter().filter(fits).cloned().collect()
    };
    let mut codes = Vec::new();
    let mut own = fitting(card);
    if !own.is_empty() && (must_have_own || rng.random_bool(0.55)) {
        let count = *pick(rng, &[1, 1, 1, 1, 2, 2, 3]);
        own.shuffle(rng);
        codes.extend(own.into_iter().take(count));
        if codes.len() > 1 {
            slices.add(Slice::SeveralCodes);
        }
    }
    let of_second = second.map(fitting).unwrap_or_default();
    if !of_second.is_empty() && rng.random_bool(0.5) {
        codes.push(pick(rng, &of_second).clone());
    }
    let insert = |codes: &mut Vec<String>, code: String, rng: &mut ChaCha8Rng| {
        codes.insert(rng.random_range(0..=codes.len()), code);
    };
    if rng.random_bool(0.1) {
        let stale = pick(rng, knowledge.cards());
        let of_stale = fitting(stale);
        if stale.id != card.id && !of_stale.is_empty() {
            insert(&mut codes, pick(rng, &of_stale).clone(), rng);
            slices.add(Slice::StaleCode);
        }
    }
    if rng.random_bool(0.03) {
        insert(&mut codes, (*pick(rng, UNKNOWN_CODES)).to_owned(), rng);
        slices.add(Slice::UnknownCode);
    }
    if codes.is_empty() {
        slices.add(Slice::NoCode);
    }
    codes.iter().map(|code| spelled(code, rng)).collect()
}

/// One of the spellings that people use.
fn spelled(canonical: &str, rng: &mut ChaCha8Rng) -> String {
    let style = rng.random_range(0..12);
    match (FaultCode::parse(canonical).code, style) {
        (Code::J1939 { spn, fmi: Some(fmi), .. }, 0) => format!("{spn}-{fmi}"),
        (Code::J1939 { spn, fmi: Some(fmi), .. }, 1) => format!("spn{spn}/{fmi}"),
        (Code::J1939 { spn, fmi: Some(_), .. }, 2) => format!("SPN {spn}"),
        (Code::J1939 { spn, fmi: Some(fmi), .. }, 3) => format!("{spn:06}.{fmi:02}"),
        (Code::J1939 { spn, fmi: Some(fmi), .. }, 4) => {
            format!("SPN {spn} FMI {fmi} OC {}", rng.random_range(1..40))
        }
        (Code::J1939 { spn, fmi: Some(fmi), .. }, 5) => format!("spn {spn} fmi {fmi}"),
        (Code::Obd(_), 0) => canonical.to_lowercase(),
        _ => canonical.to_owned(),
    }
}
