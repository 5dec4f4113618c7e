//! Pages for browsers and tools: the landing page, `/openapi.json`, `/schema.graphql` and Swagger UI at `/docs/`.
//!
//! Invariant: no page loads anything from another host, and each has a strict content security policy.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::{LazyLock, Mutex, PoisonError};

use axum::Router;
use axum::extract::RawPathParams;
use axum::extract::rejection::RawPathParamsRejection;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use utoipa::openapi::OpenApi;

use crate::server::app::swagger_ui;
use crate::server::graphql::schema_sdl;
use crate::server::response::compress::{NoCompression, Sent, accepts_gzip};
use crate::server::response::problem::Problem;
use crate::server::rest::openapi;

const LANDING: &str = include_str!("pages/landing.html");
/// The content security policy of Swagger UI, which has its scripts and style sheets as files and its icons as data
/// URLs.
// The hash allows the one inline style attribute of its page, which hides the icon sprite. It has to be computed anew
// when an update of Swagger UI changes that attribute.
const DOCS_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    style-src-attr 'unsafe-hashes' 'sha256-RL3ie0nH+Lzz2YNqQN83mnU0J1ot4QL7b99vMdIX99w='; img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'";

static DOCUMENT: LazyLock<OpenApi> = LazyLock::new(openapi);

/// The routes of all pages.
pub(super) fn routes() -> Router {
    Router::new()
        .route("/", get(landing))
        .route("/openapi.json", get(document))
        .route("/schema.graphql", get(schema))
        // The page links to its scripts relatively, so its address has to end in a slash.
        .route("/docs", get(async || Redirect::permanent("/docs/")))
        .route("/docs/", get(async |headers: HeaderMap| docs("index.html", &headers)))
        .route("/docs/{file}", get(docs_file))
}

/// A static page, plain and compressed with gzip. Both are made once, so that a request costs only the sending.
#[derive(Clone)]
struct StaticPage {
    plain: Sent,
    gzipped: Sent,
}

impl StaticPage {
    fn new(text: Vec<u8>) -> Self {
        Self { gzipped: Sent::gzip_always(text.clone()), plain: Sent::plain(text) }
    }

    fn respond(&self, headers: &HeaderMap) -> Response {
        let sent = if accepts_gzip(headers) { &self.gzipped } else { &self.plain };
        let mut response = sent.clone().into_response();
        // Also on the plain form: otherwise the compression layer would compress it anew for every request.
        response.extensions_mut().insert(NoCompression);
        response.headers_mut().insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
        response
    }
}

async fn document(headers: HeaderMap) -> Response {
    static PAGE: LazyLock<StaticPage> =
        LazyLock::new(|| StaticPage::new(serde_json::to_vec(&*DOCUMENT).expect("the document is JSON")));
    let mut response = PAGE.respond(&headers);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

async fn schema(headers: HeaderMap) -> Response {
    static PAGE: LazyLock<StaticPage> = LazyLock::new(|| StaticPage::new(schema_sdl().into()));
    let mut response = PAGE.respond(&headers);
    let content_type = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, content_type);
    response
}

async fn landing() -> Response {
    // A nonce per response rather than a hash: the page's style sheet can be edited without computing anything.
    let nonce = STANDARD.encode(rand::random::<[u8; 16]>());
    let policy = format!(
        "default-src 'none'; style-src 'nonce-{nonce}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    let page = LANDING.replace("{nonce}", &nonce).replace("{version}", env!("CARGO_PKG_VERSION"));
    with_policy(&policy, "text/html; charset=utf-8", page)
}

async fn docs_file(path: Result<RawPathParams, RawPathParamsRejection>, headers: HeaderMap) -> Response {
    match path {
        Ok(path) => docs(path.iter().next().map(|(_, file)| file).unwrap_or_default(), &headers),
        // No file name of Swagger UI is invalid UTF-8, so this is a 404 like any other unknown name.
        Err(_) => no_such_page(),
    }
}

fn docs(file: &str, headers: &HeaderMap) -> Response {
    /// The files of Swagger UI that were requested so far, with their media types.
    // Only files that exist are added, so that invented names cannot make it grow.
    static PAGES: Mutex<BTreeMap<String, (&str, StaticPage)>> = Mutex::new(BTreeMap::new());
    let mut pages = PAGES.lock().unwrap_or_else(PoisonError::into_inner);
    let (content_type, page) = match pages.entry(file.to_owned()) {
        Entry::Occupied(known) => known.into_mut(),
        // The first request for a file compresses it with the lock locked. The files are few and of fixed size, so other
        // requests wait for milliseconds, once.
        Entry::Vacant(new) => match swagger_ui::file(file) {
            Some((content_type, content)) => new.insert((content_type, StaticPage::new(content))),
            None => return no_such_page(),
        },
    };
    let (content_type, response) = (*content_type, page.respond(headers));
    drop(pages);
    with_policy(DOCS_POLICY, content_type, response)
}

fn no_such_page() -> Response {
    let detail = "no such page; the documentation is at /docs/";
    Problem::new(StatusCode::NOT_FOUND, "not-found", detail).into_response()
}

fn with_policy(policy: &str, content_type: &str, body: impl IntoResponse) -> Response {
    let mut response = body.into_response();
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::CONTENT_TYPE, content_type),
        (header::REFERRER_POLICY, "no-referrer"),
        // Revalidate each time: a new version of the server brings other files under the same names.
        (header::CACHE_CONTROL, "no-cache"),
    ] {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    }
    response
}
