//! Several codes in one text.

use super::{
    FaultCode,
    cursor::Cursor,
    describe::{bracket, is_balanced, split_brackets},
    parse::{J1939, is_code_like, read},
    state::{is_state, split_state},
};

/// The most words that one code is written in, with room for punctuation that stands alone and a short description.
const MAX_WORDS_PER_CODE: usize = 12;

/// Words with which people say that there is no code.
const NO_CODE: [&str; 8] = ["none", "no", "nil", "n/a", "na", "-", "no code", "no codes"];

/// Words and marks that join one code to the next.
const JOINTS: [&str; 10] = ["and", "&", "+", "/", "=", "-", "\u{2013}", "\u{2014}", "\u{2022}", "*"];

/// Reads a list of codes, separated by commas, semicolons or line breaks. Empty items are dropped, and so are those that
/// only say that there is no code, such as `none` or `N/A`. What stands in brackets is not cut apart.
///
/// Codes that only white space, a joining word or a slash separates (`P0087 SPN 157 FMI 18`, `P0087 and P0191`) are told
/// apart where every piece is a code by itself; otherwise the item stays whole. `SPN 157, FMI 18` is one code;
/// `SPN157 FMI1/18` and `FC 559 (SPN 157 FMI 18)` are two. Each code's `original` parses to that code again, so where one
/// spelling held several FMIs, it is written out for each. A state behind a code (`active x3`, also after a comma) is
/// part of its spelling.
///
/// ```
/// # use gearhead_data::code::parse_list;
/// let codes = parse_list("P0087 P0191; SPN157 FMI1/18");
/// let names: Vec<String> = codes.iter().map(ToString::to_string).collect();
/// assert_eq!(names, ["P0087", "P0191", "SPN 157 FMI 1", "SPN 157 FMI 18"]);
/// ```
pub fn parse_list(text: &str) -> Vec<FaultCode> {
    let mut items: Vec<String> = Vec::new();
    let says_something =
        |item: &&str| !item.is_empty() && !NO_CODE.iter().any(|none| item.eq_ignore_ascii_case(none));
    let lines = text.split(['\n', '\r']).flat_map(cut_at_commas);
    for item in lines.map(str::trim).filter(says_something) {
        match items.last_mut() {
            Some(last) if completes(last, item) => {
                last.push(' ');
                last.push_str(item);
            }
            _ => items.push(item.to_owned()),
        }
    }
    items.iter().flat_map(|item| split_item(item)).collect()
}

/// Cuts a line at commas and semicolons outside brackets; at all of them where the brackets do not match.
fn cut_at_commas(line: &str) -> Vec<&str> {
    let respects_brackets = is_balanced(line);
    let mut depth = 0;
    line.split(|c| {
        depth += bracket(c);
        matches!(c, ',' | ';') && (depth == 0 || !respects_brackets)
    })
    .collect()
}

/// Whether `item` is the field or the state of the code before it, cut off by a comma (`SPN 157, FMI 18`).
fn completes(last: &str, item: &str) -> bool {
    let continues = |fields: &[&str]| fields.iter().any(|field| Cursor::new(item).word(field));
    let is_part = continues(&["FMI"])
        || (continues(&["SPN"]) && Cursor::new(last).word("FMI"))
        || (continues(&["CID", "PID", "PPID", "SID", "PSID"]) && Cursor::new(last).word("MID"));
    let joined = || format!("{last} {item}");
    let is_read = || !read_group(&joined()).is_empty();
    (is_part && is_read()) || (is_state(item) && (is_read() || split_words(&joined()).is_some()))
}

/// The codes of one item of a list: the codes it names, or itself as an opaque one.
fn split_item(item: &str) -> Vec<FaultCode> {
    let whole = read_group(item);
    if !whole.is_empty() {
        return whole;
    }
    split_words(item).unwrap_or_else(|| vec![FaultCode::parse(item)])
}

/// Cuts an item into codes at white space, longest code first; `None` if some piece is not a code.
fn split_words(item: &str) -> Option<Vec<FaultCode>> {
    let words: Vec<&str> = item.split_whitespace().flat_map(cut_at_slashes).collect();
    let mut codes = Vec::new();
    let mut start = 0;
    while start < words.len() {
        if JOINTS.iter().any(|joint| words[start].eq_ignore_ascii_case(joint)) {
            start += 1;
            continue;
        }
        let longest = MAX_WORDS_PER_CODE.min(words.len() - start);
        let (n_words, group) = (1..=longest).rev().find_map(|n_words| {
            let group = read_group(&words[start..start + n_words].join(" "));
            (!group.is_empty()).then_some((n_words, group))
        })?;
        codes.extend(group);
        start += n_words;
    }
    (!codes.is_empty()).then_some(codes)
}

/// `P0087/P0191` is two words; a slash inside a code cuts nothing.
fn cut_at_slashes(word: &str) -> Vec<&str> {
    let pieces: Vec<&str> = word.split('/').collect();
    let all_codes =
        pieces.iter().all(|piece| piece.starts_with(char::is_alphabetic) && read(piece).is_some());
    if all_codes { pieces } else { vec![word] }
}

/// The codes that a spelling as a whole denotes: one, several for several FMIs or a second code in brackets, or none.
fn read_group(text: &str) -> Vec<FaultCode> {
    let fault = FaultCode::parse(text);
    if !fault.code.is_opaque() || is_code_like(&fault.to_string()) {
        return vec![fault];
    }
    let Some((codes, state)) = split_state(text) else { return several(text) };
    let each = several(codes).into_iter();
    each.map(|fault| FaultCode::parse(&format!("{}{state}", fault.original))).collect()
}

/// The codes of a spelling that holds several FMIs, or a second code in brackets.
fn several(text: &str) -> Vec<FaultCode> {
    if let Some(J1939 { spn, fmis, source_address }) = J1939::read(text) {
        let prefix = source_address.map_or(String::new(), |address| format!("SA{address} "));
        let spellings = fmis.into_iter().map(|fmi| format!("{prefix}SPN {spn} FMI {fmi}"));
        return spellings.map(|spelling| FaultCode::parse(&spelling)).collect();
    }
    let Some((code, inside)) = split_brackets(text) else { return Vec::new() };
    let (first, rest) = (FaultCode::parse(code), parse_list(inside));
    if first.code.is_opaque() || rest.is_empty() || rest.iter().any(|other| other.code.is_opaque()) {
        return Vec::new();
    }
    std::iter::once(first).chain(rest).collect()
}
