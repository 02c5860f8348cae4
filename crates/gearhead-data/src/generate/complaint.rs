//! The complaint, as one of several people would word it.

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::{noise, pick, wording::Split, wording::of_split};
use crate::knowledge::{Card, Evidence, Machine, Sign};

/// True, and no help: what people also write.
const ASIDES: &[&str] = &[
    "serviced last week",
    "machine otherwise fine",
    "operator reported it at start of shift",
    "seen by two operators",
    "started yesterday",
    "getting worse all week",
    "happened again this morning",
    "working on the north face",
    "no other complaints",
    "please check and report",
    "machine needed tomorrow",
    "nothing found by the last fitter",
    "first time this has happened",
    "same as last month",
    "parked in the yard",
    "washed before inspection",
    "on hire, customer waiting",
    "second report this week",
    "night shift handed it over like this",
    "investigate",
];

/// The machine, as people name it: in full, by maker and model, in short, or by its kind.
pub(super) fn equipment(machine: &Machine, rng: &mut ChaCha8Rng) -> String {
    let name = pick(rng, &machine.names).clone();
    match rng.random_range(0..10) {
        0 => pick(rng, &machine.words).clone(),
        1 => name.to_uppercase(),
        2 => name.replace("Caterpillar", "Cat").replace("Komatsu", "Kom").replace("John Deere", "Deere"),
        3 => {
            let model = name.split(' ').take_while(|word| !machine.kind.contains(&word.to_lowercase()));
            format!("{} {}", model.collect::<Vec<_>>().join(" "), pick(rng, &machine.words))
        }
        _ => name,
    }
}

/// What is wrong, worded from the wordings of `split`.
pub(super) fn complaint(card: &Card, split: Split, rng: &mut ChaCha8Rng) -> String {
    // The first sign is the most typical complaint.
    let main = if rng.random_bool(0.5) { 0 } else { rng.random_range(0..card.signs.len()) };
    let is_note = rng.random_bool(0.2);
    let mut parts = vec![sign_wording(&card.signs[main], split, is_note, rng)];
    if !is_note || rng.random_bool(0.4) {
        if rng.random_bool(0.35) {
            let other = (main + rng.random_range(1..card.signs.len())) % card.signs.len();
            parts.push(sign_wording(&card.signs[other], split, rng.random_bool(0.5), rng));
        }
        if rng.random_bool(0.7) {
            parts.push(evidence_wording(&card.evidence, split, rng));
        }
        if rng.random_bool(0.15) {
            parts.push((*pick(rng, ASIDES)).to_owned());
        }
    }
    noise::as_typed(&join(&parts, rng), rng)
}

fn sign_wording(sign: &Sign, split: Split, is_note: bool, rng: &mut ChaCha8Rng) -> String {
    let of_split = of_split(sign.wordings(), split);
    let is_shorthand = |wording: &&str| sign.shorthand.iter().any(|note| note == wording);
    let notes: Vec<&str> = of_split.iter().copied().filter(is_shorthand).collect();
    if is_note && !notes.is_empty() {
        (*pick(rng, &notes)).to_owned()
    } else {
        (*pick(rng, &of_split)).to_owned()
    }
}

fn evidence_wording(evidence: &[Evidence], split: Split, rng: &mut ChaCha8Rng) -> String {
    let observation = pick(rng, evidence);
    (*pick(rng, &of_split(&observation.wording, split))).to_owned()
}

fn join(parts: &[String], rng: &mut ChaCha8Rng) -> String {
    let separator = *pick(rng, &[". ", ", ", ", ", "; ", " - ", ". Also "]);
    let mut text = parts[0].clone();
    for part in &parts[1..] {
        text.push_str(separator);
        if separator == ". " { text.push_str(&capitalised(part)) } else { text.push_str(part) }
    }
    text
}

fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}
