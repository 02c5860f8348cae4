//! The interface of OpenAI's service, as far as a model that writes text has one, so that its clients work unchanged.

mod case_chat;
mod choice;
mod options;
mod prompt;
mod stop;
mod stream;
mod template;
mod wire;

use std::{convert::Infallible, sync::Arc};

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response, sse::Sse},
};
use futures_util::StreamExt;
use gearhead_data::{case::Case, tokenizer::Markers};
use gearhead_infer::{Error, report::Declined};
use serde_json::{Value, json};

pub use template::ChatTemplate;

use crate::{App, body::Json as Body, failure::Failure, paced::paced};
use choice::{Choice, Finish};
use options::{ChatRequest, CompletionRequest, Options};
use wire::{Chat, Completion, Form};

/// `GET /v1/models`
pub(crate) async fn models(State(app): State<Arc<App>>) -> Json<Value> {
    let model = &app.model;
    Json(json!({"object": "list", "data": [{
        "id": model.name,
        "object": "model",
        "created": 0,
        "owned_by": "gearhead",
        "max_tokens": model.max_tokens,
        "diagnoses": model.is_diagnostic,
        "knowledge": model.knowledge.version(),
    }]}))
}

/// `POST /v1/completions`
pub(crate) async fn completions(
    State(app): State<Arc<App>>,
    Body(request): Body<CompletionRequest>,
) -> Result<Response, Failure> {
    let options = request.options()?;
    check_model(&app, options.model.as_deref())?;
    let prompts = request.prompts(&app.model.tokenizer)?;
    for prompt in &prompts {
        check_length(&app, prompt)?;
    }
    let form = Form::new(&app.model.name, options.wants_usage, prompts.iter().map(Vec::len).sum());
    let texts = request.texts();
    if let Some(declined) = texts.iter().find_map(|text| bypass(&app, text)) {
        return Ok(refusal::<Completion>(form, &declined, &options));
    }
    answer::<Completion>(&app, &options, prompts, None, form).await
}

/// `POST /v1/chat/completions`
pub(crate) async fn chat(
    State(app): State<Arc<App>>,
    Body(request): Body<ChatRequest>,
) -> Result<Response, Failure> {
    let options = request.options()?;
    check_model(&app, options.model.as_deref())?;
    let messages = request.messages()?;
    let (prompt, markers) = prompt::of_chat(&app, &messages)?;
    check_length(&app, &prompt)?;
    let form = Form::new(&app.model.name, options.wants_usage, prompt.len());
    let mut asked = messages.iter().filter(|message| message.role == "user");
    if let Some(declined) = asked.find_map(|message| bypass(&app, &message.content)) {
        return Ok(refusal::<Chat>(form, &declined, &options));
    }
    answer::<Chat>(&app, &options, vec![prompt], markers, form).await
}

fn check_model(app: &App, wanted: Option<&str>) -> Result<(), Failure> {
    match wanted {
        Some(name) if name != app.model.name => {
            let message = format!("there is no model `{name}`: this service runs `{}`", app.model.name);
            Err(Failure::not_found(message))
        }
        _ => Ok(()),
    }
}

/// What does not fit is told before anything else is done with it, which for a long text takes its time.
fn check_length(app: &App, prompt: &[u32]) -> Result<(), Failure> {
    let (tokens, max_seq_len) = (prompt.len(), app.model.max_tokens);
    if tokens > max_seq_len { Err(Error::TooLong { tokens, max_seq_len }.into()) } else { Ok(()) }
}

/// Why a text is not continued: a way around a safety device is not described, by whatever model.
fn bypass(app: &App, text: &str) -> Option<Declined> {
    let case = Case::new("", text);
    app.model.reader.read(&case, &app.model.knowledge).bypass.map(Declined::bypass)
}

fn refusal<S: wire::Shape>(form: Form, declined: &Declined, options: &Options) -> Response {
    if options.is_streamed {
        let chunks = stream::refusal::<S>(form, declined.message.clone());
        return Sse::new(chunks.map(Ok::<_, Infallible>)).into_response();
    }
    let choice = S::choice(0, &declined.message, None, Some(Finish::Declined));
    Json(form.whole::<S>(&[choice], 0)).into_response()
}

/// Writes `n` texts after each prompt. They share one place of the queue.
async fn answer<S: wire::Shape>(
    app: &Arc<App>,
    options: &Options,
    prompts: Vec<Vec<u32>>,
    markers: Option<Markers>,
    form: Form,
) -> Result<Response, Failure> {
    let place = Arc::new(app.queue.place()?);
    let mut choices = Vec::with_capacity(prompts.len() * options.n);
    for prompt in prompts {
        for _ in 0..options.n {
            let order = options.order(prompt.clone(), choices.len(), app.model.max_tokens);
            let ticket = app.queue.write(Arc::clone(&place), order)?;
            choices.push(Choice::new(app, ticket, options, markers));
        }
    }
    // What the engine refuses is told with a status, also where the answer would be streamed.
    let mut firsts = Vec::with_capacity(choices.len());
    for choice in &mut choices {
        firsts.push(choice.next().await?);
    }
    if options.is_streamed {
        return Ok(Sse::new(paced(stream::pieces::<S>(form, choices, firsts), app.settings.request_time))
            .into_response());
    }
    let (mut written, mut n_tokens) = (Vec::new(), 0);
    for (index, (mut choice, first)) in choices.into_iter().zip(firsts).enumerate() {
        let (mut text, mut log_probs, mut piece) = (String::new(), Vec::new(), first);
        let finish = loop {
            text.push_str(&piece.text);
            log_probs.extend(piece.log_probs.take());
            match piece.finish {
                Some(finish) => break finish,
                None => piece = choice.next().await?,
            }
        };
        n_tokens += choice.n_tokens();
        let log_probs = options.top_log_probs.map(|_| log_probs.as_slice());
        written.push(S::choice(index, &text, log_probs, Some(finish)));
    }
    Ok(Json(form.whole::<S>(&written, n_tokens)).into_response())
}

/// A request that asks for what no model here can do.
fn unsupported(message: impl Into<String>) -> Failure {
    Failure::new(StatusCode::BAD_REQUEST, "unsupported", message)
}
