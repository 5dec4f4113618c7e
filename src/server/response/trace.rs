//! The tracing span of a request (OpenTelemetry): method, route, status, request id and actor.
//!
//! Invariant: no span contains a query string or a header: people put tokens and other secrets there.

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

/// The request header with the client's trace context (W3C Trace Context).
const TRACEPARENT: &str = "traceparent";
/// The span field for the authenticated caller.
const ACTOR: &str = "actor";

/// The span of a request to this route, as a child of the client's span if it sent one. It is disabled when neither a
/// log nor a trace exporter is interested in it.
pub(in crate::server) fn request(
    request: &Request,
    scheme: &'static str,
    route: Option<&MatchedPath>,
    id: &HeaderValue,
) -> Span {
    let (method, route) = (request.method(), route.map(MatchedPath::as_str));
    // `Empty` fields are recorded later; a field that is not declared here could never be recorded.
    let span = tracing::info_span!(
        "request",
        otel.name = %format_args!("{method} {}", route.unwrap_or_default()),
        otel.kind = "server",
        otel.status_code = Empty,
        http.request.method = %method,
        http.route = route,
        url.scheme = scheme,
        http.response.status_code = Empty,
        request_id = id.to_str().ok(),
        actor = Empty,
    );
    if !span.is_disabled() && request.headers().contains_key(TRACEPARENT) {
        // Parsed only if the header is there and the span is recorded: extraction allocates.
        let client = TraceContextPropagator::new().extract(&HeaderExtractor(request.headers()));
        // Fails if no trace exporter is configured; then there is no trace to join.
        let _set_or_no_exporter = span.set_parent(client);
    }
    span
}

/// Records the authenticated caller in the current request's span.
pub(in crate::server) fn record_actor(actor: &Actor) {
    Span::current().record(ACTOR, display(actor));
}

/// Records the status of the response in a request's span.
pub(in crate::server) fn record_response(span: &Span, response: &Response) {
    // Signed: the exporter writes unsigned numbers as texts.
    span.record("http.response.status_code", i64::from(response.status().as_u16()));
    // OpenTelemetry's HTTP conventions: for a server span a 4xx is the client's fault, not an error.
    if response.status().is_server_error() {
        span.record("otel.status_code", "ERROR");
    }
}
