//! What a load balancer asks: whether the process lives, and whether it can serve.

use axum::Json;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::json;

use crate::directory::{Directory, Readiness};
use crate::server::response::problem::Problem;

/// The probes of `directory`.
pub(super) fn routes(directory: Directory) -> Router {
    Router::new().route("/healthz", get(alive)).route("/readyz", get(ready)).with_state(directory)
}

/// The process lives.
async fn alive() -> Response {
    Json(json!({"status": "ok"})).into_response()
}

/// The directory is loaded, the writer is alive and the disk can be written; or which of these is not so. Nobody asks a
/// server whose directory is not loaded: it does not listen yet.
async fn ready(State(directory): State<Directory>) -> Response {
    shown(directory.readiness())
}

fn shown(Readiness { writer, disk }: Readiness) -> Response {
    let detail = match (writer, disk) {
        (true, true) => {
            let body = json!({"status": "ready", "loaded": true, "writer": true, "disk": true});
            return Json(body).into_response();
        }
        (false, _) => "the writer has ended, so nothing can be changed; the log says why; restart the server",
        (true, false) => {
            "the store cannot be written: the log says why and it is tried again every few seconds, or its disk has not \
             answered for long"
        }
    };
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "not-ready", detail)
        .with("loaded", true)
        .with("writer", writer)
        .with("disk", disk)
        .into_response()
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;
    use serde_json::Value;

    use super::*;

    #[tokio::test]
    async fn what_is_in_the_way_is_said() {
        for (writer, disk, status, what) in [
            (true, true, 200, None),
            (true, false, 503, Some("cannot be written")),
            (false, true, 503, Some("the writer has ended")),
            (false, false, 503, Some("the writer has ended")),
        ] {
            let answer = shown(Readiness { writer, disk });
            assert_eq!(answer.status(), status);
            let body: Value =
                serde_json::from_slice(&to_bytes(answer.into_body(), 4096).await.unwrap()).unwrap();
            assert_eq!((&body["writer"], &body["disk"]), (&writer.into(), &disk.into()));
            assert_eq!(
                body["detail"].as_str().map(|detail| detail.contains(what.unwrap())),
                what.map(|_| true)
            );
        }
    }
}
