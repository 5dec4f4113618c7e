//! Health probes for load balancers and orchestrators: `/healthz` (liveness) and `/readyz` (readiness).

use axum::Json;
use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::middleware::map_response;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::json;

use crate::directory::{Directory, Readiness};
use crate::server::response::problem::Problem;

/// The routes of both probes. They need no token.
pub(super) fn routes(directory: Directory) -> Router {
    let routes = Router::new().route("/healthz", get(alive)).route("/readyz", get(ready));
    // Without the header, a cache between may answer for a while by itself.
    routes.layer(map_response(not_stored)).with_state(directory)
}

async fn not_stored(response: Response) -> Response {
    ([(header::CACHE_CONTROL, "no-store")], response).into_response()
}

/// Liveness: always 200 while the process can respond.
// It checks nothing else on purpose: orchestrators restart a process that is not live, and a restart does not free a
// full disk.
async fn alive() -> Response {
    Json(json!({"status": "ok"})).into_response()
}

/// Readiness: 200 when the directory is loaded, the writer is alive and the disk can be written; otherwise 503 with the
/// state of each.
async fn ready(State(directory): State<Directory>) -> Response {
    readiness_response(directory.readiness())
}

// `loaded` is always true here: the server does not listen before its directory is loaded. It stays in the body for
// monitors that read all three.
fn readiness_response(Readiness { writer, disk }: Readiness) -> Response {
    let detail = match (writer, disk) {
        (true, true) => {
            let body = json!({"status": "ready", "loaded": true, "writer": true, "disk": true});
            return Json(body).into_response();
        }
        // A dead writer comes first: only a restart helps against it, while a disk may recover.
        (false, _) => {
            "the writer has stopped, so no change can be made; see the server log for the reason, then restart the server"
        }
        (true, false) => {
            "the store cannot be written, or its disk does not respond; see the server log for the reason; writing is \
             retried every few seconds"
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
    async fn readiness_reports_writer_and_disk() {
        for (writer, disk, status, what) in [
            (true, true, 200, None),
            (true, false, 503, Some("cannot be written")),
            (false, true, 503, Some("the writer has stopped")),
            (false, false, 503, Some("the writer has stopped")),
        ] {
            let response = readiness_response(Readiness { writer, disk });
            assert_eq!(response.status(), status);
            let body: Value =
                serde_json::from_slice(&to_bytes(response.into_body(), 4096).await.unwrap()).unwrap();
            assert_eq!((&body["writer"], &body["disk"]), (&writer.into(), &disk.into()));
            assert_eq!(
                body["detail"].as_str().map(|detail| detail.contains(what.unwrap())),
                what.map(|_| true)
            );
        }
    }
}
