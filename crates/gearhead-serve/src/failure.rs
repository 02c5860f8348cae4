//! Answers that say what is wrong.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

/// An error as clients get it: `{"error": {"kind", "message"}}`.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) status: StatusCode,
    /// A word for programs.
    pub(crate) kind: &'static str,
    /// A sentence for people.
    pub(crate) message: String,
    pub(crate) retry_after_s: Option<u64>,
}

impl Failure {
    pub(crate) fn new(status: StatusCode, kind: &'static str, message: impl Into<String>) -> Self {
        Self { status, kind, message: message.into(), retry_after_s: None }
    }

    /// The request is not what the route takes.
    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_request", message)
    }

    /// There is no such thing.
    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", message)
    }

    /// More requests are under way than the service takes.
    pub(crate) fn busy(retry_after_s: u64) -> Self {
        let message = format!("the queue is full: try again in {retry_after_s} s");
        Self {
            retry_after_s: Some(retry_after_s),
            ..Self::new(StatusCode::TOO_MANY_REQUESTS, "busy", message)
        }
    }

    pub(crate) fn stopped() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "stopped", "the engine has stopped")
    }

    /// The engine met a fault of its own.
    pub(crate) fn internal() -> Self {
        let message = "the engine failed on this request; others are not concerned";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "failed", message)
    }

    pub(crate) fn too_slow(limit_s: u64) -> Self {
        let message = format!("there was no whole answer within {limit_s} s");
        Self::new(StatusCode::GATEWAY_TIMEOUT, "too_slow", message)
    }

    pub(crate) fn body(&self) -> Value {
        json!({"error": {"kind": self.kind, "message": self.message}})
    }
}

/// What the engine refuses is wrong with the request, but for a fault of the program.
impl From<gearhead_infer::Error> for Failure {
    fn from(error: gearhead_infer::Error) -> Self {
        use gearhead_infer::Error as E;
        let kind = match error {
            E::Fault(_) => return Self::internal(),
            E::Case(_) | E::CaseTooLong { .. } => "bad_case",
            E::UnknownFinding(_) => "unknown_finding",
            E::NoCandidates { .. } => "model",
            _ => "input",
        };
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, kind, error.to_string())
    }
}

/// A store that fails is no fault of the request.
impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        tracing::error!(%error, "the store failed");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "store", format!("the store: {error}"))
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(self.body())).into_response();
        if let Some(seconds) = self.retry_after_s {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
