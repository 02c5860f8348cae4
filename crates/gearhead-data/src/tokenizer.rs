//! Byte-level BPE, trained and used through the `tokenizers` crate.
//!
//! Every byte has a token, so nothing is ever unknown; digits stand alone, so that codes and pressures are read
//! digit by digit; case is kept; the sections of a case are marked by single tokens. What a user types is never
//! read as one of these markers.

use std::path::{Path, PathBuf};

use tokenizers::{
    AddedToken, DecoderWrapper, PreTokenizerWrapper,
    decoders::byte_level::ByteLevel as ByteLevelDecoder,
    models::TrainerWrapper,
    models::bpe::{BPE, BpeTrainerBuilder},
    pre_tokenizers::{byte_level::ByteLevel, digits::Digits, sequence::Sequence},
};

use crate::error::{Error, Result};

/// The special tokens of a from-scratch tokenizer, in the order of their ids from 0.
const SPECIAL: [&str; 9] =
    ["<pad>", "<s>", "</s>", "<equipment>", "<symptom>", "<error>", "<cause>", "<solution>", "<step>"];

/// The one that no text needs.
const PAD: &str = SPECIAL[0];

/// The smallest vocabulary: 256 bytes and the special tokens.
pub const MIN_VOCAB_SIZE: usize = 256 + SPECIAL.len();

/// Ids of the tokens that mark the sections of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Markers {
    /// Start of a document.
    pub bos: u32,
    /// End of a document.
    pub eos: u32,
    /// Before the machine.
    pub equipment: u32,
    /// Before the complaint.
    pub symptom: u32,
    /// Before the fault codes.
    pub error: u32,
    /// Before the cause; the last token of a prompt.
    pub cause: u32,
    /// Before the repair.
    pub solution: u32,
    /// Before each diagnostic step.
    pub step: u32,
}

/// Text to token ids and back.
#[derive(Debug, Clone)]
pub struct Tokenizer {
    inner: tokenizers::Tokenizer,
    path: PathBuf,
    markers: Option<Markers>,
    /// Whether it puts a space before every text by itself, as those of SentencePiece do.
    adds_space: bool,
}

/// A marker that a tokenizer was given.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct NewMarker {
    /// Its text, such as `<cause>`.
    pub token: &'static str,
    /// Its id.
    pub id: u32,
    /// The tokens of the word in it, which mean about the same; none of the marks for the start and the end of a text.
    pub word: Vec<u32>,
}

impl Tokenizer {
    /// Trains a tokenizer on texts. The same texts in the same order give the same tokenizer.
    ///
    /// # Errors
    ///
    /// [`Error::Tokenizer`] when `vocab_size` is below [`MIN_VOCAB_SIZE`] or the texts hold nothing.
    pub fn train<S: AsRef<str> + Send>(
        texts: impl Iterator<Item = S> + Send,
        vocab_size: usize,
        min_frequency: u64,
    ) -> Result<Self> {
        let path = PathBuf::from("the new tokenizer");
        let fail = |reason: String| Error::Tokenizer { path: path.clone(), reason };
        if vocab_size < MIN_VOCAB_SIZE {
            return Err(fail(format!(
                "vocab_size is {vocab_size}, but 256 bytes and {} markers need {MIN_VOCAB_SIZE}",
                SPECIAL.len()
            )));
        }
        let mut inner = tokenizers::Tokenizer::new(BPE::default());
        inner.with_pre_tokenizer(Some(PreTokenizerWrapper::from(Sequence::new(vec![
            Digits::new(true).into(),
            ByteLevel::new(false, true, true).into(),
        ]))));
        inner.with_decoder(Some(DecoderWrapper::from(ByteLevelDecoder::new(false, true, true))));
        let mut trainer = TrainerWrapper::from(
            BpeTrainerBuilder::new()
                .show_progress(false)
                .vocab_size(vocab_size)
                .min_frequency(min_frequency)
                .initial_alphabet(ByteLevel::alphabet().into_iter().collect())
                .special_tokens(SPECIAL.iter().map(|token| AddedToken::from(*token, true)).collect())
                .build(),
        );
        let mut seen = false;
        let texts = texts.inspect(|text| seen |= !text.as_ref().trim().is_empty());
        inner.train(&mut trainer, texts).map_err(|error| fail(error.to_string()))?;
        if !seen {
            return Err(fail("there is no text to train on".into()));
        }
        Ok(Self::new(inner, path.clone()))
    }

