//! One text on its way from the engine to a client.

use std::sync::Arc;

use gearhead_data::tokenizer::Markers;
use gearhead_infer::{batch::Token, decode::FinishReason, text_stream::TextStream};

use super::{case_chat::marker_text, options::Options, stop::StopFilter};
use crate::{
    App,
    failure::Failure,
    queue::{TextEvent, Ticket},
};

/// A text that is being written.
pub(super) struct Choice {
    app: Arc<App>,
    ticket: Ticket<TextEvent>,
    text: TextStream,
    stops: StopFilter,
    markers: Option<Markers>,
    n_tokens: usize,
}

/// Why a text ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Finish {
    Stop,
    Length,
    /// It was not written: see [`Declined`](gearhead_infer::report::Declined).
    Declined,
}

/// What one token adds.
#[derive(Debug, Default)]
pub(super) struct Piece {
    pub(super) text: String,
    pub(super) log_probs: Option<LogProbs>,
    pub(super) finish: Option<Finish>,
}

/// A token with its log-probability and those of others in its place.
#[derive(Debug)]
pub(super) struct LogProbs {
    pub(super) token: Spelling,
    pub(super) log_prob: f32,
    pub(super) top: Vec<(Spelling, f32)>,
}

/// A token as clients see it.
#[derive(Debug)]
pub(super) struct Spelling {
    pub(super) text: String,
    pub(super) bytes: Vec<u8>,
}

impl Choice {
    pub(super) fn new(
        app: &Arc<App>,
        ticket: Ticket<TextEvent>,
        options: &Options,
        markers: Option<Markers>,
    ) -> Self {
        let stops = StopFilter::new(options.stops.clone());
        Self { app: Arc::clone(app), ticket, text: TextStream::default(), stops, markers, n_tokens: 0 }
    }

    pub(super) fn n_tokens(&self) -> usize {
        self.n_tokens
    }

    /// What comes next; the last piece says why the text ended, and nothing may be asked for after it.
    pub(super) async fn next(&mut self) -> Result<Piece, Failure> {
        match self.ticket.next().await? {
            TextEvent::Token(token) => self.piece(&token),
            TextEvent::Done(text) => {
                let finish = match text?.finish_reason {
                    FinishReason::Length => Finish::Length,
                    _ => Finish::Stop,
                };
                let rest = std::mem::take(&mut self.text).finish(&self.app.model.tokenizer)?;
                let (text, is_over) = self.stops.push(&rest);
                let text = if is_over { text } else { text + &self.stops.finish() };
                Ok(Piece { text, log_probs: None, finish: Some(finish) })
            }
        }
    }

    fn piece(&mut self, token: &Token) -> Result<Piece, Failure> {
        self.n_tokens += 1;
        let marker = self.markers.and_then(|markers| marker_text(markers, token.id));
        let text = match marker {
            Some(text) => text.to_owned(),
            None => self.text.push(&self.app.model.tokenizer, token.id)?,
        };
        let (text, is_over) = self.stops.push(&text);
        let log_probs = token.log_probs.as_ref().map(|log_probs| LogProbs {
            token: self.spelling(token.id),
            log_prob: log_probs.chosen,
            top: log_probs.top.iter().map(|(id, log_prob)| (self.spelling(*id), *log_prob)).collect(),
        });
        if is_over {
            // The engine writes on until it sees that nobody listens.
            self.ticket.events.close();
        }
        Ok(Piece { text, log_probs, finish: is_over.then_some(Finish::Stop) })
    }

    fn spelling(&self, id: u32) -> Spelling {
        let tokenizer = &self.app.model.tokenizer;
        let special = || tokenizer.token(id).unwrap_or_default().into_bytes();
        let bytes = tokenizer.token_bytes(id).unwrap_or_else(special);
        Spelling { text: String::from_utf8_lossy(&bytes).into_owned(), bytes }
    }
}
