//! A client that calls the server's router in process, without a network.

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request};
use clade::Directory;
use clade::server::{AppState, Exposure, router};
use http_body_util::BodyExt as _;
use tokio::runtime::Runtime;
use tower::ServiceExt as _;

/// A router over one directory.
pub(crate) struct Target {
    router: Router,
    runtime: Runtime,
    /// The lineage of its store, as versions of records end with it.
    lineage: String,
}

/// A request.
#[derive(Debug, Clone)]
pub(crate) struct Question {
    pub(crate) method: &'static str,
    pub(crate) path: String,
    pub(crate) content_type: Option<&'static str>,
    pub(crate) body: String,
}

/// A response, without the parts that differ between responses to equal requests.
#[derive(PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: String,
}

/// `Debug` of a response appears in failure messages.
impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {:?}\n{}\n", self.status, self.headers, self.body)
    }
}

impl Answer {
    /// Whether the request succeeded.
    pub(crate) fn is_plain(&self) -> bool {
        self.status == 200 && !self.body.starts_with("{\"errors\"")
    }
}

impl Target {
    pub(crate) fn to(directory: &Directory) -> Self {
        let unlimited = Exposure { requests_per_second: 0, ..Exposure::default() };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let lineage = format!(".{}", directory.view().lineage());
        Self { router: router(AppState::new(directory.clone()), &unlimited), runtime, lineage }
    }

    pub(crate) fn ask(&self, secret: &str, question: &Question) -> Answer {
        let mut request = Request::builder()
            .method(question.method)
            .uri(&question.path)
            .header("authorization", format!("Bearer {secret}"));
        if let Some(content_type) = question.content_type {
            request = request.header("content-type", content_type);
        }
        let request = request.body(Body::from(question.body.clone())).unwrap();
        self.runtime.block_on(async {
            let response = self.router.clone().oneshot(request).await.unwrap();
            let (head, body) = response.into_parts();
            let body = body.collect().await.unwrap().to_bytes();
            let body = String::from_utf8_lossy(&body).replace(&self.lineage, "");
            let headers = lasting(&head.headers, &self.lineage);
            Answer { status: head.status.as_u16(), headers, body }
        })
    }
}

/// The headers that an answer is judged by. Whether the same was asked before, by whoever sees the same, is in
/// `Cache-Status`. A tag names the revision, the scope, the opening of the directory and the
/// record's revision and lineage: all but the two revisions differ between any two servers.
fn lasting(headers: &HeaderMap, lineage: &str) -> Vec<(String, String)> {
    let passing =
        |name: &str| ["x-request-id", "cache-status"].contains(&name) || name.starts_with("ratelimit");
    let mut lasting: Vec<_> = headers
        .iter()
        .filter(|(name, _)| !passing(name.as_str()))
        .map(|(name, value)| {
            let value = value.to_str().unwrap();
            let parts: Vec<_> = value.split('-').collect();
            let value = match (name.as_str(), &*parts) {
                ("etag", [revision, _scope, _opening, record @ ..]) => {
                    format!("{revision}-{}", record.join("-").replace(lineage, ""))
                }
                _ => value.to_owned(),
            };
            (name.as_str().to_owned(), value)
        })
        .collect();
    lasting.sort();
    lasting
}
