//! The spellings of fault codes, one at a time and in lists.

use super::{Code, FaultCode, MAX_FMI, MAX_SPN};

/// The most words that one code is written in, with room for punctuation that stands alone.
const MAX_WORDS_PER_CODE: usize = 12;

impl FaultCode {
    /// Reads one code. Never fails: what matches no format becomes [`Code::Opaque`].
    ///
    /// | format | spellings |
    /// | --- | --- |
    /// | SAE J1939 | `SPN 157 FMI 18`, `spn157/18`, `157-18`, `157/18`, `000157.18`, `ECU 000157.18`, `SPN 157`; `SA0` before, an occurrence count (`OC 3`) and `active`, `inactive` or `previously active` after |
    /// | OBD-II | `P0087`, `p0087`, `U0100` |
    /// | Caterpillar component | `CID 0091 FMI 08`, `CID 91-8`, `MID 036 CID 0168 FMI 04`, `MID 036 - CID 0168 - FMI 04` |
    /// | Caterpillar event | `E360(2)`, `E360-2`, `E360`, `EID 360` |
    /// | Cummins | `FC 559`, `FC559` |
    ///
    /// Rules where a spelling has two readings:
    ///
    /// - `360-2` could be Caterpillar event 360 at level 2 or SPN 360 with FMI 2. A bare pair is always read as J1939.
    /// - `E02`, with a leading zero and two digits, is how Komatsu writes; it stays opaque. `E015` is event 15.
    /// - A bare pair with a dot needs three digits before and two after the dot, so that `13.8` is no code.
    ///
    /// A number outside its field (an SPN past 19 bits, an FMI past 31, a warning level past 3) makes the whole
    /// spelling opaque; it is never wrapped. A spelling with several FMIs (`SPN157 FMI1/18`) is opaque as one code;
    /// [`parse_list`] makes one code of each.
    pub fn parse(text: &str) -> Self {
        let collapsed = collapse(text);
        let (code, source_address) = match J1939::read(&collapsed) {
            Some(J1939 { spn, fmis, source_address }) if fmis.len() <= 1 => {
                (Code::J1939 { spn, fmi: fmis.first().copied() }, source_address)
            }
            Some(_) => (Code::Opaque(collapsed), None),
            None => {
                let code = obd(&collapsed)
                    .or_else(|| cid(&collapsed))
                    .or_else(|| eid(&collapsed))
                    .or_else(|| cummins(&collapsed));
                (code.unwrap_or(Code::Opaque(collapsed)), None)
            }
        };
        Self { original: text.to_owned(), code, source_address }
    }
}

/// Words with which people say that there is no code.
const NO_CODE: [&str; 8] = ["none", "no", "nil", "n/a", "na", "-", "no code", "no codes"];

