//! `/v1/feedback`: what the technician found, as cases for the next training.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::IntoResponse,
};
use gearhead_data::case::{Case, parse_case};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::{App, body::Json as Body, failure::Failure, history::store};

/// What was found on a machine, of a diagnosis that was kept or of a case that is sent along.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Feedback {
    diagnosis: Option<i64>,
    case: Option<Map<String, Value>>,
    /// The id of a fault card, where it was one of them.
    fault: Option<String>,
    probable_cause: Option<String>,
    solution: Option<String>,
    #[serde(default)]
    diagnostic_steps: Vec<String>,
}

/// `POST /v1/feedback`
pub(crate) async fn take(
    State(app): State<Arc<App>>,
    Body(feedback): Body<Feedback>,
) -> Result<impl IntoResponse, Failure> {
    let store = store(&app)?;
    let mut feedback = feedback;
    let record = match (feedback.diagnosis, feedback.case.take()) {
        (Some(id), None) => {
            let case = store.case_of(id).await?;
            let unknown = || Failure::not_found(format!("there is no diagnosis {id}"));
            case.and_then(|case| case.as_object().cloned()).ok_or_else(unknown)?
        }
        (None, Some(case)) => case,
        _ => return Err(Failure::bad_request("feedback names either a `diagnosis` or a `case`")),
    };
    let case = with_findings(&app, record, feedback)?;
    let id = store.add_feedback(case).await?;
    Ok((StatusCode::CREATED, Json(json!({"feedback": id}))))
}

/// The case with what was found, checked as any record is.
fn with_findings(app: &App, mut record: Map<String, Value>, found: Feedback) -> Result<Case, Failure> {
    let bad_case = |message: String| Failure::new(StatusCode::BAD_REQUEST, "bad_case", message);
    let mut cause = found.probable_cause.filter(|cause| !cause.trim().is_empty());
    if let Some(id) = &found.fault {
        let card = app.model.knowledge.card(id);
        let card = card.ok_or_else(|| bad_case(format!("`fault`: there is no card `{id}`")))?;
        // What a technician writes without naming the cause would be learned as another cause.
        cause = Some(match cause {
            Some(text) if text.starts_with(&card.title) => text,
            Some(text) => format!("{}. {text}", card.title),
            None => format!("{}.", card.title),
        });
        record.insert("fault".to_owned(), id.as_str().into());
        record.insert("system".to_owned(), card.system.as_str().into());
    }
    let Some(cause) = cause else {
        return Err(bad_case("feedback says what it was: `fault`, `probable_cause` or both".to_owned()));
    };
    record.insert("probable_cause".to_owned(), cause.into());
    if let Some(solution) = found.solution.filter(|solution| !solution.trim().is_empty()) {
        record.insert("solution".to_owned(), solution.into());
    }
    if !found.diagnostic_steps.is_empty() {
        record.insert("diagnostic_steps".to_owned(), found.diagnostic_steps.into());
    }
    record.remove("found");
    let case = parse_case(&Value::Object(record).to_string()).map_err(|fault| bad_case(fault.to_string()))?;
    case.validate().map_err(|error| bad_case(error.to_string()))?;
    Ok(case)
}

/// `GET /v1/feedback`: all of it as cases, one a line, as `gearhead train` and `gearhead fit` read them.
pub(crate) async fn export(State(app): State<Arc<App>>) -> Result<impl IntoResponse, Failure> {
    let lines = store(&app)?.feedback().await?;
    Ok(([(header::CONTENT_TYPE, "application/x-ndjson")], lines))
}
