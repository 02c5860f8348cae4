//! The routes, asked without a network.
#![cfg(feature = "flex")]
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

use std::sync::{
    Arc, Mutex,
    mpsc::{Receiver, Sender, channel},
};

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Request, StatusCode, header},
};
use burn::backend::{Flex, flex::FlexDevice};
use gearhead_data::{
    case::Case,
    generate::{GenerateConfig, generate},
    knowledge::KnowledgeBase,
    likeness::Linear,
    manifest::{MANIFEST, Manifest},
    prompt::{Sections, texts},
    tokenizer::Tokenizer,
};
use gearhead_infer::{
    Diagnose, Engine, Error, Report,
    decode::Continuation,
    engine::{Finding, Scored},
    report::ModelAnswer,
    sampling::Sampling,
};
use gearhead_model::{Decoder, Dtype, ModelConfig, Precision, directory};
use gearhead_serve::router;
use serde_json::{Value, json};
use tower::ServiceExt;

/// A service over a tiny model with random weights.
fn service() -> Router {
    let cases = generate(KnowledgeBase::builtin(), &GenerateConfig::new(40, 5)).unwrap().train;
    let tokenizer =
        Tokenizer::train(cases.iter().flat_map(texts).collect::<Vec<_>>().iter(), 300, 2).unwrap();
    let config = ModelConfig {
        d_model: 32,
        n_layers: 1,
        d_ff: 48,
        max_seq_len: 400,
        ..ModelConfig::new(tokenizer.vocab_size())
    };
    let decoder = Decoder::<Flex>::init(&config, 5, &FlexDevice).unwrap();
    let manifest = serde_json::to_vec(&Manifest::of_cases(&cases, Sections::CauseSolution)).unwrap();
    let tokenizer = tokenizer.to_json().unwrap();
    let beside = [("tokenizer.json", tokenizer.as_bytes()), (MANIFEST, manifest.as_slice())];
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model");
    directory::save(&decoder, &config, Dtype::F32, &beside, &path).unwrap();
    router(Box::new(Engine::<Flex>::open(&path, Precision::default(), &FlexDevice).unwrap())).unwrap()
}

fn diagnose(body: impl Into<Body>) -> Request<Body> {
    Request::post("/v1/diagnose").body(body.into()).unwrap()
}

/// Status and body of an answer.
async fn ask(service: &Router, request: Request<Body>) -> (StatusCode, Vec<u8>) {
    let answer = service.clone().oneshot(request).await.unwrap();
    let status = answer.status();
    (status, to_bytes(answer.into_body(), 1 << 20).await.unwrap().to_vec())
}

