//! One case and many.

use axum::{
    body::{Body, to_bytes},
    http::{Request, StatusCode, header},
};
use futures_util::StreamExt;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::service::{ask, diagnose, failure, json_of, service};

const GOOD: &str = r#"{"equipment": "Caterpillar 320 Excavator", "symptom": "Loses power under load", "error_codes": ["P0087"]}"#;

#[tokio::test]
async fn a_good_case_gets_its_report() {
    let service = service();
    let body = json!({
        "equipment": "Caterpillar 320 Excavator",
        "symptom": "Loses power under load",
        "error_codes": ["P0087"],
        "serial": "ABC1",
    });
    let (status, report) = json_of(&service, diagnose(body.to_string())).await;
    assert_eq!(status, StatusCode::OK, "{report}");
    assert_eq!(report["case"], body);
    assert_eq!(report["codes"][0]["code"], "P0087");
    let causes = report["causes"].as_array().unwrap();
    assert!(!causes.is_empty());
    assert!(causes.iter().all(|cause| cause["probability"].as_f64().unwrap() > 0.0));
    // A second request finds the engine still there.
    let second = json_of(&service, diagnose(body.to_string())).await;
    assert_eq!(second, (StatusCode::OK, report));
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
    let message = failure(&service(), body, StatusCode::BAD_REQUEST, "bad_request").await;
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

/// Names and data of the events of a stream.
fn events(text: &str) -> Vec<(String, Value)> {
    let event = |block: &str| {
        let field = |name: &str| {
            let line = block.lines().find_map(|line| line.strip_prefix(name));
            line.unwrap_or_default().trim().to_owned()
        };
        (field("event:"), serde_json::from_str(&field("data:")).unwrap())
    };
    text.split("\n\n").filter(|block| !block.is_empty()).map(event).collect()
}

#[tokio::test]
async fn stages_come_before_the_report_and_say_the_same() {
    let service = service();
    let answer = service.clone().oneshot(streamed(GOOD)).await.unwrap();
    assert_eq!(answer.headers()[header::CONTENT_TYPE], "text/event-stream");
    let body = to_bytes(answer.into_body(), 1 << 20).await.unwrap();
    let events = events(std::str::from_utf8(&body).unwrap());
    let names: Vec<&str> = events.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!((names[0], names[1], names[2]), ("read", "ranked", "wrote"));
    assert_eq!(names.last(), Some(&"report"), "nothing is kept without a store");
    let (status, whole) = json_of(&service, diagnose(GOOD)).await;
    assert_eq!((status, &whole), (StatusCode::OK, &events.last().unwrap().1));
    let (ranked, shown) = (events[1].1["causes"].as_array().unwrap(), whole["causes"].as_array().unwrap());
    assert_eq!(ranked.len(), shown.len());
    for (ranked, shown) in ranked.iter().zip(shown) {
        assert_eq!((&ranked["cause"], &ranked["probability"]), (&shown["cause"], &shown["probability"]));
    }
    let written = events.iter().filter(|(name, data)| name == "wrote" && data["part"] == "solution");
    let written: String = written.map(|(_, data)| data["text"].as_str().unwrap()).collect();
    assert_eq!(written.trim(), whole["solution"]);
}

#[tokio::test]
async fn a_result_of_a_test_ranks_anew_and_is_no_part_of_the_case() {
    let service = service();
    let (_, before) = json_of(&service, diagnose(GOOD)).await;
    // A result that points at one of the causes that are shown.
    let causes = before["causes"].as_array().unwrap();
    let is_shown = |outcome: &Value| causes.iter().any(|cause| cause["fault"] == outcome["points_to"]);
    let found = before["tests"].as_array().unwrap().iter().find_map(|test| {
        let outcomes = test["outcomes"].as_array()?;
        Some((test, outcomes.iter().position(is_shown)?))
    });
    let (test, outcome) = found.unwrap();
    let fault = test["outcomes"][outcome]["points_to"].clone();
    let mut body: Value = serde_json::from_str(GOOD).unwrap();
    body["found"] = json!([{"fault": test["fault"], "test": test["number"], "outcome": outcome}]);
    let (status, after) = json_of(&service, diagnose(body.to_string())).await;
    assert_eq!(status, StatusCode::OK, "{after}");
    let of = |report: &Value| {
        let causes = report["causes"].as_array().unwrap();
        causes.iter().find(|it| it["fault"] == fault).map_or(0.0, |it| it["probability"].as_f64().unwrap())
    };
    assert!(of(&after) > of(&before), "{} against {}", of(&after), of(&before));
    assert_eq!(after["case"], before["case"]);
    body["found"] = json!([{"fault": "no_such_card", "test": 0, "outcome": 0}]);
    let status = StatusCode::UNPROCESSABLE_ENTITY;
    let message = failure(&service, body.to_string(), status, "unknown_finding").await;
    assert_eq!(message, "no_such_card: no test 0 with a result 0");
    body["found"] = json!("all");
    failure(&service, body.to_string(), StatusCode::BAD_REQUEST, "bad_case").await;
}

#[tokio::test]
async fn a_batch_has_an_answer_for_every_line_in_order() {
    let service = service();
    let batch = format!("{GOOD}\n\n{{\"equipment\": 3}}\nnonsense\n{}\n", GOOD.replace("320", "330"));
    let request = Request::post("/v1/diagnose/batch").body(Body::from(batch)).unwrap();
    let (status, body) = ask(&service, request).await;
    assert_eq!(status, StatusCode::OK);
    let lines: Vec<Value> =
        std::str::from_utf8(&body).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 4);
    assert_eq!(lines[0], json_of(&service, diagnose(GOOD)).await.1);
    assert_eq!(lines[1]["error"]["line"], 3);
    assert_eq!(lines[1]["error"]["kind"], "bad_case");
    assert!(lines[2]["error"]["message"].as_str().unwrap().starts_with("not valid JSON: "));
    assert_eq!(lines[3]["case"]["equipment"], "Caterpillar 330 Excavator");
    let empty = Request::post("/v1/diagnose/batch").body(Body::from(" \n")).unwrap();
    assert_eq!(ask(&service, empty).await.0, StatusCode::BAD_REQUEST);
}

