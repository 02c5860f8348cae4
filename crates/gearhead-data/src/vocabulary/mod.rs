//! A tokenizer as the tables that llama.cpp's model files carry: tokens, what kind each is, merges or scores.
//!
//! In reading order: `pre_tokenizer`, the ways of cutting texts that have a name there; `export`, a tokenizer to tables;
//! `rebuild`, tables to a tokenizer. Both sides are compared token by token with llama.cpp by `scripts/check-gguf.py`.

mod export;
mod pre_tokenizer;
mod rebuild;

/// A tokenizer as tables. A token's id is its place in them.
#[derive(Debug, Clone, PartialEq)]
pub struct Vocabulary {
    /// The tokens as they are written in the vocabulary.
    pub tokens: Vec<String>,
    /// What kind each token is.
    pub kinds: Vec<TokenKind>,
    /// How a text is cut into tokens.
    pub algorithm: Algorithm,
    /// Begins a text.
    pub bos: Option<u32>,
    /// Ends a text.
    pub eos: Option<u32>,
    /// Stands for what has no token.
    pub unk: Option<u32>,
    /// Fills rows of a batch.
    pub pad: Option<u32>,
    /// Whether a text is given its first token.
    pub adds_bos: bool,
    /// Whether a text is given its last token.
    pub adds_eos: bool,
}

/// What a token is. The numbers are llama.cpp's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenKind {
    /// A piece of text.
    Normal = 1,
    /// Stands for what has no token.
    Unknown = 2,
    /// Steers the model; nobody gets it by typing it.
    Control = 3,
    /// Is found in a text before anything else.
    UserDefined = 4,
    /// Fills up the vocabulary and is never used.
    Unused = 5,
    /// One byte of what has no token of its own.
    Byte = 6,
}

impl TokenKind {
    const ALL: [Self; 6] =
        [Self::Normal, Self::Unknown, Self::Control, Self::UserDefined, Self::Unused, Self::Byte];

    /// The kind with a number.
    pub fn from_number(number: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| *kind as i64 == number)
    }
}

/// How a text is cut into tokens.
#[derive(Debug, Clone, PartialEq)]
pub enum Algorithm {
    /// Byte-level BPE, as GPT-2's: pieces of the text, in each of which pairs are merged.
    ByteLevel {
        /// llama.cpp's name for how the text is cut into pieces.
        pre_tokenizer: String,
        /// Pairs of tokens with a space between, those that are merged first in front.
        merges: Vec<String>,
    },
    /// SentencePiece's BPE, as Llama 2's: the pair whose union has the highest score is merged.
    SentencePiece {
        /// The score of each token.
        scores: Vec<f32>,
        /// Whether a text is given a space in front.
        adds_space: bool,
    },
}
