//! The complaint, as one of several people would word it.

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::{
    HELD_OUT, Slice, Slices, Split, measure, noise, pick,
    pools::{CardPool, Pools, SignPool, names},
};
use crate::knowledge::Machine;

/// How much a complaint says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Telling {
    /// What a person would say who has seen the fault.
    Plain,
    /// Only that codes are shown.
    CodeOnly,
    /// Only which system it is about.
    TooLittle,
}

/// The machine, as people name it: in full, by maker and model, in short, or by its kind. Some names stand in test cases
/// only.
pub(super) fn equipment(
    machine: &Machine,
    split: Split,
    slices: &mut Slices,
    rng: &mut ChaCha8Rng,
) -> String {
    let (held_out, others) = names(machine);
    let may_be_held_out = split == Split::Test && !held_out.is_empty();
    let is_held_out = may_be_held_out && rng.random_bool(HELD_OUT);
    let name = *pick(rng, if is_held_out { &held_out } else { &others });
    let style = rng.random_range(0..10);
    if is_held_out && style > 0 {
        slices.add(Slice::HeldOutMachine);
    }
    match style {
        0 => pick(rng, &machine.words).clone(),
        1 => name.to_uppercase(),
        2 => name.replace("Caterpillar", "Cat").replace("Komatsu", "Kom").replace("John Deere", "Deere"),
        3 => format!("{} {}", model(machine, name), pick(rng, &machine.words)),
        4 => model(machine, name),
        _ => name.clone(),
    }
}

/// The name without the words at its end that say what kind of machine it is; all of it where no number is left, since
/// a name such as `Volvo FMX` alone is not recognised.
fn model(machine: &Machine, name: &str) -> String {
    let kind: Vec<&str> =
        machine.words.iter().chain([&machine.kind]).flat_map(|words| words.split(' ')).collect();
    let mut words: Vec<&str> = name.split(' ').collect();
    let says_kind = |word: &str| kind.iter().any(|kind| kind.eq_ignore_ascii_case(word));
    while words.len() > 2 && words.last().is_some_and(|word| says_kind(word)) {
        words.pop();
    }
    let model = words.join(" ");
    if model.contains(|c: char| c.is_ascii_digit()) { model } else { name.to_owned() }
}

/// What is wrong, and what people write around it.
pub(super) fn complaint(
    pools: &Pools<'_>,
    pool: &CardPool<'_>,
    second: Option<&CardPool<'_>>,
    machine: &Machine,
    telling: Telling,
    slices: &mut Slices,
    rng: &mut ChaCha8Rng,
) -> String {
    let is_note = telling != Telling::Plain || rng.random_bool(0.22);
    let mut parts = match telling {
        Telling::Plain => told(pool, machine, is_note, slices, rng),
        Telling::CodeOnly => vec![(*pick(rng, &pools.code_only)).to_owned()],
        Telling::TooLittle => vec![(*pick(rng, &pool.vague)).to_owned()],
    };
    if let Some(second) = second {
        let other = pick(rng, &second.signs);
        parts.push(sign(other, is_note, rng));
    }
    if rng.random_bool(if is_note { 0.1 } else { 0.25 }) {
        let able = |it: &&super::vocabulary::Conditions| {
            it.requires.iter().all(|trait_| machine.traits.contains(trait_))
        };
        let possible: Vec<_> = pools.vocabulary.conditions.iter().filter(able).collect();
        let group = pick(rng, &possible);
        let condition = pick(rng, &group.wordings).clone();
        let at = if rng.random_bool(0.3) { 0 } else { parts.len() };
        parts.insert(at, condition);
        slices.add(Slice::Condition);
    }
    if rng.random_bool(if is_note { 0.06 } else { 0.15 }) {
        parts.push(pick(rng, &pools.vocabulary.remarks.wordings).clone());
    }
    let mut text = join(&parts, rng);
    if is_note && rng.random_bool(0.25) {
        text = format!("{} {text}", pick(rng, &pools.vocabulary.openers.wordings));
    }
    if is_note && rng.random_bool(0.12) {
        text = format!("{}{}{text}", unit(rng), pick(rng, &[" ", " - ", "- ", ": "]));
    }
    let (text, typed) = noise::as_typed(&text, rng);
    for (slice, is_so) in [
        (Slice::Abbreviated, typed.is_abbreviated),
        (Slice::Mistyped, typed.is_mistyped),
        (Slice::Note, (3..=8).contains(&text.split_whitespace().count())),
    ] {
        if is_so {
            slices.add(slice);
        }
    }
    text
}

