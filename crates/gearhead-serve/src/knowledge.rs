//! `GET /v1/knowledge…`: what the engine goes by.

use std::sync::Arc;

use axum::{Json, extract::State};
use gearhead_data::{
    knowledge::{Card, Machine},
    severity::Severity,
    system::System,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    App,
    address::{Place, Query},
    failure::Failure,
};

/// `GET /v1/knowledge`
pub(crate) async fn summary(State(app): State<Arc<App>>) -> Json<Value> {
    let knowledge = &app.model.knowledge;
    Json(json!({
        "version": knowledge.version(),
        "cards": knowledge.cards().len(),
        "machines": knowledge.machines().len(),
        "systems": System::ALL,
    }))
}

#[derive(Debug, Deserialize)]
pub(crate) struct Wanted {
    system: Option<System>,
    /// A machine: only cards of faults that it can have.
    equipment: Option<String>,
}

/// A card in a list, as `gearhead knowledge list --json` has it.
#[derive(Debug, Serialize)]
pub(crate) struct Entry {
    id: String,
    system: System,
    title: String,
    severity: Severity,
    verified: bool,
    own: bool,
}

/// `GET /v1/knowledge/cards`
pub(crate) async fn cards(State(app): State<Arc<App>>, Query(wanted): Query<Wanted>) -> Json<Vec<Entry>> {
    let knowledge = &app.model.knowledge;
    let cards = knowledge.cards_for(wanted.equipment.as_deref().unwrap_or_default());
    let cards = cards.into_iter().filter(|card| wanted.system.is_none_or(|system| card.system == system));
    let entry = |card: &Card| Entry {
        id: card.id.clone(),
        system: card.system,
        title: card.title.clone(),
        severity: card.severity,
        verified: card.verified,
        own: knowledge.is_own(&card.id),
    };
    Json(cards.map(entry).collect())
}

/// `GET /v1/knowledge/cards/{id}`
pub(crate) async fn card(
    State(app): State<Arc<App>>,
    Place(id): Place<String>,
) -> Result<Json<Card>, Failure> {
    let card = app.model.knowledge.card(&id).cloned();
    card.map(Json).ok_or_else(|| Failure::not_found(format!("there is no card `{id}`")))
}

/// `GET /v1/knowledge/machines`
pub(crate) async fn machines(State(app): State<Arc<App>>) -> Json<Vec<Machine>> {
    Json(app.model.knowledge.machines().to_vec())
}
