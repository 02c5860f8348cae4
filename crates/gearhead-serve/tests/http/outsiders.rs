//! Who gets nothing: clients with nearly a key, and pages of other sites where none is allowed.

use axum::{
    body::Body,
    http::{HeaderMap, Request, StatusCode, header},
};
use gearhead_serve::Keys;
use tower::ServiceExt;

use crate::service::{ask, get, service, service_with};

const KEYS: [&str; 2] = ["first-key-of-the-shop", "second-key-of-the-shop"];

#[tokio::test]
async fn nearly_a_key_is_no_key() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys");
    std::fs::write(&path, KEYS.join("\n")).unwrap();
    let service = service_with(|settings| settings.keys = Some(Keys::read(&path).unwrap()));
    let status = async |key: &str| {
        let mut request = get("/v1/knowledge");
        request.headers_mut().insert("x-api-key", key.parse().unwrap());
        ask(&service, request).await.0
    };
    for key in KEYS {
        assert_eq!(status(key).await, StatusCode::OK);
        for cut in 0..key.len() {
            assert_eq!(status(&key[..cut]).await, StatusCode::UNAUTHORIZED, "{cut} characters of a key");
        }
        // Enough others that a comparison of a byte of something would let one of them in.
        for number in 0..1_000 {
            for other in [format!("{key}{number}"), format!("{number}{key}")] {
                assert_eq!(status(&other).await, StatusCode::UNAUTHORIZED, "{other}");
            }
        }
    }
}

#[tokio::test]
async fn no_page_of_another_site_reads_answers_where_none_is_allowed() {
    let service = service();
    let headers = async |method: &str, path: &str| -> HeaderMap {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, "localhost:8080")
            .header(header::ORIGIN, "https://evil.example")
            .header(header::ACCESS_CONTROL_REQUEST_METHOD, "POST")
            .header(header::ACCESS_CONTROL_REQUEST_HEADERS, "content-type");
        service.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap().headers().clone()
    };
    for (method, path) in [("OPTIONS", "/v1/diagnose"), ("GET", "/v1/knowledge"), ("GET", "/healthz")] {
        let headers = headers(method, path).await;
        let allowed: Vec<_> =
            headers.keys().filter(|name| name.as_str().starts_with("access-control-")).collect();
        assert!(allowed.is_empty(), "{method} {path}: {allowed:?}");
    }
}
