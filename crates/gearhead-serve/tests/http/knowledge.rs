//! Codes, logs, cards and the page.

use axum::http::{StatusCode, header};
use gearhead_data::knowledge::KnowledgeBase;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::service::{MODEL, ask, get, json_of, post, service};

#[tokio::test]
async fn codes_are_decoded_from_a_text_or_a_list() {
    let service = service();
    for codes in [json!("P0087, SPN 157 FMI 18"), json!(["P0087", "SPN 157 FMI 18"])] {
        let body = json!({"codes": codes}).to_string();
        let (status, body) = json_of(&service, post("/v1/codes", body)).await;
        assert_eq!(status, StatusCode::OK);
        let names: Vec<&Value> = body["codes"].as_array().unwrap().iter().map(|it| &it["code"]).collect();
        assert_eq!(names, ["P0087", "SPN 157 FMI 18"]);
        assert!(body["observations"].is_array());
    }
    let too_long = json!({"codes": ["P0087 ".repeat(800), "P0088 ".repeat(800)]}).to_string();
    for body in [r#"{"codes": 3}"#, &too_long] {
        let (status, body) = json_of(&service, post("/v1/codes", body.to_owned())).await;
        assert_eq!((status, &body["error"]["kind"]), (StatusCode::BAD_REQUEST, &json!("bad_request")));
    }
}

#[tokio::test]
async fn a_log_becomes_codes_and_a_complaint() {
    let service = service();
    // DM1 of SPN 100 FMI 1, written down by candump.
    let log = "(1700000000.000000) can0 18FECA00#04FF640001010000\n";
    let (status, body) = json_of(&service, post("/v1/codes/log", log)).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    assert_eq!(body["error_codes"], json!(["SA0 SPN 100 FMI 1 OC 1"]));
    assert!(body["symptom"].is_string() && body["notes"] == json!([]));
    let (status, body) = json_of(&service, post("/v1/codes/log", "Dear colleague")).await;
    assert_eq!((status, &body["error"]["kind"]), (StatusCode::BAD_REQUEST, &json!("fault_log")));
}

#[tokio::test]
async fn cards_and_machines_are_those_of_the_engine() {
    let service = service();
    let knowledge = KnowledgeBase::builtin();
    let (_, summary) = json_of(&service, get("/v1/knowledge")).await;
    assert_eq!(summary["cards"], knowledge.cards().len());
    assert_eq!(summary["version"], knowledge.version());
    let (_, all) = json_of(&service, get("/v1/knowledge/cards")).await;
    assert_eq!(all.as_array().unwrap().len(), knowledge.cards().len());
    let (_, some) = json_of(&service, get("/v1/knowledge/cards?system=fuel&equipment=CAT%20320")).await;
    assert!(some.as_array().unwrap().iter().all(|card| card["system"] == "fuel"));
    let (_, card) = json_of(&service, get("/v1/knowledge/cards/water_in_fuel")).await;
    assert_eq!(card, serde_json::to_value(knowledge.card("water_in_fuel").unwrap()).unwrap());
    let (status, body) = json_of(&service, get("/v1/knowledge/cards/none")).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert_eq!(body["error"]["message"], "there is no card `none`");
    let (_, machines) = json_of(&service, get("/v1/knowledge/machines")).await;
    assert_eq!(machines.as_array().unwrap().len(), knowledge.machines().len());
    let (status, _) = ask(&service, get("/v1/knowledge/cards?system=soup")).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    let (_, models) = json_of(&service, get("/v1/models")).await;
    assert_eq!(models["data"][0]["id"], MODEL);
}

#[tokio::test]
async fn the_page_and_its_files_are_there_and_need_no_other_host() {
    let service = service();
    for (path, kind) in [
        ("/", "text/html; charset=utf-8"),
        ("/docs", "text/html; charset=utf-8"),
        ("/scripts/app.js", "text/javascript; charset=utf-8"),
        ("/scripts/report.js", "text/javascript; charset=utf-8"),
        ("/style.css", "text/css; charset=utf-8"),
        ("/icon.svg", "image/svg+xml"),
        ("/openapi.json", "application/json"),
    ] {
        let answer = service.clone().oneshot(get(path)).await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        assert_eq!(answer.headers()[header::CONTENT_TYPE], kind);
        let policy = answer.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("http"), "{policy}");
    }
}
