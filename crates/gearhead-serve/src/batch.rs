//! `POST /v1/diagnose/batch`: cases as JSON lines, reports as JSON lines, in order.

use std::{iter, pin::pin, sync::Arc};

use axum::{
    body::{Body, Bytes},
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use futures_util::{Stream, StreamExt, stream};
use serde_json::{Value, json};

use crate::{
    App,
    body::Upload,
    diagnose::{Question, whole},
    failure::Failure,
    paced::paced,
    queue::Told,
};

/// The file is read whole before the first answer: a client that sends and does not read would otherwise wait for the
/// service, and the service for it.
pub(crate) async fn answer(State(app): State<Arc<App>>, upload: Upload) -> Result<Response, Failure> {
    if upload.bytes.trim_ascii().is_empty() {
        return Err(Failure::bad_request("the body has no case: send one JSON object a line"));
    }
    let kind = [(header::CONTENT_TYPE, "application/x-ndjson")];
    Ok((kind, Body::from_stream(paced(reports(Arc::clone(&app), upload), app.settings.request_time)))
        .into_response())
}

/// A report or an error for every line that is not empty. As many cases of a batch are under way as are written at once,
/// but at most half the places of the queue are taken from others, and waited for.
fn reports(app: Arc<App>, upload: Upload) -> impl Stream<Item = Bytes> {
    let Upload { bytes, place } = upload;
    let at_once = app.settings.texts_at_once.min(app.settings.queue / 2).max(1);
    let answers = stream::iter(lines(bytes)).map(move |(number, line)| {
        let app = Arc::clone(&app);
        async move {
            let answer = report(&app, &line).await.unwrap_or_else(|failure| failed(&failure, number));
            Bytes::from(answer.to_string() + "\n")
        }
    });
    async_stream::stream! {
        let _place = place;
        let mut answers = pin!(answers.buffered(at_once));
        while let Some(answer) = answers.next().await {
            yield answer;
        }
    }
}

/// Lines that are not empty, with their numbers.
fn lines(mut rest: Bytes) -> impl Iterator<Item = (usize, Bytes)> {
    let mut number = 0;
    iter::from_fn(move || {
        while !rest.is_empty() {
            let end = rest.iter().position(|byte| *byte == b'\n').map_or(rest.len(), |at| at + 1);
            let line = rest.split_to(end);
            number += 1;
            if !line.trim_ascii().is_empty() {
                return Some((number, line));
            }
        }
        None
    })
}

async fn report(app: &App, line: &[u8]) -> Result<Value, Failure> {
    let line = std::str::from_utf8(line).map_err(|error| Failure::bad_request(error.to_string()))?;
    let Question { case, found } = Question::parse(line)?;
    let place = app.queue.wait_for_place().await.map_err(|_| Failure::stopped())?;
    let report = whole(app.queue.diagnose(place, case, found, Told::Report)?).await?;
    serde_json::to_value(report).map_err(|_| Failure::internal())
}

fn failed(failure: &Failure, line: usize) -> Value {
    json!({"error": {"kind": failure.kind, "message": failure.message, "line": line}})
}
