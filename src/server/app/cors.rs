//! Cross-origin resource sharing (CORS): which web pages of other origins may call this server.
//!
//! Invariant: only configured origins are allowed, and credentials (cookies, client certificates) never are.

use std::time::Duration;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::Response;
use tower::{Layer, ServiceExt};
use tower_http::cors::CorsLayer;

use crate::server::admission::rate::{RATE_LIMIT, RATE_LIMIT_POLICY};
use crate::server::connection::config::Origin;
use crate::server::response::request_id::X_REQUEST_ID;

/// How long a browser may cache the result of a preflight request.
// Chromium caps this at two hours and Firefox at a day; an hour lets a changed list of origins take effect soon.
const PREFLIGHT_MAX_AGE: Duration = Duration::from_hours(1);
/// The trace context of a page that measures its requests.
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");
const CLADE_MADE: HeaderName = HeaderName::from_static("clade-made");

/// Answers a preflight request, or adds the headers for the page's origin to the response.
// The CORS layer takes every OPTIONS for a preflight request, also one that no browser has sent, or to a path that does
// not exist.
pub(in crate::server) async fn respond(
    State(layer): State<CorsLayer>,
    request: Request,
    next: Next,
) -> Response {
    let is_preflight = request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
        && request.headers().contains_key(header::ORIGIN)
        && request.extensions().get::<MatchedPath>().is_some();
    if request.method() == Method::OPTIONS && !is_preflight {
        return next.run(request).await;
    }
    let Ok(response) = layer.layer(next).oneshot(request).await;
    response
}

pub(in crate::server) fn layer(origins: &[Origin]) -> CorsLayer {
    // No `allow_credentials`: callers authenticate with a header that a script sets itself. Ambient credentials would
    // let an allowed page act for whoever has it open.
    CorsLayer::new()
        .allow_origin(origins.iter().map(|origin| origin.as_header().clone()).collect::<Vec<HeaderValue>>())
        .allow_methods([Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
        .allow_headers([
            header::ACCEPT,
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            header::IF_MATCH,
            header::IF_NONE_MATCH,
            TRACEPARENT,
            X_REQUEST_ID,
        ])
        // Scripts can read only a few response headers unless they are listed here. Without `ETag` and `Link` a page
        // could make no conditional request and follow no cursor.
        .expose_headers([
            header::ALLOW,
            header::CONTENT_DISPOSITION,
            header::ETAG,
            header::LINK,
            header::RETRY_AFTER,
            CACHE_STATUS,
            CLADE_MADE,
            RATE_LIMIT,
            RATE_LIMIT_POLICY,
            X_REQUEST_ID,
        ])
        .max_age(PREFLIGHT_MAX_AGE)
}
