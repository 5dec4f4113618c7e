//! The span of a request: what logs and traces say of it. Neither its query nor its headers: people put secrets there.

use axum::extract::{MatchedPath, Request};
use axum::http::HeaderValue;
use axum::response::Response;
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry_http::HeaderExtractor;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::Span;
use tracing::field::{Empty, display};
use tracing_opentelemetry::OpenTelemetrySpanExt;

use crate::model::token::Actor;

/// Where a client says of which trace its request is a part, as W3C has it.
const TRACEPARENT: &str = "traceparent";
/// Where the span of a request has its author.
const ACTOR: &str = "actor";

/// The span of a request to this route, as a child of the client's own if it sent one. None at all where nobody listens.
pub(in crate::server) fn request(request: &Request, route: Option<&MatchedPath>, id: &HeaderValue) -> Span {
    let (method, route) = (request.method(), route.map(MatchedPath::as_str));
    let span = tracing::info_span!(
        "request",
        otel.name = %format_args!("{method} {}", route.unwrap_or_default()),
        otel.kind = "server",
        otel.status_code = Empty,
        http.request.method = %method,
        http.route = route,
        http.response.status_code = Empty,
        request_id = id.to_str().ok(),
        actor = Empty,
    );
    if !span.is_disabled() && request.headers().contains_key(TRACEPARENT) {
        let client = TraceContextPropagator::new().extract(&HeaderExtractor(request.headers()));
        // Where no traces are sent, there is nothing to be part of.
        let _sent_or_not = span.set_parent(client);
    }
    span
}

/// Says in the span of this request who sent it.
pub(in crate::server) fn record_actor(actor: &Actor) {
    Span::current().record(ACTOR, display(actor));
}

/// Says in the span of a request how it was answered.
pub(in crate::server) fn record_answer(span: &Span, response: &Response) {
    span.record("http.response.status_code", response.status().as_u16());
    if response.status().is_server_error() {
        span.record("otel.status_code", "ERROR");
    }
}
