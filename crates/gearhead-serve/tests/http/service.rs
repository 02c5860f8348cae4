//! A service over a tiny model with random weights, and how it is asked.

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Request, StatusCode},
};
use burn::backend::{Flex, flex::FlexDevice};
use gearhead_data::{
    generate::{GenerateConfig, generate},
    knowledge::KnowledgeBase,
    manifest::Manifest,
    prompt::{Sections, texts},
    tokenizer::Tokenizer,
};
use gearhead_infer::{Diagnose, Engine};
use gearhead_model::{Decoder, Dtype, ModelConfig, Precision, directory};
use gearhead_serve::{Settings, router};
use serde_json::Value;
use tower::ServiceExt;

/// The name of the model.
pub(crate) const MODEL: &str = "tiny";

/// An engine with random weights.
pub(crate) fn engine() -> Box<dyn Diagnose + Send> {
    let cases = generate(KnowledgeBase::builtin(), &GenerateConfig::new(40, 5)).unwrap().train;
    let tokenizer =
        Tokenizer::train(cases.iter().flat_map(texts).collect::<Vec<_>>().iter(), 300, 2).unwrap();
    let markers = tokenizer.case_markers().unwrap();
    let config = ModelConfig {
        d_model: 32,
        n_layers: 1,
        d_ff: 48,
        max_seq_len: 400,
        // With tied embeddings, random weights say every token again and again.
        tie_embeddings: false,
        eos_ids: vec![markers.eos],
        ..ModelConfig::new(tokenizer.vocab_size())
    };
    let decoder = Decoder::<Flex>::init(&config, 5, &FlexDevice).unwrap();
    let manifest = Manifest::of_cases(&cases, Sections::CauseSolution);
    let text = tokenizer.to_json().unwrap();
    let beside = [("tokenizer.json", text.as_bytes())];
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model");
    directory::save(&decoder, &config, Dtype::F32, &beside, &path).unwrap();
    let directory = directory::ModelDirectory::open(&path).unwrap();
    let precision = Precision::default();
    let engine = Engine::<Flex>::new(&directory, tokenizer, Some(manifest), MODEL, precision, &FlexDevice);
    Box::new(engine.unwrap())
}

pub(crate) fn service() -> Router {
    service_with(|_| {})
}

/// A service whose settings were changed.
pub(crate) fn service_with(change: impl FnOnce(&mut Settings)) -> Router {
    let mut settings = Settings::default();
    change(&mut settings);
    router(engine(), settings).unwrap()
}

pub(crate) fn diagnose(body: impl Into<Body>) -> Request<Body> {
    post("/v1/diagnose", body)
}

pub(crate) fn post(path: &str, body: impl Into<Body>) -> Request<Body> {
    Request::post(path).body(body.into()).unwrap()
}

pub(crate) fn get(path: &str) -> Request<Body> {
    Request::get(path).body(Body::empty()).unwrap()
}

/// Status and body of an answer.
pub(crate) async fn ask(service: &Router, request: Request<Body>) -> (StatusCode, Vec<u8>) {
    let answer = service.clone().oneshot(request).await.unwrap();
    let status = answer.status();
    (status, to_bytes(answer.into_body(), 1 << 22).await.unwrap().to_vec())
}

/// Status and body of an answer that must be JSON.
pub(crate) async fn json_of(service: &Router, request: Request<Body>) -> (StatusCode, Value) {
    let (status, body) = ask(service, request).await;
    let text = String::from_utf8_lossy(&body);
    (status, serde_json::from_str(&text).unwrap_or_else(|error| panic!("{status} {text}: {error}")))
}

/// The message of an answer that must be a failure of this kind.
pub(crate) async fn failure(
    service: &Router,
    body: impl Into<Body>,
    status: StatusCode,
    kind: &str,
) -> String {
    let (found, body) = json_of(service, diagnose(body)).await;
    assert_eq!(found, status, "{body}");
    assert_eq!(body["error"]["kind"], kind, "{body}");
    body["error"]["message"].as_str().unwrap().to_owned()
}
