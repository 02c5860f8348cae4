//! How a text is cut into pieces before pairs are merged, and llama.cpp's names for it.
//!
//! **Source**: llama.cpp, `llama-vocab.cpp`, whose patterns are written for another engine but mean those of the
//! `tokenizer.json` files that they were taken from; these stand here.

use serde_json::{Value, json};

const DIGIT: &str = r"\p{N}";
const GPT2: &str = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";
const LLAMA3: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const QWEN2: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const TEKKEN: &str = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";

/// A way of cutting texts.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct PreTokenizer {
    /// llama.cpp's names for it, the one that is written first.
    names: &'static [&'static str],
    /// What is cut out of the text and of the pieces before, one after the other.
    patterns: &'static [&'static str],
    /// Whether a piece that is a token is left as it is, whatever the merges say.
    pub(super) ignores_merges: bool,
    /// Whether the text is put into Unicode's composed form first. llama.cpp does not, so texts that are not in it
    /// differ.
    pub(super) composes: bool,
}

const KNOWN: &[PreTokenizer] = &[
    // Gearhead's own tokenizers are of this kind.
    plain(
        &["smollm", "starcoder", "refact", "command-r", "codeshell", "exaone", "minerva-7b"],
        &[DIGIT, GPT2],
    ),
    plain(&["gpt-2", "phi-2", "mpt", "olmo", "jais", "gigachat", "exaone4"], &[GPT2]),
    PreTokenizer {
        ignores_merges: true,
        ..plain(&["llama-bpe", "llama3", "llama-v3", "falcon3", "falcon-h1", "pixtral", "lfm2"], &[LLAMA3])
    },
    plain(&["dbrx", "smaug-bpe"], &[LLAMA3]),
    PreTokenizer { composes: true, ..plain(&["qwen2"], &[QWEN2]) },
    plain(&["deepseek-r1-qwen", "stablelm2", "megrez", "kormo"], &[QWEN2]),
    PreTokenizer { ignores_merges: true, ..plain(&["tekken"], &[TEKKEN]) },
    plain(&["deepseek-coder"], &[r"[\r\n]", r"\s?\p{L}+", r"\s?\p{P}+", "[一-龥ࠀ-一가-퟿]+", DIGIT]),
    // What llama.cpp takes where a file of early 2024 or before says nothing.
    plain(&["default"], &[r"[\p{P}\$\+<=>\^~\|]+", GPT2, r"\p{N}+", "[0-9][0-9][0-9]"]),
];

const fn plain(names: &'static [&'static str], patterns: &'static [&'static str]) -> PreTokenizer {
    PreTokenizer { names, patterns, ignores_merges: false, composes: false }
}

impl PreTokenizer {
    /// The name that is written.
    pub(super) fn name(&self) -> &'static str {
        self.names[0]
    }

    /// The one that llama.cpp calls so.
    pub(super) fn named(name: &str) -> Result<&'static Self, String> {
        KNOWN.iter().find(|known| known.names.contains(&name)).ok_or_else(|| {
            let names: Vec<&str> = KNOWN.iter().flat_map(|known| known.names).copied().collect();
            format!("its pre-tokenizer {name:?} is not known, only {}", names.join(", "))
        })
    }

    /// The one that a `tokenizer.json` describes, if llama.cpp has it.
    pub(super) fn of_json(
        pre_tokenizer: &Value,
        normalizer: &Value,
        ignores_merges: bool,
    ) -> Result<&'static Self, String> {
        let mut patterns = Vec::new();
        add_patterns(pre_tokenizer, &mut patterns)?;
        let composes = match normalizer["type"].as_str() {
            None => false,
            Some("NFC") => true,
            Some("Sequence") if normalizer["normalizers"].as_array().is_some_and(Vec::is_empty) => false,
            Some(other) => return Err(format!("llama.cpp has no normalizer {other:?} for byte-level BPE")),
        };
        let is_this = |known: &&Self| {
            known.patterns == patterns && known.ignores_merges == ignores_merges && known.composes == composes
        };
        KNOWN.iter().find(is_this).ok_or_else(|| {
            format!("llama.cpp has no pre-tokenizer that cuts texts by {patterns:?}, or not with its other settings")
        })
    }

    /// As the part of a `tokenizer.json`.
    pub(super) fn to_json(&self) -> Value {
        let ends_with_gpt2 = self.patterns.last() == Some(&GPT2);
        let split = |pattern: &&str| match *pattern {
            DIGIT => json!({"type": "Digits", "individual_digits": true}),
            pattern => json!({
                "type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": false
            }),
        };
        let before = &self.patterns[..self.patterns.len() - usize::from(ends_with_gpt2)];
        let mut steps: Vec<Value> = before.iter().map(split).collect();
        steps.push(json!({
            "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": ends_with_gpt2
        }));
        json!({"type": "Sequence", "pretokenizers": steps})
    }
}

/// The patterns of a pre-tokenizer and of those inside of it.
fn add_patterns(step: &Value, patterns: &mut Vec<String>) -> Result<(), String> {
    let unknown = || Err(format!("llama.cpp has no pre-tokenizer like {step}"));
    let is = |key: &str, value: bool| step[key] == json!(value);
    match step["type"].as_str() {
        Some("Sequence") => {
            let steps = step["pretokenizers"].as_array().map(Vec::as_slice).unwrap_or_default();
            steps.iter().try_for_each(|step| add_patterns(step, patterns))?;
        }
        Some("Digits") if is("individual_digits", true) => patterns.push(DIGIT.to_owned()),
        Some("ByteLevel") if is("add_prefix_space", true) => return unknown(),
        // Files of before 2023 leave the key out and mean yes.
        Some("ByteLevel") if is("use_regex", false) => {}
        Some("ByteLevel") => patterns.push(GPT2.to_owned()),
        Some("Split") => match step["pattern"]["Regex"].as_str() {
            // Where the pattern fits everything, to keep what fits is to cut there.
            Some(pattern) if step["behavior"] == "Isolated" || is("invert", true) => {
                patterns.push(pattern.to_owned());
            }
            _ => return unknown(),
        },
        _ => return unknown(),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_found_again_by_name_and_by_what_it_does() {
        for known in KNOWN {
            let normalizer = if known.composes { json!({"type": "NFC"}) } else { Value::Null };
            let found = PreTokenizer::of_json(&known.to_json(), &normalizer, known.ignores_merges);
            assert_eq!(found, Ok(known));
            for name in known.names {
                assert_eq!(PreTokenizer::named(name), Ok(known), "{name}");
            }
        }
        assert!(PreTokenizer::named("gpt-5").unwrap_err().contains("smollm"));
    }
}
