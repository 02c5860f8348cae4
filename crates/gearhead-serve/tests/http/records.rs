//! Feedback and history.

use axum::{
    body::Body,
    http::{Request, StatusCode},
};
use gearhead_data::case::read_cases;
use gearhead_serve::Store;
use serde_json::{Value, json};
use tempfile::TempDir;
use tower::ServiceExt;

use crate::service::{ask, diagnose, get, json_of, post, service, service_with};

fn kept() -> (axum::Router, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().join("serve.db")).unwrap();
    (service_with(|settings| settings.store = Some(store)), folder)
}

fn case(equipment: &str) -> Value {
    json!({"equipment": equipment, "symptom": "Loses power under load", "error_codes": ["P0087"]})
}

/// The number under which a diagnosis was kept.
async fn number(service: &axum::Router, path: &str, body: &Value) -> String {
    let answer = service.clone().oneshot(post(path, body.to_string())).await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    answer.headers()["gearhead-diagnosis"].to_str().unwrap().to_owned()
}

fn forget(path: &str) -> Request<Body> {
    Request::delete(path).body(Body::empty()).unwrap()
}

#[tokio::test]
async fn diagnoses_are_kept_listed_shown_and_forgotten() {
    let (service, _folder) = kept();
    for (count, machine) in ["CAT 320", "CAT 330", "CAT 340"].into_iter().enumerate() {
        assert_eq!(number(&service, "/v1/diagnose", &case(machine)).await, (count + 1).to_string());
    }
    let (_, list) = json_of(&service, get("/v1/history?limit=2")).await;
    let machines = |list: &Value| -> Vec<String> {
        let entries = list["diagnoses"].as_array().unwrap().iter();
        entries.map(|it| it["equipment"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(machines(&list), ["CAT 340", "CAT 330"]);
    assert_eq!(machines(&json_of(&service, get("/v1/history?before=2")).await.1), ["CAT 320"]);
    let (_, report) = json_of(&service, diagnose(case("CAT 320").to_string())).await;
    for wrong in ["/v1/history/one", "/v1/history?before=one", "/v1/knowledge/cards/%ff"] {
        let (status, body) = json_of(&service, get(wrong)).await;
        assert_eq!(
            (status, &body["error"]["kind"]),
            (StatusCode::BAD_REQUEST, &json!("bad_request")),
            "{wrong}"
        );
    }
    let (_, kept) = json_of(&service, get("/v1/history/1")).await;
    assert_eq!(kept["report"], report);
    assert_eq!(ask(&service, forget("/v1/history/1")).await.0, StatusCode::NO_CONTENT);
    for request in [forget("/v1/history/1"), get("/v1/history/1")] {
        let (status, body) = json_of(&service, request).await;
        assert_eq!(status, StatusCode::NOT_FOUND);
        assert_eq!(body["error"]["message"], "there is no diagnosis 1");
    }
}

#[tokio::test]
async fn a_diagnosis_takes_the_place_of_an_earlier_one_of_the_same_case_only() {
    let (service, _folder) = kept();
    number(&service, "/v1/diagnose", &case("CAT 320")).await;
    let mut with_result = case("CAT 320");
    with_result["found"] = json!([{"fault": "water_in_fuel", "test": 0, "outcome": 0}]);
    assert_eq!(number(&service, "/v1/diagnose?replaces=1", &with_result).await, "1");
    let (_, kept) = json_of(&service, get("/v1/history/1")).await;
    assert_eq!(kept["found"], with_result["found"]);
    assert_eq!(number(&service, "/v1/diagnose?replaces=1", &case("CAT 330")).await, "2");
}

#[tokio::test]
async fn feedback_comes_out_as_cases_that_can_be_trained_on() {
    let (service, folder) = kept();
    number(&service, "/v1/diagnose", &case("CAT 320")).await;
    let feedback = [
        json!({"diagnosis": 1, "fault": "water_in_fuel", "probable_cause": "A cup of water in the tank.",
            "solution": "Drained the tank."}),
        json!({"case": case("CAT 330"), "probable_cause": "Chafed harness", "diagnostic_steps": ["Wiggled it"]}),
    ];
    for (index, feedback) in feedback.iter().enumerate() {
        let (status, body) = json_of(&service, post("/v1/feedback", feedback.to_string())).await;
        assert_eq!((status, body), (StatusCode::CREATED, json!({"feedback": index + 1})));
    }
    let (_, lines) = ask(&service, get("/v1/feedback")).await;
    let file = folder.path().join("feedback.jsonl");
    std::fs::write(&file, lines).unwrap();
    let cases = read_cases(&file).unwrap();
    assert_eq!(cases[0].id.as_deref(), Some("feedback-1"));
    assert_eq!(cases[0].label().as_deref(), Some("water_in_fuel"));
    assert_eq!(cases[0].error_codes, ["P0087"]);
    let cause = cases[0].probable_cause.as_deref().unwrap();
    assert!(cause.ends_with(". A cup of water in the tank."), "{cause}");
    assert_eq!(cases[1].diagnostic_steps, ["Wiggled it"]);
    assert!(cases.iter().all(|case| case.has_target() && case.date.is_some()));
}

#[tokio::test]
async fn feedback_that_says_nothing_is_refused() {
    let (service, _folder) = kept();
    for (feedback, status, message) in [
        (json!({}), StatusCode::BAD_REQUEST, "feedback names either a `diagnosis` or a `case`"),
        (
            json!({"case": case("CAT 320")}),
            StatusCode::BAD_REQUEST,
            "feedback says what it was: `fault`, `probable_cause` or both",
        ),
        (
            json!({"case": case("CAT 320"), "fault": "gremlins"}),
            StatusCode::BAD_REQUEST,
            "`fault`: there is no card `gremlins`",
        ),
        (
            json!({"case": {"equipment": "CAT 320"}, "fault": "water_in_fuel"}),
            StatusCode::BAD_REQUEST,
            "`symptom` is missing",
        ),
        (json!({"diagnosis": 9, "fault": "water_in_fuel"}), StatusCode::NOT_FOUND, "there is no diagnosis 9"),
    ] {
        let (found, body) = json_of(&service, post("/v1/feedback", feedback.to_string())).await;
        assert_eq!((found, body["error"]["message"].as_str().unwrap()), (status, message));
    }
    assert_eq!(ask(&service, get("/v1/feedback")).await.1, b"");
}

#[tokio::test]
async fn nothing_is_kept_without_a_store_or_without_history() {
    let (status, body) = json_of(&service(), get("/v1/history")).await;
    assert_eq!((status, &body["error"]["kind"]), (StatusCode::NOT_FOUND, &json!("no_store")));
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().join("serve.db")).unwrap();
    let service = service_with(|settings| {
        settings.store = Some(store);
        settings.keeps_history = false;
    });
    let answer = service.clone().oneshot(diagnose(case("CAT 320").to_string())).await.unwrap();
    assert!(!answer.headers().contains_key("gearhead-diagnosis"));
    let (_, list) = json_of(&service, get("/v1/history")).await;
    assert_eq!(list, json!({"is_kept": false, "diagnoses": []}));
}

#[test]
fn a_file_that_is_no_store_of_this_version_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("serve.db");
    std::fs::write(&path, "not a database, though long enough to look at twice").unwrap();
    let message = Store::open(&path).unwrap_err().to_string();
    assert!(message.ends_with("serve.db: file is not a database"), "{message}");
    let other = folder.path().join("other.db");
    drop(Store::open(&other).unwrap());
    assert!(Store::open(&other).is_ok(), "it is opened again");
    let later = rusqlite::Connection::open(&other).unwrap();
    later.pragma_update(None, "user_version", 7).unwrap();
    let message = Store::open(&other).unwrap_err().to_string();
    assert!(message.ends_with("its layout is number 7, this program knows 1: it is of another version"));
}
