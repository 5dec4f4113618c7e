//! The gate before everything that needs a token: 401 comes before 404, 405, 415 and 400.
//!
//! Who may not ask learns nothing, not even which paths exist.

use axum::extract::Request;
use axum::http::{HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::server::state::AppState;

/// Authenticates once and keeps the caller, with the one view of the request, for the extractors.
pub(super) async fn guarded(state: &AppState, mut request: Request, next: Next) -> Response {
    if !needs_token(request.method(), request.uri().path()) {
        return next.run(request).await;
    }
    state.fetch_keys(request.headers()).await;
    let mut response = match state.caller(request.headers()) {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(problem) => problem.into_response(),
    };
    let headers = response.headers_mut();
    headers.entry(header::CACHE_CONTROL).or_insert_with(|| HeaderValue::from_static("private, no-cache"));
    if !headers.contains_key(header::VARY) {
        headers.insert(header::VARY, HeaderValue::from_static("Authorization, Accept"));
    }
    response
}

/// Everything beneath `/api` and `/graphql` but the query page, and the socket, which brings its token later.
fn needs_token(method: &Method, path: &str) -> bool {
    let beneath =
        |root: &str| path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    let reads = method == Method::GET || method == Method::HEAD;
    match path {
        "/graphql" | "/graphql/ws" if reads => false,
        _ => beneath("/api") || beneath("/graphql"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pages_probes_and_sockets_are_open() {
        for (method, path, needed) in [
            (Method::GET, "/", false),
            (Method::GET, "/healthz", false),
            (Method::GET, "/docs/", false),
            (Method::GET, "/apiary", false),
            (Method::GET, "/graphql", false),
            (Method::POST, "/graphql", true),
            (Method::DELETE, "/graphql", true),
            (Method::GET, "/graphql/ws", false),
            (Method::GET, "/graphql/nothing", true),
            (Method::GET, "/api", true),
            (Method::GET, "/api/v2/data/people", true),
            (Method::GET, "/api/v3/nothing", true),
        ] {
            assert_eq!(needs_token(&method, path), needed, "{method} {path}");
        }
    }
}
