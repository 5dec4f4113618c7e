//! What a load balancer asks: whether the process lives, and whether it can serve.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::directory::Readiness;
use crate::server::problem::Problem;
use crate::server::state::AppState;

/// The process lives.
pub(super) async fn alive() -> Response {
    Json(json!({"status": "ok"})).into_response()
}

/// The directory is loaded, the writer is alive and the disk can be written; or which of these is not so. Nobody asks a
/// server whose directory is not loaded: it does not listen yet.
pub(super) async fn ready(State(state): State<AppState>) -> Response {
    let Readiness { writer, disk } = state.directory().readiness();
    let detail = match (writer, disk) {
        (true, true) => {
            let body = json!({"status": "ready", "loaded": true, "writer": true, "disk": true});
            return Json(body).into_response();
        }
        (false, _) => "the writer has ended, so nothing can be changed; the log says why; restart the server",
        (true, false) => "the store cannot be written; the log says why; it is tried again every few seconds",
    };
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "not-ready", detail)
        .with("loaded", true)
        .with("writer", writer)
        .with("disk", disk)
        .into_response()
}
