//! Series of models: what a maker's letters and numbers say about the kind of machine.

use serde::{Deserialize, Serialize};

use super::machine::tokens;

/// No model number has more digits.
const MAX_DIGITS: usize = 5;
/// Letters behind a model number, such as `LC` or `XL`, are no more than these where a space stands before them.
const MAX_LETTERS_APART: usize = 3;
/// At most this many words stand between a maker and a model that begins with letters: `Komatsu mini excavator PC30`.
const MAX_WORDS_BETWEEN: usize = 2;
/// Behind a number these make it a measurement.
const UNITS: [&str; 15] = [
    "hr", "hrs", "hour", "hours", "kw", "kva", "kg", "hp", "rpm", "psi", "bar", "mm", "amp", "volt", "litres",
];

/// Models of one kind of machine, by what stands before, in and behind their numbers: `Komatsu PC` from 60 to 850.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written")]
#[non_exhaustive]
pub struct Series {
    /// The maker, who must stand beside the model. Without one, letters and number are written together (`PC200`) and
    /// mean this kind wherever they stand.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub maker: Option<String>,
    /// Letters before the number, such as `PC`; none where a number begins the model.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub prefix: String,
    /// The numbers.
    pub numbers: Vec<Numbers>,
    /// Where there are any, the letters behind the number begin with one of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub letters: Vec<String>,
    /// The letters behind the number begin with none of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub except: Vec<String>,
}

/// A number of a series, or the first and the last of many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Numbers {
    /// This one.
    One(u32),
    /// From the first to the last, both included.
    Range(u32, u32),
}

/// A series as a file has it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    maker: Option<String>,
    #[serde(default)]
    prefix: String,
    numbers: Vec<Numbers>,
    #[serde(default)]
    letters: Vec<String>,
    #[serde(default)]
    except: Vec<String>,
}

impl TryFrom<Written> for Series {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let Written { maker, prefix, numbers, letters, except } = written;
        if numbers.is_empty() {
            return Err("a series needs `numbers`".to_owned());
        }
        if let Some((first, last)) = numbers.iter().map(|numbers| numbers.bounds()).find(|(a, b)| a > b) {
            return Err(format!("the `numbers` of a series go from {first} down to {last}"));
        }
        if maker.as_ref().is_some_and(|maker| tokens(maker).is_empty()) {
            return Err("the `maker` of a series is empty".to_owned());
        }
        if maker.is_none() && prefix.is_empty() && letters.is_empty() {
            return Err(
                "a series without `maker` needs a `prefix` or `letters`: a number alone says nothing"
                    .to_owned(),
            );
        }
        if letters.iter().chain(&except).any(String::is_empty) {
            return Err("an entry of `letters` or `except` of a series is empty".to_owned());
        }
        let is_letters = |text: &String| text.chars().all(|c| c.is_ascii_alphabetic());
        if let Some(text) =
            [&prefix].into_iter().chain(&letters).chain(&except).find(|text| !is_letters(text))
        {
            return Err(format!("{text:?} in a series is not made of letters alone"));
        }
        Ok(Self { maker, prefix, numbers, letters, except })
    }
}

impl Numbers {
    fn bounds(self) -> (u32, u32) {
        match self {
            Self::One(number) => (number, number),
            Self::Range(first, last) => (first, last),
        }
    }
}

impl Series {
    /// Whether the description, in tokens, names a model of the series.
    pub(super) fn is_named_in(&self, described: &[String]) -> bool {
        (0..described.len()).any(|at| {
            self.model_at(described, at).is_some_and(|end| {
                self.maker.as_ref().is_none_or(|maker| self.is_beside(&tokens(maker), described, at, end))
            })
        })
    }

    /// Models at the bounds of the series, for comparison with other series.
    pub(super) fn examples(&self) -> impl Iterator<Item = String> {
        let numbers = self.numbers.iter().map(|numbers| numbers.bounds());
        numbers.flat_map(|(first, last)| [first, last]).flat_map(|number| {
            let model = format!("{} {}{number}", self.maker.as_deref().unwrap_or_default(), self.prefix);
            let letters = self.letters.iter().map(String::as_str);
            let letters: Vec<&str> = if self.letters.is_empty() { vec![""] } else { letters.collect() };
            letters.into_iter().map(move |letters| format!("{model}{letters}")).collect::<Vec<_>>()
        })
    }

    /// Where the model ends that begins at this token.
    fn model_at(&self, described: &[String], at: usize) -> Option<usize> {
        let head = described[at].get(..self.prefix.len())?;
        if !head.eq_ignore_ascii_case(&self.prefix) {
            return None;
        }
        let rest = &described[at][self.prefix.len()..];
        let (number, next) = match rest {
            "" if self.maker.is_some() => (described.get(at + 1)?.as_str(), at + 2),
            rest => (rest, at + 1),
        };
        let following = described.get(next).map_or("", String::as_str);
        self.has_number(number, following).then_some(next)
    }

    /// Whether a token is a number of the series with fitting letters, which may be the token that follows.
    fn has_number(&self, token: &str, following: &str) -> bool {
        let letters = token.trim_start_matches(|c: char| c.is_ascii_digit());
        let digits = &token[..token.len() - letters.len()];
        let Ok(number) = digits.parse::<u32>() else { return false };
        let is_apart = letters.is_empty()
            && following.len() <= MAX_LETTERS_APART
            && following.chars().all(|c| c.is_ascii_alphabetic())
            // Without a maker the letters make the model, so they are part of it.
            && (self.maker.is_some() || self.letters.is_empty());
        let letters = if is_apart { following } else { letters };
        let begins =
            |begin: &String| letters.get(..begin.len()).is_some_and(|head| head.eq_ignore_ascii_case(begin));
        digits.len() <= MAX_DIGITS
            && self.numbers.iter().map(|numbers| numbers.bounds()).any(|(a, b)| (a..=b).contains(&number))
            && (self.letters.is_empty() || self.letters.iter().any(begins))
            && !self.except.iter().any(begins)
            && ![letters, following].iter().any(|text| UNITS.contains(text))
    }

    /// Whether the maker stands before or behind the model, with nothing else than a few words between them.
    fn is_beside(&self, maker: &[String], described: &[String], start: usize, end: usize) -> bool {
        let is_word = |token: &String| token.chars().all(char::is_alphabetic);
        let between = if self.prefix.is_empty() { 0 } else { MAX_WORDS_BETWEEN };
        let before = (0..=between.min(start)).any(|n_words| {
            let (front, words) = described[..start].split_at(start - n_words);
            front.ends_with(maker) && words.iter().all(is_word)
        });
        before || described[end..].starts_with(maker)
    }
}