    /// Reads a `tokenizer.json`.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] when the file cannot be read, [`Error::Tokenizer`] when it is not a tokenizer.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let bytes = std::fs::read(path).map_err(|source| Error::io(path, source))?;
        Self::from_bytes(&bytes, path)
    }

    /// Reads the text of a `tokenizer.json`; `path` is what error messages call it.
    ///
    /// # Errors
    ///
    /// [`Error::Tokenizer`] when it is not a tokenizer.
    pub fn from_bytes(bytes: &[u8], path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref().to_owned();
        let inner = tokenizers::Tokenizer::from_bytes(bytes)
            .map_err(|error| Error::Tokenizer { path: path.clone(), reason: error.to_string() })?;
        Ok(Self::new(inner, path))
    }

    fn new(mut inner: tokenizers::Tokenizer, path: PathBuf) -> Self {
        // Whatever a file says of these would change what is encoded behind the caller's back.
        inner.set_encode_special_tokens(true);
        inner.with_padding(None);
        let id = |token: &str| inner.token_to_id(token);
        let markers = (|| {
            Some(Markers {
                bos: id("<s>")?,
                eos: id("</s>")?,
                equipment: id("<equipment>")?,
                symptom: id("<symptom>")?,
                error: id("<error>")?,
                cause: id("<cause>")?,
                solution: id("<solution>")?,
                step: id("<step>")?,
            })
        })();
        let mut tokenizer = Self { inner, path, markers, adds_space: false };
        let first = tokenizer.encode("a").ok().and_then(|ids| tokenizer.token_bytes(*ids.first()?));
        tokenizer.adds_space = first.is_some_and(|bytes| bytes.starts_with(b" "));
        tokenizer
    }

    /// The tokenizer with the markers of cases that it lacks as further tokens, and what was added. No token that was there
    /// changes its id.
    ///
    /// # Errors
    ///
    /// [`Error::Tokenizer`] when its own rules fail.
    pub fn with_case_markers(mut self) -> Result<(Self, Vec<NewMarker>)> {
        let is_missing = |token: &&str| *token != PAD && self.inner.token_to_id(token).is_none();
        let missing: Vec<&'static str> = SPECIAL.into_iter().filter(is_missing).collect();
        self.inner
            .add_special_tokens(missing.iter().map(|token| AddedToken::from(*token, true)))
            .map_err(|error| self.fault(error.to_string()))?;
        let tokenizer = Self::new(self.inner, self.path);
        let mut added = Vec::with_capacity(missing.len());
        for token in missing {
            let id = tokenizer.inner.token_to_id(token);
            let id = id.ok_or_else(|| tokenizer.fault(format!("{token} was not taken up")))?;
            let is_word = token.len() > "</s>".len();
            let word =
                if is_word { tokenizer.encode_words(token.trim_matches(['<', '>']))? } else { Vec::new() };
            added.push(NewMarker { token, id, word });
        }
        Ok((tokenizer, added))
    }

    /// Token ids of words as they stand within a text, with one space before the first.
    ///
    /// # Errors
    ///
    /// [`Error::Tokenizer`] when the tokenizer's own rules fail on the text.
    pub fn encode_words(&self, words: &str) -> Result<Vec<u32>> {
        if self.adds_space { self.encode(words) } else { self.encode(&format!(" {words}")) }
    }

    /// The tokenizer as the text of a `tokenizer.json`, which other libraries read.
    ///
    /// # Errors
    ///
    /// [`Error::Tokenizer`] when it cannot be serialised.
    pub fn to_json(&self) -> Result<String> {
        self.inner.to_string(true).map_err(|error| self.fault(error.to_string()))
    }

    /// Writes a `tokenizer.json`, whole or not at all.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] with the path.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let json = self.to_json()?;
        crate::case::write_whole(path.as_ref(), |output| output.write_all(json.as_bytes()))
    }

    /// Token ids of a text; the text of a marker in it is only text.
    ///
    /// # Errors
    ///
    /// [`Error::Tokenizer`] when the tokenizer's own rules fail on the text.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>> {
        let encoding = self.inner.encode_fast(text, false).map_err(|error| self.fault(error.to_string()))?;
        Ok(encoding.get_ids().to_vec())
    }

    /// The first special token whose text stands in `text`, such as `<|im_end|>`.
    pub fn special_in(&self, text: &str) -> Option<String> {
        self.next_special(text).map(|(_, token, _)| token)
    }

    /// Token ids of a text in which the texts of special tokens stand for those tokens. For text that a model's own
    /// template made; what a person typed is for [`encode`](Self::encode).
    ///
    /// # Errors
    ///
    /// [`Error::Tokenizer`] when the tokenizer's own rules fail on the text.
    pub fn encode_marked(&self, text: &str) -> Result<Vec<u32>> {
        let (mut ids, mut rest) = (Vec::new(), text);
        while let Some((at, token, id)) = self.next_special(rest) {
            ids.extend(self.encode(&rest[..at])?);
            ids.push(id);
            rest = &rest[at + token.len()..];
        }
        ids.extend(self.encode(rest)?);
        Ok(ids)
    }

    /// Where the next special token stands, the longest of those at one place, and its id.
    fn next_special(&self, text: &str) -> Option<(usize, String, u32)> {
        let added = self.inner.get_added_tokens_decoder().into_iter();
        let special = added.filter(|(_, token)| token.special && !token.content.is_empty());
        let found = special.filter_map(|(id, token)| Some((text.find(&token.content)?, token.content, id)));
        found.min_by_key(|(at, token, _)| (*at, std::cmp::Reverse(token.len())))
    }

    /// The text of token ids, without special tokens. Ids that the vocabulary lacks give nothing.
    ///
    /// # Errors
    ///
    /// [`Error::Tokenizer`] when the tokenizer's own rules fail.
    pub fn decode(&self, ids: &[u32]) -> Result<String> {
        self.inner.decode(ids, true).map_err(|error| self.fault(error.to_string()))
    }

    /// The token with this id, as its text form in the vocabulary.
    pub fn token(&self, id: u32) -> Option<String> {
        self.inner.id_to_token(id)
    }

    /// The bytes of text that a token stands for; `None` of a special token, which stands for no text, and of an id that
    /// the vocabulary lacks. Knows the byte-level alphabet of GPT-2 and the marks of SentencePiece.
    pub fn token_bytes(&self, id: u32) -> Option<Vec<u8>> {
        let token = self.inner.id_to_token(id)?;
        let added = self.inner.get_added_tokens_decoder();
        if let Some(added) = added.get(&id) {
            return (!added.special).then(|| token.into_bytes());
        }
        if self.is_byte_level() {
            return token.chars().map(byte_of).collect();
        }
        if let Some(hex) = token.strip_prefix("<0x").and_then(|rest| rest.strip_suffix('>')) {
            return u8::from_str_radix(hex, 16).ok().map(|byte| vec![byte]);
        }
        Some(token.replace('\u{2581}', " ").into_bytes())
    }

    fn is_byte_level(&self) -> bool {
        matches!(self.inner.get_decoder(), Some(DecoderWrapper::ByteLevel(_)))
    }

    /// How many ids there are, special tokens included.
    pub fn vocab_size(&self) -> usize {
        self.inner.get_vocab_size(true)
    }

    /// The markers, if this tokenizer was made for cases.
    pub fn markers(&self) -> Option<Markers> {
        self.markers
    }

    /// The markers of a tokenizer that must have them.
    ///
    /// # Errors
    ///
    /// [`Error::Tokenizer`] when it has none.
    pub fn case_markers(&self) -> Result<Markers> {
        self.markers.ok_or_else(|| {
            let reason = "it has no markers such as <symptom> for the sections of a case; `gearhead import MODEL \
                          --case-markers --out DIR` makes a model that has them";
            self.fault(reason.into())
        })
    }

    /// The tokens that are put before and behind a text for readers that want them.
    pub(crate) fn added_around(&self) -> Result<(Vec<u32>, Vec<u32>)> {
        let plain = self.encode("a")?;
        let around = self.inner.encode_fast("a", true).map_err(|error| self.fault(error.to_string()))?;
        let around = around.get_ids();
        let start = around.windows(plain.len()).position(|window| window == plain).unwrap_or(0);
        let end = (start + plain.len()).min(around.len());
        Ok((around[..start].to_vec(), around[end..].to_vec()))
    }

    pub(crate) fn fault(&self, reason: String) -> Error {
        Error::Tokenizer { path: self.path.clone(), reason }
    }
}

