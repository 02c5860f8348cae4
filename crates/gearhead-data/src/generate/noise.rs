//! How a text looks after someone has typed it with cold fingers.

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::pick;

/// Words and what workshops write for them. Longer phrases stand before their parts.
const ABBREVIATIONS: &[(&str, &[&str])] = &[
    ("air conditioning", &["a/c", "air con", "aircon", "a/con"]),
    ("air conditioner", &["a/c", "air con", "aircon"]),
    ("right hand side", &["rhs", "r/h/s"]),
    ("left hand side", &["lhs", "l/h/s"]),
    ("right hand", &["rh", "r/h", "rht"]),
    ("left hand", &["lh", "l/h", "lft"]),
    ("right rear", &["rr", "rhr"]),
    ("left rear", &["lr", "lhr"]),
    ("right front", &["rf", "rhf"]),
    ("left front", &["lf", "lhf"]),
    ("torque converter", &["t/c", "torque conv"]),
    ("park brake", &["p/brake", "parkbrake"]),
    ("final drive", &["f/drive", "final drv"]),
    ("universal joint", &["uni", "u/j"]),
    ("change out", &["c/o", "c/out"]),
    ("not working", &["n/w", "u/s", "inop"]),
    ("unserviceable", &["u/s", "us"]),
    ("hydraulics", &["hyds", "hydr"]),
    ("hydraulic", &["hyd", "hydr"]),
    ("transmission", &["trans", "tranny"]),
    ("temperature", &["temp"]),
    ("pressure", &["press", "pres"]),
    ("cylinder", &["cyl", "ram"]),
    ("alternator", &["alt"]),
    ("batteries", &["batts", "batterys"]),
    ("battery", &["batt"]),
    ("differential", &["diff"]),
    ("compressor", &["comp"]),
    ("condenser", &["cond"]),
    ("radiator", &["rad"]),
    ("exhaust", &["exh"]),
    ("coolant", &["clnt", "coolnt"]),
    ("steering", &["steer", "strg"]),
    ("electrical", &["elec", "elect"]),
    ("mechanical", &["mech"]),
    ("intermittent", &["intermit", "int"]),
    ("investigate", &["inv", "invest"]),
    ("inspection", &["insp"]),
    ("inspect", &["insp"]),
    ("replaced", &["repl", "repld"]),
    ("replace", &["repl", "rep"]),
    ("repair", &["rep", "rpr"]),
    ("service", &["svce", "serv"]),
    ("engine", &["eng", "engin"]),
    ("machine", &["m/c", "mach", "unit"]),
    ("operator", &["op", "opr"]),
    ("bucket", &["bkt", "buckt"]),
    ("switch", &["sw"]),
    ("bearing", &["brg", "brng"]),
    ("valve", &["vlv"]),
    ("motor", &["mtr"]),
    ("gearbox", &["g/box", "gbox"]),
    ("system", &["sys"]),
    ("control", &["cont", "ctrl"]),
    ("position", &["pos"]),
    ("number", &["no", "#"]),
    ("required", &["req", "reqd"]),
    ("suspected", &["susp"]),
    ("regeneration", &["regen"]),
    ("without", &["w/o"]),
    ("workshop", &["wksp", "w/shop"]),
    ("windscreen", &["w/screen"]),
    ("front", &["frnt", "frt"]),
    ("right", &["rh", "r/h", "rht"]),
    ("left", &["lh", "l/h", "lft"]),
    ("power", &["pwr"]),
    ("track", &["trk"]),
    ("drive", &["drv"]),
    ("water", &["wtr"]),
    ("diesel", &["dsl"]),
    ("hours", &["hrs", "h"]),
    ("cabin", &["cab"]),
    ("with", &["w/"]),
    ("and", &["&", "+"]),
];

/// Words that are often misspelt, and how.
const MISSPELLINGS: &[(&str, &str)] = &[
    ("gauge", "guage"),
    ("seized", "siezed"),
    ("noisy", "noisey"),
    ("intermittent", "intermittant"),
    ("guard", "gaurd"),
    ("hydraulic", "hydaurlic"),
    ("converter", "convertor"),
    ("auxiliary", "auxillary"),
    ("implement", "impliment"),
    ("suppression", "supression"),
    ("replace", "repalce"),
    ("plugged", "pluged"),
    ("leaking", "leeking"),
    ("brakes", "breaks"),
    ("won't", "wont"),
    ("doesn't", "dosent"),
    ("losing", "loosing"),
    ("cylinder", "cilinder"),
    ("radiator", "raditor"),
    ("alternator", "alternater"),
    ("exhaust", "exaust"),
    ("steering", "stearing"),
    ("coolant", "coolent"),
    ("compressor", "compresser"),
];

