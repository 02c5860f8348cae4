//! What an address says; where that is wrong, the answer is JSON as every other.

use std::sync::Arc;

use axum::{
    extract::{self, FromRequestParts},
    http::request::Parts,
};
use serde::de::DeserializeOwned;

use crate::{App, failure::Failure};

/// What stands in the path of an address.
pub(crate) struct Place<T>(pub(crate) T);

impl<T: DeserializeOwned + Send> FromRequestParts<Arc<App>> for Place<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Failure> {
        let place = extract::Path::from_request_parts(parts, app).await;
        place.map(|extract::Path(place)| Self(place)).map_err(|error| Failure::bad_request(error.body_text()))
    }
}

/// What stands behind the question mark of an address.
pub(crate) struct Query<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequestParts<Arc<App>> for Query<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Failure> {
        let query = extract::Query::from_request_parts(parts, app).await;
        query
            .map(|extract::Query(query)| Self(query))
            .map_err(|error| Failure::bad_request(error.body_text()))
    }
}
