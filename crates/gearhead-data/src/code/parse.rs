//! The spellings of one fault code.

use super::{
    Code, FaultCode, J1587Kind, MAX_J1587_FMI, MAX_J1587_NUMBER, MAX_SPN,
    cursor::{Cursor, collapse},
    describe::before_description,
    state::split_state,
};

/// Words that stand before the number of a code's field, so that what they head is no code by itself.
const LABELS: [&str; 16] = [
    "SPN", "FMI", "CID", "MID", "EID", "SA", "OC", "PID", "SID", "PPID", "PSID", "FC", "DTC", "DTCS", "CODE",
    "CODES",
];

impl FaultCode {
    /// Reads one code. Never fails: what matches no format becomes [`Code::Opaque`].
    ///
    /// | format | spellings |
    /// | --- | --- |
    /// | SAE J1939 | `SPN 157 FMI 18`, `spn157/18`, `157-18`, `157/18`, `000157.18`, `SPN 157 (FMI 18)`, `SPN=157, FMI=18`, `FMI 18 SPN 157`, `SPN 157`; `SA0` before; a controller before six and two digits (`ECU 000157.18`, `VCU 000157.18`) |
    /// | SAE J1587 | `MID 128 PID 94 FMI 3`, `MID 144 PSID 230 FMI 9`, the same with `PPID` and `SID`, `PID 94 FMI 3` |
    /// | OBD-II | `P0087`, `p0087`, `U0100`; with a failure type byte `P0087-64`, `P0087:64` |
    /// | Caterpillar component | `CID 0091 FMI 08`, `CID 91-8`, `MID 036 CID 0168 FMI 04`, `MID 036 - CID 0168 - FMI 04` |
    /// | Caterpillar event | `E360(2)`, `E360-2`, `E360`, `EID 360` |
    /// | Cummins | `FC 559`, `FC559` |
    ///
    /// `DTC`, `Code` or `Fault code` may stand before any of them. What a person writes behind a code is kept in
    /// `original` and does not hide the code: a text in brackets or after a dash or colon (`P0087 (rail pressure low)`,
    /// `157-18 - rail pressure low`), and after a space several words without a digit (`P0087 rail pressure low`). A text
    /// that names a further code or field is no description. At the end may stand what [`CodeState`](super::CodeState)
    /// reads: `P0087 active x3`, `SPN 97 FMI 15 (OC 3, inactive)`.
    ///
    /// Rules where a spelling has two readings:
    ///
    /// - `360-2` could be Caterpillar event 360 at level 2 or SPN 360 with FMI 2. A bare pair is always read as J1939.
    /// - `E02`, with a leading zero and two digits, is how Komatsu writes; it stays opaque. `E015` is event 15.
    /// - A bare pair with a dot needs three digits before and two after the dot, so that `13.8` is no code.
    /// - `S157 F18` could be SPN and FMI or two of a maker's own codes, and `P0087 64` a failure type or a count: neither
    ///   is read.
    ///
    /// A number outside its field (an SPN past 19 bits, an FMI past 31, a warning level past 3) makes the whole
    /// spelling opaque; it is never wrapped. A spelling of several codes (`SPN157 FMI1/18`, `FC 559 (SPN 157 FMI 18)`)
    /// is opaque as one code; [`parse_list`](super::parse_list) makes one code of each.
    pub fn parse(text: &str) -> Self {
        let collapsed = collapse(text);
        let (code, source_address) = understood(&collapsed).unwrap_or((Code::Opaque(collapsed), None));
        Self { original: text.to_owned(), code, source_address }
    }
}

/// The code with which a text begins, where the rest describes it or says whether it is active and how often it was seen.
/// A maker's own code stays opaque, but without its state.
fn understood(text: &str) -> Option<(Code, Option<u8>)> {
    if let Some(found) = read(text) {
        return Some(found);
    }
    let stateless = split_state(text).map(|(code, _)| code);
    let makers_own = || Some((Code::Opaque(stateless.filter(|code| is_code_like(code))?.to_owned()), None));
    stateless
        .and_then(read)
        .or_else(|| before_description(text))
        .or_else(|| before_description(stateless?))
        .or_else(makers_own)
}