/// The message of an answer that must be a failure of this kind.
async fn failure(service: &Router, body: impl Into<Body>, status: StatusCode, kind: &str) -> String {
    let (found, body) = ask(service, diagnose(body)).await;
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(found, status, "{body}");
    assert_eq!(body["error"]["kind"], kind, "{body}");
    body["error"]["message"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_good_case_gets_its_report() {
    let service = service();
    let body = json!({
        "equipment": "Caterpillar 320 Excavator",
        "symptom": "Loses power under load",
        "error_codes": ["P0087"],
        "serial": "ABC1",
    });
    let (status, report) = ask(&service, diagnose(body.to_string())).await;
    let report: Value = serde_json::from_slice(&report).unwrap();
    assert_eq!(status, StatusCode::OK, "{report}");
    assert_eq!(report["case"], body);
    assert_eq!(report["codes"][0]["code"], "P0087");
    let causes = report["causes"].as_array().unwrap();
    assert!(!causes.is_empty());
    assert!(causes.iter().all(|cause| cause["probability"].as_f64().unwrap() > 0.0));
    // A second request finds the engine still there.
    let (again, second) = ask(&service, diagnose(body.to_string())).await;
    assert_eq!((again, serde_json::from_slice::<Value>(&second).unwrap()), (StatusCode::OK, report));
}

#[tokio::test]
async fn what_is_wrong_with_a_case_is_named() {
    let service = service();
    for (body, named) in [
        (r#"{"equipment": "CAT 320"}"#, "`symptom` is missing"),
        (r#"{"equipment": "CAT 320", "symptom": "  "}"#, "`symptom` is empty"),
        (r#"{"equipment": 3, "symptom": "low power"}"#, "`equipment` must be a string, found a number"),
        (
            r#"{"equipment": "CAT 320", "symptom": "x", "error_codes": [87]}"#,
            "`error_codes` must be a list of strings, found a number",
        ),
        ("[]", "a case must be a JSON object, found a list"),
    ] {
        assert_eq!(failure(&service, body, StatusCode::BAD_REQUEST, "bad_case").await, named);
    }
    for body in ["", "{", "not json"] {
        let message = failure(&service, body, StatusCode::BAD_REQUEST, "bad_case").await;
        assert!(message.starts_with("not valid JSON: "), "{body:?}: {message}");
    }
}

#[tokio::test]
async fn bytes_that_are_no_text_are_refused() {
    let body = b"{\"equipment\": \"CAT \xff\"}".to_vec();
    let message = failure(&service(), body, StatusCode::BAD_REQUEST, "bad_case").await;
    assert!(message.to_lowercase().contains("utf-8"), "{message}");
}

#[tokio::test]
async fn a_case_that_does_not_fit_the_model_is_told_so() {
    let body = json!({"equipment": "CAT 320", "symptom": "no power ".repeat(500)}).to_string();
    let message = failure(&service(), body, StatusCode::UNPROCESSABLE_ENTITY, "bad_case").await;
    assert!(message.contains("tokens, but the model takes"), "{message}");
}

#[tokio::test]
async fn a_body_beyond_any_case_is_refused_as_json() {
    let body = json!({"equipment": "CAT 320", "symptom": "x".repeat(3_000_000)}).to_string();
    failure(&service(), body, StatusCode::PAYLOAD_TOO_LARGE, "too_large").await;
}

#[tokio::test]
async fn health_and_methods() {
    let service = service();
    let get = |path: &str| Request::get(path).body(Body::empty()).unwrap();
    assert_eq!(ask(&service, get("/healthz")).await, (StatusCode::OK, b"ok".to_vec()));
    assert_eq!(ask(&service, get("/v1/diagnose")).await.0, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(ask(&service, get("/nothing")).await.0, StatusCode::NOT_FOUND);
}

/// An engine that says when it begins a case, and does not finish it before it is told to.
struct Slow {
    begun: Sender<()>,
    go_on: Mutex<Receiver<()>>,
}

impl Diagnose for Slow {
    fn diagnose_after(&self, _: &Case, _: &[Finding]) -> Result<Report, Error> {
        self.begun.send(()).unwrap();
        self.go_on.lock().unwrap().recv().unwrap();
        Err(Error::EmptyPrompt)
    }

    fn score_causes(&self, _: &Case) -> Result<Vec<Scored>, Error> {
        unreachable!("the service only diagnoses")
    }

    fn generate(
        &self,
        _: &[u32],
        _: usize,
        _: &Sampling,
        _: &mut dyn FnMut(u32),
    ) -> Result<Continuation, Error> {
        unreachable!("the service only diagnoses")
    }

    fn generate_many(
        &self,
        _: &[Vec<u32>],
        _: usize,
        _: &Sampling,
        _: usize,
        _: &mut dyn FnMut(usize, u32),
    ) -> Result<Vec<Result<Continuation, Error>>, Error> {
        unreachable!("the service only diagnoses")
    }

    fn log_probs(&self, _: &[u32]) -> Result<Vec<Option<f32>>, Error> {
        unreachable!("the service only diagnoses")
    }

    fn tokenizer(&self) -> &Tokenizer {
        unreachable!("the service only diagnoses")
    }

    fn manifest(&self) -> Option<&Manifest> {
        None
    }

    fn knowledge(&self) -> &KnowledgeBase {
        KnowledgeBase::builtin()
    }

    fn answer_alone(&self, _: &Case) -> Result<ModelAnswer, Error> {
        unreachable!("the service only diagnoses")
    }

    fn familiarity(&self, _: &Case) -> f32 {
        unreachable!("the service only diagnoses")
    }

    fn set_linear(&mut self, _: Linear) -> Result<(), Error> {
        unreachable!("the service only diagnoses")
    }

    fn set_past_cases(&mut self, _: Vec<Case>) {
        unreachable!("the service only diagnoses")
    }

    fn set_knowledge(&mut self, _: Arc<KnowledgeBase>) -> Result<(), Error> {
        unreachable!("the service only diagnoses")
    }

    fn name(&self) -> &'static str {
        "slow"
    }
}

#[tokio::test]
async fn a_full_queue_is_told_at_once_and_the_rest_is_answered() {
    const GOOD: &str = r#"{"equipment": "CAT 320", "symptom": "low power"}"#;
    let ((begun, has_begun), (go, go_on)) = (channel(), channel());
    let service = router(Box::new(Slow { begun, go_on: Mutex::new(go_on) })).unwrap();
    let send = || tokio::spawn(service.clone().oneshot(diagnose(GOOD)));
    let mut waiting = vec![send()];
    // The first case is under way; 64 more wait.
    while has_begun.try_recv().is_err() {
        tokio::task::yield_now().await;
    }
    waiting.extend((0..64).map(|_| send()));
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    let refused = send();
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert!(refused.is_finished(), "the service makes a client wait that it should turn away");
    let refused = refused.await.unwrap().unwrap();
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused.headers()[header::RETRY_AFTER], "1");
    assert_eq!(refused.headers()[header::CONTENT_TYPE], "application/json");
    for _ in &waiting {
        go.send(()).unwrap();
    }
    for answer in waiting {
        assert_eq!(answer.await.unwrap().unwrap().status(), StatusCode::UNPROCESSABLE_ENTITY);
    }
}