/// How the fault shows, and what else was seen.
fn told(
    pool: &CardPool<'_>,
    machine: &Machine,
    is_note: bool,
    slices: &mut Slices,
    rng: &mut ChaCha8Rng,
) -> Vec<String> {
    // The first sign is the most typical complaint.
    let main = if rng.random_bool(0.5) { 0 } else { rng.random_range(0..pool.signs.len()) };
    let mut parts = vec![sign(&pool.signs[main], is_note, rng)];
    let chance = |usual: f64| if is_note { usual * 0.4 } else { usual };
    if pool.signs.len() > 1 && rng.random_bool(chance(0.35)) {
        let other = (main + rng.random_range(1..pool.signs.len())) % pool.signs.len();
        let as_note = rng.random_bool(0.5);
        parts.push(sign(&pool.signs[other], as_note, rng));
    }
    if rng.random_bool(chance(0.6)) {
        let first = rng.random_range(0..pool.evidence.len());
        parts.push((*pick(rng, &pool.evidence[first])).to_owned());
        let step = rng.random_range(0..pool.evidence.len());
        if step > 0 && rng.random_bool(0.2) {
            parts.push((*pick(rng, &pool.evidence[(first + step) % pool.evidence.len()])).to_owned());
        }
    }
    if !pool.present.is_empty() && rng.random_bool(chance(0.12)) {
        parts.push(of_a_group(&pool.present, rng));
    }
    if !pool.absent.is_empty() && rng.random_bool(chance(0.3)) {
        parts.push(of_a_group(&pool.absent, rng));
        slices.add(Slice::Negation);
    }
    let readable = |it: &&super::pools::ReadingPool| {
        it.reading.requires.iter().all(|trait_| machine.traits.contains(trait_))
    };
    let readings: Vec<_> = pool.readings.iter().filter(readable).collect();
    if !readings.is_empty() && rng.random_bool(chance(0.25)) {
        let reading = pick(rng, &readings);
        let name = *pick(rng, &reading.names);
        let shown = *pick(rng, &[" ", " at ", " reads ", ": ", " showing ", " = ", " sits at "]);
        let figure = measure::figure(reading.reading.quantity, reading.range, rng);
        parts.push(format!("{name}{shown}{figure}"));
        slices.add(Slice::Units);
    }
    parts
}

/// A wording of one of the groups.
fn of_a_group(groups: &[Vec<&str>], rng: &mut ChaCha8Rng) -> String {
    let group = pick(rng, groups);
    (*pick(rng, group)).to_owned()
}

fn sign(sign: &SignPool<'_>, as_note: bool, rng: &mut ChaCha8Rng) -> String {
    let wordings = if as_note && !sign.notes.is_empty() { &sign.notes } else { &sign.all };
    (*pick(rng, wordings)).to_owned()
}

/// A fleet number, such as `EX12` or `T-214`.
fn unit(rng: &mut ChaCha8Rng) -> String {
    let letters: String =
        (0..rng.random_range(1..=2)).map(|_| char::from(rng.random_range(b'A'..=b'Z'))).collect();
    let dash = if rng.random_bool(0.2) { "-" } else { "" };
    format!("{letters}{dash}{}", rng.random_range(10..9_999))
}

fn join(parts: &[String], rng: &mut ChaCha8Rng) -> String {
    let separator = *pick(rng, &[". ", ", ", ", ", "; ", " - ", ". Also ", " and "]);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::knowledge::KnowledgeBase;

    #[test]
    fn a_model_keeps_its_letters_and_numbers() {
        let knowledge = KnowledgeBase::builtin();
        for (name, expected) in [
            ("Liebherr R 924 Excavator", "Liebherr R 924"),
            ("Volvo A30G Articulated Truck", "Volvo A30G"),
            ("Caterpillar 950 GC Wheel Loader", "Caterpillar 950 GC"),
        ] {
            assert_eq!(model(knowledge.machine(name).unwrap(), name), expected);
        }
        for machine in knowledge.machines() {
            for name in &machine.names {
                let model = model(machine, name);
                assert_eq!(knowledge.machine(&model), Some(machine), "{name} became {model}");
            }
        }
    }
}