/// A spelling that is one code and nothing else, with the source address that it names.
pub(super) fn read(text: &str) -> Option<(Code, Option<u8>)> {
    let text = without_announcement(text);
    if let Some(J1939 { spn, fmis, source_address }) = J1939::read(text) {
        let [_, _, ..] = fmis[..] else {
            return Some((Code::J1939 { spn, fmi: fmis.first().copied() }, source_address));
        };
        return None;
    }
    let code = obd(text).or_else(|| j1587(text)).or_else(|| cid(text)).or_else(|| eid(text));
    code.or_else(|| cummins(text)).map(|code| (code, None))
}

/// The text after a word that only says that a code follows.
fn without_announcement(text: &str) -> &str {
    let mut cursor = Cursor::new(text);
    let is_qualified = ["FAULT", "ERROR", "TROUBLE"].iter().any(|word| cursor.word(word));
    let words: &[&str] = if is_qualified { &["CODE", "CODES"] } else { &["DTC", "DTCS", "CODE", "CODES"] };
    if !words.iter().any(|word| cursor.word(word)) {
        return text;
    }
    cursor.mark(":=#-");
    cursor.rest()
}

/// Whether a word of unknown format looks like a code of its own (`CA559`, `V201`) and not like a part of another.
pub(super) fn is_code_like(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_alphabetic())
        && word.contains(|c: char| c.is_ascii_digit())
        && word.chars().all(|c| c.is_ascii_alphanumeric())
        && label(word).is_none()
}

/// The label with which a text begins.
pub(super) fn label(text: &str) -> Option<&'static str> {
    LABELS.into_iter().find(|label| Cursor::new(text).word(label))
}

/// A J1939 spelling, which may name several failure modes of one parameter.
pub(super) struct J1939 {
    pub(super) spn: u32,
    pub(super) fmis: Vec<u8>,
    pub(super) source_address: Option<u8>,
}

impl J1939 {
    pub(super) fn read(text: &str) -> Option<Self> {
        Self::spn_first(text).or_else(|| Self::fmi_first(text)).or_else(|| Self::of_controller(text))
    }

    fn spn_first(text: &str) -> Option<Self> {
        let mut cursor = Cursor::new(text);
        let mut source_address = None;
        if cursor.word("SA") {
            cursor.mark(":=#");
            source_address = Some(u8::try_from(cursor.number()?.value).ok()?);
            cursor.mark("-:,");
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
            let separator = cursor.mark("-/.,:(");
            let fmi_named = cursor.label("FMI");
            let first = cursor.number()?;
            let bare_decimal = separator == Some('.') && !(ecu_named || spn_named || fmi_named);
            let needs_a_name = matches!(separator, None | Some(',' | ':' | '('));
            if (needs_a_name && !fmi_named) || (bare_decimal && (spn.digits < 3 || first.digits != 2)) {
                return None;
            }
            let mut fmis = vec![first.fmi()?];
            while fmi_named && cursor.mark("/").is_some() {
                fmis.push(cursor.number()?.fmi()?);
            }
            if separator == Some('(') {
                cursor.mark(")")?;
            }
            occurrence_count(&mut cursor)?;
            fmis
        };
        Self { spn: spn.value, fmis, source_address }.complete(&cursor)
    }

    fn fmi_first(text: &str) -> Option<Self> {
        let mut cursor = Cursor::new(text);
        if !cursor.label("FMI") {
            return None;
        }
        let fmi = cursor.number()?.fmi()?;
        cursor.mark("-/,:");
        if !cursor.label("SPN") {
            return None;
        }
        let spn = cursor.number()?.value;
        occurrence_count(&mut cursor)?;
        Self { spn, fmis: vec![fmi], source_address: None }.complete(&cursor)
    }

    /// The short name of a controller, six digits, a dot, two digits: how John Deere displays write.
    fn of_controller(text: &str) -> Option<Self> {
        let mut cursor = Cursor::new(text);
        if label(text).is_some() || !(2..=4).contains(&cursor.letters()?.len()) {
            return None;
        }
        cursor.mark("-:");
        let spn = cursor.number().filter(|spn| spn.digits == 6)?;
        cursor.mark(".")?;
        let fmi = cursor.number().filter(|fmi| fmi.digits == 2)?.fmi()?;
        Self { spn: spn.value, fmis: vec![fmi], source_address: None }.complete(&cursor)
    }