/// The byte that a letter of the byte-level alphabet stands for.
///
/// **Source**: the mapping that GPT-2 introduced: printable bytes stand for themselves, the others, in order, for the
/// letters from U+0100 on.
fn byte_of(letter: char) -> Option<u8> {
    let is_printable = |byte: u8| matches!(byte, 0x21..=0x7E | 0xA1..=0xAC | 0xAE..=0xFF);
    let code = u32::from(letter);
    if let Ok(byte) = u8::try_from(code) {
        return is_printable(byte).then_some(byte);
    }
    (0..=u8::MAX).filter(|byte| !is_printable(*byte)).nth(code.checked_sub(0x100)? as usize)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TEXTS: [&str; 4] = [
        "Engine loses power under load",
        "hydraulic pump whines and the boom is slow",
        "SPN 157 FMI 18, P0087",
        "boost leak at the charge-air cooler",
    ];

    fn small() -> Tokenizer {
        Tokenizer::train(TEXTS.iter().cycle().take(40), 320, 2).unwrap()
    }

    #[test]
    fn markers_are_single_tokens_and_typed_ones_are_text() {
        let tokenizer = small();
        let markers = tokenizer.markers().unwrap();
        assert_eq!([markers.bos, markers.eos, markers.equipment, markers.step], [1, 2, 3, 8]);
        let ids = tokenizer.encode("<cause> mine").unwrap();
        assert!(!ids.contains(&markers.cause));
        assert_eq!(tokenizer.decode(&ids).unwrap(), "<cause> mine");
    }

    #[test]
    fn a_tokenizer_from_elsewhere_gets_the_markers_it_lacks() {
        let foreign =
            small().to_json().unwrap().replace("<s>", "<|start|>").replace("<cause>", "<|because|>");
        let foreign = Tokenizer::from_bytes(foreign.as_bytes(), "tokenizer.json").unwrap();
        assert!(foreign.markers().is_none());
        let (vocab_size, ids) = (foreign.vocab_size() as u32, foreign.encode(TEXTS[0]).unwrap());
        let (tokenizer, added) = foreign.with_case_markers().unwrap();
        let markers = tokenizer.markers().unwrap();
        assert_eq!([markers.bos, markers.eos, markers.cause], [vocab_size, 2, vocab_size + 1]);
        assert_eq!(added.iter().map(|marker| marker.token).collect::<Vec<_>>(), ["<s>", "<cause>"]);
        assert_eq!(tokenizer.decode(&added[1].word).unwrap(), " cause");
        assert_eq!((added[0].word.len(), tokenizer.encode(TEXTS[0]).unwrap()), (0, ids));
        let read = Tokenizer::from_bytes(tokenizer.to_json().unwrap().as_bytes(), "tokenizer.json").unwrap();
        assert_eq!(read.markers(), Some(markers));
        assert!(!read.encode("<cause> mine").unwrap().contains(&markers.cause));
        assert!(tokenizer.with_case_markers().unwrap().1.is_empty());
    }

    #[test]
    fn words_have_one_space_before_them_whoever_puts_it_there() {
        use tokenizers::{NormalizerWrapper, normalizers::Prepend};
        let byte_level = small();
        let ids = byte_level.encode_words("low power").unwrap();
        assert_eq!(ids, byte_level.encode(" low power").unwrap());
        let mut inner = byte_level.inner.clone();
        inner.with_normalizer(Some(NormalizerWrapper::from(Prepend::new(" ".into())))).unwrap();
        let adding = Tokenizer::new(inner, "tokenizer.json".into());
        assert_eq!(adding.encode("low power").unwrap(), ids);
        assert_eq!(adding.encode_words("low power").unwrap(), ids);
    }

    #[test]
    fn digits_stand_alone() {
        let tokenizer = small();
        let tokens = tokenizer.encode("SPN 157").unwrap().into_iter().filter_map(|id| tokenizer.token(id));
        assert_eq!(tokens.filter(|token| token.contains(|c: char| c.is_ascii_digit())).count(), 3);
    }

    #[test]
    fn training_is_deterministic_and_saving_is_the_identity() {
        let json = small().to_json().unwrap();
        assert_eq!(json, small().to_json().unwrap());
        let read = Tokenizer::from_bytes(json.as_bytes(), "tokenizer.json").unwrap();
        assert_eq!(read.encode(TEXTS[0]).unwrap(), small().encode(TEXTS[0]).unwrap());
        assert_eq!(read.markers(), small().markers());
    }

    #[test]
    fn impossible_requests_are_errors() {
        assert!(Tokenizer::train(TEXTS.iter(), 100, 2).is_err());
        assert!(Tokenizer::train(std::iter::empty::<&str>(), 300, 2).is_err());
        assert!(Tokenizer::from_bytes(b"{}", "x.json").is_err());
        assert!(Tokenizer::open("/nowhere/tokenizer.json").is_err());
    }

    proptest! {
        #[test]
        fn round_trip_is_the_identity(text in "\\PC{0,40}|[\u{0}-\u{10ffff}]{0,40}") {
            let tokenizer = small();
            let ids = tokenizer.encode(&text).unwrap();
            let bytes: Vec<u8> = ids.iter().flat_map(|id| tokenizer.token_bytes(*id).unwrap()).collect();
            prop_assert_eq!(bytes, text.as_bytes());
            prop_assert_eq!(tokenizer.decode(&tokenizer.encode(&text).unwrap()).unwrap(), text);
        }
    }

    #[test]
    fn marks_count_in_what_a_template_made_and_not_in_what_a_person_typed() {
        let tokenizer = Tokenizer::train(["low power under load"; 20].iter(), 280, 2).unwrap();
        let markers = tokenizer.case_markers().unwrap();
        let text = "<s> low power<cause> load";
        let (typed, marked) = (tokenizer.encode(text).unwrap(), tokenizer.encode_marked(text).unwrap());
        assert!(!typed.contains(&markers.cause));
        let parts = [&[markers.bos][..], &tokenizer.encode(" low power").unwrap(), &[markers.cause]].concat();
        assert_eq!(marked, [parts, tokenizer.encode(" load").unwrap()].concat());
        assert_eq!(tokenizer.special_in(text).as_deref(), Some("<s>"));
        assert_eq!(tokenizer.special_in("low <power>"), None);
    }
}
