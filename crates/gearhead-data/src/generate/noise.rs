//! How a text looks after someone has typed it with cold fingers.

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::pick;

/// Words and what workshops write for them.
const ABBREVIATIONS: &[(&str, &str)] = &[
    ("hydraulic", "hyd"),
    ("hydraulics", "hyds"),
    ("engine", "eng"),
    ("transmission", "trans"),
    ("pressure", "press"),
    ("temperature", "temp"),
    ("cylinder", "cyl"),
    ("left", "l/h"),
    ("right", "r/h"),
    ("replace", "repl"),
    ("alternator", "alt"),
    ("battery", "batt"),
    ("power", "pwr"),
    ("with", "w/"),
    ("without", "w/o"),
    ("hours", "hrs"),
    ("machine", "m/c"),
    ("operator", "op"),
    ("working", "wrking"),
    ("radiator", "rad"),
    ("compressor", "comp"),
    ("exhaust", "exh"),
    ("coolant", "clnt"),
    ("diesel", "dsl"),
    ("conditioning", "con"),
];

/// The text as typed: some abbreviated, some mistyped, some shouted, some as it was.
pub(super) fn as_typed(text: &str, rng: &mut ChaCha8Rng) -> String {
    let mut words: Vec<String> = text.split(' ').map(str::to_owned).collect();
    if rng.random_bool(0.2) {
        for word in &mut words {
            if let Some((_, short)) = ABBREVIATIONS.iter().find(|(long, _)| word.eq_ignore_ascii_case(long)) {
                (*short).clone_into(word);
            }
        }
    }
    if rng.random_bool(0.12) {
        let long: Vec<usize> = (0..words.len()).filter(|&i| words[i].chars().count() >= 5).collect();
        if !long.is_empty() {
            let at = *pick(rng, &long);
            words[at] = mistyped(&words[at], rng);
        }
    }
    let text = words.join(" ");
    if rng.random_bool(0.1) { text.to_uppercase() } else { text }
}

/// One slip inside the word: two letters swapped, one dropped, or one doubled.
fn mistyped(word: &str, rng: &mut ChaCha8Rng) -> String {
    let mut letters: Vec<char> = word.chars().collect();
    let at = rng.random_range(1..letters.len() - 1);
    match rng.random_range(0..3) {
        0 => letters.swap(at, at + 1),
        1 => {
            letters.remove(at);
        }
        _ => letters.insert(at, letters[at]),
    }
    letters.into_iter().collect()
}
