//! What the service measures of itself, in the text format of Prometheus.

use std::{
    sync::{Arc, atomic::AtomicU64},
    time::{Duration, Instant},
};

use axum::{
    extract::{MatchedPath, Request, State},
    http::header,
    middleware::Next,
    response::{IntoResponse, Response},
};
use prometheus_client::{
    encoding::{EncodeLabelSet, EncodeLabelValue, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};

use crate::{App, failure::Failure};

/// Upper bounds of the times that are counted, in seconds.
const BUCKETS_S: [f64; 14] =
    [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Asked {
    route: String,
    status: u16,
}

/// What the engine was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelValue)]
pub(crate) enum Answer {
    Diagnosis,
    Text,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Of {
    answer: Answer,
}

type Times = Family<Of, Histogram, fn() -> Histogram>;

/// The counters.
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<Asked, Counter>,
    first_token: Times,
    answers: Times,
    queue: Gauge,
    read_tokens: Counter,
    written_tokens: Counter,
    tokens_per_second: Gauge<f64, AtomicU64>,
    cache_tokens: Gauge,
    cache_capacity: Gauge,
}

impl Metrics {
    pub(crate) fn new(queue_size: usize) -> Self {
        let times = || Times::new_with_constructor(|| Histogram::new(BUCKETS_S));
        let (first_token, answers) = (times(), times());
        let requests = Family::<Asked, Counter>::default();
        let (read_tokens, written_tokens) = (Counter::default(), Counter::default());
        let (queue, cache_tokens, cache_capacity) = (Gauge::default(), Gauge::default(), Gauge::default());
        let size: Gauge = Gauge::default();
        size.set(queue_size as i64);
        let tokens_per_second = Gauge::<f64, AtomicU64>::default();
        let mut registry = Registry::with_prefix("gearhead");
        registry.register("requests", "Requests answered, by route and status", requests.clone());
        registry.register("queue_requests", "Requests under way or waiting for the engine", queue.clone());
        registry.register("queue_size", "Requests that may be under way or wait", size);
        registry.register(
            "first_token_seconds",
            "From the request to the first text of its answer",
            first_token.clone(),
        );
        registry.register("answer_seconds", "From the request to its whole answer", answers.clone());
        registry.register("prompt_tokens", "Tokens of prompts that were read", read_tokens.clone());
        registry.register("written_tokens", "Tokens that were written", written_tokens.clone());
        registry.register(
            "tokens_per_second",
            "Tokens written for each second of writing, lately, all texts together",
            tokens_per_second.clone(),
        );
        registry.register("cache_tokens", "Tokens that texts hold in the cache", cache_tokens.clone());
        registry.register(
            "cache_capacity_tokens",
            "Tokens that the cache has room for",
            cache_capacity.clone(),
        );
        Self {
            registry,
            requests,
            first_token,
            answers,
            queue,
            read_tokens,
            written_tokens,
            tokens_per_second,
            cache_tokens,
            cache_capacity,
        }
    }

    pub(crate) fn first_token(&self, answer: Answer, time: Duration) {
        self.first_token.get_or_create(&Of { answer }).observe(time.as_secs_f64());
    }

    pub(crate) fn answered(&self, answer: Answer, time: Duration) {
        self.answers.get_or_create(&Of { answer }).observe(time.as_secs_f64());
    }

    pub(crate) fn read_tokens(&self, count: usize) {
        self.read_tokens.inc_by(count as u64);
    }

    /// A step of all texts. The rate is a running mean in which a step counts for a sixteenth.
    pub(crate) fn wrote_tokens(&self, count: u64, time: Duration) {
        self.written_tokens.inc_by(count);
        if count > 0 {
            let (new, old) = (count as f64 / time.as_secs_f64(), self.tokens_per_second.get());
            self.tokens_per_second.set(if old == 0.0 { new } else { old + (new - old) / 16.0 });
        }
    }

    pub(crate) fn cache(&self, (held, capacity): (usize, usize)) {
        self.cache_tokens.set(held as i64);
        self.cache_capacity.set(capacity as i64);
    }
}

/// `GET /metrics`.
pub(crate) async fn show(State(app): State<Arc<App>>) -> Result<Response, Failure> {
    app.metrics.queue.set(app.queue.len() as i64);
    let mut text = String::new();
    encode(&mut text, &app.metrics.registry).map_err(|_| Failure::internal())?;
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(([(header::CONTENT_TYPE, kind)], text).into_response())
}

/// Counts and logs every request, without anything of what it says.
pub(crate) async fn count(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().map_or("other", MatchedPath::as_str).to_owned();
    let method = request.method().clone();
    let begun = Instant::now();
    let response = next.run(request).await;
    let (status, millis) = (response.status().as_u16(), begun.elapsed().as_millis());
    tracing::info!(%method, route, status, millis, "answered");
    app.metrics.requests.get_or_create(&Asked { route, status }).inc();
    response
}
