//! Texts as they come, in the events of OpenAI's service.

use axum::response::sse::Event;
use futures_util::{Stream, StreamExt, stream::select_all};
use serde_json::Value;

use super::{
    choice::{Choice, Finish, Piece},
    wire::{Form, Shape},
};
use crate::failure::Failure;

fn data(value: &Value) -> Event {
    Event::default().data(value.to_string())
}

/// What ends every stream.
fn done() -> Event {
    Event::default().data("[DONE]")
}

/// Pieces of some texts, of each of which the first piece is there already.
pub(super) fn pieces<S: Shape>(
    form: Form,
    choices: Vec<Choice>,
    firsts: Vec<Piece>,
) -> impl Stream<Item = Event> + Send {
    let of_choices = choices.into_iter().zip(firsts).enumerate();
    let mut pieces =
        select_all(of_choices.map(|(index, (choice, first))| {
            Box::pin(of_choice(choice, first).map(move |piece| (index, piece)))
        }));
    let n = pieces.len();
    async_stream::stream! {
        for begin in (0..n).filter_map(S::begin) {
            yield data(&form.chunk::<S>(begin));
        }
        let mut n_tokens = 0;
        while let Some((index, piece)) = pieces.next().await {
            match piece {
                Ok((piece, tokens)) => {
                    n_tokens += tokens;
                    let is_empty = piece.text.is_empty() && piece.log_probs.is_none();
                    if is_empty && piece.finish.is_none() {
                        continue;
                    }
                    let log_probs = piece.log_probs.as_ref().map(std::slice::from_ref);
                    yield data(&form.chunk::<S>(S::delta(index, &piece.text, log_probs, piece.finish)));
                }
                Err(failure) => {
                    yield data(&failure.body());
                    return;
                }
            }
        }
        if let Some(last) = form.last::<S>(n_tokens) {
            yield data(&last);
        }
        yield done();
    }
}

/// The pieces of one text; the last comes with the number of its tokens.
fn of_choice(mut choice: Choice, first: Piece) -> impl Stream<Item = Result<(Piece, usize), Failure>> + Send {
    async_stream::stream! {
        let mut next = Ok(first);
        loop {
            match next {
                Ok(piece) if piece.finish.is_some() => {
                    yield Ok((piece, choice.n_tokens()));
                    return;
                }
                Ok(piece) => yield Ok((piece, 0)),
                Err(failure) => {
                    yield Err(failure);
                    return;
                }
            }
            next = choice.next().await;
        }
    }
}

/// A refusal in the place of a text.
pub(super) fn refusal<S: Shape>(form: Form, message: String) -> impl Stream<Item = Event> + Send {
    async_stream::stream! {
        if let Some(begin) = S::begin(0) {
            yield data(&form.chunk::<S>(begin));
        }
        yield data(&form.chunk::<S>(S::delta(0, &message, None, Some(Finish::Declined))));
        if let Some(last) = form.last::<S>(0) {
            yield data(&last);
        }
        yield done();
    }
}
