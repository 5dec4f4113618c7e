//! Which pages of other sites may ask: none, but those that are named. Never with what a browser sends by itself.

use std::time::Duration;

use axum::http::{HeaderName, HeaderValue, Method, header};
use tower_http::cors::CorsLayer;

use crate::server::admission::rate::{RATE_LIMIT, RATE_LIMIT_POLICY};
use crate::server::connection::config::Origin;
use crate::server::response::request_id::X_REQUEST_ID;

/// How long a browser may go on without asking again what is allowed.
const ASKED_AGAIN_AFTER: Duration = Duration::from_hours(1);
const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");

pub(in crate::server) fn layer(origins: &[Origin]) -> CorsLayer {
    CorsLayer::new()
        .allow_origin(origins.iter().map(|origin| origin.as_header().clone()).collect::<Vec<HeaderValue>>())
        .allow_methods([Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
        .allow_headers([
            header::ACCEPT,
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            header::IF_MATCH,
            header::IF_NONE_MATCH,
            X_REQUEST_ID,
        ])
        .expose_headers([
            header::ALLOW,
            header::CONTENT_DISPOSITION,
            header::ETAG,
            header::LINK,
            header::RETRY_AFTER,
            CACHE_STATUS,
            RATE_LIMIT,
            RATE_LIMIT_POLICY,
            X_REQUEST_ID,
        ])
        .max_age(ASKED_AGAIN_AFTER)
}
