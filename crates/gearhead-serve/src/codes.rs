//! `POST /v1/codes` and `POST /v1/codes/log`: what fault codes mean, typed or out of a log.

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode};
use gearhead_data::{
    case::MAX_FIELD_CHARS,
    code::{Decoded, Observation, observations, parse_list},
    fault_log::{DecodedLogCode, FaultLog, complaint},
    telematics::Machine,
};
use serde::{Deserialize, Serialize};

use crate::{
    App,
    body::{Json as Body, Upload},
    failure::Failure,
};

/// Codes as they are written, in one text or a list of texts.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Written {
    One(String),
    Many(Vec<String>),
}

#[derive(Debug, Deserialize)]
pub(crate) struct Codes {
    codes: Written,
}

/// What codes mean, each and together.
#[derive(Debug, Serialize)]
pub(crate) struct Meanings {
    codes: Vec<Decoded>,
    observations: Vec<Observation>,
}

pub(crate) async fn decode(
    State(app): State<Arc<App>>,
    Body(body): Body<Codes>,
) -> Result<Json<Meanings>, Failure> {
    let written = match &body.codes {
        Written::One(text) => std::slice::from_ref(text),
        Written::Many(texts) => texts,
    };
    let chars: usize = written.iter().map(|text| text.chars().count()).sum();
    if chars > MAX_FIELD_CHARS {
        let message = format!("`codes` has {chars} characters, at most {MAX_FIELD_CHARS} are taken");
        return Err(Failure::bad_request(message));
    }
    let table = app.model.knowledge.codes();
    let codes = written.iter().flat_map(|text| parse_list(text));
    let codes: Vec<Decoded> = codes.map(|code| table.decode(&code)).collect();
    Ok(Json(Meanings { observations: observations(&codes), codes }))
}

/// What a log holds, and the fields of the case that it makes.
#[derive(Debug, Serialize)]
pub(crate) struct LogCodes {
    codes: Vec<DecodedLogCode>,
    /// Names of the machines that have a fault, where the log says.
    machines: Vec<String>,
    /// As a case lists them.
    error_codes: Vec<String>,
    symptom: Option<String>,
    /// What in the log was not understood, and why there is no code where there is none.
    notes: Vec<String>,
}

/// What messages call the file, whose name the service does not know.
const LOG: &str = "the log";

pub(crate) async fn read_log(State(app): State<Arc<App>>, upload: Upload) -> Result<Json<LogCodes>, Failure> {
    // A long log takes seconds, in which this thread answers others.
    let read = tokio::task::spawn_blocking(move || {
        let Upload { bytes, place: _place } = upload;
        let log = FaultLog::from_reader(LOG, &bytes[..])
            .map_err(|error| Failure::new(StatusCode::BAD_REQUEST, "fault_log", error.to_string()))?;
        let codes = log.decode(app.model.knowledge.codes());
        let mut notes = log.notes();
        if codes.is_empty() {
            notes.push(log.why_empty());
        }
        Ok(LogCodes {
            machines: log.machines.iter().filter_map(Machine::name).collect(),
            error_codes: log.error_codes(),
            symptom: complaint(&codes),
            notes,
            codes,
        })
    });
    read.await.map_err(|_| Failure::internal())?.map(Json)
}
