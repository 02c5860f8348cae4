//! Whether the service lives, and whether it can take a request.

use std::sync::Arc;

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};

use crate::{App, failure::Failure};

/// `GET /healthz`: the engine's thread runs.
pub(crate) async fn alive(State(app): State<Arc<App>>) -> Response {
    if app.queue.is_running() { "ok".into_response() } else { Failure::stopped().into_response() }
}

/// `GET /readyz`: a request would find a place.
pub(crate) async fn ready(State(app): State<Arc<App>>) -> Response {
    if !app.queue.is_running() {
        return Failure::stopped().into_response();
    }
    match app.queue.place() {
        Ok(_) => "ok".into_response(),
        Err(busy) => Failure { status: axum::http::StatusCode::SERVICE_UNAVAILABLE, ..busy }.into_response(),
    }
}
