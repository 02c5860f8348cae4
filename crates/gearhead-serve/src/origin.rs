//! Who may ask from a browser. A page of another site can send requests to a service on the same machine without anyone
//! noticing, and by a name that leads there even read the answers: both are refused.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use tower_http::cors::{AllowOrigin, CorsLayer};

use crate::{
    App,
    error::{Error, Result},
    failure::Failure,
};

/// Which pages of other sites may ask, and whether only names of this machine are answered to.
#[derive(Debug, Clone, Default)]
pub struct Origins {
    allowed: Vec<HeaderValue>,
    only_local_names: bool,
}

impl Origins {
    /// Pages of these sites may ask; `only_local_names` is for a service that anyone on this machine may ask without a key.
    ///
    /// # Errors
    ///
    /// One of them is no origin.
    pub fn new(allowed: &[String], only_local_names: bool) -> Result<Self> {
        let parse = |origin: &String| {
            let uri: Option<Uri> = origin.parse().ok();
            let is_origin = uri.is_some_and(|uri| {
                uri.scheme().is_some()
                    && uri.authority().is_some()
                    && uri.path() == "/"
                    && !origin.ends_with('/')
            });
            let value = HeaderValue::from_str(origin).ok().filter(|_| is_origin);
            value.ok_or_else(|| Error::Origin { origin: origin.clone() })
        };
        Ok(Self { allowed: allowed.iter().map(parse).collect::<Result<_>>()?, only_local_names })
    }

    /// The headers that let pages of the allowed sites read answers; none, where no site is allowed.
    pub(crate) fn cors(&self) -> CorsLayer {
        if self.allowed.is_empty() {
            return CorsLayer::new();
        }
        CorsLayer::new()
            .allow_origin(AllowOrigin::list(self.allowed.clone()))
            .allow_methods([Method::GET, Method::POST, Method::DELETE])
            .allow_headers([header::AUTHORIZATION, header::CONTENT_TYPE, header::ACCEPT])
    }

    fn allow(&self, headers: &HeaderMap) -> bool {
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
        if self.only_local_names && host.is_some_and(|host| !is_local(host)) {
            return false;
        }
        let Some(origin) = headers.get(header::ORIGIN) else { return true };
        let own = origin.to_str().ok().and_then(|origin| origin.split_once("://")).map(|(_, host)| host);
        self.allowed.contains(origin) || (own.is_some() && own == host)
    }
}

/// Whether a host with or without a port can only mean this machine.
fn is_local(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let address = name.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
    name.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

/// Refuses what a page of a site that is not allowed sends.
pub(crate) async fn check(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    if app.settings.origins.allow(request.headers()) {
        return next.run(request).await;
    }
    let message = "pages of this site, or requests by this name, are not allowed: see --allow-origin";
    Failure::new(StatusCode::FORBIDDEN, "origin", message).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(host: &str, origin: Option<&str>) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, host.parse().unwrap());
        if let Some(origin) = origin {
            headers.insert(header::ORIGIN, origin.parse().unwrap());
        }
        headers
    }

    #[test]
    fn only_the_own_page_and_allowed_ones_ask() {
        let origins = Origins::new(&["https://shop.example".to_owned()], true).unwrap();
        for (host, origin, is_allowed) in [
            ("127.0.0.1:8080", None, true),
            ("localhost:8080", Some("http://localhost:8080"), true),
            ("[::1]:8080", Some("https://shop.example"), true),
            ("127.0.0.1:8080", Some("http://evil.example"), false),
            ("127.0.0.1:8080", Some("http://localhost:8080"), false),
            ("127.0.0.1:8080", Some("null"), false),
            ("evil.example:8080", None, false),
            ("127.0.0.1.evil.example", None, false),
        ] {
            assert_eq!(origins.allow(&headers(host, origin)), is_allowed, "{host} {origin:?}");
        }
        assert!(Origins::default().allow(&headers("workshop:8080", None)));
    }

    #[test]
    fn what_is_no_origin_is_refused() {
        for origin in ["*", "shop.example", "https://shop.example/", "https://shop.example/page", "https://"]
        {
            assert!(Origins::new(&[origin.to_owned()], false).is_err(), "{origin}");
        }
    }
}
