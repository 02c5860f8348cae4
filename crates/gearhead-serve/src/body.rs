//! Bodies of requests: within a size, within a time, and text.

use std::{error::Error, sync::Arc};

use axum::{
    body::{Bytes, to_bytes},
    extract::{FromRequest, Request},
    http::StatusCode,
};
use http_body_util::LengthLimitError;
use serde::de::DeserializeOwned;
use tokio::sync::OwnedSemaphorePermit;

use crate::{App, failure::Failure};

/// A body that is text.
pub(crate) struct Text(pub(crate) String);

/// A body that is JSON of a type.
pub(crate) struct Json<T>(pub(crate) T);

/// A whole file. Few may be in memory at once.
pub(crate) struct Upload {
    pub(crate) bytes: Bytes,
    pub(crate) place: OwnedSemaphorePermit,
}

async fn read(app: &App, request: Request, limit_bytes: usize) -> Result<Bytes, Failure> {
    let time = app.settings.request_time;
    match tokio::time::timeout(time, to_bytes(request.into_body(), limit_bytes)).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(error)) if is_too_large(&error) => {
            let message = format!("the request is larger than {limit_bytes} bytes");
            Err(Failure::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", message))
        }
        Ok(Err(_)) => Err(Failure::bad_request("the body did not come whole")),
        Err(_) => {
            let message = format!("the body did not come within {} s", time.as_secs());
            Err(Failure::new(StatusCode::REQUEST_TIMEOUT, "slow_request", message))
        }
    }
}

fn is_too_large(error: &axum::Error) -> bool {
    matches!(error.source(), Some(source) if source.is::<LengthLimitError>())
}

impl FromRequest<Arc<App>> for Text {
    type Rejection = Failure;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Failure> {
        let bytes = read(app, request, app.settings.max_body_bytes).await?;
        let text = String::from_utf8(bytes.into())
            .map_err(|error| Failure::bad_request(format!("the body is no text: {}", error.utf8_error())))?;
        if app.settings.logs_text {
            tracing::info!(body = text, "request");
        }
        Ok(Self(text))
    }
}

impl<T: DeserializeOwned> FromRequest<Arc<App>> for Json<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Failure> {
        let Text(text) = Text::from_request(request, app).await?;
        let value = serde_json::from_str(&text);
        Ok(Self(value.map_err(|error| Failure::bad_request(format!("the body: {error}")))?))
    }
}

impl FromRequest<Arc<App>> for Upload {
    type Rejection = Failure;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Failure> {
        let place = Arc::clone(&app.uploads).try_acquire_owned();
        let place = place.map_err(|_| Failure::busy(app.queue.retry_after_s()))?;
        Ok(Self { bytes: read(app, request, app.settings.max_upload_bytes).await?, place })
    }
}