/// Reads a list of codes, separated by commas, semicolons or line breaks. Empty items are dropped, and so are those that
/// only say that there is no code, such as `none` or `N/A`.
///
/// Codes that only white space separates (`P0087 SPN 157 FMI 18`) are told apart where every piece is a code by itself;
/// otherwise the item stays whole. `SPN 157, FMI 18` is one code, and `SPN157 FMI1/18` is two. Each code's `original`
/// parses to that code again, so where one spelling held several FMIs, it is written out for each.
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
    for item in text.split([',', ';', '\n', '\r']).map(str::trim).filter(says_something) {
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

/// Whether `item` is the FMI that the code before it lacks, cut off by a comma.
fn completes(last: &str, item: &str) -> bool {
    Cursor::new(item).word("FMI") && !read_group(&format!("{last} {item}")).is_empty()
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
    let words: Vec<&str> = item.split_whitespace().collect();
    let mut codes = Vec::new();
    let mut start = 0;
    while start < words.len() {
        let longest = MAX_WORDS_PER_CODE.min(words.len() - start);
        let (n_words, group) = (1..=longest).rev().find_map(|n_words| {
            let group = read_group(&words[start..start + n_words].join(" "));
            (!group.is_empty()).then_some((n_words, group))
        })?;
        codes.extend(group);
        start += n_words;
    }
    Some(codes)
}

/// The codes that a spelling as a whole denotes: one, several for several FMIs, or none.
fn read_group(text: &str) -> Vec<FaultCode> {
    let fault = FaultCode::parse(text);
    if !fault.code.is_opaque() || is_code_like(text) {
        return vec![fault];
    }
    let Some(J1939 { spn, fmis, source_address }) = J1939::read(text) else { return Vec::new() };
    let prefix = source_address.map_or(String::new(), |address| format!("SA{address} "));
    let spellings = fmis.into_iter().map(|fmi| format!("{prefix}SPN {spn} FMI {fmi}"));
    spellings.map(|spelling| FaultCode::parse(&spelling)).collect()
}

/// Whether a word of unknown format looks like a code of its own (`CA559`, `V201`) and not like a part of another.
fn is_code_like(word: &str) -> bool {
    const PARTS: [&str; 12] =
        ["SPN", "FMI", "CID", "MID", "EID", "SA", "OC", "PID", "SID", "PPID", "PSID", "FC"];
    word.starts_with(|c: char| c.is_ascii_alphabetic())
        && word.contains(|c: char| c.is_ascii_digit())
        && word.chars().all(|c| c.is_ascii_alphanumeric())
        && !PARTS.iter().any(|part| Cursor::new(word).word(part))
}

/// A J1939 spelling, which may name several failure modes of one parameter.
struct J1939 {
    spn: u32,
    fmis: Vec<u8>,
    source_address: Option<u8>,
}

impl J1939 {
    fn read(text: &str) -> Option<Self> {
        let mut cursor = Cursor::new(text);
        let mut source_address = None;
        if cursor.word("SA") {
            cursor.mark(":=#");
            source_address = Some(u8::try_from(cursor.number()?.value).ok()?);
            cursor.mark("-:");
        }
        let ecu_named = cursor.word("ECU");
        if ecu_named {
            cursor.mark("-:");
        }
        let spn_named = cursor.label("SPN");
        let spn = cursor.number()?;
        let fmis = if spn_named && cursor.at_end() {
            Vec::new()
        } else {
            let separator = cursor.mark("-/.");
            let fmi_named = cursor.label("FMI");
            let first = cursor.number()?;
            let bare_decimal = separator == Some('.') && !(ecu_named || spn_named || fmi_named);
            if (separator.is_none() && !fmi_named) || (bare_decimal && (spn.digits < 3 || first.digits != 2))
            {
                return None;
            }
            let mut fmis = vec![first.fmi()?];
            while fmi_named && cursor.mark("/").is_some() {
                fmis.push(cursor.number()?.fmi()?);
            }
            if cursor.label("OC") {
                cursor.number()?;
            }
            if cursor.word("PREVIOUSLY") {
                cursor.word("ACTIVE").then_some(())?;
            } else if !cursor.word("INACTIVE") {
                cursor.word("ACTIVE");
            }
            fmis
        };
        let complete = cursor.at_end() && spn.value <= MAX_SPN;
        complete.then_some(Self { spn: spn.value, fmis, source_address })
    }
}

/// `P`, `C`, `B` or `U`, a digit up to 3, three hexadecimal digits.
fn obd(text: &str) -> Option<Code> {
    let code = text.to_ascii_uppercase();
    let well_formed = match code.as_bytes() {
        [b'P' | b'C' | b'B' | b'U', b'0'..=b'3', rest @ ..] => {
            rest.len() == 3 && rest.iter().all(u8::is_ascii_hexdigit)
        }
        _ => false,
    };
    well_formed.then_some(Code::Obd(code))
}

fn cid(text: &str) -> Option<Code> {
    let mut cursor = Cursor::new(text);
    let mut mid = None;
    if cursor.label("MID") {
        // A module identifier is one byte (SAE J1587).
        mid = Some(u16::from(u8::try_from(cursor.number()?.value).ok()?));
        cursor.mark("-/");
    }
    if !cursor.label("CID") {
        return None;
    }
    let cid = u16::try_from(cursor.number()?.value).ok()?;
    let mut fmi = None;
    if !cursor.at_end() {
        let separated = cursor.mark("-/").is_some();
        if !(cursor.label("FMI") || separated) {
            return None;
        }
        fmi = Some(cursor.number()?.fmi()?);
    }
    cursor.at_end().then_some(Code::Cid { mid, cid, fmi })
}

fn eid(text: &str) -> Option<Code> {
    let mut cursor = Cursor::new(text);
    if !(cursor.label("EID") || cursor.word("E")) {
        return None;
    }
    let leading_zero = cursor.at('0');
    let eid = cursor.number()?;
    if leading_zero && eid.digits == 2 {
        return None;
    }
    let mut level = None;
    if cursor.mark("(").is_some() {
        level = Some(cursor.number()?.warning_level()?);
        cursor.mark(")")?;
    } else if cursor.mark("-").is_some() {
        level = Some(cursor.number()?.warning_level()?);
    }
    let eid = u16::try_from(eid.value).ok()?;
    cursor.at_end().then_some(Code::Eid { eid, level })
}

fn cummins(text: &str) -> Option<Code> {
    let mut cursor = Cursor::new(text);
    if !cursor.word("FC") {
        return None;
    }
    cursor.mark(":#-");
    let number = u16::try_from(cursor.number()?.value).ok()?;
    cursor.at_end().then_some(Code::CumminsFc(number))
}

/// The text without surrounding white space and with single spaces inside.
fn collapse(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A run of decimal digits.
#[derive(Clone, Copy)]
struct Number {
    value: u32,
    digits: usize,
}

impl Number {
    fn fmi(self) -> Option<u8> {
        u8::try_from(self.value).ok().filter(|fmi| *fmi <= MAX_FMI)
    }

    fn warning_level(self) -> Option<u8> {
        u8::try_from(self.value).ok().filter(|level| (1..=3).contains(level))
    }
}

/// Takes a spelling apart from the left. Every step skips white space first, and takes nothing where it does not match.
struct Cursor<'a> {
    rest: &'a str,
}

impl<'a> Cursor<'a> {
    fn new(text: &'a str) -> Self {
        Self { rest: text.trim_start() }
    }

    fn advance(&mut self, n_bytes: usize) {
        self.rest = self.rest[n_bytes..].trim_start();
    }

    fn at_end(&self) -> bool {
        self.rest.is_empty()
    }

    fn at(&self, c: char) -> bool {
        self.rest.starts_with(c)
    }

    /// Takes a word, in either case, that no further letter continues.
    fn word(&mut self, word: &str) -> bool {
        let matches = self.rest.get(..word.len()).is_some_and(|head| head.eq_ignore_ascii_case(word))
            && !self.rest[word.len()..].starts_with(char::is_alphabetic);
        if matches {
            self.advance(word.len());
        }
        matches
    }

    /// Takes a word and a mark that may stand between it and its number (`SPN: 157`).
    fn label(&mut self, word: &str) -> bool {
        let found = self.word(word);
        if found {
            self.mark(":=#.");
        }
        found
    }

    /// Takes one of `marks`; every dash counts as a hyphen.
    fn mark(&mut self, marks: &str) -> Option<char> {
        let next = self.rest.chars().next()?;
        let mark = match next {
            '\u{2010}'..='\u{2015}' | '\u{2212}' => '-',
            other => other,
        };
        if !marks.contains(mark) {
            return None;
        }
        self.advance(next.len_utf8());
        Some(mark)
    }

    /// Takes a run of digits; `None` also where it is too long for any field.
    fn number(&mut self) -> Option<Number> {
        let digits = self.rest.bytes().take_while(u8::is_ascii_digit).count();
        let value = self.rest[..digits].parse().ok()?;
        self.advance(digits);
        Some(Number { value, digits })
    }
}
