//! Who is let in, how many, and with how much.

use std::time::Duration;

use axum::{
    Router,
    http::{StatusCode, header},
};
use gearhead_serve::{Keys, Origins, router};
use serde_json::json;
use tower::ServiceExt;

use crate::{
    service::{ask, diagnose, get, json_of, post, service, service_with},
    slow::{Handle, Slow},
};

const GOOD: &str = r#"{"equipment": "CAT 320", "symptom": "low power"}"#;

async fn soon(is_so: impl Fn() -> bool) {
    for _ in 0..2_000 {
        if is_so() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("it did not come to be in 10 s");
}

fn slow_service(queue: usize, answer_time: Duration) -> (Router, Handle) {
    let (engine, handle) = Slow::engine();
    let mut settings = gearhead_serve::Settings::default();
    (settings.queue, settings.answer_time) = (queue, answer_time);
    (router(engine, settings).unwrap(), handle)
}

#[tokio::test]
async fn a_full_queue_is_told_at_once_and_the_rest_is_answered() {
    let (service, handle) = slow_service(4, Duration::from_mins(1));
    let send = || tokio::spawn(service.clone().oneshot(diagnose(GOOD)));
    let waiting: Vec<_> = (0..4).map(|_| send()).collect();
    soon(|| handle.begun.try_recv().is_ok()).await;
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
    assert_eq!(ask(&service, get("/readyz")).await.0, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(ask(&service, get("/healthz")).await.0, StatusCode::OK);
    for _ in &waiting {
        handle.go_on.send(()).unwrap();
    }
    for answer in waiting {
        assert_eq!(answer.await.unwrap().unwrap().status(), StatusCode::UNPROCESSABLE_ENTITY);
    }
    assert_eq!(ask(&service, get("/readyz")).await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_client_that_leaves_gives_its_place_back_and_is_not_worked_for() {
    let (service, handle) = slow_service(2, Duration::from_mins(1));
    let send = || tokio::spawn(service.clone().oneshot(diagnose(GOOD)));
    let first = send();
    soon(|| handle.begun.try_recv().is_ok()).await;
    let leaves = send();
    soon(|| !leaves.is_finished()).await;
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert_eq!(ask(&service, diagnose(GOOD)).await.0, StatusCode::TOO_MANY_REQUESTS);
    leaves.abort();
    let _ = leaves.await;
    let third = send();
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert!(!third.is_finished(), "its place was not given back");
    handle.go_on.send(()).unwrap();
    handle.go_on.send(()).unwrap();
    for answer in [first, third] {
        assert_eq!(answer.await.unwrap().unwrap().status(), StatusCode::UNPROCESSABLE_ENTITY);
    }
    assert_eq!(handle.begun.try_iter().count(), 1, "only the third was begun after the first");
}

#[tokio::test]
async fn an_answer_that_takes_too_long_is_given_up() {
    let (service, handle) = slow_service(2, Duration::from_millis(50));
    let (status, body) = json_of(&service, diagnose(GOOD)).await;
    assert_eq!((status, &body["error"]["kind"]), (StatusCode::GATEWAY_TIMEOUT, &json!("too_slow")));
    handle.go_on.send(()).unwrap();
}

#[tokio::test]
async fn keys_are_asked_for_where_there_are_any_and_for_what_they_guard() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys");
    std::fs::write(&path, "first-key-of-the-shop\nsecond-key-of-the-shop\n").unwrap();
    let service = service_with(|settings| settings.keys = Some(Keys::read(&path).unwrap()));
    let with = |name: &str, value: &str| {
        let mut request = get("/v1/knowledge");
        request.headers_mut().insert(header::HeaderName::try_from(name).unwrap(), value.parse().unwrap());
        request
    };
    for (request, status) in [
        (get("/v1/knowledge"), StatusCode::UNAUTHORIZED),
        (get("/metrics"), StatusCode::UNAUTHORIZED),
        (diagnose(GOOD), StatusCode::UNAUTHORIZED),
        (with("authorization", "Bearer second-key-of-the-shop"), StatusCode::OK),
        (with("authorization", "bearer first-key-of-the-shop"), StatusCode::OK),
        (with("x-api-key", "first-key-of-the-shop"), StatusCode::OK),
        (with("authorization", "Basic first-key-of-the-shop"), StatusCode::UNAUTHORIZED),
        (with("authorization", "Bearer first-key-of-the-sho"), StatusCode::UNAUTHORIZED),
        (get("/"), StatusCode::OK),
        (get("/healthz"), StatusCode::OK),
    ] {
        let path = request.uri().path().to_owned();
        assert_eq!(ask(&service, request).await.0, status, "{path}");
    }
}

#[tokio::test]
async fn pages_of_other_sites_ask_only_where_they_are_allowed() {
    let service = service_with(|settings| {
        settings.origins = Origins::new(&["https://shop.example".to_owned()], true).unwrap();
    });
    let from = |host: &str, origin: &str| {
        let mut request = diagnose(GOOD);
        request.headers_mut().insert(header::HOST, host.parse().unwrap());
        request.headers_mut().insert(header::ORIGIN, origin.parse().unwrap());
        request
    };
    let answer = service.clone().oneshot(from("localhost:8080", "https://shop.example")).await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(answer.headers()[header::ACCESS_CONTROL_ALLOW_ORIGIN], "https://shop.example");
    let evil = from("localhost:8080", "https://evil.example");
    assert_eq!(ask(&service, evil).await.0, StatusCode::FORBIDDEN);
    let rebound = from("evil.example:8080", "http://evil.example:8080");
    assert_eq!(ask(&service, rebound).await.0, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn larger_files_are_taken_where_files_are_meant() {
    let service = service_with(|settings| {
        (settings.max_body_bytes, settings.max_upload_bytes) = (200, 20_000);
    });
    let long = json!({"equipment": "CAT 320", "symptom": "x".repeat(300)}).to_string();
    let (status, body) = json_of(&service, diagnose(long.clone())).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(body["error"]["message"], "the request is larger than 200 bytes");
    assert_eq!(ask(&service, post("/v1/diagnose/batch", long)).await.0, StatusCode::OK);
    let log = post("/v1/codes/log", vec![b'x'; 20_001]);
    assert_eq!(ask(&service, log).await.0, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn health_methods_and_unknown_routes() {
    let service = service();
    assert_eq!(ask(&service, get("/healthz")).await, (StatusCode::OK, b"ok".to_vec()));
    assert_eq!(ask(&service, get("/readyz")).await, (StatusCode::OK, b"ok".to_vec()));
    let (status, body) = json_of(&service, get("/v1/diagnose")).await;
    assert_eq!((status, &body["error"]["kind"]), (StatusCode::METHOD_NOT_ALLOWED, &json!("method")));
    let (status, body) = json_of(&service, get("/nothing")).await;
    assert_eq!((status, &body["error"]["kind"]), (StatusCode::NOT_FOUND, &json!("not_found")));
}

#[tokio::test]
async fn what_is_measured_is_shown() {
    let service = service();
    ask(&service, diagnose(GOOD)).await;
    ask(&service, diagnose("{")).await;
    let text = json!({"prompt": "the pump", "max_tokens": 7, "temperature": 0}).to_string();
    ask(&service, post("/v1/completions", text)).await;
    let (status, body) = ask(&service, get("/metrics")).await;
    let text = String::from_utf8(body).unwrap();
    assert_eq!(status, StatusCode::OK);
    for line in [
        r#"gearhead_requests_total{route="/v1/diagnose",status="200"} 1"#,
        r#"gearhead_requests_total{route="/v1/diagnose",status="400"} 1"#,
        r#"gearhead_first_token_seconds_count{answer="Diagnosis"} 1"#,
        r#"gearhead_answer_seconds_count{answer="Text"} 1"#,
        "gearhead_queue_requests 0",
        "gearhead_queue_size 64",
        "gearhead_cache_tokens 0",
        "gearhead_cache_capacity_tokens 3200",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
    }
    assert!(text.ends_with("# EOF\n"));
}
