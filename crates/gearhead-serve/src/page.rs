//! The page and the description of the interface: files that are compiled in.

use axum::{
    extract::Request,
    http::{HeaderValue, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use crate::{address::Place, failure::Failure};

const INDEX: &str = include_str!("../page/index.html");
const STYLE: &str = include_str!("../page/style.css");
const ICON: &str = include_str!("../page/icon.svg");
const DOCS: &str = include_str!("../page/docs.html");
const OPENAPI: &str = include_str!("../openapi.json");

const SCRIPTS: [(&str, &str); 5] = [
    ("app.js", include_str!("../page/app.js")),
    ("docs.js", include_str!("../page/docs.js")),
    ("elements.js", include_str!("../page/elements.js")),
    ("report.js", include_str!("../page/report.js")),
    ("service.js", include_str!("../page/service.js")),
];

/// Only what this service sends may run or be shown in its page.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

fn file(kind: &'static str, text: &'static str) -> Response {
    // A new version of the program has new files under the same names.
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "no-cache")], text).into_response()
}

pub(crate) async fn index() -> Response {
    file("text/html; charset=utf-8", INDEX)
}

pub(crate) async fn docs() -> Response {
    file("text/html; charset=utf-8", DOCS)
}

pub(crate) async fn script(Place(name): Place<String>) -> Result<Response, Failure> {
    let script = SCRIPTS.iter().find(|(known, _)| *known == name);
    let (_, text) = script.ok_or_else(|| Failure::not_found(format!("there is no script `{name}`")))?;
    Ok(file("text/javascript; charset=utf-8", text))
}

pub(crate) async fn style() -> Response {
    file("text/css; charset=utf-8", STYLE)
}

pub(crate) async fn icon() -> Response {
    file("image/svg+xml", ICON)
}

pub(crate) async fn openapi() -> Response {
    file("application/json", OPENAPI)
}

/// Adds what tells a browser to trust nothing that this service did not send.
pub(crate) async fn with_safe_headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}
