//! `POST /v1/diagnose`: one case, its report whole or as it comes.

use std::sync::Arc;

use axum::{
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{
        IntoResponse, Response,
        sse::{Event, Sse},
    },
};
use futures_util::Stream;
use gearhead_data::case::{Case, parse_case};
use gearhead_infer::{
    Report,
    engine::{Finding, Stage},
};
use serde::Deserialize;
use serde_json::json;

use crate::{
    App,
    address::Query,
    body::Text,
    failure::Failure,
    paced::paced,
    queue::{DiagnosisEvent, Ticket, Told},
    store::Diagnosis,
};

/// Under which number a diagnosis is kept.
const NUMBER: HeaderName = HeaderName::from_static("gearhead-diagnosis");

/// A case and the results of tests that were done.
#[derive(Debug, Clone)]
pub(crate) struct Question {
    pub(crate) case: Case,
    pub(crate) found: Vec<Finding>,
}

impl Question {
    /// Reads a case; its field `found`, which is not part of it, lists results of tests.
    pub(crate) fn parse(json: &str) -> Result<Self, Failure> {
        let bad_case = |message: String| Failure::new(StatusCode::BAD_REQUEST, "bad_case", message);
        let mut case = parse_case(json).map_err(|fault| bad_case(fault.to_string()))?;
        case.validate().map_err(|error| bad_case(error.to_string()))?;
        let found = match case.extra.shift_remove("found") {
            None => Vec::new(),
            Some(found) => serde_json::from_value(found).map_err(|error| {
                bad_case(format!("`found` must be a list of {{\"fault\", \"test\", \"outcome\"}}: {error}"))
            })?,
        };
        Ok(Self { case, found })
    }
}

/// What stands behind the `?` of the route.
#[derive(Debug, Deserialize)]
pub(crate) struct Options {
    /// The number of an earlier diagnosis of the same case that this one takes the place of.
    replaces: Option<i64>,
}

pub(crate) async fn answer(
    State(app): State<Arc<App>>,
    Query(options): Query<Options>,
    headers: HeaderMap,
    Text(body): Text,
) -> Result<Response, Failure> {
    let question = Question::parse(&body)?;
    let place = app.queue.place()?;
    let told = if accepts_events(&headers) { Told::Stages } else { Told::Report };
    let Question { case, found } = question.clone();
    let ticket = app.queue.diagnose(place, case, found, told)?;
    if told == Told::Stages {
        let patience = app.settings.request_time;
        return Ok(Sse::new(paced(events(app, ticket, question, options), patience)).into_response());
    }
    let report = whole(ticket).await?;
    let number = keep(&app, &question, &report, &options).await;
    let mut response = axum::Json(&report).into_response();
    if let Some(number) = number {
        response.headers_mut().insert(NUMBER, HeaderValue::from(number));
    }
    Ok(response)
}

fn accepts_events(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    accept.is_some_and(|accept| accept.contains("text/event-stream"))
}

/// The report, when it is whole.
pub(crate) async fn whole(mut ticket: Ticket<DiagnosisEvent>) -> Result<Report, Failure> {
    loop {
        if let DiagnosisEvent::Done(report) = ticket.next().await? {
            return Ok((*report)?);
        }
    }
}

/// Stages as they come, then the report, then the number under which it is kept.
fn events(
    app: Arc<App>,
    mut ticket: Ticket<DiagnosisEvent>,
    question: Question,
    options: Options,
) -> impl Stream<Item = Event> {
    async_stream::stream! {
        loop {
            match ticket.next().await {
                Ok(DiagnosisEvent::Stage(stage)) => yield event(name(&stage), &stage),
                Ok(DiagnosisEvent::Done(report)) => match *report {
                    Ok(report) => {
                        yield event("report", &report);
                        if let Some(number) = keep(&app, &question, &report, &options).await {
                            yield event("kept", &json!({"diagnosis": number}));
                        }
                        return;
                    }
                    Err(error) => {
                        yield failed(&error.into());
                        return;
                    }
                },
                Err(failure) => {
                    yield failed(&failure);
                    return;
                }
            }
        }
    }
}

fn name(stage: &Stage) -> &'static str {
    match stage {
        Stage::Read { .. } => "read",
        Stage::Ranked { .. } => "ranked",
        _ => "wrote",
    }
}

fn event(name: &str, data: &impl serde::Serialize) -> Event {
    // What serde cannot write down would be a fault of the program; the client sees an event without data.
    let data = serde_json::to_string(data).unwrap_or_default();
    Event::default().event(name).data(data)
}

fn failed(failure: &Failure) -> Event {
    event("error", &failure.body()["error"])
}

/// Keeps a diagnosis, where history is kept. A store that fails spoils no answer.
async fn keep(app: &App, question: &Question, report: &Report, options: &Options) -> Option<i64> {
    let store = app.settings.store.as_ref().filter(|_| app.settings.keeps_history)?;
    let diagnosis = Diagnosis::of(report, &question.found);
    match store.keep(diagnosis, options.replaces).await {
        Ok(number) => Some(number),
        Err(error) => {
            tracing::warn!(%error, "a diagnosis was not kept");
            None
        }
    }
}
