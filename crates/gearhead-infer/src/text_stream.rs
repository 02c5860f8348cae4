//! Text of tokens as they come: what has been shown never changes.

use gearhead_data::tokenizer::Tokenizer;

use crate::error::Result;

/// Turns tokens into text one by one. A character of several tokens is shown when it is whole.
///
/// A decoder may treat the first token of a text differently (SentencePiece drops its space), so new tokens are decoded
/// behind some that were shown before.
#[derive(Debug, Clone, Default)]
pub struct TextStream {
    ids: Vec<u32>,
    /// How many of them have been shown.
    n_shown: usize,
    /// Their text.
    shown: String,
}

impl TextStream {
    /// The text that one more token completes, which may be empty.
    ///
    /// # Errors
    ///
    /// The tokenizer's own rules fail.
    pub fn push(&mut self, tokenizer: &Tokenizer, id: u32) -> Result<String> {
        self.ids.push(id);
        let text = tokenizer.decode(&self.ids)?;
        if text.ends_with(char::REPLACEMENT_CHARACTER) {
            return Ok(String::new());
        }
        self.show(tokenizer, &text)
    }

    /// What is left: the beginning of a character whose end never came.
    ///
    /// # Errors
    ///
    /// The tokenizer's own rules fail.
    pub fn finish(mut self, tokenizer: &Tokenizer) -> Result<String> {
        let text = tokenizer.decode(&self.ids)?;
        self.show(tokenizer, &text)
    }

    fn show(&mut self, tokenizer: &Tokenizer, text: &str) -> Result<String> {
        let new = text.get(self.shown.len()..).unwrap_or_default().to_owned();
        self.ids.drain(..self.n_shown);
        self.n_shown = self.ids.len();
        self.shown = tokenizer.decode(&self.ids)?;
        Ok(new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_together_are_the_whole_and_a_character_comes_whole() {
        let texts = ["Filter plugged: 24 bar", "Ölfilter prüfen \u{1f527} 漏油", "\n tab\tand  spaces "];
        let tokenizer = Tokenizer::train(["low power under load"; 20].iter(), 280, 2).unwrap();
        for text in texts {
            let ids = tokenizer.encode(text).unwrap();
            let mut stream = TextStream::default();
            let mut pieces: Vec<String> =
                ids.iter().map(|id| stream.push(&tokenizer, *id).unwrap()).collect();
            assert!(pieces.iter().all(|piece| !piece.contains(char::REPLACEMENT_CHARACTER)), "{pieces:?}");
            pieces.push(stream.finish(&tokenizer).unwrap());
            assert_eq!(pieces.concat(), tokenizer.decode(&ids).unwrap());
        }
    }

    #[test]
    fn a_character_that_never_ends_is_shown_at_the_end() {
        let tokenizer = Tokenizer::train(["low power"; 20].iter(), 280, 2).unwrap();
        let ids = tokenizer.encode("a漏").unwrap();
        let mut stream = TextStream::default();
        let shown: String =
            ids[..ids.len() - 1].iter().map(|id| stream.push(&tokenizer, *id).unwrap()).collect();
        assert_eq!(shown, "a");
        assert_eq!(stream.finish(&tokenizer).unwrap(), "\u{fffd}");
    }
}
