//! `/v1/history`: diagnoses that were made.

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode};
use serde::{Deserialize, Serialize};

use crate::{
    App,
    address::{Place, Query},
    failure::Failure,
    store::{Entry, Kept, Store},
};

#[derive(Debug, Deserialize)]
pub(crate) struct Wanted {
    /// Only diagnoses with a smaller number.
    before: Option<i64>,
    limit: Option<u32>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Page {
    /// Whether new diagnoses are kept.
    is_kept: bool,
    diagnoses: Vec<Entry>,
}

/// The store, where there is one.
pub(crate) fn store(app: &App) -> Result<&Store, Failure> {
    let missing = "nothing is kept: the service runs without a store";
    app.settings.store.as_ref().ok_or_else(|| Failure::new(StatusCode::NOT_FOUND, "no_store", missing))
}

fn unknown(id: i64) -> Failure {
    Failure::not_found(format!("there is no diagnosis {id}"))
}

/// `GET /v1/history`
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    Query(wanted): Query<Wanted>,
) -> Result<Json<Page>, Failure> {
    let limit = wanted.limit.unwrap_or(50).min(500);
    let diagnoses = store(&app)?.list(wanted.before, limit).await?;
    Ok(Json(Page { is_kept: app.settings.keeps_history, diagnoses }))
}

/// `GET /v1/history/{id}`
pub(crate) async fn show(State(app): State<Arc<App>>, Place(id): Place<i64>) -> Result<Json<Kept>, Failure> {
    let kept = store(&app)?.show(id).await?;
    kept.map(Json).ok_or_else(|| unknown(id))
}

/// `DELETE /v1/history/{id}`
pub(crate) async fn forget(
    State(app): State<Arc<App>>,
    Place(id): Place<i64>,
) -> Result<StatusCode, Failure> {
    let was_there = store(&app)?.forget(id).await?;
    if was_there { Ok(StatusCode::NO_CONTENT) } else { Err(unknown(id)) }
}
