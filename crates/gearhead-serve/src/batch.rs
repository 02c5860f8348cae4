//! `POST /v1/diagnose/batch`: cases as JSON lines, reports as JSON lines, in order.

use std::sync::Arc;

use axum::{
    body::{Body, Bytes},
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use futures_util::Stream;
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

/// A report or an error for every line that is not empty. One case of a batch is under way at a time, so that a batch
/// takes one place of the queue from others, and waits for it.
fn reports(app: Arc<App>, upload: Upload) -> impl Stream<Item = Bytes> {
    async_stream::stream! {
        let Upload { bytes, place: _place } = upload;
        for (index, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
            if line.trim_ascii().is_empty() {
                continue;
            }
            let answer = match report(&app, line).await {
                Ok(report) => report,
                Err(failure) => failed(&failure, index + 1),
            };
            let mut text = answer.to_string();
            text.push('\n');
            yield Bytes::from(text);
        }
    }
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