    fn complete(self, cursor: &Cursor<'_>) -> Option<Self> {
        (cursor.at_end() && self.spn <= MAX_SPN).then_some(self)
    }
}

/// Takes an occurrence count, which may be absent; `None` where its number is.
fn occurrence_count(cursor: &mut Cursor<'_>) -> Option<()> {
    if cursor.label("OC") || cursor.label("COUNT") {
        cursor.number()?;
    }
    Some(())
}

/// `P`, `C`, `B` or `U`, a digit up to 3, three hexadecimal digits; then a failure type byte, perhaps.
fn obd(text: &str) -> Option<Code> {
    let (code, rest) = text.split_at_checked(5)?;
    let code = code.to_ascii_uppercase();
    let well_formed = match code.as_bytes() {
        [b'P' | b'C' | b'B' | b'U', b'0'..=b'3', digits @ ..] => digits.iter().all(u8::is_ascii_hexdigit),
        _ => false,
    };
    if !well_formed {
        return None;
    }
    if rest.is_empty() {
        return Some(Code::Obd(code));
    }
    let mut cursor = Cursor::new(rest);
    cursor.mark("-:")?;
    let two_digits = Some(cursor.rest()).filter(|rest| rest.len() == 2 && !rest.starts_with('+'));
    let failure_type = u8::from_str_radix(two_digits?, 16).ok()?;
    Some(Code::ObdFailure { code, failure_type })
}

fn j1587(text: &str) -> Option<Code> {
    let mut cursor = Cursor::new(text);
    let mid = module(&mut cursor)?;
    let kind = J1587Kind::ALL.into_iter().find(|kind| cursor.label(kind.as_str()))?;
    let number = cursor.number()?.value;
    let number = u16::try_from(number).ok().filter(|number| *number <= MAX_J1587_NUMBER)?;
    let fmi = failure_mode(&mut cursor)?;
    // An OBD-II parameter is called PID as well; a module or a failure mode says which of the two it is.
    let is_told_apart = mid.is_some() || fmi.is_some();
    let fits = fmi.is_none_or(|fmi| fmi <= MAX_J1587_FMI);
    (is_told_apart && fits).then_some(Code::J1587 { mid, kind, number, fmi })
}

fn cid(text: &str) -> Option<Code> {
    let mut cursor = Cursor::new(text);
    let mid = module(&mut cursor)?.map(u16::from);
    if !cursor.label("CID") {
        return None;
    }
    let cid = u16::try_from(cursor.number()?.value).ok()?;
    let fmi = failure_mode(&mut cursor)?;
    Some(Code::Cid { mid, cid, fmi })
}

/// Takes a module identifier, one byte (SAE J1587), which may be absent; `None` where it is wrong.
#[allow(clippy::option_option, reason = "wrong and absent are two things")]
fn module(cursor: &mut Cursor<'_>) -> Option<Option<u8>> {
    if !cursor.label("MID") {
        return Some(None);
    }
    let mid = u8::try_from(cursor.number()?.value).ok()?;
    cursor.mark("-/,");
    Some(Some(mid))
}

/// Takes the failure mode with which a spelling ends, which may be absent; `None` where something else stands there.
#[allow(clippy::option_option, reason = "wrong and absent are two things")]
fn failure_mode(cursor: &mut Cursor<'_>) -> Option<Option<u8>> {
    if cursor.at_end() {
        return Some(None);
    }
    let separator = cursor.mark("-/,");
    let is_named = cursor.label("FMI");
    if !is_named && matches!(separator, None | Some(',')) {
        return None;
    }
    let fmi = cursor.number()?.fmi()?;
    occurrence_count(cursor)?;
    cursor.at_end().then_some(Some(fmi))
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
    if !cursor.label("FC") {
        return None;
    }
    let number = u16::try_from(cursor.number()?.value).ok()?;
    cursor.at_end().then_some(Code::CumminsFc(number))
}
