//! One name for each maker of machines.

/// Other names of makers, as words in lower case, and the one that counts.
const MAKERS: [(&[&str], &str); 11] = [
    (&["caterpillar"], "cat"),
    (&["kom"], "komatsu"),
    (&["john", "deere"], "deere"),
    (&["jd"], "deere"),
    (&["new", "holland"], "nh"),
    (&["volvo", "ce"], "volvo"),
    (&["volvo", "construction", "equipment"], "volvo"),
    (&["hitachi", "construction", "machinery"], "hitachi"),
    (&["ingersoll", "rand"], "ir"),
    (&["massey", "ferguson"], "mf"),
    (&["develon"], "doosan"),
];

/// The words, in lower case, with one name for each maker.
pub(crate) fn with_one_name_per_maker<'a>(words: &[&'a str]) -> Vec<&'a str> {
    let mut named: Vec<&str> = Vec::with_capacity(words.len());
    let mut rest = words;
    while let [first, others @ ..] = rest {
        let alias = MAKERS.iter().find(|(alias, _)| rest.starts_with(alias));
        let (word, after) = alias.map_or((*first, others), |(alias, maker)| (*maker, &rest[alias.len()..]));
        named.push(word);
        rest = after;
    }
    named
}

/// The names that count of makers with several names.
pub(crate) fn makers() -> impl Iterator<Item = &'static str> {
    MAKERS.iter().map(|(_, maker)| *maker)
}