/// What was done to a text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Typed {
    pub(super) is_abbreviated: bool,
    pub(super) is_mistyped: bool,
}

/// The text as typed: some abbreviated, some mistyped, some in small letters or in capitals, some as it was.
pub(super) fn as_typed(text: &str, rng: &mut ChaCha8Rng) -> (String, Typed) {
    let mut text = text.to_owned();
    let mut typed = Typed::default();
    if rng.random_bool(0.2) {
        for (long, shorts) in ABBREVIATIONS {
            typed.is_abbreviated |= replace_word(&mut text, long, pick::<&str>(rng, shorts));
        }
    }
    if rng.random_bool(0.12) {
        let known: Vec<_> =
            MISSPELLINGS.iter().filter(|(right, _)| find_word(&text, right).is_some()).collect();
        typed.is_mistyped = true;
        if !known.is_empty() && rng.random_bool(0.5) {
            let (right, wrong) = *pick(rng, &known);
            replace_word(&mut text, right, wrong);
        } else {
            typed.is_mistyped = slip(&mut text, rng);
        }
    }
    let text = match rng.random_range(0..20) {
        0..3 => text.to_uppercase(),
        3..8 => text.to_lowercase(),
        _ => text,
    };
    (text, typed)
}

/// Where `word` stands in `text` as a whole word, in any case. Both are compared byte by byte, so that the offset holds
/// for `text`.
fn find_word(text: &str, word: &str) -> Option<usize> {
    let (text, word) = (text.as_bytes(), word.as_bytes());
    let is_letter =
        |at: usize| text.get(at).is_some_and(|byte| byte.is_ascii_alphanumeric() || !byte.is_ascii());
    (0..(text.len() + 1).saturating_sub(word.len())).find(|&at| {
        text[at..at + word.len()].eq_ignore_ascii_case(word)
            && (at == 0 || !is_letter(at - 1))
            && !is_letter(at + word.len())
    })
}

/// Puts `by` in the first place of `word`, and says whether there was one.
fn replace_word(text: &mut String, word: &str, by: &str) -> bool {
    let Some(at) = find_word(text, word) else { return false };
    text.replace_range(at..at + word.len(), by);
    true
}

/// One slip inside a word of five letters or more: two letters swapped, one dropped, or one doubled. False where there
/// is no such word.
fn slip(text: &mut String, rng: &mut ChaCha8Rng) -> bool {
    let mut words: Vec<String> = text.split(' ').map(str::to_owned).collect();
    let is_long = |word: &String| word.chars().count() >= 5 && word.chars().all(char::is_alphabetic);
    let long: Vec<usize> = (0..words.len()).filter(|&i| is_long(&words[i])).collect();
    if long.is_empty() {
        return false;
    }
    let word = &mut words[*pick(rng, &long)];
    let mut letters: Vec<char> = word.chars().collect();
    let at = rng.random_range(1..letters.len() - 1);
    match rng.random_range(0..3) {
        0 => letters.swap(at, at + 1),
        1 => {
            letters.remove(at);
        }
        _ => letters.insert(at, letters[at]),
    }
    *word = letters.into_iter().collect();
    *text = words.join(" ");
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the generator shortens, the reader never takes for another word.
    #[test]
    fn shorthand_is_read_as_what_it_was_made_from() {
        for (long, shorts) in ABBREVIATIONS {
            for short in shorts.iter().filter(|short| short.contains(char::is_alphabetic)) {
                let read = crate::reading::written_out(short);
                let is_same = |a: &str, b: &str| a.starts_with(&b[..b.len().min(4)]);
                assert!(
                    short.starts_with(&read) || is_same(&read, long) || read == "not working",
                    "{short}: {long}, {read}"
                );
            }
        }
    }

    #[test]
    fn only_whole_words_are_replaced() {
        let mut text = "Lefthand engine: LEFT, motor".to_owned();
        assert!(replace_word(&mut text, "left", "l/h"));
        assert_eq!(text, "Lefthand engine: l/h, motor");
        assert!(!replace_word(&mut text, "left", "l/h"));
        let mut text = "übermotor".to_owned();
        assert!(!replace_word(&mut text, "motor", "mtr"));
        assert_eq!(find_word("a", "engine"), None);
    }
}