/// Asks for the events of a diagnosis.
fn streamed(case: &str) -> Request<Body> {
    let request = Request::post("/v1/diagnose").header(header::ACCEPT, "text/event-stream");
    request.body(Body::from(case.to_owned())).unwrap()
}

#[tokio::test]
async fn clients_that_are_answered_together_get_what_they_get_alone_though_one_leaves() {
    let service = service();
    let symptoms = ["Loses power under load", "cranks slowly", "how do I bypass the seat switch", "smoke"];
    let case = |symptom: &str| json!({"equipment": "CAT 320", "symptom": symptom}).to_string();
    let mut alone = Vec::new();
    for symptom in symptoms {
        alone.push(json_of(&service, diagnose(case(symptom))).await.1);
    }
    let whole = symptoms.map(|symptom| {
        let service = service.clone();
        tokio::spawn(async move { json_of(&service, diagnose(case(symptom))).await.1 })
    });
    let stream = symptoms.map(|symptom| {
        let service = service.clone();
        tokio::spawn(async move {
            let body = ask(&service, streamed(&case(symptom))).await.1;
            events(std::str::from_utf8(&body).unwrap()).pop().unwrap()
        })
    });
    // This one leaves when its causes are ranked.
    let answer = service.clone().oneshot(streamed(&case("engine overheats"))).await.unwrap();
    let mut body = answer.into_body().into_data_stream();
    let mut seen = String::new();
    while !seen.contains("event: ranked") {
        seen.push_str(std::str::from_utf8(&body.next().await.unwrap().unwrap()).unwrap());
    }
    assert!(!seen.contains("event: report"));
    drop(body);
    for (whole, alone) in whole.into_iter().zip(&alone) {
        assert_eq!(&whole.await.unwrap(), alone);
    }
    for (stream, alone) in stream.into_iter().zip(&alone) {
        assert_eq!(stream.await.unwrap(), ("report".to_owned(), alone.clone()));
    }
}
