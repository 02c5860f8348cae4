//! Which route is answered by what, and what stands before all of them.

use std::sync::Arc;

use axum::{
    Router,
    http::StatusCode,
    middleware::{from_fn, from_fn_with_state, map_response},
    response::{IntoResponse, Response},
    routing::{MethodRouter, delete, get, post},
};
use gearhead_infer::Diagnose;

use crate::{
    App, Result, Settings, batch, codes, diagnose, failure::Failure, feedback, health, history, keys,
    knowledge, metrics, openai, origin, page,
};

type Route = MethodRouter<Arc<App>>;

/// Routes that a request needs a key for, where keys are asked for.
pub(crate) fn guarded() -> Vec<(&'static str, Route)> {
    vec![
        ("/v1/diagnose", post(diagnose::answer)),
        ("/v1/diagnose/batch", post(batch::answer)),
        ("/v1/codes", post(codes::decode)),
        ("/v1/codes/log", post(codes::read_log)),
        ("/v1/models", get(openai::models)),
        ("/v1/knowledge", get(knowledge::summary)),
        ("/v1/knowledge/cards", get(knowledge::cards)),
        ("/v1/knowledge/cards/{id}", get(knowledge::card)),
        ("/v1/knowledge/machines", get(knowledge::machines)),
        ("/v1/feedback", post(feedback::take).merge(get(feedback::export))),
        ("/v1/history", get(history::list)),
        ("/v1/history/{id}", get(history::show).merge(delete(history::forget))),
        ("/v1/completions", post(openai::completions)),
        ("/v1/chat/completions", post(openai::chat)),
        ("/metrics", get(metrics::show)),
    ]
}

/// Routes that say nothing but that the service is there, and the page, which asks for a key itself.
pub(crate) fn open() -> Vec<(&'static str, Route)> {
    vec![
        ("/healthz", get(health::alive)),
        ("/readyz", get(health::ready)),
        ("/openapi.json", get(page::openapi)),
        ("/docs", get(page::docs)),
        ("/", get(page::index)),
        ("/scripts/{name}", get(page::script)),
        ("/style.css", get(page::style)),
        ("/icon.svg", get(page::icon)),
    ]
}

/// The routes, with a thread for the engine behind them.
///
/// # Errors
///
/// The operating system gives no thread.
pub fn router(engine: Box<dyn Diagnose + Send>, settings: Settings) -> Result<Router> {
    let app = App::start(engine, settings)?;
    let add = |router: Router<Arc<App>>, (path, route): (&str, Route)| router.route(path, route);
    let guarded = guarded().into_iter().fold(Router::new(), add);
    let guarded = guarded.route_layer(from_fn_with_state(Arc::clone(&app), keys::require));
    let routes = open().into_iter().fold(guarded, add);
    Ok(routes
        .fallback(|| async { Failure::not_found("there is no such route: see /docs") })
        .layer(map_response(explained))
        .layer(from_fn_with_state(Arc::clone(&app), origin::check))
        .layer(app.settings.origins.cors())
        .layer(from_fn_with_state(Arc::clone(&app), metrics::count))
        .layer(from_fn(page::with_safe_headers))
        .with_state(app))
}

/// Says in words what the router says with a bare status.
async fn explained(response: Response) -> Response {
    if response.status() != StatusCode::METHOD_NOT_ALLOWED {
        return response;
    }
    let allowed = response.headers().get("allow").cloned();
    let message = "this route does not take this method: see /docs";
    let mut failure = Failure::new(StatusCode::METHOD_NOT_ALLOWED, "method", message).into_response();
    if let Some(allowed) = allowed {
        failure.headers_mut().insert("allow", allowed);
    }
    failure
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::*;

    #[test]
    fn the_document_describes_every_route_and_no_other() {
        let document: Value = serde_json::from_str(include_str!("../openapi.json")).unwrap();
        let paths = document["paths"].as_object().unwrap();
        let described: BTreeSet<&str> = paths.keys().map(String::as_str).collect();
        // Files of the page are for browsers.
        let page = ["/", "/docs", "/scripts/{name}", "/style.css", "/icon.svg"];
        let routes: Vec<_> = guarded().into_iter().chain(open()).collect();
        let served: BTreeSet<&str> =
            routes.iter().map(|(path, _)| *path).filter(|path| !page.contains(path)).collect();
        assert_eq!(described, served);
        for (path, route) in routes.iter().filter(|(path, _)| described.contains(path)) {
            // The router names the methods of a route in its debug form only: each that is described must be there.
            let route = format!("{route:?}");
            for method in ["get", "post", "delete"] {
                let is_served = !route.contains(&format!("{method}: None"));
                assert_eq!(paths[*path].get(method).is_some(), is_served, "{method} {path}");
            }
        }
        for (path, _) in open() {
            for operation in paths.get(path).and_then(Value::as_object).into_iter().flat_map(|it| it.values())
            {
                assert_eq!(operation["security"], serde_json::json!([]), "{path} needs no key");
            }
        }
    }
}
