//! HTTP service for Gearhead diagnoses.
//!
//! | route | does |
//! | --- | --- |
//! | `POST /v1/diagnose` | one case as JSON in, its report as JSON out |
//! | `GET /healthz` | says whether the engine runs |
//!
//! Cases are diagnosed one after the other on a thread of their own, which owns the engine; the queue before it is
//! bounded, and a request that finds it full is told so at once. The crate refuses to know how an engine is loaded.

use std::{io, thread};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{State, rejection::BytesRejection},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use gearhead_data::case::{Case, parse_case};
use gearhead_infer::{Diagnose, Error, Report};
use serde_json::json;
use tokio::{
    net::TcpListener,
    sync::{mpsc, oneshot},
};

/// Cases that may wait for the engine.
const QUEUE: usize = 64;

type Answer = Result<Report, Error>;
type Work = (Case, oneshot::Sender<Answer>);

/// The routes, with an engine of their own behind them.
///
/// # Errors
///
/// The operating system gives no thread.
pub fn router(engine: Box<dyn Diagnose + Send>) -> io::Result<Router> {
    let (queue, mut work) = mpsc::channel::<Work>(QUEUE);
    thread::Builder::new().name("gearhead-engine".into()).spawn(move || {
        while let Some((case, answer)) = work.blocking_recv() {
            // Nobody waits any more where the client has left: the work is spared.
            if !answer.is_closed() && answer.send(engine.diagnose(&case)).is_err() {
                tracing::debug!("a client left before its answer");
            }
        }
    })?;
    let routes =
        Router::new().route("/v1/diagnose", post(diagnose)).route("/healthz", get(health)).with_state(queue);
    Ok(routes)
}

/// Answers requests until `stop` comes, then finishes those that are under way.
///
/// # Errors
///
/// The listener fails.
pub async fn serve(
    listener: TcpListener,
    engine: Box<dyn Diagnose + Send>,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    axum::serve(listener, router(engine)?).with_graceful_shutdown(stop).await
}

/// The queue closes when the engine's thread ends.
async fn health(State(queue): State<mpsc::Sender<Work>>) -> Response {
    if queue.is_closed() {
        return failure(StatusCode::SERVICE_UNAVAILABLE, "stopped", "the engine has stopped");
    }
    "ok".into_response()
}

async fn diagnose(State(queue): State<mpsc::Sender<Work>>, body: Result<Bytes, BytesRejection>) -> Response {
    let body = match body {
        Ok(body) => body,
        Err(rejection) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            return failure(
                StatusCode::PAYLOAD_TOO_LARGE,
                "too_large",
                "the request is larger than any case",
            );
        }
        Err(rejection) => return failure(rejection.status(), "bad_request", &rejection.body_text()),
    };
    let case = match std::str::from_utf8(&body).map_err(|error| error.to_string()) {
        Ok(text) => parse_case(text).map_err(|fault| fault.to_string()),
        Err(error) => Err(error),
    };
    let case = match case {
        Ok(case) => case,
        Err(message) => return failure(StatusCode::BAD_REQUEST, "bad_case", &message),
    };
    let (answer, answered) = oneshot::channel();
    match queue.try_send((case, answer)) {
        Ok(()) => {}
        Err(mpsc::error::TrySendError::Full(_)) => {
            let busy =
                failure(StatusCode::TOO_MANY_REQUESTS, "busy", "the queue is full: try again in a second");
            return ([("retry-after", "1")], busy).into_response();
        }
        Err(mpsc::error::TrySendError::Closed(_)) => {
            return failure(StatusCode::INTERNAL_SERVER_ERROR, "stopped", "the engine has stopped");
        }
    }
    match answered.await {
        Ok(Ok(report)) => Json(report).into_response(),
        Ok(Err(error)) => failure(StatusCode::UNPROCESSABLE_ENTITY, "bad_case", &error.to_string()),
        Err(_) => failure(StatusCode::INTERNAL_SERVER_ERROR, "stopped", "the engine has stopped"),
    }
}

fn failure(status: StatusCode, kind: &str, message: &str) -> Response {
    (status, Json(json!({"error": {"kind": kind, "message": message}}))).into_response()
}
