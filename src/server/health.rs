//! What a load balancer asks: whether the process lives, and whether it can serve.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::server::problem::Problem;
use crate::server::state::AppState;

/// The process lives.
pub(super) async fn alive() -> Response {
    Json(json!({"status": "ok"})).into_response()
}

/// The writer is alive and the last commit reached the disk.
pub(super) async fn ready(State(state): State<AppState>) -> Response {
    if state.directory().is_ready() {
        Json(json!({"status": "ready"})).into_response()
    } else {
        Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "not-ready",
            "the store cannot be written; the log says why",
        )
        .into_response()
    }
}
